import { textShapeOf, type MediaCacheInfo, type TextShape } from "@polywen/cross-modal";
import type { DeviceInfo } from "@polywen/tensor";
import { DisposedError } from "@polywen/tensor";
import { computeEmbeddings, type EmbedOptions } from "./compute-embeddings.ts";
import { computeLogits, type Logits, type LogitsInput } from "./compute-logits.ts";
import { computePerplexity, type Perplexity, type PerplexityOptions } from "./compute-perplexity.ts";
import type { Prompt } from "./content.ts";
import { Generation } from "./generation.ts";
import type { GenerateOptions } from "./model-options.ts";
import type { ModelParts } from "./model-parts.ts";
import { runBenchmark, type Benchmark, type BenchmarkInput } from "./run-benchmark.ts";
import { runGeneration } from "./run-generation.ts";

/** Facts about a loaded model. */
export interface ModelInfo {
  /** `model_type` of config.json. */
  readonly modelType: string;
  readonly path: string;
  readonly backend: string;
  readonly device: DeviceInfo;
  /** `text` and the names of its modalities. */
  readonly modalities: readonly string[];
  /** The id that stands for a medium in `Model.logits`, by modality. Negative for modalities that were added at loading. */
  readonly placeholders: Readonly<Record<string, number>>;
  readonly vocabularySize: number;
  /** Longest sequence of the architecture, in tokens. */
  readonly contextLength: number;
  /** Tokens that all running prompts and replies may hold together. */
  readonly cacheTokens: number;
  /** What an adapter for this model must fit: see `saveModality` and `initialWeights`. */
  readonly text: TextShape;
  /** Encoded media that are held, and how often one was found there; undefined for a model of text alone. */
  readonly mediaCache: MediaCacheInfo | undefined;
  /** Bytes of weights, of keys and values, and of a step's buffers. */
  readonly memory: { readonly weights: number; readonly cache: number; readonly step: number };
  /** What a user should know, in whole sentences. */
  readonly warnings: readonly string[];
}

/**
 * A loaded model. Calls may run at the same time: they share steps without changing each other's results.
 * `dispose()` aborts what runs, waits for it, and frees everything.
 */
export class Model {
  readonly #parts: ModelParts;
  readonly #shutdown = new AbortController();
  readonly #running = new Set<PromiseLike<unknown>>();
  #disposal: Promise<void> | undefined;

  /** Use `loadModel`. */
  constructor(parts: ModelParts) {
    this.#parts = parts;
  }

  /** Facts about this model. */
  get info(): ModelInfo {
    const { engine, backend, modelType, path, weights, modalities, media, warnings } = this.#parts;
    const added = [...modalities.values()].map(({ encoder, keys }) => ({ weights: encoder.weightBytes + (keys?.memory.weights ?? 0), keys: keys?.memory.keys ?? 0 }));
    const { cache, step } = engine.memory;
    return {
      modelType,
      path,
      backend: backend.name,
      device: backend.device,
      modalities: ["text", ...modalities.keys()],
      placeholders: Object.fromEntries([...modalities].map(([name, { placeholder }]) => [name, placeholder])),
      vocabularySize: engine.model.vocabularySize,
      contextLength: engine.model.contextLength,
      cacheTokens: engine.cacheTokens,
      text: textShapeOf(engine.model),
      mediaCache: media?.info,
      memory: { weights: added.reduce((sum, part) => sum + part.weights, weights.byteLength), cache: added.reduce((sum, part) => sum + part.keys, cache), step },
      warnings,
    };
  }

  /**
   * Answers a prompt. The result is a promise of the whole reply and an async iterable of its parts.
   * Throws at once for bad arguments; rejects for media that cannot be read and prompts that do not fit.
   */
  generate(prompt: Prompt, options: GenerateOptions = {}): Generation {
    this.#requireAlive();
    const abandoned = new AbortController();
    const run = runGeneration(this.#parts, prompt, options, this.#signalOf(options.signal, abandoned.signal));
    const generation = new Generation(run, () => abandoned.abort());
    this.#track(generation);
    return generation;
  }

  /** The ids of a text. Special tokens in it are plain text unless `special` is set. */
  tokenize(text: string, options: { readonly special?: boolean } = {}): number[] {
    this.#requireAlive();
    return this.#parts.tokenizer.encode(text, options);
  }

  /** The text of ids. */
  detokenize(ids: Iterable<number>, options: { readonly skipSpecial?: boolean } = {}): string {
    this.#requireAlive();
    return this.#parts.tokenizer.decode(ids, options);
  }

  /** The logits of every row of a prompt given as ids, and a greedy continuation. Rejects with `AbortedError` if stopped. */
  async logits(input: LogitsInput): Promise<Logits> {
    this.#requireAlive();
    const result = computeLogits(this.#parts, { ...input, signal: this.#signalOf(input.signal) });
    this.#track(result);
    return result;
  }

  /**
   * Turns a text, or each of several, into a vector [hidden size]: the states after the last norm, pooled. The text is
   * taken as it is, special tokens in it as plain text. Rejects with `LimitExceededError` for a text that is longer
   * than the context, with `AbortedError` if stopped.
   */
  embed(text: string, options?: EmbedOptions): Promise<Float32Array>;
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  async embed(input: string | readonly string[], options: EmbedOptions = {}): Promise<Float32Array | Float32Array[]> {
    this.#requireAlive();
    const texts = typeof input === "string" ? [input] : input;
    const result = computeEmbeddings(this.#parts, texts, { ...options, signal: this.#signalOf(options.signal) });
    this.#track(result);
    return typeof input === "string" ? (await result)[0]! : result;
  }

  /**
   * How well the model predicts a text, over sliding windows that overlap by half; each token but the first counts once.
   * Rejects with `AbortedError` if stopped.
   */
  async perplexity(text: string, options: PerplexityOptions = {}): Promise<Perplexity> {
    this.#requireAlive();
    const result = computePerplexity(this.#parts, text, { ...options, signal: this.#signalOf(options.signal) });
    this.#track(result);
    return result;
  }

  /**
   * Times one run: prompts of ids, read and continued together. Rejects with `LimitExceededError` for more prompts than
   * `maxSequences` or `cacheTokens` allow at once, with `AbortedError` if stopped.
   */
  async benchmark(input: BenchmarkInput): Promise<Benchmark> {
    this.#requireAlive();
    const result = runBenchmark(this.#parts, { ...input, signal: this.#signalOf(input.signal) });
    this.#track(result);
    return result;
  }

  /** Aborts what runs and frees everything. Running replies resolve as aborted. May be called twice. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  async #dispose(): Promise<void> {
    const { engine, modalities, media, weights, template, backend, ownsBackend } = this.#parts;
    this.#shutdown.abort();
    await Promise.allSettled(this.#running);
    template?.dispose();
    await engine.dispose();
    for (const { encoder, keys } of modalities.values()) {
      await encoder.dispose();
      await keys?.dispose();
    }
    for (const resource of media?.resources ?? []) resource.dispose();
    weights.dispose();
    if (ownsBackend) await backend.dispose();
  }

  /** Fires when any of the given signals does, or when the model is disposed of. */
  #signalOf(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
    return AbortSignal.any([this.#shutdown.signal, ...signals.filter((signal) => signal !== undefined)]);
  }

  /** Remembers a call until it settles, so that nothing is freed under it. */
  #track(call: PromiseLike<unknown>): void {
    this.#running.add(call);
    const forget = (): void => void this.#running.delete(call);
    call.then(forget, forget);
  }

  #requireAlive(): void {
    if (this.#disposal !== undefined) throw new DisposedError({ object: "Model" });
  }
}
