import { expect, test } from "vitest";
import { frameOrder } from "../tower/window-order.ts";
import { positionTaps } from "./position-taps.ts";

/** The bilinear value of a table whose entry (row, column) is 10 row + column: linear, so that interpolation gives it back exactly. */
function valuesOf(grid: { t: number; h: number; w: number }, side: number): number[] {
  const { positions } = frameOrder(grid, 2);
  const { entries, weights } = positionTaps(grid, positions, side);
  return Array.from({ length: positions.length / 2 }, (_, patch) =>
    [0, 1, 2, 3].reduce((sum, corner) => {
      const entry = entries[corner]![patch]!;
      return sum + weights[corner]![patch]! * (10 * Math.floor(entry / side) + (entry % side));
    }, 0));
}

test("corners lie on corners, and places between them between their values, in the order of blocks and for every frame", () => {
  const [step, across] = [(10 * 5) / 3, 5];
  const frame = [0, across, step, step + across, 2 * step, 2 * step + across, 3 * step, 3 * step + across];
  const values = valuesOf({ t: 2, h: 4, w: 2 }, 6);
  expect(values).toHaveLength(16);
  [...frame, ...frame].forEach((expected, patch) => expect(values[patch]).toBeCloseTo(expected, 4));
});
