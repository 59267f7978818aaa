import type { Extent, ProgramBuilder, Sizes, TensorSpec } from "@polywen/tensor";
import type { WhisperSizes } from "./whisper-config.ts";

const EPSILON = 1e-5;

/** How one encoder of the Whisper kind differs from another. Names are those of weights in the program. */
export interface EncoderVariant {
  /** What stands before all names, for instance `audio_tower`. */
  readonly prefix: string;
  /** The position table, whole name, and its rows. */
  readonly positions: { readonly name: string; readonly length: number };
  /** The norm after the last layer, without the prefix. */
  readonly lastNorm: string;
  /** True if two steps are averaged to one row before the last norm. */
  readonly pooled: boolean;
}

/** The dimensions that `buildWhisperEncoder` declares. */
export function whisperDimensions({ pooled }: Pick<EncoderVariant, "pooled">): readonly string[] {
  return pooled ? ["frames", "steps", "tokens"] : ["frames", "steps"];
}

/**
 * Appends an encoder: two convolutions over time, positions, pre-norm layers, pooling where there is one, and the last norm.
 * Its inputs are `inputFeatures` [frames, bands], the lists of an `EncoderPlan` and, with pooling, `pooled` [tokens, 2].
 * Returns [steps or tokens, width].
 */
export function buildWhisperEncoder(builder: ProgramBuilder, config: WhisperSizes, variant: EncoderVariant, capacities: Sizes): TensorSpec {
  const { prefix, positions } = variant;
  const dimension = (name: string): Extent => builder.dimension(name, capacities[name] ?? 1);
  const [frames, steps] = [dimension("frames"), dimension("steps")];
  const features = builder.input("inputFeatures", "f32", [frames, config.melBands]);
  const spans = builder.input("spans", "i32", [steps, 2]);
  const first = convolution(builder, features, builder.input("firstTaps", "i32", [frames, 3]), `${prefix}.conv1`, config.width);
  const second = convolution(builder, first, builder.input("secondTaps", "i32", [steps, 3]), `${prefix}.conv2`, config.width);
  const table = builder.weight(positions.name, [positions.length, config.width]);
  let hidden = builder.add(second, builder.embedding({ ids: builder.input("stepPositions", "i32", [steps]), table }));
  for (let layer = 0; layer < config.layers; layer++) hidden = encoderLayer(builder, config, hidden, `${prefix}.layers.${layer}`, spans);
  const rows = variant.pooled ? builder.gather(hidden, builder.input("pooled", "i32", [dimension("tokens"), 2]), "mean") : hidden;
  return norm(builder, rows, `${prefix}.${variant.lastNorm}`);
}

function encoderLayer(builder: ProgramBuilder, config: WhisperSizes, input: TensorSpec, prefix: string, spans: TensorSpec): TensorSpec {
  const attended = builder.add(input, attention(builder, config, norm(builder, input, `${prefix}.self_attn_layer_norm`), `${prefix}.self_attn`, spans));
  const inner = dense(builder, norm(builder, attended, `${prefix}.final_layer_norm`), `${prefix}.fc1`, config.feedForwardWidth);
  return builder.add(attended, dense(builder, builder.activation("gelu", inner), `${prefix}.fc2`, config.width));
}

/** A convolution over time of kernel 3: the three taps side by side, then a linear layer. */
function convolution(builder: ProgramBuilder, input: TensorSpec, taps: TensorSpec, name: string, out: number): TensorSpec {
  return builder.activation("gelu", dense(builder, builder.gather(input, taps), name, out));
}

function norm(builder: ProgramBuilder, input: TensorSpec, name: string): TensorSpec {
  const width = [input.shape[1] as number];
  return builder.layerNorm(input, builder.weight(`${name}.weight`, width), builder.weight(`${name}.bias`, width), EPSILON);
}

function dense(builder: ProgramBuilder, input: TensorSpec, name: string, out: number, biased = true): TensorSpec {
  const weight = builder.weight(`${name}.weight`, [out, input.shape[1] as number]);
  return builder.linear(input, weight, biased ? builder.weight(`${name}.bias`, [out]) : undefined);
}

/** Full attention inside a piece. Only the key projection has no bias. */
function attention(builder: ProgramBuilder, config: WhisperSizes, input: TensorSpec, prefix: string, spans: TensorSpec): TensorSpec {
  const headWidth = config.width / config.heads;
  const project = (name: string): TensorSpec =>
    builder.reshape(dense(builder, input, `${prefix}.${name}`, config.width, name !== "k_proj"), [input.shape[0]!, config.heads, headWidth]);
  const attended = builder.attention({
    query: project("q_proj"),
    source: { kind: "packed", keys: project("k_proj"), values: project("v_proj") },
    spans,
    scale: headWidth ** -0.5,
  });
  return dense(builder, builder.reshape(attended, [input.shape[0]!, config.width]), `${prefix}.out_proj`, config.width);
}
