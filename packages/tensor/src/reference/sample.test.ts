import { describe, expect, it } from "vitest";
import { InvalidArgumentError, NumericalError } from "../errors/errors.ts";
import { TOP_LOGPROBS } from "../operations.ts";
import { runDraft } from "../conformance/run-draft.ts";
import { chooseToken, mostProbable } from "./sample.ts";

const neutral = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, topLogprobs: 0 };
type Parameters = typeof neutral;

// Probabilities 0.5, 0.25, 0.125, 0.125 at ids 2, 0, 1, 3.
const logits = Float64Array.of(Math.log(0.25), Math.log(0.125), Math.log(0.5), Math.log(0.125));

const choose = (random: number, parameters: Partial<Parameters> = {}): number => chooseToken(logits, { ...neutral, ...parameters }, random);

/** The tokens that can be drawn, in the order in which the draw walks them. */
const reachable = (parameters: Partial<Parameters>): number[] => [...new Set(Array.from({ length: 1000 }, (_, i) => choose(i / 1000, parameters)))];

describe("chooseToken", () => {
  it("walks tokens most probable first, the lower id first among equals", () => {
    expect([0, 0.499, 0.501, 0.749, 0.751, 0.874, 0.876, 0.999].map((random) => choose(random))).toEqual([2, 2, 0, 0, 1, 1, 3, 3]);
  });

  it("takes the lowest id of the largest logit at temperature 0", () => {
    expect(choose(0.999, { temperature: 0 })).toBe(2);
    expect(chooseToken(Float64Array.of(1, 7, 3, 7), { ...neutral, temperature: 0 }, 0)).toBe(1);
  });

  it("flattens and sharpens with temperature", () => {
    // Square roots of the probabilities: 0.7071, 0.5, 0.3536, 0.3536 of 1.9142.
    expect([0.369, 0.370, 0.630, 0.631].map((random) => choose(random, { temperature: 2 }))).toEqual([2, 0, 0, 1]);
  });

  it("keeps the k most probable and draws among them anew", () => {
    expect(reachable({ topK: 3 })).toEqual([2, 0, 1]);
    expect([0.66, 0.67].map((random) => choose(random, { topK: 2 }))).toEqual([2, 0]);
    expect(reachable({ topK: 100 })).toEqual([2, 0, 1, 3]);
  });

  it("keeps the smallest set that reaches p, at least one", () => {
    expect(reachable({ topP: 0 })).toEqual([2]);
    expect(reachable({ topP: 0.5 })).toEqual([2]);
    expect(reachable({ topP: 0.51 })).toEqual([2, 0]);
    expect(reachable({ topP: 0.76 })).toEqual([2, 0, 1]);
  });

  it("measures top-p after top-k", () => {
    // Of the two kept, the first has two thirds.
    expect(reachable({ topK: 2, topP: 0.6 })).toEqual([2]);
    expect(reachable({ topK: 2, topP: 0.7 })).toEqual([2, 0]);
  });

  it("keeps what is at least the share min-p of the largest", () => {
    expect(reachable({ minP: 0.4 })).toEqual([2, 0]);
    expect(reachable({ minP: 1 })).toEqual([2]);
  });

  it("never draws a token of probability 0", () => {
    expect(chooseToken(Float64Array.of(-Infinity, 0, -Infinity), neutral, 1 - 2 ** -24)).toBe(1);
  });
});

describe("mostProbable", () => {
  it("agrees with a full sort", () => {
    const values = Float64Array.from({ length: 50 }, (_, i) => (i * 7) % 5);
    const sorted = [...values.keys()].sort((left, right) => values[right]! - values[left]! || left - right);
    for (const count of [0, 1, 7, 49, 50, 60]) expect([...mostProbable(values, count)]).toEqual(sorted.slice(0, count));
  });
});

describe("sample", () => {
  const sample = (row: readonly number[], parameters: Partial<Parameters> = {}, history: readonly number[] = [], seeds: readonly number[] = [0, 0, 0, 0]) =>
    runDraft((draft) => {
      const outputs = draft.dimension("outputs", 1);
      const result = draft.builder.sample({
        logits: draft.floats("logits", [outputs, row.length], row),
        parameters: draft.floats("parameters", [outputs, 6], Object.values({ ...neutral, ...parameters })),
        seeds: draft.words("seeds", [outputs, 4], seeds),
        historySpans: draft.integers("historySpans", [outputs, 2], [0, history.length]),
        history: draft.integers("history", [draft.dimension("n", history.length)], history),
      });
      for (const [name, tensor] of Object.entries(result)) draft.builder.output(name, tensor);
    });

  it("penalises each token of the history once: positive logits are divided, negative ones multiplied", async () => {
    const greedy = { temperature: 0, repetitionPenalty: 2 };
    expect((await sample([3, 2, 1], greedy)).get("token")).toEqual(Int32Array.of(0));
    expect((await sample([3, 2, 1], greedy, [0, 0, 0])).get("token")).toEqual(Int32Array.of(1));
    expect((await sample([-3, -2, -5], greedy, [1])).get("token")).toEqual(Int32Array.of(0));
  });

  it("reports log-probabilities of the raw logits", async () => {
    const outputs = await sample([0, 1, 2, 2], { temperature: 0, repetitionPenalty: 5, topLogprobs: 3 }, [2, 3]);
    const normaliser = Math.log(1 + Math.E + 2 * Math.E ** 2);
    expect(outputs.get("token")).toEqual(Int32Array.of(1));
    expect(outputs.get("logprob")![0]).toBeCloseTo(1 - normaliser, 6);
    expect([...outputs.get("topTokens")!]).toEqual([2, 3, 1, ...new Array(TOP_LOGPROBS - 3).fill(-1)]);
    const expected = [2, 2, 1].map((logit) => Math.fround(logit - normaliser));
    expect([...outputs.get("topLogprobs")!]).toEqual([...expected, ...new Array(TOP_LOGPROBS - 3).fill(0)]);
  });

  it("draws from the Philox word of key and counter", async () => {
    // First word of the published answer for zeros is 6627e8d5: 0.399…; two equal tokens split at 0.5, three at 1/3 and 2/3.
    expect((await sample([0, 0])).get("token")).toEqual(Int32Array.of(0));
    expect((await sample([0, 0, 0])).get("token")).toEqual(Int32Array.of(1));
    const frequencies = [0, 0, 0];
    for (let step = 0; step < 300; step++) frequencies[(await sample([0, Math.log(2), 0], {}, [], [7, 0, step, 0])).get("token")![0]!]!++;
    expect(frequencies[1]).toBeGreaterThan(120);
    expect(frequencies[1]).toBeLessThan(180);
  });

  it.each([[[0, Number.NaN]], [[Infinity, 0]], [[-Infinity, -Infinity]]])("refuses the logits %j", async (row) => {
    await expect(sample(row)).rejects.toThrowError(NumericalError);
  });

  it.each([{ temperature: -1 }, { topK: 1.5 }, { topP: 1.1 }, { minP: -0.1 }, { repetitionPenalty: 0 }, { topLogprobs: 21 }])("refuses %j", async (parameters) => {
    await expect(sample([0, 1], parameters)).rejects.toThrowError(InvalidArgumentError);
  });

  it("refuses a history of tokens that do not exist", async () => {
    await expect(sample([0, 1], {}, [2])).rejects.toMatchObject({ code: "INDEX_OUT_OF_RANGE", facts: { tensor: "history", value: 2, limit: 2 } });
  });
});
