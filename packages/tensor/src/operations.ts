/** Index of a tensor in `Program.tensors`. */
export type TensorId = number;

/**
 * The one list of operations. An operation is plain data; operands are tensor ids. Unless said otherwise tensors are f32, rows come first and
 * arithmetic is f32 with f32 accumulation in an order that depends neither on the number of threads nor on the other rows of the batch.
 */
export type Operation =
  | EmbeddingOperation
  | GatherOperation
  | ReshapeOperation
  | LinearOperation
  | RmsNormOperation
  | LayerNormOperation
  | RotaryOperation
  | ActivationOperation
  | AddOperation
  | MultiplyOperation
  | ScaleOperation
  | SwigluOperation
  | AttentionOperation
  | StoreOperation
  | RouteOperation
  | ExpertsOperation
  | SampleOperation;

/** The name of an operation. */
export type OperationKind = Operation["kind"];

/** `output[r] = mediaIndex[r] >= 0 ? media[mediaIndex[r]] : table[ids[r]]`: prefix injection of media is part of the look-up. */
export interface EmbeddingOperation {
  readonly kind: "embedding";
  /** i32 [rows] */
  readonly ids: TensorId;
  /** weight [vocabulary, width] */
  readonly table: TensorId;
  /** Media rows: a resource [slots, width] and an i32 input [rows] of slots, -1 for rows of the table. */
  readonly media?: { readonly rows: TensorId; readonly index: TensorId };
  /** [rows, width] */
  readonly output: TensorId;
}

/**
 * Row `o` of the output takes the source rows `indices[o, 0 … taps-1]`, an index of -1 standing for a row of zeros:
 * side by side (`concatenate`) or averaged (`mean`). Convolutions over time, pooling, permutations, the choice of
 * output rows and the reading of media rows in the middle of a model are all gathers.
 */
export interface GatherOperation {
  readonly kind: "gather";
  /** [n, width], or a resource of that shape */
  readonly source: TensorId;
  /** i32 [out, taps] */
  readonly indices: TensorId;
  readonly combine: "concatenate" | "mean";
  /** [out, taps * width] or [out, width] */
  readonly output: TensorId;
}

/** The same elements under another shape: costs nothing. */
export interface ReshapeOperation {
  readonly kind: "reshape";
  readonly input: TensorId;
  readonly output: TensorId;
}

/** `output = input · weightᵀ + bias`. */
export interface LinearOperation {
  readonly kind: "linear";
  /** [rows, in] */
  readonly input: TensorId;
  /** weight [out, in] */
  readonly weight: TensorId;
  /** weight [out] */
  readonly bias?: TensorId;
  /** [rows, out] */
  readonly output: TensorId;
}

/** `output = input / sqrt(mean(input²) + epsilon) * weight` over the last axis (Zhang and Sennrich, 2019). */
export interface RmsNormOperation {
  readonly kind: "rms-norm";
  /** [rows, …, width] */
  readonly input: TensorId;
  /** weight [width] */
  readonly weight: TensorId;
  readonly epsilon: number;
  readonly output: TensorId;
}

/** `output = (input - mean) / sqrt(variance + epsilon) * weight + bias` over the last axis (Ba et al., 2016). */
export interface LayerNormOperation {
  readonly kind: "layer-norm";
  readonly input: TensorId;
  /** weight [width] */
  readonly weight: TensorId;
  /** weight [width] */
  readonly bias?: TensorId;
  readonly epsilon: number;
  readonly output: TensorId;
}

/**
 * Rotary position embedding (Su et al., 2021) in its half-split form. With `n` frequencies, component `i < n` of a
 * head pairs with `i + n` and turns by `positions[row, axes[i]] * frequency[i]`; components from `2n` on pass through.
 * Angles are f32 products; cosine and sine are multiplied by `scale`.
 */
