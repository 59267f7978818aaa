import type { KvShape } from "@polywen/kv-cache";
import type { Program } from "@polywen/tensor";
import type { CrossAttention } from "./cross-attention/cross-attention.ts";
import type { WeightNaming } from "./loading/collect-weights.ts";

/** Capacities of the step program, and what it is wired to. */
export interface StepLimits {
  /** Rows (tokens) of one step, over all sequences. */
  readonly rows: number;
  /** Sequences of one step. */
  readonly sequences: number;
  /** Rows of one step whose logits are wanted. */
  readonly outputs: number;
  /** Pages of the key-value cache. */
  readonly pages: number;
  /** Precision of the cache. */
  readonly kvDType: KvShape["dtype"];
  /** Slots of the media rows that ids may be replaced by; 0 for none. */
  readonly mediaSlots: number;
  /** Cross-attention to media, one for each modality that is injected so. */
  readonly cross: readonly CrossAttention[];
}

/** A text decoder as the engine sees it: what to compute and how its inputs are made. The same for every family. */
export interface TextModel {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  /** Longest sequence, in tokens. */
  readonly contextLength: number;
  /** Axes of a position: 1, or 3 with M-RoPE. */
  readonly positionAxes: number;
  /** Keys that a row sees in windowed layers, itself included; undefined if no layer has a window. */
  readonly window: number | undefined;
  /**
   * Rows that a medium leaves for each of its tokens: the first takes the place of the embedding, number k is added to
   * the residual stream after layer k - 1 (deepstack). 1 for most models.
   */
  readonly mediaLevels: number;
  /** Number of rotary frequencies. */
  readonly frequencies: number;
  /** Tokens that end a reply by config.json; generation_config.json may add to them. */
  readonly eosTokenIds: readonly number[];
  readonly kv: Omit<KvShape, "dtype">;
  /** Query heads of a layer, the width of its MLP, and the epsilon of its norms: what blocks that are added take after. */
  readonly heads: number;
  readonly intermediateSize: number;
  readonly epsilon: number;
  /** Rotary frequencies for a sequence that has reached `length` tokens. */
  frequenciesAt(length: number): Float32Array;
  /** The program of one step; its inputs and outputs are those of `stepNames`. */
  buildStep(limits: StepLimits): Program;
  /** Where the weights of the program are in a checkpoint. */
  readonly weightNaming: WeightNaming;
}

/** Names of the inputs and outputs of a step program. */
export const stepNames = {
  /** i32 [rows] */
  ids: "ids",
  /** i32 [rows]: slot of a media row, -1 for a token of the table. Only with `mediaSlots`. */
  mediaIndex: "mediaIndex",
  /** i32 [rows, positionAxes] */
  positions: "positions",
  /** i32 [rows]: sequence of the row, counted in this step */
  sequence: "sequence",
  /** i32 [rows]: slot into which the row's key and value go */
  slots: "slots",
  /** i32 [rows, 2]: positions that the row sees */
  spans: "spans",
  /** i32 [rows, 2]: positions that the row sees in windowed layers. Only with `window`. */
  windowSpans: "windowSpans",
  /** f32 [sequences, frequencies] */
  frequencies: "frequencies",
  /** i32 [sequences, 2] */
  pageSpans: "pageSpans",
  /** i32 [pages] */
  pages: "pages",
  /** i32 [outputs, 1]: rows whose logits are wanted */
  outputRows: "outputRows",
  /** f32 [outputs, SAMPLE_PARAMETERS.length] */
  parameters: "parameters",
  /** u32 [outputs, 4] */
  seeds: "seeds",
  /** i32 [outputs, 2] and i32 [history] */
  historySpans: "historySpans",
  history: "history",
  /** Output: f32 [outputs, hidden size], after the last norm */
  hidden: "hidden",
  /** Outputs: f32 [outputs, vocabulary], i32 [outputs], f32 [outputs], i32 and f32 [outputs, TOP_LOGPROBS] */
  logits: "logits",
  token: "token",
  logprob: "logprob",
  topTokens: "topTokens",
  topLogprobs: "topLogprobs",
} as const;

/** Names of the resources that hold media rows, f32 [slots, hidden size], one for each level. */
export function mediaRowsNames(levels: number): readonly string[] {
  return Array.from({ length: levels }, (_, level) => (level === 0 ? "media.rows" : `media.rows.${level}`));
}
