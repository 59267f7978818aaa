import type { ModalityDefinition } from "@polywen/cross-modal";
import type { ModelFolder } from "@polywen/formats";
import { UnsupportedError } from "@polywen/tensor";
import type { EncoderLoader, MediaOptions } from "./family.ts";

/** Published encoders without a text model, by `model_type`. */
const loaders: ReadonlyMap<string, EncoderLoader> = new Map<string, EncoderLoader>([
  ["dinov2", async (...source) => (await import("./dinov2.ts")).dinov2(...source)],
  ["whisper", async (...source) => (await import("./whisper.ts")).whisper(...source)],
]);

/** The `model_type`s of encoders that can be loaded by themselves. */
export const supportedEncoderTypes: readonly string[] = [...loaders.keys()];

/** Puts together the encoder that a folder's config.json names. Throws `UnsupportedError` listing the known ones. */
export async function loadEncoderDefinition(folder: ModelFolder, media: MediaOptions): Promise<ModalityDefinition<unknown>> {
  const loader = loaders.get(folder.modelType);
  if (loader === undefined) throw new UnsupportedError({ feature: `An encoder of model_type "${folder.modelType}" (${folder.configPath})`, supported: supportedEncoderTypes });
  return loader(folder, media);
}