export interface RotaryOperation {
  readonly kind: "rotary";
  /** [rows, heads, width] */
  readonly input: TensorId;
  /** i32 [rows, number of axes] */
  readonly positions: TensorId;
  /** Weight [n], or input [sets, n] together with `set`. */
  readonly frequencies: TensorId;
  /** i32 [rows]: which row of `frequencies` a row uses; sequences with different scaling share a batch. */
  readonly set?: TensorId;
  /** For each frequency the axis of `positions` that it follows. */
  readonly axes: readonly number[];
  readonly scale: number;
  readonly output: TensorId;
}

/** Elementwise functions: `gelu` is the exact (erf) form, `gelu-tanh` its tanh approximation, `quick-gelu` is x·σ(1.702x). */
export type ActivationFunction = "silu" | "gelu" | "gelu-tanh" | "quick-gelu";

/** `output = function(input)`, element by element. */
export interface ActivationOperation {
  readonly kind: "activation";
  readonly function: ActivationFunction;
  readonly input: TensorId;
  readonly output: TensorId;
}

/** `output = left + right`, equal shapes. */
export interface AddOperation {
  readonly kind: "add";
  readonly left: TensorId;
  readonly right: TensorId;
  readonly output: TensorId;
}

/** `output = left * right`, equal shapes. */
export interface MultiplyOperation {
  readonly kind: "multiply";
  readonly left: TensorId;
  readonly right: TensorId;
  readonly output: TensorId;
}

/** `output = input * weight`, every row by the same weight: gates of a branch, scales of a layer's channels. */
export interface ScaleOperation {
  readonly kind: "scale";
  /** [rows, …, width] */
  readonly input: TensorId;
  /** weight [width] */
  readonly weight: TensorId;
  readonly output: TensorId;
}

/** Fused and optional: `output = silu(gate) * up`. Lowered to an activation and a product where a backend lacks it. */
export interface SwigluOperation {
  readonly kind: "swiglu";
  readonly gate: TensorId;
  readonly up: TensorId;
  readonly output: TensorId;
}

/** Keys and values packed in rows: a span counts rows of these tensors. */
export interface PackedKeys {
  readonly kind: "packed";
  /** [n, key heads, width] */
  readonly keys: TensorId;
  /** [n, key heads, width] */
  readonly values: TensorId;
}

/** Keys and values in pages of `PAGE_ROWS` slots: a span counts positions of the row's own sequence. */
export interface PagedKeys {
  readonly kind: "paged";
  /** resource [slots, key heads, width] */
  readonly keys: TensorId;
  /** resource [slots, key heads, width] */
  readonly values: TensorId;
  /** i32 [rows]: the sequence of each query row */
  readonly sequence: TensorId;
  /** i32 [sequences, 2]: begin and end of a sequence's part of `pages` */
  readonly pageSpans: TensorId;
  /** i32 [n]: page numbers; position p of a sequence lies in slot `pages[begin + p / PAGE_ROWS] * PAGE_ROWS + p % PAGE_ROWS` */
  readonly pages: TensorId;
}

/**
 * Softmax attention. Row `r` sees the keys `spans[r, 0] … spans[r, 1] - 1` and no others: causal order, windows,
 * segments of images and the items of a medium are all spans, so the kernels know no kinds of mask. Query head `j`
 * reads key head `floor(j / (heads / key heads))`. A row with an empty span gets zeros.
 */
export interface AttentionOperation {
  readonly kind: "attention";
  /** [rows, heads, width] */
  readonly query: TensorId;
  readonly source: PackedKeys | PagedKeys;
  /** i32 [rows, 2]: begin and end */
  readonly spans: TensorId;
  /** Factor of the scores, usually 1 / sqrt(width). */
  readonly scale: number;
  /** [rows, heads, width] */
  readonly output: TensorId;
}

/**
 * Chooses experts for every row: scores are the softmax of the logits over all experts, or the sigmoid of each, in f32.
 * The `count` best come first, the lower number first among equals; their scores are the weights, divided by their sum
 * if `normalise` says so.
 */
