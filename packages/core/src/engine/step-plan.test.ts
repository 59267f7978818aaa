import { expect, test } from "vitest";
import type { EngineRequest } from "./engine-request.ts";
import { resolveSampling } from "../generation/sampling.ts";
import { Sequence } from "./sequence.ts";
import { planStep } from "./step-plan.ts";
import { TokenStream } from "./token-stream.ts";

function sequenceOf(promptLength: number, cached: number, wantedFrom?: number): Sequence {
  const request: EngineRequest = {
    prompt: { ids: new Int32Array(promptLength), positions: new Int32Array(promptLength), nextPosition: promptLength },
    maxTokens: 4,
    sampling: resolveSampling({}),
    stopTokens: new Set(),
    ...(wantedFrom === undefined ? {} : { promptRows: { from: wantedFrom, receive: () => undefined } }),
  };
  const sequence = new Sequence(request, new TokenStream(() => undefined));
  sequence.cached = cached;
  return sequence;
}

const summary = (sequences: Sequence[], limits: { rows: number; outputs: number }): unknown =>
  planStep(sequences, limits).map(({ sequence, first, count, outputs }) => [sequences.indexOf(sequence), first, count, outputs]);

test("rows that generate go before long prompts, and prompts share what is left in order", () => {
  const sequences = [sequenceOf(100, 0), sequenceOf(10, 9), sequenceOf(100, 0)];
  expect(summary(sequences, { rows: 101, outputs: 8 })).toEqual([[1, 9, 1, [0]], [0, 0, 100, [99]]]);
  expect(summary(sequences, { rows: 51, outputs: 8 })).toEqual([[1, 9, 1, [0]], [0, 0, 50, []]]);
});

test("a prompt whose every row is wanted takes no more of them than there are outputs", () => {
  expect(summary([sequenceOf(20, 3, 0)], { rows: 256, outputs: 8 })).toEqual([[0, 3, 8, [0, 1, 2, 3, 4, 5, 6, 7]]]);
  expect(summary([sequenceOf(20, 18, 0)], { rows: 256, outputs: 8 })).toEqual([[0, 18, 2, [0, 1]]]);
});

test("rows before the first that is wanted need no outputs", () => {
  expect(summary([sequenceOf(100, 0, 90)], { rows: 256, outputs: 3 })).toEqual([[0, 0, 93, [90, 91, 92]]]);
  expect(summary([sequenceOf(100, 0, 90)], { rows: 50, outputs: 3 })).toEqual([[0, 0, 50, []]]);
  expect(summary([sequenceOf(10, 9), sequenceOf(100, 0, 90)], { rows: 256, outputs: 1 })).toEqual([[0, 9, 1, [0]], [1, 0, 90, []]]);
});

test("a prompt that would end without a free output leaves its last row for later", () => {
  expect(summary([sequenceOf(10, 9), sequenceOf(3, 0)], { rows: 256, outputs: 1 })).toEqual([[0, 9, 1, [0]], [1, 0, 2, []]]);
  expect(summary([sequenceOf(10, 9), sequenceOf(3, 2)], { rows: 256, outputs: 1 })).toEqual([[0, 9, 1, [0]]]);
});
