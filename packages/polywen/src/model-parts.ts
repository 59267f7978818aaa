import type { Engine, SamplingOptions } from "@polywen/core";
import type { Injection, LayoutRule, MediaCache, MediaEncoder, MediaKeys, NetworkAccess } from "@polywen/cross-modal";
import type { Backend, Weights } from "@polywen/tensor";
import type { MediumPlace } from "./families/family.ts";
import type { LoadedTokenizer } from "./loaded-tokenizer.ts";

/** A modality of a loaded model. Its placeholder is a token of the checkpoint, or a negative number for a modality that the user added. */
export interface LoadedModality extends MediumPlace {
  readonly encoder: MediaEncoder;
  readonly injection: Injection["kind"];
  /** Keys and values of its media for cross-attention. Absent with `prefix`, and where no gate is open. */
  readonly keys?: MediaKeys;
}

/** Everything a loaded model is made of. */
export interface ModelParts extends LoadedTokenizer {
  readonly modelType: string;
  /** Folder it was loaded from. */
  readonly path: string;
  readonly backend: Backend;
  readonly ownsBackend: boolean;
  readonly engine: Engine;
  readonly weights: Weights;
  readonly layout: LayoutRule;
  readonly modalities: ReadonlyMap<string, LoadedModality>;
  readonly media: MediaCache | undefined;
  /** What media may be fetched. */
  readonly network: NetworkAccess | undefined;
  /** What the checkpoint proposes. */
  readonly sampling: SamplingOptions;
  readonly stopTokens: ReadonlySet<number>;
  /** What a user should know about this model on this machine. */
  readonly warnings: readonly string[];
}
