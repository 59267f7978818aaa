import { audioProjection, omniAudioEncoder, parseOmniAudioConfig } from "@polywen/audio";
import { createQwen2Model, parseQwen2Config, type TextModel, type WeightNaming } from "@polywen/core";
import { defineModality, timedMropeLayout, type FrameTime, type ModalityDefinition } from "@polywen/cross-modal";
import { isJsonObject, readPreprocessor, refuseField, type FeatureExtractorConfig, type ImageProcessorConfig } from "@polywen/formats";
import { parseQwen25VisionConfig, qwen25VisionTower, towerNaming } from "@polywen/vision";
import { configPart, optionalTokenId, requireEqual, tokenId, type ConfigPlace } from "./config-place.ts";
import type { Family, FamilyLoader, MediaOptions, NativeModality } from "./family.ts";
import { qwen2Videos } from "./qwen2-vl.ts";
import { visionModalities } from "./vision-modality.ts";
import { weaveByTime } from "./weave-by-time.ts";

/** Published files keep the thinker's tensors under `thinker.`; files saved by transformers do not. */
const prefixes = ["thinker.", ""];
const convolutions = /^audio_tower\.conv[12]\.weight$/;

const audioNaming: WeightNaming = (name) => {
  const names = prefixes.map((prefix) => `${prefix}${name}`);
  return convolutions.test(name) ? { names, layout: "conv1d" } : { names };
};

/**
 * The thinker of Qwen2.5-Omni: a Qwen2 decoder with M-RoPE, the Qwen2.5-VL vision tower with its merger, and a
 * Whisper-type audio tower, both injected as prefixes. Talker and token2wav are left alone.
 */
export const qwen25OmniThinker: FamilyLoader = async (folder, media): Promise<Family> => {
  const root: ConfigPlace = { folder, fields: folder.config, pointer: [] };
  const thinker = isJsonObject(folder.config["thinker_config"]) ? configPart(root, "thinker_config") : root;
  const { fields, pointer } = configPart(thinker, "text_config");
  const tied = fields["tie_word_embeddings"] ?? thinker.fields["tie_word_embeddings"] ?? false;
  const text = createQwen2Model(parseQwen2Config({ ...fields, tie_word_embeddings: tied }, { file: folder.configPath, pointer, multimodal: true }), prefixes);
  // A folder without a processor for a modality simply does not offer it.
  const { image, audio } = await readPreprocessor(folder);
  const sound = audio === undefined ? [] : [sounds(thinker, text, audio, media)];
  const pictures = image === undefined ? [] : await vision(thinker, text, image, media);
  const positions = positiveField(thinker, "position_id_per_seconds", 25);
  const seconds = positiveField(thinker, "seconds_per_chunk", 2);
  return {
    text,
    layout: timedMropeLayout(timeOfFrames(positions), weaveByTime(Math.max(1, Math.trunc(positions * seconds)))),
    // A video may bring its sound: what transformers calls `use_audio_in_video`.
    modalities: [...pictures.map((each) => (each.definition.name === "video" && sound.length > 0 ? { ...each, weaves: "audio" } : each)), ...sound],
  };
};

/** `(arange(t) * second_per_grid * position_id_per_seconds).long()`, in float32 steps like the reference. */
function timeOfFrames(positions: number): FrameTime {
  return (frame, secondsPerFrame) => Math.trunc(Math.fround(Math.fround(frame * Math.fround(secondsPerFrame)) * positions));
}

function positiveField({ folder, fields, pointer }: ConfigPlace, name: string, usual: number): number {
  const value = fields[name] ?? usual;
  if (typeof value === "number" && value > 0 && value <= 100) return value;
  return refuseField({ file: folder.configPath, pointer }, name, "a positive number up to 100 is expected");
}

function vision(thinker: ConfigPlace, text: TextModel, processor: ImageProcessorConfig, media: MediaOptions): Promise<readonly NativeModality[]> {
  const place = configPart(thinker, "vision_config");
  const tower = qwen25VisionTower(parseQwen25VisionConfig(place.fields, { file: place.folder.configPath, pointer: place.pointer }));
  const placeholders = {
    image: tokenId(thinker, ["image_token_id", "image_token_index"], text.vocabularySize),
    video: optionalTokenId(thinker, ["video_token_id", "video_token_index"], text.vocabularySize),
  };
  const parts = { place, outputWidth: "out_hidden_size", tower, text, naming: towerNaming(prefixes), media, before: "<|vision_bos|>", after: "<|vision_eos|>", video: qwen2Videos } as const;
  return visionModalities(parts, processor, placeholders);
}

function sounds(thinker: ConfigPlace, text: TextModel, processor: FeatureExtractorConfig, media: MediaOptions): NativeModality {
  const place = configPart(thinker, "audio_config");
  const config = parseOmniAudioConfig(place.fields, place.folder.configPath, place.pointer);
  requireEqual(place, "output_dim", config.outputWidth, "the hidden size of the text model", text.hiddenSize);
  requireEqual(place, "num_mel_bins", config.melBands, "feature_size of the feature extractor", processor.featureSize);
  const { definition } = defineModality({
    name: "audio",
    encoder: omniAudioEncoder(config, { processor, naming: audioNaming, limits: media.audio, overlong: media.overlongAudio }),
    connector: audioProjection(config, audioNaming),
  });
  const placeholder = tokenId(thinker, ["audio_token_id", "audio_token_index"], text.vocabularySize);
  return { definition: definition as ModalityDefinition<unknown>, placeholder, before: "<|audio_bos|>", after: "<|audio_eos|>" };
}
