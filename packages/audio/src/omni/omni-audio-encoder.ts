import type { WeightNaming } from "@polywen/core";
import type { ProgramEncoder } from "@polywen/cross-modal";
import type { FeatureExtractorConfig } from "@polywen/formats";
import { weightFromFloats, type WeightData } from "@polywen/tensor";
import { preprocessAudio } from "../audio-processor.ts";
import type { AudioOptions } from "../audio-limits.ts";
import type { AudioInput } from "../decode-audio.ts";
import { buildWhisperEncoder, whisperDimensions, type EncoderVariant } from "../whisper/build-encoder.ts";
import { requireTokens } from "../whisper/require-tokens.ts";
import { planPieces, pooledPairs, stepsOf, type Piece } from "../whisper/encoder-plan.ts";
import type { OmniAudioConfig } from "./omni-audio-config.ts";

const POSITIONS = "audio_tower.positions";

/** What the encoder needs beside its configuration. */
export interface OmniAudioEncoderOptions extends Pick<AudioOptions, "limits" | "overlong"> {
  readonly processor: FeatureExtractorConfig;
  readonly naming: WeightNaming;
}

/** The Whisper-type tower of the Qwen2.5-Omni thinker: log-mel frames in, pooled and normalised features [tokens, width] out. */
export function omniAudioEncoder(config: OmniAudioConfig, options: OmniAudioEncoderOptions): ProgramEncoder<AudioInput> {
  const variant: EncoderVariant = { prefix: "audio_tower", positions: { name: POSITIONS, length: config.window }, lastNorm: "ln_post", pooled: true };
  return {
    kind: "program",
    dimensions: whisperDimensions(variant),
    naming: options.naming,
    derived: new Map([[POSITIONS, sinusoids(config.window, config.width)]]),
    async prepare(source, { signal, network }) {
      const { limits, overlong } = options;
      const { inputFeatures, frames } = await preprocessAudio(source, options.processor, { signal, network, limits, overlong });
      const plan = planPieces(cutPieces(frames, 2 * config.window));
      const steps = plan.stepPositions.length;
      const pooled = pooledPairs(steps);
      const tokens = requireTokens(pooled.length / 2, frames);
      return {
        rows: tokens,
        sizes: { frames, steps, tokens },
        inputs: { inputFeatures, ...plan, pooled },
      };
    },
    build: (builder, capacities) => buildWhisperEncoder(builder, config, variant, capacities),
  };
}

/** Pieces of `pieceFrames` frames; the last one holds what is left. */
function cutPieces(frames: number, pieceFrames: number): Piece[] {
  return Array.from({ length: Math.ceil(frames / pieceFrames) }, (_, index) => {
    const length = Math.min(pieceFrames, frames - index * pieceFrames);
    return { frames: length, steps: stepsOf(length) };
  });
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
