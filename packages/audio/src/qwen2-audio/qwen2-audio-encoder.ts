import type { WeightNaming } from "@polywen/core";
import type { Connector, ProgramEncoder } from "@polywen/cross-modal";
import type { FeatureExtractorConfig } from "@polywen/formats";
import { preprocessAudio } from "../audio-processor.ts";
import type { AudioOptions } from "../audio-limits.ts";
import type { AudioInput } from "../decode-audio.ts";
import { buildWhisperEncoder, whisperDimensions, type EncoderVariant } from "../whisper/build-encoder.ts";
import { planPieces, pooledPairs, stepsOf } from "../whisper/encoder-plan.ts";
import { requireTokens } from "../whisper/require-tokens.ts";
import type { WhisperEncoderConfig } from "../whisper/whisper-config.ts";

/** What the tower needs beside its configuration. */
export interface Qwen2AudioEncoderOptions extends Pick<AudioOptions, "limits" | "overlong"> {
  readonly processor: FeatureExtractorConfig;
  readonly naming: WeightNaming;
}

/**
 * The audio tower of Qwen2-Audio: Whisper's encoder whose steps are averaged in pairs before the last norm, [tokens, width].
 *
 * The published code always computes a window of 30 seconds, hides the steps of the padding from attention, and throws their rows
 * away. Here they are left out from the start, which gives the same rows; only the convolutions still see one frame of the padding.
 */
export function qwen2AudioEncoder(config: WhisperEncoderConfig, options: Qwen2AudioEncoderOptions): ProgramEncoder<AudioInput> {
  const variant: EncoderVariant = {
    prefix: "audio_tower",
    positions: { name: "audio_tower.embed_positions.weight", length: config.positions },
    lastNorm: "layer_norm",
    pooled: true,
  };
  return {
    kind: "program",
    dimensions: whisperDimensions(variant),
    naming: options.naming,
    async prepare(source, { signal, network }) {
      const { limits, overlong } = options;
      const audio = await preprocessAudio(source, options.processor, { signal, network, limits, overlong, padded: true });
      const steps = stepsOf(audio.frames);
      // The last step reaches one frame beyond its own two, through both convolutions.
      const frames = Math.min(2 * steps + 1, audio.rows);
      const pooled = pooledPairs(steps);
      const tokens = requireTokens(pooled.length / 2, audio.frames);
      const inputFeatures = audio.inputFeatures.subarray(0, frames * config.melBands);
      return { rows: tokens, sizes: { frames, steps, tokens }, inputs: { inputFeatures, ...planPieces([{ frames, steps }]), pooled } };
    },
    build: (builder, capacities) => buildWhisperEncoder(builder, config, variant, capacities),
  };
}

/** The projector of Qwen2-Audio: one linear layer to the width of the text model. */
export function qwen2AudioProjector(naming: WeightNaming): Connector {
  const name = "multi_modal_projector.linear";
  return {
    stack: 1,
    naming,
    build: (builder, features, hiddenSize) =>
      builder.linear(features, builder.weight(`${name}.weight`, [hiddenSize, features.shape[1] as number]), builder.weight(`${name}.bias`, [hiddenSize])),
  };
}
