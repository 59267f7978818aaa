import { frequenciesOf, type WeightNaming } from "@polywen/core";
import { weightFromFloats, type ProgramBuilder, type TensorSpec, type WeightData } from "@polywen/tensor";
import type { VisionConfig } from "./vision-config.ts";

/** Epsilon of all norms of all towers. */
export const EPSILON = 1e-6;

const FREQUENCIES = "visual.rotary.frequencies";

/** `NAME.weight` of shape [out, input width] and `NAME.bias`. */
export function dense(builder: ProgramBuilder, input: TensorSpec, name: string, out: number): TensorSpec {
  return builder.linear(input, builder.weight(`${name}.weight`, [out, input.shape[1] as number]), builder.weight(`${name}.bias`, [out]));
}

/** RMS norm by `NAME.weight`. */
export function rmsNorm(builder: ProgramBuilder, input: TensorSpec, name: string): TensorSpec {
  return builder.rmsNorm(input, builder.weight(`${name}.weight`, [input.shape[1] as number]), EPSILON);
}

/** Layer norm by `NAME.weight` and `NAME.bias`. */
export function layerNorm(builder: ProgramBuilder, input: TensorSpec, name: string): TensorSpec {
  const width = input.shape[1] as number;
  return builder.layerNorm(input, builder.weight(`${name}.weight`, [width]), builder.weight(`${name}.bias`, [width]), EPSILON);
}

/** The patches, as rows of pixels, and what the tower sees of where they are. */
export interface PatchInputs {
  /** f32 [patches, channels × frames × side²] */
  readonly pixelValues: TensorSpec;
  /** i32 [patches, 2]: row and column in the frame */
  readonly positions: TensorSpec;
  /** i32 [patches, 2]: the patches of the frame */
  readonly frameSpans: TensorSpec;
}

/** Declares the inputs that every tower has. */
export function declarePatches(builder: ProgramBuilder, { channels, temporalPatchSize, patchSize }: VisionConfig, capacity: number): PatchInputs {
  const patches = builder.dimension("patches", capacity);
  return {
    pixelValues: builder.input("pixelValues", "f32", [patches, channels * temporalPatchSize * patchSize ** 2]),
    positions: builder.input("positions", "i32", [patches, 2]),
    frameSpans: builder.input("frameSpans", "i32", [patches, 2]),
  };
}

/** Attention inside spans, with 2-D rotary positions: half of the frequencies follow the row, half the column. */
export function patchAttention(
  builder: ProgramBuilder,
  { heads, width }: VisionConfig,
  input: TensorSpec,
  prefix: string,
  { positions, spans }: { readonly positions: TensorSpec; readonly spans: TensorSpec },
): TensorSpec {
  const headWidth = width / heads;
  const frequencies = builder.weight(FREQUENCIES, [headWidth / 2]);
  const axes = Array.from({ length: headWidth / 2 }, (_, index) => (index < headWidth / 4 ? 0 : 1));
  const project = (name: string): TensorSpec => builder.reshape(dense(builder, input, `${prefix}.${name}`, width), [input.shape[0]!, heads, headWidth]);
  const rotate = (tensor: TensorSpec): TensorSpec => builder.rotary({ input: tensor, positions, frequencies, axes });
  const attended = builder.attention({
    query: rotate(project("q")),
    source: { kind: "packed", keys: rotate(project("k")), values: project("v") },
    spans,
    scale: headWidth ** -0.5,
  });
  return dense(builder, builder.reshape(attended, [input.shape[0]!, width]), `${prefix}.proj`, width);
}

/** The weight that `patchAttention` turns heads by: the same inverse frequencies for rows and for columns. */
export function rotaryWeights({ width, heads }: VisionConfig): ReadonlyMap<string, WeightData> {
  const half = frequenciesOf(10_000, width / heads / 2);
  return new Map([[FREQUENCIES, weightFromFloats(Float32Array.from([...half, ...half]), [width / heads / 2])]]);
}

/**
 * Where the weights of a tower are, under one of some prefixes. Qwen2-VL and its successors keep queries, keys and values in one
 * tensor `attn.qkv`; Omni keeps them apart.
 */
export function towerNaming(prefixes: readonly string[]): WeightNaming {
  return (name) => {
    const names = prefixes.map((prefix) => `${prefix}${name}`);
    const { before, part, after } = /^(?<before>.*\.attn\.)(?<part>[qkv])(?<after>\.(weight|bias))$/.exec(name)?.groups ?? {};
    if (before === undefined || part === undefined || after === undefined) return { names };
    return { names, fused: { names: prefixes.map((prefix) => `${prefix}${before}qkv${after}`), part: "qkv".indexOf(part), parts: 3 } };
  };
}
