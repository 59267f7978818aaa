import type { WeightNaming } from "@polywen/core";
import type { ProgramEncoder } from "@polywen/cross-modal";
import type { FeatureExtractorConfig } from "@polywen/formats";
import { InvalidArgumentError, weightFromFloats, type Extent, type ProgramBuilder, type Sizes, type TensorSpec, type WeightData } from "@polywen/tensor";
import { preprocessAudio } from "../audio-processor.ts";
import type { AudioOptions, AudioSource } from "../decode-audio.ts";
import type { OmniAudioConfig } from "./omni-audio-config.ts";
import { planPieces } from "./piece-plan.ts";

const EPSILON = 1e-5;
const POSITIONS = "audio_tower.positions";

/** What the encoder needs beside its configuration. */
export interface OmniAudioEncoderOptions extends Pick<AudioOptions, "limits" | "overlong"> {
  readonly processor: FeatureExtractorConfig;
  readonly naming: WeightNaming;
}

/** The Whisper-type tower of the Qwen2.5-Omni thinker: log-mel frames in, pooled and normalised features [tokens, width] out. */
export function omniAudioEncoder(config: OmniAudioConfig, options: OmniAudioEncoderOptions): ProgramEncoder<AudioSource> {
  return {
    kind: "program",
    dimensions: ["frames", "steps", "tokens"],
    naming: options.naming,
    derived: new Map([[POSITIONS, sinusoids(config.window, config.width)]]),
    async prepare(source, { signal }) {
      const { limits, overlong } = options;
      const audio = await preprocessAudio(source, options.processor, { signal, limits, overlong });
      const plan = planPieces(audio.frames, 2 * config.window);
      const tokens = plan.pooled.length / 2;
      if (tokens < 1) throw new InvalidArgumentError({ argument: "audio", expected: "a clip of at least 3 frames of 10 ms", received: audio.frames });
      return {
        rows: tokens,
        sizes: { frames: audio.frames, steps: plan.stepPositions.length, tokens },
        inputs: { inputFeatures: framesFirst(audio.inputFeatures, config.melBands, audio.frames), ...plan },
      };
    },
    build: (builder, capacities) => buildTower(builder, config, capacities),
  };
}

function buildTower(builder: ProgramBuilder, config: OmniAudioConfig, capacities: Sizes): TensorSpec {
  const dimension = (name: string): Extent => builder.dimension(name, capacities[name] ?? 1);
  const [frames, steps, tokens] = [dimension("frames"), dimension("steps"), dimension("tokens")];
  const features = builder.input("inputFeatures", "f32", [frames, config.melBands]);
  const spans = builder.input("spans", "i32", [steps, 2]);
  const first = convolution(builder, features, builder.input("firstTaps", "i32", [frames, 3]), "audio_tower.conv1", config.width);
  const second = convolution(builder, first, builder.input("secondTaps", "i32", [steps, 3]), "audio_tower.conv2", config.width);
  const table = builder.weight(POSITIONS, [config.window, config.width]);
  let hidden = builder.add(second, builder.embedding({ ids: builder.input("stepPositions", "i32", [steps]), table }));
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `audio_tower.layers.${layer}`;
    hidden = builder.add(hidden, attention(builder, config, norm(builder, hidden, `${prefix}.self_attn_layer_norm`), `${prefix}.self_attn`, spans));
    const inner = dense(builder, norm(builder, hidden, `${prefix}.final_layer_norm`), `${prefix}.fc1`, config.feedForwardWidth);
    hidden = builder.add(hidden, dense(builder, builder.activation("gelu", inner), `${prefix}.fc2`, config.width));
  }
  const pooled = builder.gather(hidden, builder.input("pooled", "i32", [tokens, 2]), "mean");
  return norm(builder, pooled, "audio_tower.ln_post");
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
function attention(builder: ProgramBuilder, config: OmniAudioConfig, input: TensorSpec, prefix: string, spans: TensorSpec): TensorSpec {
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

/** Whisper's position table: all sines, then all cosines, of geometrically spaced frequencies; computed, not stored. */
function sinusoids(length: number, width: number): WeightData {
  const half = width / 2;
  const increment = Math.log(10_000) / (half - 1);
  const table = Float32Array.from({ length: length * width }, (_, index) => {
    const column = index % width;
    const angle = Math.fround(Math.floor(index / width) * Math.fround(Math.exp(Math.fround(-increment * (column % half)))));
    return column < half ? Math.sin(angle) : Math.cos(angle);
  });
  return weightFromFloats(table, [length, width]);
}

/** Log-mel features come band by band; the tower reads them frame by frame. */
function framesFirst(features: Float32Array, bands: number, frames: number): Float32Array {
  const turned = new Float32Array(bands * frames);
  for (let band = 0, from = 0; band < bands; band++) {
    for (let frame = 0; frame < frames; frame++) turned[frame * bands + band] = features[from++]!;
  }
  return turned;
}
