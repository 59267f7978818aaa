import { PAGE_ROWS, type TensorSpec } from "@polywen/tensor";
import type { DecoderStep } from "../models/decoder/decoder-step.ts";
import { crossKeyNames, type CrossAttention } from "./cross-attention.ts";
import type { CrossInputs } from "./cross-inputs.ts";
import { crossWeights, gateFactorName, type CrossWeight, type CrossWeights } from "./cross-weights.ts";

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
    const { attention: attending, mlp } = crossWeights(cross, index, step.config.hiddenSize);
    const attended = layer.attention ? addBranch(step, input, inputs, attending.gate, (rows) => attention(step, rows, attending, { cross, inputs, index })) : input;
    return layer.mlp && mlp !== undefined ? addBranch(step, attended, inputs, mlp.gate, (rows) => gatedMlp(step, rows, mlp)) : attended;
  }, hidden);
}

/** Adds what a branch makes of the rows that see a medium, times its gate. The others get zeros: no product that could be 0 · infinity. */
function addBranch({ builder }: DecoderStep, hidden: TensorSpec, { rows, places }: CrossInputs, gate: CrossWeight, branch: (rows: TensorSpec) => TensorSpec): TensorSpec {
  const result = branch(builder.gather(hidden, rows));
  const scaled = builder.scale(result, builder.weight(gateFactorName(gate), [hidden.shape[1] as number]));
  return builder.add(hidden, builder.gather(scaled, places));
}

interface Block {
  readonly cross: CrossAttention;
  readonly inputs: CrossInputs;
  readonly index: number;
}

/** Queries are normed head by head and not turned: a medium has no position among the rows. */
function attention(step: DecoderStep, rows: TensorSpec, weights: CrossWeights["attention"], { cross, inputs, index }: Block): TensorSpec {
  const { builder, limits } = step;
  const { modality, heads, keyHeads, headWidth, pages } = cross;
  const names = crossKeyNames(modality, index);
  const query = builder.reshape(linear(step, norm(step, rows, weights.norm), weights.query), [rows.shape[0]!, heads, headWidth]);
  const shape = [pages * PAGE_ROWS, keyHeads, headWidth];
  const attended = builder.attention({
    query: norm(step, query, weights.queryNorm),
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
  return linear(step, builder.reshape(attended, [rows.shape[0]!, heads * headWidth]), weights.output);
}

function gatedMlp(step: DecoderStep, rows: TensorSpec, weights: NonNullable<CrossWeights["mlp"]>): TensorSpec {
  const input = norm(step, rows, weights.norm);
  return linear(step, step.builder.swiglu(linear(step, input, weights.gateProjection), linear(step, input, weights.up)), weights.down);
}

function linear({ builder }: DecoderStep, input: TensorSpec, { name, shape }: CrossWeight): TensorSpec {
  return builder.linear(input, builder.weight(name, shape));
}

function norm({ builder, config }: DecoderStep, input: TensorSpec, { name, shape }: CrossWeight): TensorSpec {
  return builder.rmsNorm(input, builder.weight(name, shape), config.epsilon);
}
