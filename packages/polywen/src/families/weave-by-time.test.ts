import { expect, test } from "vitest";
import { weaveByTime } from "./weave-by-time.ts";

/** Runs of media whose rows lie at these times: medium, from, to. */
const weave = (chunk: number, ...times: number[][]) => weaveByTime(chunk)(times.map((rows) => Int32Array.from(rows))).map(({ medium, from, to }) => [medium, from, to]);

test("chunks of time follow each other, in each the first medium before the second", () => {
  expect(weave(2, [0, 0, 1, 1, 2, 2], [0, 1, 2, 3, 4])).toEqual([[0, 0, 4], [1, 0, 2], [0, 4, 6], [1, 2, 4], [1, 4, 5]]);
  expect(weave(2, [0, 0, 2, 2, 4, 4], [0])).toEqual([[0, 0, 2], [1, 0, 1], [0, 2, 4], [0, 4, 6]]);
});

/** `get_chunked_index` of transformers 5.23 for frames 100 positions apart and chunks of 50: [(0, 2), (2, 3), (3, 4), (4, 5), (5, 6)]. */
test("after a gap chunks of one row follow, as in the reference", () => {
  expect(weave(50, [0, 0, 100, 100, 200, 200])).toEqual([[0, 0, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5], [0, 5, 6]]);
});
