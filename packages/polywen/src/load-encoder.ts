import { MediaEncoder, ModalityWeightSource } from "@polywen/cross-modal";
import { throwIfAborted } from "@polywen/tensor";
import { availableMemory } from "./available-memory.ts";
import { EncoderModel } from "./encoder-model.ts";
import { refuseWhatCannotFit } from "./estimate-memory.ts";
import { loadEncoderDefinition, supportedEncoderTypes } from "./families/encoder-registry.ts";
import type { LoadModelOptions } from "./model-options.ts";
import { openModelSource } from "./model-source.ts";
import { openBackend } from "./select-backend.ts";

/** Options of `loadEncoder`, as those of `loadModel`. */
export type LoadEncoderOptions = Pick<LoadModelOptions, "backend" | "threads" | "media" | "network" | "signal" | "onProgress">;

/**
 * Loads an encoder without a text model, for instance Whisper's, from a folder in the layout of Hugging Face.
 * Throws typed errors for everything that is wrong with the files before it allocates weights; see `docs/guide/errors.md`.
 */
export async function loadEncoder(source: string, options: LoadEncoderOptions = {}): Promise<EncoderModel> {
  const opened = await openModelSource(source);
  const { modelType, path, warnings } = opened.folder;
  const definition = await loadEncoderDefinition(opened.folder, options.media ?? {});
  const weights = await ModalityWeightSource.open(definition, await opened.openCheckpoint());
  throwIfAborted(options.signal, "Loading an encoder");
  const { backend, ownsBackend, warning } = await openBackend(options);
  try {
    const bytes = [...(await MediaEncoder.findWeights(definition, weights, [])).values()].reduce((sum, weight) => sum + backend.weightByteLength(weight), 0);
    refuseWhatCannotFit(path, { weights: bytes, cache: 0, step: 0, total: bytes, available: availableMemory() });
    const encoder = await MediaEncoder.load(definition, weights, { backend, media: [] }, { signal: options.signal, onProgress: options.onProgress });
    return new EncoderModel({ modelType, path, encoder, backend, ownsBackend, network: options.network, warnings: [...warnings, ...(warning === undefined ? [] : [warning])] });
  } catch (error) {
    if (ownsBackend) await backend.dispose();
    throw error;
  }
}

/** True if a source is an encoder alone, for `loadEncoder`, and no model, for `loadModel`. Reads config.json only. */
export async function isEncoder(source: string): Promise<boolean> {
  return supportedEncoderTypes.includes((await openModelSource(source, { mmproj: false })).folder.modelType);
}
