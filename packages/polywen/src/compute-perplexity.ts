import { InvalidArgumentError, LimitExceededError } from "@polywen/tensor";
import type { ModelParts } from "./model-parts.ts";
import { textPrompt } from "./prompt/text-prompt.ts";
import { readPrompt } from "./read-prompt.ts";

/** Options of `Model.perplexity`. */
export interface PerplexityOptions {
  /** Tokens of a window. Default: the most that context and cache allow, at most 2048. */
  readonly context?: number;
  readonly signal?: AbortSignal | undefined;
}

/** How well a model predicts a text. */
export interface Perplexity {
  /** exp of the mean negative log-probability of a token; 1 is certainty. */
  readonly perplexity: number;
  /** Tokens that were predicted: all but the first. */
  readonly tokens: number;
  /** Tokens of a window. */
  readonly context: number;
}

/** Rows `begin … end - 1` of a text, of which the tokens from `scored` on are predicted. */
interface Window {
  readonly begin: number;
  readonly end: number;
  readonly scored: number;
}

/**
 * Perplexity over sliding windows, as transformers' guide to the perplexity of models of fixed length defines it: a
 * window starts half a window after the one before and predicts the tokens that no window has predicted yet. So each
 * token but the first is predicted once, from at least half a window where the text has that much before it.
 */
export async function computePerplexity(parts: ModelParts, text: string, options: PerplexityOptions): Promise<Perplexity> {
  const ids = parts.tokenizer.encode(text);
  const context = checkedContext(parts, options.context);
  if (ids.length < 2) throw new InvalidArgumentError({ argument: "text", expected: "a text of at least two tokens", received: text });
  let sum = 0;
  for (const { begin, end, scored } of windowsOf(ids.length, context)) {
    // Row r predicts token r + 1; the last token of a window need not be read.
    const from = scored - 1 - begin;
    const receive = (row: number, { logits }: { readonly logits: Float32Array }): void => void (sum -= logProbability(logits, ids[begin + row + 1]!));
    await readPrompt(parts, textPrompt(parts, ids.slice(begin, end - 1)), { promptRows: { from, receive }, operation: "Computing perplexity", signal: options.signal });
  }
  return { perplexity: Math.exp(sum / (ids.length - 1)), tokens: ids.length - 1, context };
}

function* windowsOf(length: number, context: number): Generator<Window> {
  const stride = Math.floor(context / 2);
  let scored = 1;
  for (let begin = 0; scored < length; begin += stride) {
    const end = Math.min(begin + context, length);
    yield { begin, end, scored };
    scored = end;
  }
}

/** ln softmax(logits)[id], in double precision. */
function logProbability(logits: Float32Array, id: number): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > greatest) greatest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - greatest);
  return logits[id]! - greatest - Math.log(sum);
}

function checkedContext({ engine }: ModelParts, given: number | undefined): number {
  const limit = engine.contextTokens;
  const context = given ?? Math.min(limit, 2048);
  if (!Number.isSafeInteger(context) || context < 2) throw new InvalidArgumentError({ argument: "context", expected: "an integer of at least 2", received: context });
  if (context <= limit) return context;
  throw new LimitExceededError({ what: "A window", limit, received: context, unit: "tokens" }, { hint: "Use smaller windows, or load the model with a larger cacheTokens if its context allows." });
}
