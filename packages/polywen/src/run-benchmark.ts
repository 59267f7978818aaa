import { resolveSampling } from "@polywen/core";
import { pagesFor } from "@polywen/kv-cache";
import { AbortedError, InvalidArgumentError, LimitExceededError, PAGE_ROWS } from "@polywen/tensor";
import type { ModelParts } from "./model-parts.ts";
import { textPrompt } from "./prompt/text-prompt.ts";

/** Input of `Model.benchmark`. */
export interface BenchmarkInput {
  /** Prompts as token ids; they are read and continued together. */
  readonly prompts: readonly (readonly number[])[];
  /** Tokens that each prompt is continued by while all of them are. Default 0: prompts are only read. */
  readonly generate?: number;
  /** Alternatives to report with each token, to see what they cost. Default 0. */
  readonly topLogprobs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Tokens, of all prompts together, and how long they took. */
export interface TimedTokens {
  readonly tokens: number;
  readonly ms: number;
}

/** Output of `Model.benchmark`. */
export interface Benchmark {
  /** Reading the prompts: until each had its first token. */
  readonly prefill: TimedTokens;
  /** Continuing them, from there on. */
  readonly decode: TimedTokens;
  /** The greedy continuation of each prompt, its first token included. */
  readonly tokenIds: readonly (readonly number[])[];
}

/** Times one run over prompts of ids, decoding greedily and past end tokens. */
export async function runBenchmark(parts: ModelParts, input: BenchmarkInput): Promise<Benchmark> {
  const { prompts, generate = 0, topLogprobs = 0 } = input;
  check(parts, prompts, generate);
  const sampling = resolveSampling({ temperature: 0, seed: 0, topLogprobs });
  const enough = new AbortController();
  const signal = AbortSignal.any([enough.signal, ...(input.signal === undefined ? [] : [input.signal])]);
  const lengths = prompts.map((ids) => ids.length);
  const { rows } = parts.engine.limits;
  const maxTokens = tokensOfEach(lengths, generate, rows);
  requireRoom(parts, benchmarkTokens(lengths, generate, rows));
  const requests = prompts.map((ids) => ({ prompt: textPrompt(parts, ids), maxTokens, sampling, stopTokens: new Set<number>(), signal }));
  const clock = new Clock(prompts.length, generate, () => enough.abort());
  const tokenIds = await Promise.all(
    requests.map(async (request, prompt) => {
      const ids: number[] = [];
      for await (const { id } of parts.engine.generate(request)) clock.tick(prompt, ids.push(id));
      return ids.slice(0, generate + 1);
    }),
  );
  if (input.signal?.aborted === true) throw new AbortedError({ operation: "A benchmark" }, { cause: input.signal.reason });
  const prefill = { tokens: prompts.reduce((sum, ids) => sum + ids.length, 0), ms: clock.prefillMs };
  return { prefill, decode: { tokens: prompts.length * generate, ms: clock.decodeMs }, tokenIds };
}

/** The prompt whose first token comes last gets one token a step, and so does every other one from then on. */
class Clock {
  readonly #started = performance.now();
  readonly #generate: number;
  readonly #enough: () => void;
  #reading: number;
  #last: number | undefined;
  #readAt = 0;
  #endedAt = 0;

  constructor(prompts: number, generate: number, enough: () => void) {
    this.#reading = prompts;
    this.#generate = generate;
    this.#enough = enough;
  }

  /** A prompt has one token more, `count` in all. */
  tick(prompt: number, count: number): void {
    if (count === 1 && --this.#reading === 0) {
      this.#last = prompt;
      this.#readAt = performance.now();
    }
    if (prompt !== this.#last || count !== this.#generate + 1) return;
    this.#endedAt = performance.now();
    this.#enough();
  }

  get prefillMs(): number {
    return this.#readAt - this.#started;
  }

  get decodeMs(): number {
    return this.#generate === 0 ? 0 : this.#endedAt - this.#readAt;
  }
}

function check({ engine }: ModelParts, prompts: BenchmarkInput["prompts"], generate: number): void {
  if (prompts.length === 0) throw new InvalidArgumentError({ argument: "prompts", expected: "at least one prompt", received: prompts });
  if (!Number.isSafeInteger(generate) || generate < 0) throw new InvalidArgumentError({ argument: "generate", expected: "a non-negative integer", received: generate });
  const { sequences: limit } = engine.limits;
  if (prompts.length > limit) {
    throw new LimitExceededError({ what: "The number of prompts read together", limit, received: prompts.length }, { hint: "Load the model with a larger maxSequences." });
  }
}

/** The tokens that each prompt may be continued by: the first ones go on while the last ones are still read. */
function tokensOfEach(lengths: readonly number[], generate: number, rowsPerStep: number): number {
  if (generate === 0) return 1;
  const rows = lengths.reduce((sum, length) => sum + length, 0);
  const headStart = lengths.length === 1 ? 0 : Math.ceil(rows / Math.max(1, rowsPerStep - lengths.length)) + lengths.length;
  return 1 + generate + headStart;
}

/**
 * The `cacheTokens` that `Model.benchmark` needs for prompts of these lengths, each continued by `generate` tokens: all of them must be in
 * the cache at once, or they would wait for each other.
 */
export function benchmarkTokens(lengths: readonly number[], generate: number, rowsPerStep: number): number {
  const maxTokens = tokensOfEach(lengths, generate, rowsPerStep);
  return lengths.reduce((sum, length) => sum + pagesFor(length + maxTokens - 1) * PAGE_ROWS, 0);
}

function requireRoom({ engine }: ModelParts, received: number): void {
  if (received <= engine.cacheTokens) return;
  throw new LimitExceededError(
    { what: "The prompts with their continuations", limit: engine.cacheTokens, received, unit: "tokens" },
    { hint: "Load the model with a larger cacheTokens." },
  );
}
