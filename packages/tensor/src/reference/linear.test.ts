import { describe, expect, it } from "vitest";
import { outputOf } from "../conformance/run-draft.ts";

const linear = (input: number[], weight: number[][], bias?: number[]): Promise<number[]> =>
  outputOf((draft) => {
    const depth = weight[0]!.length;
    const rows = draft.dimension("rows", input.length / depth);
    const matrix = draft.weight("weight", [weight.length, depth], { values: weight.flat() });
    const vector = bias === undefined ? undefined : draft.weight("bias", [weight.length], { values: bias });
    return draft.builder.linear(draft.floats("input", [rows, depth], input), matrix, vector);
  });

describe("linear", () => {
  it("multiplies by the transposed weight and adds the bias", async () => {
    // prettier-ignore
    const weight = [[1, 2], [3, 4], [5, 6], [7, 8], [-1, 0.5]];
    expect(await linear([1, 10, 2, -1], weight)).toEqual([21, 43, 65, 87, 4, 0, 2, 4, 6, -2.5]);
    expect(await linear([1, 10], weight, [100, 0, 0, 0, -4])).toEqual([121, 43, 65, 87, 0]);
  });

  it("accumulates in float64", async () => {
    expect(await linear([2 ** 30, 1, -(2 ** 30)], [[1, 0.5, 1]])).toEqual([0.5]);
  });

  it("accepts no rows", async () => {
    expect(await linear([], [[1, 2]])).toEqual([]);
  });
});
