import { expect, test } from "vitest";
import { mropeLayout, sequentialLayout, splitAtPlaceholders, timedMropeLayout, type LayoutPart } from "./layout.ts";

const image: LayoutPart = { kind: "medium", placeholder: 90, rows: 6, grid: [1, 2, 3] };
const audio: LayoutPart = { kind: "medium", placeholder: 91, rows: 5 };

/** Positions that transformers 5.23 assigns to `a b <vb> IMAGE(1, 4, 6) <ve> c <ab> AUDIO×5 <ae> d`. */
test("M-RoPE positions equal those of transformers", () => {
  const { ids, positions, nextPosition, mediaRows } = mropeLayout([{ kind: "text", ids: [1, 2, 3] }, image, { kind: "text", ids: [4, 5, 6] }, audio, { kind: "text", ids: [7, 8] }]);
  const axis = (number: number): number[] => Array.from(ids, (_, row) => positions[row * 3 + number]!);
  expect([...ids]).toEqual([1, 2, 3, 90, 90, 90, 90, 90, 90, 4, 5, 6, 91, 91, 91, 91, 91, 7, 8]);
  expect(axis(0)).toEqual([0, 1, 2, 3, 3, 3, 3, 3, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  expect(axis(1)).toEqual([0, 1, 2, 3, 3, 3, 4, 4, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  expect(axis(2)).toEqual([0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  expect(nextPosition - ids.length).toBe(-3);
  expect([...mediaRows]).toEqual([-1, -1, -1, 0, 1, 2, 3, 4, 5, -1, -1, -1, 6, 7, 8, 9, 10, -1, -1]);
});

test("frames of a video lie at their times, and what follows continues after the largest position", () => {
  const video: LayoutPart = { kind: "medium", placeholder: 92, rows: 6, grid: [3, 1, 2], secondsPerFrame: 1.3 };
  const { positions, nextPosition } = timedMropeLayout((frame, seconds) => Math.trunc(frame * seconds * 2))([{ kind: "text", ids: [1] }, video, { kind: "text", ids: [2] }]);
  expect([...positions]).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 1, 1, 3, 1, 2, 6, 1, 1, 6, 1, 2, 7, 7, 7]);
  expect(nextPosition).toBe(8);
});

test("woven media begin together, and what follows them continues after their last run", () => {
  const video = { kind: "medium", placeholder: 92, rows: 4, grid: [2, 1, 2], secondsPerFrame: 3 } as const;
  const sound = { kind: "medium", placeholder: 91, rows: 3 } as const;
  const rule = timedMropeLayout((frame, seconds) => frame * seconds, () => [{ medium: 0, from: 0, to: 2 }, { medium: 1, from: 0, to: 2 }, { medium: 0, from: 2, to: 4 }, { medium: 1, from: 2, to: 3 }]);
  const parts: LayoutPart[] = [image, { kind: "text", ids: [1] }, { kind: "woven", media: [video, sound], before: [2], after: [3] }, { kind: "text", ids: [4, 5] }, sound];
  const { ids, positions, nextPosition, mediaRows } = rule(parts);
  expect([...ids]).toEqual([90, 90, 90, 90, 90, 90, 1, 2, 92, 92, 91, 91, 92, 92, 91, 3, 4, 5, 91, 91, 91]);
  expect([...mediaRows]).toEqual([0, 1, 2, 3, 4, 5, -1, -1, 6, 7, 10, 11, 8, 9, 12, -1, -1, -1, 13, 14, 15]);
  expect([...positions].filter((_, index) => index % 3 === 0)).toEqual([0, 0, 0, 0, 0, 0, 3, 3, 4, 4, 4, 5, 7, 7, 6, 7, 7, 8, 9, 10, 11]);
  expect(nextPosition).toBe(12);
  expect(rule(parts.slice(1, 3)).nextPosition).toBe(5);
  for (const other of [mropeLayout, sequentialLayout]) expect(() => other(parts)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
});

test("one axis counts rows", () => {
  const { positions, nextPosition } = sequentialLayout([{ kind: "text", ids: [1] }, audio]);
  expect([...positions]).toEqual([0, 1, 2, 3, 4, 5]);
  expect(nextPosition).toBe(6);
});

test("placeholders take the media of their own kind in order", () => {
  const other: LayoutPart = { ...audio, rows: 2 };
  expect(splitAtPlaceholders([1, 91, 90, 2, 91], [audio, image, other] as never)).toEqual([{ kind: "text", ids: [1] }, audio, image, { kind: "text", ids: [2] }, other]);
});

test("woven media have one placeholder, that of the first of them", () => {
  const woven: LayoutPart = { kind: "woven", media: [image, audio] as never, before: [], after: [] };
  expect(splitAtPlaceholders([1, 90, 91], [woven, audio] as never)).toEqual([{ kind: "text", ids: [1] }, woven, audio]);
});

test.each([[[1, 2]], [[90, 90]]])("ids %j do not match one image", (ids) => {
  expect(() => splitAtPlaceholders(ids, [image] as never)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
});
