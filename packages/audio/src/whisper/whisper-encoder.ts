import type { WeightNaming } from "@polywen/core";
import type { ProgramEncoder } from "@polywen/cross-modal";
import type { FeatureExtractorConfig } from "@polywen/formats";
import { preprocessAudio } from "../audio-processor.ts";
import type { AudioOptions } from "../audio-limits.ts";
import type { AudioInput } from "../decode-audio.ts";
import { buildWhisperEncoder, whisperDimensions, type EncoderVariant } from "./build-encoder.ts";
import { planPieces } from "./encoder-plan.ts";
import type { WhisperEncoderConfig } from "./whisper-config.ts";

/** What the encoder needs beside its configuration. */
export interface WhisperEncoderOptions extends Pick<AudioOptions, "limits" | "overlong"> {
  readonly processor: FeatureExtractorConfig;
  /** Where its weights are, by their names under `encoder.` in the published code. */
  readonly naming?: WeightNaming;
}

/** Weights of a `whisper` checkpoint, whichever class saved it: with its head, without, or the encoder alone. */
export const whisperNaming: WeightNaming = (name) => {
  const names = [`model.${name}`, name, name.replace(/^encoder\./, "")];
  return /^encoder\.conv[12]\.weight$/.test(name) ? { names, layout: "conv1d" } : { names };
};

/**
 * The encoder of Whisper: a window of mel frames in, one row for every two frames out, padding included: [positions, width], 1,500
 * rows for the 30 seconds of published checkpoints.
 */
export function whisperEncoder(config: WhisperEncoderConfig, options: WhisperEncoderOptions): ProgramEncoder<AudioInput> {
  const { positions } = config;
  const variant: EncoderVariant = { prefix: "encoder", positions: { name: "encoder.embed_positions.weight", length: positions }, lastNorm: "layer_norm", pooled: false };
  const plan = planPieces([{ frames: 2 * positions, steps: positions }]);
  return {
    kind: "program",
    dimensions: whisperDimensions(variant),
    naming: options.naming ?? whisperNaming,
    async prepare(source, { signal, network }) {
      const { limits, overlong } = options;
      const { inputFeatures, rows } = await preprocessAudio(source, options.processor, { signal, network, limits, overlong, padded: true });
      return {
        features: { rows: positions },
        sizes: { frames: rows, steps: positions },
        inputs: { inputFeatures, ...plan },
      };
    },
    build: (builder, capacities) => buildWhisperEncoder(builder, config, variant, capacities),
  };
}
