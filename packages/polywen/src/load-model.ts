import { collectWeights, Engine, MEDIA_ROWS, stepLimits } from "@polywen/core";
import { MediaEncoder } from "@polywen/cross-modal";
import { openCheckpoint, openModelFolder, readGenerationConfig, type Checkpoint, type ModelFolder } from "@polywen/formats";
import { IndexPool } from "@polywen/kv-cache";
import { AbortedError, InvalidArgumentError, InvalidFileError, type Backend, type Resource } from "@polywen/tensor";
import type { Family } from "./families/family.ts";
import { loadFamily } from "./families/registry.ts";
import { loadTokenizer } from "./loaded-tokenizer.ts";
import type { LoadModelOptions } from "./model-options.ts";
import type { LoadedModality } from "./model-parts.ts";
import { Model } from "./model.ts";
import { resolveSource } from "./resolve-source.ts";
import { selectBackend } from "./select-backend.ts";

/**
 * Loads a model from a folder in the layout of Hugging Face, or `"polywen/tiny"`, the embedded one.
 * Throws typed errors for everything that is wrong with the folder before it allocates weights; see `docs/guide/errors.md`.
 */
export async function loadModel(source: string, options: LoadModelOptions = {}): Promise<Model> {
  const folder = await openModelFolder(resolveSource(source));
  const family = await loadFamily(folder, options.media ?? {});
  const checkpoint = await openCheckpoint(folder.path);
  const { tokenizer, template } = await loadTokenizer(folder);
  if (tokenizer.vocabularySize > family.text.vocabularySize) {
    const problem = `the model has ${family.text.vocabularySize} ids, but the tokenizer uses ${tokenizer.vocabularySize}`;
    throw new InvalidFileError({ file: folder.configPath, problem, pointer: "/vocab_size" }, { hint: "The tokenizer and the weights belong to different models." });
  }
  const generationConfig = folder.files.generationConfig === undefined ? undefined : await readGenerationConfig(folder.files.generationConfig);
  throwIfAborted(options.signal);
  const { backend, ownsBackend, warning } = await openBackend(options);
  const disposables: { dispose(): unknown }[] = ownsBackend ? [backend] : [];
  try {
    const media = createMediaRows(backend, family, options);
    if (media !== undefined) disposables.unshift(media.resource);
    const limits = stepLimits(family.text, options, media?.slots.capacity ?? 0);
    const named = await collectWeights([family.text.buildStep(limits)], checkpoint, family.text.weightNaming);
    const weights = await backend.loadWeights(named, { signal: options.signal, onProgress: options.onProgress });
    disposables.unshift(weights);
    const modalities = media === undefined ? new Map<string, LoadedModality>() : await loadModalities(backend, media.resource, family, checkpoint, options);
    for (const { encoder } of modalities.values()) disposables.unshift(encoder);
    const engine = new Engine({ backend, model: family.text, weights, media: media?.resource }, limits);
    return new Model({
      modelType: folder.modelType,
      path: folder.path,
      backend,
      ownsBackend,
      engine,
      weights,
      tokenizer,
      template,
      layout: family.layout,
      modalities,
      media,
      generationConfig,
      stopTokens: new Set(generationConfig?.eosTokenIds.length ? generationConfig.eosTokenIds : [...family.text.eosTokenIds, ...endToken(tokenizer)]),
      warnings: [...folder.warnings, ...(warning === undefined ? [] : [warning])],
    });
  } catch (error) {
    template?.dispose();
    for (const disposable of disposables) await disposable.dispose();
    throw error;
  }
}

async function openBackend(options: LoadModelOptions): Promise<{ backend: Backend; ownsBackend: boolean; warning: string | undefined }> {
  const { backend = "auto" } = options;
  if (typeof backend !== "string") return { backend, ownsBackend: false, warning: undefined };
  return { ...(await selectBackend(backend, options.threads)), ownsBackend: true };
}

function createMediaRows(backend: Backend, family: Family, options: LoadModelOptions): { resource: Resource; slots: IndexPool } | undefined {
  if (family.modalities.length === 0 && (options.modalities ?? []).length === 0) return undefined;
  const slots = new IndexPool(options.mediaRows ?? 8192, "media rows");
  return { slots, resource: backend.createResource({ name: MEDIA_ROWS, dtype: "f32", shape: [slots.capacity, family.text.hiddenSize], paged: false }) };
}

async function loadModalities(backend: Backend, media: Resource, family: Family, checkpoint: Checkpoint, options: LoadModelOptions): Promise<Map<string, LoadedModality>> {
  const loaded = new Map<string, LoadedModality>();
  for (const { definition, placeholder, before, after } of family.modalities) {
    const encoder = await MediaEncoder.load({ definition, weights: checkpoint }, { backend, media }, { signal: options.signal });
    loaded.set(definition.name, { encoder, placeholder, before, after });
  }
  for (const [index, modality] of (options.modalities ?? []).entries()) {
    const { name } = modality.definition;
    if (loaded.has(name)) throw new InvalidArgumentError({ argument: "modalities", expected: "names that the model does not have yet", received: name });
    const encoder = await MediaEncoder.load(modality, { backend, media }, { signal: options.signal });
    // No token of the checkpoint: a negative number can never be confused with one.
    loaded.set(name, { encoder, placeholder: -1 - index, before: "", after: "" });
  }
  return loaded;
}

function endToken(tokenizer: { readonly specialTokens: { readonly endOfSequence?: string | undefined }; tokenToId(token: string): number | undefined }): number[] {
  const { endOfSequence } = tokenizer.specialTokens;
  const id = endOfSequence === undefined ? undefined : tokenizer.tokenToId(endOfSequence);
  return id === undefined ? [] : [id];
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new AbortedError({ operation: "Loading a model" }, { cause: signal.reason });
}
