import { InvalidArgumentError, LimitExceededError } from "@polywen/tensor";
import type { ModelParts } from "./model-parts.ts";
import { textPrompt } from "./prompt/text-prompt.ts";
import { readPrompt } from "./read-prompt.ts";

/** Options of `Model.embed`. */
export interface EmbedOptions {
  /** `mean` of all rows, or the `last` one, as the model was trained for. Default `mean`. */
  readonly pooling?: "mean" | "last";
  /** Scale to length 1, so that a dot product is the cosine. Default true. */
  readonly normalize?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Embeds texts, which share the engine's steps. */
export async function computeEmbeddings(parts: ModelParts, texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
  const { pooling = "mean", normalize = true, signal } = options;
  if (pooling !== "mean" && pooling !== "last") throw new InvalidArgumentError({ argument: "pooling", expected: '"mean" or "last"', received: pooling });
  const prompts = texts.map((text) => checkedIds(parts, text));
  return Promise.all(prompts.map((ids) => embed(parts, ids, pooling, normalize, signal)));
}

async function embed(parts: ModelParts, ids: readonly number[], pooling: "mean" | "last", normalize: boolean, signal: AbortSignal | undefined): Promise<Float32Array> {
  const sum = new Float64Array(parts.engine.model.hiddenSize);
  const from = pooling === "mean" ? 0 : ids.length - 1;
  const receive = (_row: number, { hidden }: { readonly hidden: Float32Array }): void => hidden.forEach((value, index) => (sum[index]! += value));
  await readPrompt(parts, textPrompt(parts, ids), { promptRows: { from, receive }, operation: "Embedding", signal });
  const divisor = normalize ? Math.hypot(...sum) : ids.length - from;
  return Float32Array.from(sum, (value) => (divisor === 0 ? 0 : value / divisor));
}

/** A text is never cut in silence. */
function checkedIds({ engine, tokenizer }: ModelParts, text: string): readonly number[] {
  if (typeof text !== "string") throw new InvalidArgumentError({ argument: "text", expected: "a string or an array of them", received: text });
  const ids = tokenizer.encode(text);
  if (ids.length === 0) throw new InvalidArgumentError({ argument: "text", expected: "at least one token", received: text });
  const limit = engine.contextTokens;
  if (ids.length > limit) throw new LimitExceededError({ what: "A text", limit, received: ids.length, unit: "tokens" }, { hint: "Split it, or load the model with a larger cacheTokens if its context allows." });
  return ids;
}
