import { parseWhisperEncoderConfig, qwen2AudioEncoder, qwen2AudioProjector, qwenTowerDefaults } from "@polywen/audio";
import { createQwen2Model, parseQwen2Config, type TextModel, type WeightNaming } from "@polywen/core";
import { defineModality, sequentialLayout, type ModalityDefinition } from "@polywen/cross-modal";
import { readPreprocessor, type FeatureExtractorConfig } from "@polywen/formats";
import { configPart, requireEqual, tokenId, type ConfigPlace } from "./config-place.ts";
import type { Family, FamilyLoader, MediaOptions, NativeModality } from "./family.ts";

/** Where the text model's weights are: in published files, in files saved by transformers 5, and in those of a text model cut out of it. */
const textPrefixes = ["language_model.", "model.language_model.", ""];

const naming: WeightNaming = (name) => {
  const names = [name, `model.${name}`];
  return /^audio_tower\.conv[12]\.weight$/.test(name) ? { names, layout: "conv1d" } : { names };
};

/**
 * Qwen2-Audio: a Qwen2 decoder, and Whisper's encoder with pooling and a linear projector, injected as a prefix. The published text
 * configuration leaves out what equals the defaults of its class.
 */
export const qwen2Audio: FamilyLoader = async (folder, media): Promise<Family> => {
  const root: ConfigPlace = { folder, fields: folder.config, pointer: [] };
  const { fields, pointer } = configPart(root, "text_config");
  const text = createQwen2Model(parseQwen2Config(fields, { file: folder.configPath, pointer }), textPrefixes);
  const { audio } = await readPreprocessor(folder);
  return { text, layout: sequentialLayout, modalities: audio === undefined ? [] : [sounds(root, text, audio, media)] };
};

function sounds(root: ConfigPlace, text: TextModel, processor: FeatureExtractorConfig, media: MediaOptions): NativeModality {
  const place = configPart(root, "audio_config");
  const config = parseWhisperEncoderConfig(place.fields, place.folder.configPath, place.pointer, qwenTowerDefaults);
  requireEqual(place, "num_mel_bins", config.melBands, "feature_size of the feature extractor", processor.featureSize);
  requireEqual(place, "max_source_positions", config.positions, "half the frames of the feature extractor's window", framesOf(processor) / 2);
  const { definition } = defineModality({
    name: "audio",
    encoder: qwen2AudioEncoder(config, { processor, naming, limits: media.audio, overlong: media.overlongAudio }),
    connector: qwen2AudioProjector(naming),
  });
  return {
    definition: definition as ModalityDefinition<unknown>,
    placeholder: tokenId(root, ["audio_token_id", "audio_token_index"], text.vocabularySize),
    before: "<|audio_bos|>",
    after: "<|audio_eos|>",
    // The published template numbers recordings through the whole conversation.
    label: (earlier) => ({ before: `Audio ${earlier + 1}: `, after: "\n" }),
  };
}

/** Mel frames of a window. */
export function framesOf({ chunkLength, samplingRate, hopLength }: FeatureExtractorConfig): number {
  return Math.floor((chunkLength * samplingRate) / hopLength);
}
