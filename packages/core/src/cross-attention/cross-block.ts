import { PAGE_ROWS, type TensorSpec } from "@polywen/tensor";
import { gatedMlp, linear, norm, type DecoderStep } from "../models/decoder/decoder-step.ts";
import { crossGateNames, crossKeyNames, crossWeightPrefix, type CrossAttention } from "./cross-attention.ts";
import type { CrossInputs } from "./cross-inputs.ts";

/**
 * Appends the blocks that stand before layer `index`, one modality after the other:
 * `x += tanh(a) · attention(norm(x), media)`, then `x += tanh(b) · mlp(norm(x))` (Alayrac et al., 2022; norms, key heads
 * and gated MLP as in Llama 3.2 Vision). Only rows that see a medium are computed: to the others exactly nothing is added,
 * and a step without such rows has nothing to do.
 */
export function appendCrossBlocks(step: DecoderStep, hidden: TensorSpec, index: number): TensorSpec {
  return step.limits.cross.reduce((input, cross) => {
    const layer = cross.layers.find((candidate) => candidate.index === index);
    if (layer === undefined) return input;
    const inputs = step.inputs.cross.get(cross.modality)!;
    const gates = crossGateNames(cross.modality, index);
    const prefix = crossWeightPrefix(cross.modality, index);
    const attended = layer.attention
      ? addBranch(step, input, inputs, gates.attention, (rows) => attention(step, norm(step, rows, `${prefix}.input_layernorm`), { cross, inputs, index }))
      : input;
    if (!layer.mlp) return attended;
    return addBranch(step, attended, inputs, gates.mlp, (rows) => gatedMlp(step, norm(step, rows, `${prefix}.post_attention_layernorm`), `${prefix}.mlp`, cross.intermediateSize));
  }, hidden);
}

/** Adds what a branch makes of the rows that see a medium, times its gate. The others get zeros: no product that could be 0 · infinity. */
function addBranch({ builder }: DecoderStep, hidden: TensorSpec, { rows, places }: CrossInputs, gate: string, branch: (rows: TensorSpec) => TensorSpec): TensorSpec {
  const result = branch(builder.gather(hidden, rows));
  const scaled = builder.scale(result, builder.weight(gate, [hidden.shape[1] as number]));
  return builder.add(hidden, builder.gather(scaled, places));
}

interface Block {
  readonly cross: CrossAttention;
  readonly inputs: CrossInputs;
  readonly index: number;
}

/** Queries are normed head by head and not turned: a medium has no position among the rows. */
function attention(step: DecoderStep, input: TensorSpec, { cross, inputs, index }: Block): TensorSpec {
  const { builder, limits, config } = step;
  const { modality, heads, keyHeads, headWidth, pages } = cross;
  const prefix = `${crossWeightPrefix(modality, index)}.cross_attn`;
  const names = crossKeyNames(modality, index);
  const query = builder.reshape(linear(step, input, `${prefix}.q_proj`, heads * headWidth), [input.shape[0]!, heads, headWidth]);
  const shape = [pages * PAGE_ROWS, keyHeads, headWidth];
  const attended = builder.attention({
    query: norm(step, query, `${prefix}.q_norm`),
    source: {
      kind: "paged",
      keys: builder.resource(names.keys, limits.kvDType, shape),
      values: builder.resource(names.values, limits.kvDType, shape),
      sequence: inputs.sequence,
      pageSpans: inputs.pageSpans,
      pages: inputs.pages,
    },
    spans: inputs.spans,
    scale: headWidth ** -0.5,
  });
  return linear(step, builder.reshape(attended, [input.shape[0]!, heads * headWidth]), `${prefix}.o_proj`, config.hiddenSize);
}
