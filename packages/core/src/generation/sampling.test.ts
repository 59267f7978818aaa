import { expect, test } from "vitest";
import { resolveSampling } from "./sampling.ts";

test("options win over the checkpoint's defaults, which win over no filter", () => {
  expect(resolveSampling({ topP: 0.5, seed: 3 }, { temperature: 0.7, topP: 0.8 })).toEqual({ temperature: 0.7, topK: 0, topP: 0.5, minP: 0, repetitionPenalty: 1, seed: 3, topLogprobs: 0 });
});

test("without a seed, calls differ", () => {
  expect(resolveSampling({}).seed).not.toBe(resolveSampling({}).seed);
});

test.each([
  [{ temperature: -1 }],
  [{ temperature: Number.NaN }],
  [{ temperature: Number.POSITIVE_INFINITY }],
  [{ topP: 0 }],
  [{ topK: 1.5 }],
  [{ minP: 2 }],
  [{ repetitionPenalty: 0 }],
  [{ seed: 2 ** 70 }],
  [{ seed: -1 }],
  [{ topLogprobs: 21 }],
])("%j is refused", (options) => {
  expect(() => resolveSampling(options)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
});
