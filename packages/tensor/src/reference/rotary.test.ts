import { describe, expect, it } from "vitest";
import { IndexOutOfRangeError } from "../errors/errors.ts";
import { outputOf } from "../conformance/run-draft.ts";

describe("rotary", () => {
  it("turns each pair by position times frequency and passes the rest through", async () => {
    const output = await outputOf((draft) => {
      const rows = draft.dimension("rows", 1);
      const input = draft.floats("input", [rows, 1, 5], [1, 2, 3, 4, 5]);
      const positions = draft.integers("positions", [rows, 2], [2, 7]);
      return draft.builder.rotary({ input, positions, frequencies: draft.weight("frequencies", [2], { values: [0.5, 0.25] }), axes: [0, 1], scale: 2 });
    });
    const turn = (left: number, right: number, angle: number): number[] => [
      2 * (left * Math.cos(angle) - right * Math.sin(angle)),
      2 * (right * Math.cos(angle) + left * Math.sin(angle)),
    ];
    const [first, third] = turn(1, 3, 1);
    const [second, fourth] = turn(2, 4, 1.75);
    expect(output).toEqual([first, second, third, fourth, 5].map((value) => Math.fround(value!)));
  });

  it("takes angles as f32 products", async () => {
    const frequency = Math.fround(0.1);
    const output = await outputOf((draft) => {
      const rows = draft.dimension("rows", 1);
      const input = draft.floats("input", [rows, 1, 2], [1, 0]);
      const positions = draft.integers("positions", [rows, 1], [100003]);
      return draft.builder.rotary({ input, positions, frequencies: draft.weight("frequencies", [1], { values: [0.1] }), axes: [0] });
    });
    const angle = Math.fround(100003 * frequency);
    expect(angle).not.toBe(100003 * frequency);
    expect(output).toEqual([Math.fround(Math.cos(angle)), Math.fround(Math.sin(angle))]);
  });

  const withSets = (set: number[]): Promise<number[]> =>
    outputOf((draft) => {
      const rows = draft.dimension("rows", set.length);
      const sets = draft.dimension("sets", 2);
      const input = draft.floats("input", [rows, 1, 2], set.flatMap(() => [1, 0]));
      const positions = draft.integers("positions", [rows, 1], set.map(() => 1));
      const frequencies = draft.floats("frequencies", [sets, 1], [0, Math.PI / 2]);
      return draft.builder.rotary({ input, positions, frequencies, set: draft.integers("set", [rows], set), axes: [0] });
    });

  it("chooses frequencies by row", async () => {
    const output = await withSets([1, 0]);
    expect(output[0]).toBeCloseTo(0, 6);
    expect(output.slice(1)).toEqual([1, 1, 0]);
  });

  it.each([-1, 2])("refuses set %i", async (set) => {
    await expect(withSets([0, set])).rejects.toThrowError(IndexOutOfRangeError);
  });
});
