import type { Encoder } from "@polywen/cross-modal";
import { loadEncoderDefinition } from "./families/encoder-registry.ts";
import type { MediaOptions } from "./families/family.ts";
import { openModelSource } from "./model-source.ts";

/**
 * A published encoder as the first part of a modality of one's own: `defineModality({ encoder: await openEncoder("dinov2-small"), … })`.
 * Takes a folder of a model_type that `supportedEncoderTypes` lists; its weights stay in their file and are read when a model
 * is loaded. The input is what `image()` or `audio()` take. Throws as `loadEncoder` does.
 */
export async function openEncoder(source: string, options: MediaOptions = {}): Promise<Encoder<unknown>> {
  const { folder } = await openModelSource(source);
  const { encoder } = await loadEncoderDefinition(folder, options);
  return { ...encoder, weights: folder.path } as Encoder<unknown>;
}
