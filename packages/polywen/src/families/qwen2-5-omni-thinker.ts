import { audioProjection, omniAudioEncoder, parseOmniAudioConfig } from "@polywen/audio";
import { createQwen2Model, parseQwen2Config, type Qwen2Config, type WeightNaming } from "@polywen/core";
import { defineModality, mropeLayout, type ModalityDefinition } from "@polywen/cross-modal";
import { isJsonObject, readPreprocessorConfig, type FeatureExtractorConfig, type ImageProcessorConfig, type JsonObject, type ModelFolder } from "@polywen/formats";
import { InvalidFileError } from "@polywen/tensor";
import { parseQwen25VisionConfig, patchMerger, qwen25VisionEncoder } from "@polywen/vision";
import type { Family, FamilyLoader, MediaOptions, NativeModality } from "./family.ts";

/** Published files keep the thinker's tensors under `thinker.`; files saved by transformers do not. */
const prefixes = ["thinker.", ""];
const convolutions = /^audio_tower\.conv[12]\.weight$/;

const naming: WeightNaming = (name) => {
  const names = prefixes.map((prefix) => `${prefix}${name}`);
  return convolutions.test(name) ? { names, layout: "conv1d" } : { names };
};

/**
 * The thinker of Qwen2.5-Omni: a Qwen2 decoder with M-RoPE, the Qwen2.5-VL vision tower with its merger, and a
 * Whisper-type audio tower, both injected as prefixes. Talker and token2wav are left alone.
 */
export const qwen25OmniThinker: FamilyLoader = async (folder, media): Promise<Family> => {
  const nested = folder.config["thinker_config"];
  const thinker = isJsonObject(nested) ? nested : folder.config;
  const pointer = thinker === nested ? ["thinker_config"] : [];
  const text = part(folder, thinker, pointer, "text_config");
  const tied = text["tie_word_embeddings"] ?? thinker["tie_word_embeddings"] ?? false;
  const config = parseQwen2Config({ ...text, tie_word_embeddings: tied }, { file: folder.configPath, pointer: [...pointer, "text_config"], multimodal: true });
  // A folder without a processor for a modality simply does not offer it.
  const { preprocessorConfig } = folder.files;
  const { image, audio } = preprocessorConfig === undefined ? {} : await readPreprocessorConfig(preprocessorConfig);
  const place = { folder, thinker, pointer, text: config };
  return {
    text: createQwen2Model(config, prefixes),
    layout: mropeLayout,
    modalities: [...(image === undefined ? [] : [imageModality(place, image, media)]), ...(audio === undefined ? [] : [audioModality(place, audio, media)])],
  };
};

/** Where the configuration of a thinker stands, and the text model that its towers must fit. */
interface Thinker {
  readonly folder: ModelFolder;
  readonly thinker: JsonObject;
  readonly pointer: readonly string[];
  readonly text: Qwen2Config;
}

function imageModality({ folder, thinker, pointer, text }: Thinker, processor: ImageProcessorConfig, media: MediaOptions): NativeModality {
  const place = [...pointer, "vision_config"];
  const config = parseQwen25VisionConfig(part(folder, thinker, pointer, "vision_config"), folder.configPath, place);
  requireEqual(folder, [...place, "out_hidden_size"], config.outputWidth, "the hidden size of the text model", text.hiddenSize);
  requireEqual(folder, [...place, "patch_size"], config.patchSize, "patch_size of the image processor", processor.patchSize);
  requireEqual(folder, [...place, "temporal_patch_size"], config.temporalPatchSize, "temporal_patch_size of the image processor", processor.temporalPatchSize);
  requireEqual(folder, [...place, "spatial_merge_size"], config.mergeSize, "merge_size of the image processor", processor.mergeSize);
  const { definition } = defineModality({
    name: "image",
    encoder: qwen25VisionEncoder(config, { processor, naming, ...(media.image === undefined ? {} : { limits: media.image }) }),
    connector: patchMerger(config, naming),
  });
  return native(definition, tokenId({ folder, thinker, pointer, text }, "image"), "<|vision_bos|>", "<|vision_eos|>");
}

function audioModality({ folder, thinker, pointer, text }: Thinker, processor: FeatureExtractorConfig, media: MediaOptions): NativeModality {
  const place = [...pointer, "audio_config"];
  const config = parseOmniAudioConfig(part(folder, thinker, pointer, "audio_config"), folder.configPath, place);
  requireEqual(folder, [...place, "output_dim"], config.outputWidth, "the hidden size of the text model", text.hiddenSize);
  requireEqual(folder, [...place, "num_mel_bins"], config.melBands, "feature_size of the feature extractor", processor.featureSize);
  const { definition } = defineModality({
    name: "audio",
    encoder: omniAudioEncoder(config, { processor, naming, limits: media.audio, overlong: media.overlongAudio }),
    connector: audioProjection(config, naming),
  });
  return native(definition, tokenId({ folder, thinker, pointer, text }, "audio"), "<|audio_bos|>", "<|audio_eos|>");
}

function native<Input>(definition: ModalityDefinition<Input>, placeholder: number, before: string, after: string): NativeModality {
  return { definition: definition as ModalityDefinition<unknown>, placeholder, before, after };
}

function part(folder: ModelFolder, thinker: JsonObject, pointer: readonly string[], name: string): JsonObject {
  const value = thinker[name];
  if (isJsonObject(value)) return value;
  throw new InvalidFileError({ file: folder.configPath, problem: "an object is expected", pointer: `/${[...pointer, name].join("/")}` });
}

/** Parts of a checkpoint that feed each other must agree; in a damaged or mixed folder they do not. */
function requireEqual(folder: ModelFolder, pointer: readonly string[], received: number, other: string, expected: number): void {
  if (received === expected) return;
  throw new InvalidFileError({ file: folder.configPath, problem: `it is ${received}, but ${other} is ${expected}`, pointer: `/${pointer.join("/")}` });
}

/** The field was renamed from `…_token_index` to `…_token_id`. */
function tokenId({ folder, thinker, pointer, text }: Thinker, modality: string): number {
  const id = thinker[`${modality}_token_id`] ?? thinker[`${modality}_token_index`];
  if (typeof id === "number" && Number.isSafeInteger(id) && id >= 0 && id < text.vocabularySize) return id;
  throw new InvalidFileError({ file: folder.configPath, problem: `a token id below ${text.vocabularySize} is expected`, pointer: `/${[...pointer, `${modality}_token_index`].join("/")}` });
}
