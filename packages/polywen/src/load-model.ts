import { Engine } from "@polywen/core";
import { MediaCache, MediaEncoder, MediaKeys, type MediaKeysParts } from "@polywen/cross-modal";
import { throwIfAborted, type LongCallOptions } from "@polywen/tensor";
import { mediaSpecs, planModel, refuseWhatCannotFit } from "./estimate-memory.ts";
import type { LoadModelOptions } from "./model-options.ts";
import type { LoadedModality } from "./model-parts.ts";
import { Model } from "./model.ts";
import type { PlannedModality } from "./plan-modalities.ts";
import { readModelFiles, type ModelFileContents } from "./read-model-files.ts";
import { openBackend } from "./select-backend.ts";

/** Keeps what has been opened; the last one is closed first. */
type Keep = <T extends { dispose(): unknown }>(object: T) => T;

/**
 * Loads a model from a folder in the layout of Hugging Face, from a `.gguf` file, or `"polywen/tiny"`, the embedded one.
 * Throws typed errors for everything that is wrong with the files before it allocates weights; see `docs/guide/errors.md`.
 */
export async function loadModel(source: string, options: LoadModelOptions = {}): Promise<Model> {
  const files = await readModelFiles(source, options.media ?? {}, options);
  const opened: { dispose(): unknown }[] = [];
  const keep: Keep = (object) => {
    opened.unshift(object);
    return object;
  };
  if (files.template !== undefined) keep(files.template);
  try {
    throwIfAborted(options.signal, "Loading a model");
    return await assemble(files, options, keep);
  } catch (error) {
    for (const object of opened) await object.dispose();
    throw error;
  }
}

async function assemble(files: ModelFileContents, options: LoadModelOptions, keep: Keep): Promise<Model> {
  const { folder, family, tokenizer, template, sampling, stopTokens } = files;
  const { backend, ownsBackend, warning } = await openBackend(options);
  if (ownsBackend) keep(backend);
  const { limits, program, stored, modalities: planned, memory } = await planModel(files, backend, options);
  refuseWhatCannotFit(folder.path, memory);
  const media = limits.mediaSlots === 0 ? undefined : new MediaCache(mediaSpecs(limits, family).map((spec) => keep(backend.createResource(spec))), { idleRows: options.mediaCacheRows });
  const weights = keep(await backend.loadWeights(stored, { signal: options.signal, onProgress: options.onProgress }));
  const modalities = new Map<string, LoadedModality>();
  for (const modality of media === undefined ? [] : planned) {
    const parts = { backend, media: media!.resources, kvDType: limits.kvDType, epsilon: family.text.epsilon, loaded: modalities };
    modalities.set(modality.definition.name, await loadModality(modality, parts, { signal: options.signal }, keep));
  }
  const cross = [...modalities.values()].flatMap(({ keys }) => keys?.resources ?? []);
  const engine = new Engine({ backend, model: family.text, program, weights, media: media?.resources, cross }, limits);
  const warnings = [...folder.warnings, ...(warning === undefined ? [] : [warning])];
  const { modelType, path } = folder;
  return new Model({ modelType, path, backend, ownsBackend, engine, weights, tokenizer, template, layout: family.layout, modalities, media, network: options.network, sampling, stopTokens, warnings });
}

/** What a modality is loaded with: see `MediaKeysParts`, and those that were loaded before it. */
interface LoadParts extends MediaKeysParts {
  readonly loaded: ReadonlyMap<string, LoadedModality>;
}

async function loadModality({ definition, source, cross, sharedWith, ...place }: PlannedModality, parts: LoadParts, options: LongCallOptions, keep: Keep): Promise<LoadedModality> {
  const shared = sharedWith === undefined ? undefined : parts.loaded.get(sharedWith)?.encoder.sharedWith(definition);
  const encoder = keep(shared ?? (await MediaEncoder.load(definition, source, parts, options)));
  if (cross === undefined) return { ...place, encoder, injection: "prefix" };
  const live = cross.attention.layers.length > 0;
  return { ...place, encoder, injection: "cross-attention", ...(live ? { keys: keep(await MediaKeys.load(cross.attention, source, parts, options)) } : {}) };
}
