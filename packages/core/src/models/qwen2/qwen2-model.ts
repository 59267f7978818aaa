import { kvNames } from "@polywen/kv-cache";
import { PAGE_ROWS, ProgramBuilder, type Program, type TensorSpec } from "@polywen/tensor";
import type { WeightNaming } from "../../loading/collect-weights.ts";
import { inverseFrequencies, rotaryAxes, rotaryScale, scaledContextLength } from "../../rope/inverse-frequencies.ts";
import { appendHead, declareStepInputs, type StepInputs } from "../../step-inputs.ts";
import type { StepLimits, TextModel } from "../../text-model.ts";
import type { Qwen2Config } from "./qwen2-config.ts";

/**
 * The Qwen2 and Qwen2.5 decoder, also the text part of Qwen2-VL, Qwen2-Audio and the Qwen2.5-Omni thinker.
 * Weights carry the names of `Qwen2ForCausalLM`; `prefixes` are put before them until one is found.
 */
export function createQwen2Model(config: Qwen2Config, prefixes: readonly string[] = [""]): TextModel {
  return {
    vocabularySize: config.vocabularySize,
    hiddenSize: config.hiddenSize,
    contextLength: scaledContextLength(config.rope, config.contextLength),
    positionAxes: config.rope.sections?.length ?? 1,
    window: config.windows.find((window) => window !== undefined),
    frequencies: config.headWidth / 2,
    eosTokenIds: config.eosTokenIds,
    kv: { layers: config.layers, heads: config.keyHeads, width: config.headWidth },
    frequenciesAt: (length) => inverseFrequencies(config.rope, config.headWidth, length, config.contextLength),
    buildStep(limits) {
      return buildStep(config, this, limits);
    },
    weightNaming: qwen2Naming(prefixes),
  };
}

/** A step from the ids to the sampled token, top to bottom. */
function buildStep(config: Qwen2Config, model: TextModel, limits: StepLimits): Program {
  const builder = new ProgramBuilder("qwen2");
  const inputs = declareStepInputs(builder, model, limits);
  const table = builder.weight("model.embed_tokens.weight", [config.vocabularySize, config.hiddenSize]);
  let hidden = builder.embedding({ ids: inputs.ids, table, media: inputs.media });
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    const normed = norm(builder, config, hidden, `${prefix}.input_layernorm`);
    hidden = builder.add(hidden, attention(builder, config, normed, layer, inputs, limits));
    const normedAgain = norm(builder, config, hidden, `${prefix}.post_attention_layernorm`);
    hidden = builder.add(hidden, mlp(builder, config, normedAgain, `${prefix}.mlp`));
  }
  const last = norm(builder, config, builder.gather(hidden, inputs.outputRows), "model.norm");
  const head = config.tiedHead ? table : builder.weight("lm_head.weight", [config.vocabularySize, config.hiddenSize]);
  appendHead(builder, last, head, inputs, limits);
  return builder.build();
}

function norm(builder: ProgramBuilder, config: Qwen2Config, input: TensorSpec, name: string): TensorSpec {
  return builder.rmsNorm(input, builder.weight(`${name}.weight`, [config.hiddenSize]), config.epsilon);
}

/** Grouped-query attention over the cache: rows write their keys first and then read them like everybody else. */
function attention(builder: ProgramBuilder, config: Qwen2Config, input: TensorSpec, layer: number, inputs: StepInputs, limits: StepLimits): TensorSpec {
  const prefix = `model.layers.${layer}.self_attn`;
  const project = (name: string, heads: number): TensorSpec => {
    const width = heads * config.headWidth;
    const weight = builder.weight(`${prefix}.${name}.weight`, [width, config.hiddenSize]);
    const flat = builder.linear(input, weight, builder.weight(`${prefix}.${name}.bias`, [width]));
    return builder.reshape(flat, [flat.shape[0]!, heads, config.headWidth]);
  };
  const rotate = (heads: TensorSpec): TensorSpec =>
    builder.rotary({
      input: heads,
      positions: inputs.positions,
      frequencies: inputs.frequencies,
      set: inputs.sequence,
      axes: rotaryAxes(config.rope, config.headWidth),
      scale: rotaryScale(config.rope),
    });
  const names = kvNames(layer);
  const shape = [limits.pages * PAGE_ROWS, config.keyHeads, config.headWidth];
  const keys = builder.resource(names.keys, limits.kvDType, shape);
  const values = builder.resource(names.values, limits.kvDType, shape);
  const query = rotate(project("q_proj", config.heads));
  builder.store(rotate(project("k_proj", config.keyHeads)), keys, inputs.slots);
  builder.store(project("v_proj", config.keyHeads), values, inputs.slots);
  const { sequence, pageSpans, pages } = inputs;
  const attended = builder.attention({
    query,
    source: { kind: "paged", keys, values, sequence, pageSpans, pages },
    spans: config.windows[layer] === undefined ? inputs.spans : inputs.windowSpans!,
    scale: config.headWidth ** -0.5,
  });
  const width = config.heads * config.headWidth;
  return builder.linear(builder.reshape(attended, [attended.shape[0]!, width]), builder.weight(`${prefix}.o_proj.weight`, [config.hiddenSize, width]));
}

function mlp(builder: ProgramBuilder, config: Qwen2Config, input: TensorSpec, prefix: string): TensorSpec {
  const up = (name: string): TensorSpec => builder.linear(input, builder.weight(`${prefix}.${name}.weight`, [config.intermediateSize, config.hiddenSize]));
  const product = builder.swiglu(up("gate_proj"), up("up_proj"));
  return builder.linear(product, builder.weight(`${prefix}.down_proj.weight`, [config.hiddenSize, config.intermediateSize]));
}

/** Checkpoints of bare `Qwen2Model`s have no `model.` before the names. */
function qwen2Naming(prefixes: readonly string[]): WeightNaming {
  return (name) => ({ names: prefixes.flatMap((prefix) => [`${prefix}${name}`, `${prefix}${name.replace(/^model\./, "")}`]) });
}
