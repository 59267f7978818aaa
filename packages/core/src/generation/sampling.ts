import { randomInt } from "node:crypto";
import { z } from "zod";
import { InvalidArgumentError, TOP_LOGPROBS } from "@polywen/tensor";

/** How a token is chosen. The order of the filters is that of transformers: penalty, temperature, top-k, top-p, min-p. */
export interface SamplingOptions {
  /** 0 takes the most probable token. Default 1; for a loaded model what its checkpoint proposes, which is 0 unless that says `do_sample`. */
  readonly temperature?: number | undefined;
  /** Keep only the k most probable tokens; 0 keeps all. */
  readonly topK?: number | undefined;
  /** Keep the smallest set of tokens whose probabilities reach p; 1 keeps all. */
  readonly topP?: number | undefined;
  /** Keep tokens at least this fraction as probable as the best; 0 keeps all. */
  readonly minP?: number | undefined;
  /** Divides positive and multiplies negative logits of tokens already present; 1 does nothing. */
  readonly repetitionPenalty?: number | undefined;
  /** Same seed, same text. Default: drawn anew for each call. An integer from 0 to 2^53 - 1. */
  readonly seed?: number | undefined;
  /** How many alternatives to report with each token, up to 20. Default 0. */
  readonly topLogprobs?: number | undefined;
}

/** Sampling settings with every default filled in. */
export type Sampling = { readonly [K in keyof SamplingOptions]-?: NonNullable<SamplingOptions[K]> };

const ranges = {
  temperature: z.number().min(0).max(100),
  topK: z.int().min(0),
  topP: z.number().gt(0).max(1),
  minP: z.number().min(0).max(1),
  repetitionPenalty: z.number().gt(0).max(100),
  seed: z.int().min(0),
  topLogprobs: z.int().min(0).max(TOP_LOGPROBS),
} satisfies Record<keyof SamplingOptions, z.ZodType<number>>;

const expectations: Record<keyof SamplingOptions, string> = {
  temperature: "a number from 0 to 100",
  topK: "a non-negative integer",
  topP: "a number above 0 and at most 1",
  minP: "a number from 0 to 1",
  repetitionPenalty: "a number above 0 and at most 100",
  seed: "an integer from 0 to 2^53 - 1",
  topLogprobs: `an integer from 0 to ${TOP_LOGPROBS}`,
};

/** Checks the options and fills gaps from `defaults`, then from "no filter". Throws `InvalidArgumentError`. */
export function resolveSampling(options: SamplingOptions, defaults: SamplingOptions = {}): Sampling {
  const value = (name: keyof SamplingOptions, fallback: number): number => {
    const given = options[name] ?? defaults[name] ?? fallback;
    if (!ranges[name].safeParse(given).success) throw new InvalidArgumentError({ argument: name, expected: expectations[name], received: given });
    return given;
  };
  return {
    temperature: value("temperature", 1),
    topK: value("topK", 0),
    topP: value("topP", 1),
    minP: value("minP", 0),
    repetitionPenalty: value("repetitionPenalty", 1),
    seed: value("seed", randomInt(2 ** 47)),
    topLogprobs: value("topLogprobs", 0),
  };
}
