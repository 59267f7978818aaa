import { Engine } from "@polywen/core";
import { MediaEncoder } from "@polywen/cross-modal";
import { InvalidArgumentError, throwIfAborted, type Backend, type Resource } from "@polywen/tensor";
import { mediaSpecs, planModel, refuseWhatCannotFit } from "./estimate-memory.ts";
import type { LoadModelOptions } from "./model-options.ts";
import { MediaRows } from "./media-rows.ts";
import type { LoadedModality } from "./model-parts.ts";
import { Model } from "./model.ts";
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
  const { limits, program, stored, memory } = await planModel(files, backend, options);
  refuseWhatCannotFit(folder.path, memory);
  const media = limits.mediaSlots === 0 ? undefined : new MediaRows(mediaSpecs(limits, family).map((spec) => keep(backend.createResource(spec))));
  const weights = keep(await backend.loadWeights(stored, { signal: options.signal, onProgress: options.onProgress }));
  const modalities = media === undefined ? new Map<string, LoadedModality>() : await loadModalities(backend, media.resources, files, options, keep);
  const engine = new Engine({ backend, model: family.text, program, weights, media: media?.resources }, limits);
  const warnings = [...folder.warnings, ...(warning === undefined ? [] : [warning])];
  const { modelType, path } = folder;
  return new Model({ modelType, path, backend, ownsBackend, engine, weights, tokenizer, template, layout: family.layout, modalities, media, network: options.network, sampling, stopTokens, warnings });
}

async function loadModalities(backend: Backend, media: readonly Resource[], { family, checkpoint }: ModelFileContents, options: LoadModelOptions, keep: Keep): Promise<Map<string, LoadedModality>> {
  const parts = { backend, media };
  const loaded = new Map<string, LoadedModality>();
  for (const { definition, sharedWith, ...place } of family.modalities) {
    const shared = sharedWith === undefined ? undefined : loaded.get(sharedWith)?.encoder.sharedWith(definition);
    const encoder = keep(shared ?? (await MediaEncoder.load({ definition, weights: checkpoint }, parts, { signal: options.signal })));
    loaded.set(definition.name, { encoder, ...place });
  }
  for (const [index, modality] of (options.modalities ?? []).entries()) {
    const { name } = modality.definition;
    if (loaded.has(name)) throw new InvalidArgumentError({ argument: "modalities", expected: "names that the model does not have yet", received: name });
    const encoder = keep(await MediaEncoder.load(modality, parts, { signal: options.signal }));
    // No token of the checkpoint: a negative number can never be confused with one.
    loaded.set(name, { encoder, placeholder: -1 - index, before: "", after: "" });
  }
  return loaded;
}
