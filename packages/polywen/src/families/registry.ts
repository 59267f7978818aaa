import { createTextModel, textModelTypes } from "@polywen/core";
import { sequentialLayout } from "@polywen/cross-modal";
import { UnsupportedError } from "@polywen/tensor";
import type { ModelFolder } from "@polywen/formats";
import { supportedEncoderTypes } from "./encoder-registry.ts";
import type { Family, FamilyLoader, MediaOptions } from "./family.ts";

const textFamily: FamilyLoader = async (folder) => ({
  text: createTextModel(folder.modelType, folder.config, folder.configPath),
  layout: sequentialLayout,
  modalities: [],
});

// What reads images and sounds takes a third of the time and the memory of starting, which a text model needs not spend.
const omniFamily: FamilyLoader = async (...source) => (await import("./qwen2-5-omni-thinker.ts")).qwen25OmniThinker(...source);
const qwen2VlFamily: FamilyLoader = async (...source) => (await import("./qwen2-vl.ts")).qwen2Vl(...source);
const qwen25VlFamily: FamilyLoader = async (...source) => (await import("./qwen2-vl.ts")).qwen25Vl(...source);
const qwen3VlFamily: FamilyLoader = async (...source) => (await import("./qwen3-vl.ts")).qwen3Vl(...source);
const qwen3VlMoeFamily: FamilyLoader = async (...source) => (await import("./qwen3-vl.ts")).qwen3VlMoe(...source);
const qwen2AudioFamily: FamilyLoader = async (...source) => (await import("./qwen2-audio.ts")).qwen2Audio(...source);

/** Families by `model_type`. */
const loaders: ReadonlyMap<string, FamilyLoader> = new Map<string, FamilyLoader>([
  ...textModelTypes.map((type) => [type, textFamily] as const),
  ["qwen2_vl", qwen2VlFamily],
  ["qwen2_5_vl", qwen25VlFamily],
  ["qwen3_vl", qwen3VlFamily],
  ["qwen3_vl_moe", qwen3VlMoeFamily],
  ["qwen2_audio", qwen2AudioFamily],
  ["qwen2_5_omni", omniFamily],
  ["qwen2_5_omni_thinker", omniFamily],
]);

/** The `model_type`s that can be loaded. */
export const supportedModelTypes: readonly string[] = [...loaders.keys()];

/** Puts together the family that a folder's config.json names. Throws `UnsupportedError` listing the known ones. */
export async function loadFamily(folder: ModelFolder, media: MediaOptions): Promise<Family> {
  const loader = loaders.get(folder.modelType);
  if (loader === undefined) {
    const hint = supportedEncoderTypes.includes(folder.modelType) ? { hint: "This checkpoint is used as an encoder alone: open it with loadEncoder." } : {};
    throw new UnsupportedError({ feature: `model_type "${folder.modelType}" (${folder.configPath})`, supported: supportedModelTypes }, hint);
  }
  return loader(folder, media);
}
