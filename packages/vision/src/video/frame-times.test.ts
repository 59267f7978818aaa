import { expect, test } from "vitest";
import { timedPieces } from "./frame-times.ts";

const times = (frames: number, fps: number): string[] =>
  timedPieces(frames, 2, fps, [Math.ceil(frames / 2), 3, 4], { before: "[", after: "]" }).map(({ before }) => before);

/** `_calculate_timestamps` of `Qwen3VLProcessor`, written with Python's `.1f`. */
test.each([
  [5, 2, ["<0.2 seconds>[", "<1.2 seconds>[", "<2.0 seconds>["]],
  [1, 2, ["<0.0 seconds>["]],
  [4, 1, ["<0.5 seconds>[", "<2.5 seconds>["]],
  [6, 24, ["<0.0 seconds>[", "<0.1 seconds>[", "<0.2 seconds>["]],
  [8, 2 / 3, ["<0.8 seconds>[", "<3.8 seconds>[", "<6.8 seconds>[", "<9.8 seconds>["]],
])("%i frames, %f a second", (frames, fps, expected) => {
  expect(times(frames, fps)).toEqual(expected);
});

test("each step is a picture of its own", () => {
  expect(timedPieces(3, 2, 2, [2, 3, 4], { before: "[", after: "]" })[1]).toEqual({ before: "<1.0 seconds>[", after: "]", rows: 12, grid: [1, 3, 4] });
});
