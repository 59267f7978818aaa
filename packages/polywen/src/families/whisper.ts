import { parseWhisperEncoderConfig, whisperDefaults, whisperEncoder } from "@polywen/audio";
import { defineModality, identityConnector, type ModalityDefinition } from "@polywen/cross-modal";
import { readPreprocessor } from "@polywen/formats";
import { requireEqual, requirePreprocessor } from "./config-place.ts";
import type { EncoderLoader } from "./family.ts";
import { framesOf } from "./qwen2-audio.ts";

/** The encoder of a Whisper checkpoint. Its decoder is left alone. */
export const whisper: EncoderLoader = async (folder, media) => {
  const { configPath: file, config: fields } = folder;
  const config = parseWhisperEncoderConfig(fields, file, [], whisperDefaults);
  const processor = requirePreprocessor((await readPreprocessor(folder)).audio, folder);
  const place = { folder, fields, pointer: [] };
  requireEqual(place, "num_mel_bins", config.melBands, "feature_size of the feature extractor", processor.featureSize);
  requireEqual(place, "max_source_positions", config.positions, "half the frames of the feature extractor's window", framesOf(processor) / 2);
  const encoder = whisperEncoder(config, { processor, limits: media.audio, overlong: media.overlongAudio });
  return defineModality({ name: "audio", encoder, connector: identityConnector() }).definition as ModalityDefinition<unknown>;
};
