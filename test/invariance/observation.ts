import { expect } from "vitest";
import type { GenerateOptions, Model, Prompt, Reply } from "polywen";

/** Everything a prompt leads to, to be compared bit for bit. */
export interface Observation {
  /** [rows, vocabulary]; undefined for prompts with media. */
  readonly logits: Float32Array | undefined;
  readonly greedy: Int32Array | undefined;
  /** Of a sampled reply: ids, log-probabilities and alternatives. */
  readonly tokens: Reply["tokens"];
}

export const sampled: GenerateOptions = { temperature: 0.8, topP: 0.95, topK: 50, seed: 11, maxTokens: 16, topLogprobs: 5 };

/** Logits of every row, a greedy and a sampled continuation of a text. */
export async function observe(model: Model, text: string): Promise<Observation> {
  const [{ logits, greedy }, { tokens }] = await Promise.all([
    model.logits({ ids: model.tokenize(text), maxTokens: 12 }),
    model.generate(text, { ...sampled, raw: true }),
  ]);
  return { logits, greedy, tokens };
}

/** A sampled reply to a prompt that may hold media. */
export async function observeReply(model: Model, prompt: Prompt): Promise<Observation> {
  const { tokens } = await model.generate(prompt, sampled);
  return { logits: undefined, greedy: undefined, tokens };
}

/** One prompt after the other: each is alone in its steps. */
export async function observeAlone(model: Model, texts: readonly string[]): Promise<Observation[]> {
  const observations: Observation[] = [];
  for (const text of texts) {
    const { logits, greedy } = await model.logits({ ids: model.tokenize(text), maxTokens: 12 });
    const { tokens } = await model.generate(text, { ...sampled, raw: true });
    observations.push({ logits, greedy, tokens });
  }
  return observations;
}

/** Bits, not values: -0 differs from 0, and a NaN is never equal by accident. */
export function expectSame(actual: readonly Observation[], expected: readonly Observation[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [index, { logits, greedy, tokens }] of actual.entries()) {
    expect(firstDifference(logits, expected[index]!.logits), `first differing logit of prompt ${index}`).toBe(-1);
    expect(greedy, `greedy tokens of prompt ${index}`).toEqual(expected[index]!.greedy);
    expect(tokens, `sampled tokens of prompt ${index}`).toStrictEqual(expected[index]!.tokens);
  }
}

function firstDifference(actual: Float32Array | undefined, expected: Float32Array | undefined): number {
  if (actual === undefined || expected === undefined) return actual === expected ? -1 : 0;
  if (actual.length !== expected.length) return Math.min(actual.length, expected.length);
  const [a, b] = [bits(actual), bits(expected)];
  return a.findIndex((value, index) => value !== b[index]);
}

function bits(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}
