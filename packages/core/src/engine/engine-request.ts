import type { CrossMedia } from "../cross-attention/cross-media.ts";
import type { Sampling } from "../generation/sampling.ts";

/** A prompt as the engine takes it: media already expanded into rows, positions assigned. */
export interface EnginePrompt {
  /** Token ids, one per row. At a media row a negative number may stand for no token. */
  readonly ids: Int32Array;
  /** Positions [rows, axes]. */
  readonly positions: Int32Array;
  /** Slot of the media row that replaces a token's embedding, -1 for none. Absent: text only. */
  readonly mediaIndex?: Int32Array | undefined;
  /** Media beside the prompt, which its rows attend to, by modality. Absent: none. */
  readonly cross?: ReadonlyMap<string, CrossMedia> | undefined;
  /** Position of the first generated token, on every axis. */
  readonly nextPosition: number;
}

/** One generation. */
export interface EngineRequest {
  readonly prompt: EnginePrompt;
  /** Tokens to generate at most; 0 only reads the prompt. */
  readonly maxTokens: number;
  readonly sampling: Sampling;
  /** Tokens that end the generation; the token itself is reported. */
  readonly stopTokens: ReadonlySet<number>;
  readonly signal?: AbortSignal | undefined;
  /** Asks for results of prompt rows, which cost the head's work for each of them. */
  readonly promptRows?: PromptRows | undefined;
}

/** Prompt rows whose results are wanted. */
export interface PromptRows {
  /** The first of them; all that follow are wanted too. */
  readonly from: number;
  /** Receives them in order; the arrays are valid during the call only. */
  readonly receive: (row: number, values: RowValues) => void;
}

/** What a model computes for a row. */
export interface RowValues {
  /** [vocabulary] */
  readonly logits: Float32Array;
  /** [hidden size]: after the last norm, what the head sees. */
  readonly hidden: Float32Array;
}

/** A token with its probability under the raw logits. */
export interface TokenLogprob {
  readonly id: number;
  /** Natural logarithm. */
  readonly logprob: number;
}

/** One generated token. */
export interface GeneratedToken extends TokenLogprob {
  /** The most probable tokens, best first, as many as `topLogprobs` asked for. */
  readonly top: readonly TokenLogprob[];
}

/** Why a generation ended. */
export type EngineFinish = "stop" | "length" | "aborted";
