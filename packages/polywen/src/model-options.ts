import type { EngineOptions, SamplingOptions } from "@polywen/core";
import type { BoundModality, NetworkAccess } from "@polywen/cross-modal";
import type { Backend } from "@polywen/tensor";
import type { MediaOptions } from "./families/family.ts";
import type { ModelSourceOptions } from "./model-source.ts";
import type { Activations, BackendName } from "./select-backend.ts";

/** Options of `loadModel`. */
export interface LoadModelOptions extends EngineOptions, ModelSourceOptions {
  /** Default `auto`: native if it loads, else reference with a warning. Or a backend of your own, which stays yours to dispose. */
  readonly backend?: BackendName | Backend;
  /** Threads of the native backend. Default: all cores. */
  readonly threads?: number;
  /**
   * What quantised weights of the native backend are multiplied with: `int8` (default), fast, rounds the inputs in groups of 32 to
   * eight bits; `f32` computes as if the weights had been stored as floats. Weights that are not quantised always take f32.
   */
  readonly activations?: Activations | undefined;
  /** Modalities to add to those of the checkpoint. */
  readonly modalities?: readonly BoundModality[];
  /** Media rows that all running prompts may hold together; a prompt that finds too few free waits. Default 8192. */
  readonly mediaRows?: number;
  /**
   * Of these rows, how many may keep media that no prompt uses, for one that brings the same medium again. Default: all; those
   * used least recently make room for new ones. 0 keeps none.
   */
  readonly mediaCacheRows?: number;
  readonly media?: MediaOptions;
  /** Media that may be fetched from the network: `{}` allows `https:` from public addresses. Default: none. */
  readonly network?: NetworkAccess | undefined;
  readonly signal?: AbortSignal;
  /** Progress of reading weights, in bytes. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Options of `Model.generate`. Sampling defaults come from the checkpoint's generation_config.json. */
export interface GenerateOptions extends SamplingOptions {
  /** Tokens to generate at most. Default 512, or what context and cache leave. */
  readonly maxTokens?: number;
  /** Texts that end the reply; they are not part of it. */
  readonly stop?: readonly string[];
  /** A system message, for prompts that are not `messages`. */
  readonly system?: string;
  /** Take the prompt as it is: no chat template, and special tokens in the text are special. Only for prompts you trust. */
  readonly raw?: boolean;
  readonly signal?: AbortSignal;
}
