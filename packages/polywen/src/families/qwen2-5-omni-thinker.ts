import { audioProjection, omniAudioEncoder, parseOmniAudioConfig } from "@polywen/audio";
import { createQwen2Model, parseQwen2Config, type WeightNaming } from "@polywen/core";
import { defineModality, mropeLayout, type ModalityDefinition } from "@polywen/cross-modal";
import { isJsonObject, readPreprocessorConfig, type JsonObject, type ModelFolder } from "@polywen/formats";
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
  const config = parseQwen2Config({ ...text, tie_word_embeddings: tied }, folder.configPath, [...pointer, "text_config"]);
  return {
    text: createQwen2Model(config, prefixes),
    layout: mropeLayout,
    modalities: [...(await imageModality(folder, thinker, pointer, media)), ...(await audioModality(folder, thinker, pointer, media))],
  };
};

/** A folder without a processor for a modality simply does not offer it. */
async function imageModality(folder: ModelFolder, thinker: JsonObject, pointer: readonly string[], media: MediaOptions): Promise<NativeModality[]> {
  const processor = folder.files.preprocessorConfig === undefined ? undefined : (await readPreprocessorConfig(folder.files.preprocessorConfig)).image;
  if (processor === undefined) return [];
  const config = parseQwen25VisionConfig(part(folder, thinker, pointer, "vision_config"), folder.configPath, [...pointer, "vision_config"]);
  const { definition } = defineModality({
    name: "image",
    encoder: qwen25VisionEncoder(config, { processor, naming, ...(media.image === undefined ? {} : { limits: media.image }) }),
    connector: patchMerger(config, naming),
  });
  return [native(definition, tokenId(folder, thinker, pointer, "image"), "<|vision_bos|>", "<|vision_eos|>")];
}

async function audioModality(folder: ModelFolder, thinker: JsonObject, pointer: readonly string[], media: MediaOptions): Promise<NativeModality[]> {
  const processor = folder.files.preprocessorConfig === undefined ? undefined : (await readPreprocessorConfig(folder.files.preprocessorConfig)).audio;
  if (processor === undefined) return [];
  const config = parseOmniAudioConfig(part(folder, thinker, pointer, "audio_config"), folder.configPath, [...pointer, "audio_config"]);
  const { definition } = defineModality({
    name: "audio",
    encoder: omniAudioEncoder(config, { processor, naming, limits: media.audio, overlong: media.overlongAudio }),
    connector: audioProjection(config, naming),
  });
  return [native(definition, tokenId(folder, thinker, pointer, "audio"), "<|audio_bos|>", "<|audio_eos|>")];
}

function native<Input>(definition: ModalityDefinition<Input>, placeholder: number, before: string, after: string): NativeModality {
  return { definition: definition as ModalityDefinition<unknown>, placeholder, before, after };
}

function part(folder: ModelFolder, thinker: JsonObject, pointer: readonly string[], name: string): JsonObject {
  const value = thinker[name];
  if (isJsonObject(value)) return value;
  throw new InvalidFileError({ file: folder.configPath, problem: "an object is expected", pointer: `/${[...pointer, name].join("/")}` });
}

/** The field was renamed from `…_token_index` to `…_token_id`. */
function tokenId(folder: ModelFolder, thinker: JsonObject, pointer: readonly string[], modality: string): number {
  const id = thinker[`${modality}_token_id`] ?? thinker[`${modality}_token_index`];
  if (typeof id === "number" && Number.isSafeInteger(id) && id >= 0) return id;
  throw new InvalidFileError({ file: folder.configPath, problem: "a token id is expected", pointer: `/${[...pointer, `${modality}_token_index`].join("/")}` });
}