export interface RouteOperation {
  readonly kind: "route";
  /** [rows, experts] */
  readonly logits: TensorId;
  readonly scoring: "softmax" | "sigmoid";
  /** Experts of a row: at most as many as there are. */
  readonly count: number;
  readonly normalise: boolean;
  /** i32 [rows, count] */
  readonly experts: TensorId;
  /** [rows, count] */
  readonly weights: TensorId;
}

/**
 * The gated MLPs of the experts that were chosen for a row, added up in the order of their ranks:
 * `output[r] = Σ weights[r, i] * down_e · (silu(gate_e · input[r]) * (up_e · input[r]))` with `e = experts[r, i]`.
 */
export interface ExpertsOperation {
  readonly kind: "experts";
  /** [rows, in] */
  readonly input: TensorId;
  /** i32 [rows, count] */
  readonly experts: TensorId;
  /** [rows, count] */
  readonly weights: TensorId;
  /** weight [experts, width, in] */
  readonly gate: TensorId;
  /** weight [experts, width, in] */
  readonly up: TensorId;
  /** weight [experts, in, width] */
  readonly down: TensorId;
  /** [rows, in] */
  readonly output: TensorId;
}

/** The one operation with an effect: writes row `r` into slot `slots[r]` of a resource, rounding to its dtype; -1 skips the row. Slots of a run are distinct. */
export interface StoreOperation {
  readonly kind: "store";
  /** [rows, …] */
  readonly input: TensorId;
  /** resource [slots, …] */
  readonly target: TensorId;
  /** i32 [rows] */
  readonly slots: TensorId;
}

/**
 * Chooses one token per row, in float64. Order as in transformers: repetition penalty over the row's history,
 * temperature, top-k, top-p (the smallest set that reaches it, at least one), min-p, draw. Tokens are sorted by
 * probability, the lower id first among equals, and the draw takes the first whose cumulative probability among the
 * kept exceeds `(word >>> 8) · 2⁻²⁴`, where `word` is the first of the Philox block of the row's seed.
 * Temperature 0 takes the largest penalised logit, the lowest id among equals. Log-probabilities are of the raw
 * logits, which may be -infinity but neither NaN nor infinity.
 */
export interface SampleOperation {
  readonly kind: "sample";
  /** [outputs, vocabulary] */
  readonly logits: TensorId;
  /** f32 [outputs, SAMPLE_PARAMETERS.length]: see `SAMPLE_PARAMETERS` */
  readonly parameters: TensorId;
  /** u32 [outputs, 4]: key (two words) and counter (two words, followed by two zeros) of the Philox 4×32-10 generator */
  readonly seeds: TensorId;
  /** i32 [outputs, 2]: begin and end of the row's part of `history` */
  readonly historySpans: TensorId;
  /** i32 [n]: token ids to which the repetition penalty applies; repeats count once */
  readonly history: TensorId;
  /** i32 [outputs] */
  readonly token: TensorId;
  /** [outputs]: natural logarithm of the chosen token's probability under the raw logits */
  readonly logprob: TensorId;
  /** i32 [outputs, TOP_LOGPROBS]: most probable tokens, best first; filled up to `topLogprobs`, then -1 */
  readonly topTokens: TensorId;
  /** [outputs, TOP_LOGPROBS] */
  readonly topLogprobs: TensorId;
}

/** Slots of one page of a paged resource. */
export const PAGE_ROWS = 16;

/** Columns of `SampleOperation.parameters`. 0 switches top-k, top-p (1), min-p and `topLogprobs` off; a penalty of 1 does nothing. */
export const SAMPLE_PARAMETERS = ["temperature", "topK", "topP", "minP", "repetitionPenalty", "topLogprobs"] as const;

/** How many alternatives a sample can report. */
export const TOP_LOGPROBS = 20;
