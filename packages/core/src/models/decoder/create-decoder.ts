import { ProgramBuilder, type Program, type TensorSpec } from "@polywen/tensor";
import { appendCrossBlocks } from "../../cross-attention/cross-block.ts";
import type { WeightNaming } from "../../loading/collect-weights.ts";
import { inverseFrequencies, scaledContextLength } from "../../rope/inverse-frequencies.ts";
import { appendHead, declareStepInputs } from "../../step-inputs.ts";
import type { TextModel } from "../../text-model.ts";
import type { DecoderConfig } from "./decoder-config.ts";
import { norm, type DecoderStep } from "./decoder-step.ts";

/** What a family adds to the frame that all decoders share. */
export interface DecoderFamily {
  /** Name of its programs. */
  readonly name: string;
  /** What layer `index` makes of the residual stream: [rows, hidden size]. */
  readonly layer: (step: DecoderStep, hidden: TensorSpec, index: number) => TensorSpec;
  /** What may stand before all names of weights; the first that is found wins. */
  readonly prefixes?: readonly string[] | undefined;
  /** See `TextModel.mediaLevels`. Default 1. */
  readonly mediaLevels?: number | undefined;
}

/** A text model whose layers are the family's and whose ends are those of every decoder: embedding, last norm, head. */
export function createDecoder(config: DecoderConfig, { name, layer, prefixes = [""], mediaLevels = 1 }: DecoderFamily): TextModel {
  return {
    vocabularySize: config.vocabularySize,
    hiddenSize: config.hiddenSize,
    contextLength: scaledContextLength(config.rope, config.contextLength),
    positionAxes: config.rope.sections?.length ?? 1,
    mediaLevels,
    window: config.windows.find((window) => window !== undefined),
    frequencies: config.headWidth / 2,
    eosTokenIds: config.eosTokenIds,
    kv: { layers: config.layers, heads: config.keyHeads, width: config.headWidth },
    heads: config.heads,
    intermediateSize: config.intermediateSize,
    epsilon: config.epsilon,
    frequenciesAt: (length) => inverseFrequencies(config.rope, config.headWidth, length, config.contextLength),
    buildStep(limits) {
      const builder = new ProgramBuilder(name);
      return buildStep({ builder, config, inputs: declareStepInputs(builder, this, limits), limits }, layer);
    },
    weightNaming: decoderNaming(prefixes),
  };
}

/** A step from the ids to the sampled token. */
function buildStep(step: DecoderStep, layer: DecoderFamily["layer"]): Program {
  const { builder, config, inputs, limits } = step;
  const table = builder.weight("model.embed_tokens.weight", [config.vocabularySize, config.hiddenSize]);
  let hidden = builder.embedding({ ids: inputs.ids, table, media: inputs.media });
  for (let index = 0; index < config.layers; index++) hidden = addMedia(step, layer(step, appendCrossBlocks(step, hidden, index), index), index);
  const last = norm(step, builder.gather(hidden, inputs.outputRows), "model.norm");
  const head = config.tiedHead ? table : builder.weight("lm_head.weight", [config.vocabularySize, config.hiddenSize]);
  appendHead(builder, last, head, inputs, limits);
  return builder.build();
}

/** Deepstack (Meng et al., 2024): rows of media get what earlier layers of their encoder made of them, other rows nothing. */
function addMedia({ builder, inputs: { media } }: DecoderStep, hidden: TensorSpec, layer: number): TensorSpec {
  const deeper = media?.deeper[layer];
  if (media === undefined || deeper === undefined) return hidden;
  return builder.add(hidden, builder.gather(deeper, builder.reshape(media.index, [media.index.shape[0]!, 1])));
}

/** Checkpoints of bare models, without a head, have no `model.` before the names. */
function decoderNaming(prefixes: readonly string[]): WeightNaming {
  return (name) => ({ names: prefixes.flatMap((prefix) => [`${prefix}${name}`, `${prefix}${name.replace(/^model\./, "")}`]) });
}
