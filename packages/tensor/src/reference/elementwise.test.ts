import { describe, expect, it } from "vitest";
import type { ActivationFunction } from "../operations.ts";
import type { TensorSpec } from "../program.ts";
import { erf } from "./elementwise.ts";
import { outputOf } from "../conformance/run-draft.ts";

const inputs = [-120, -3, -0.5, 0, 1, 4];
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const tanhForm = (x: number): number => 0.5 * x * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
// Values of x·Φ(x) to nine digits, from tables of the normal distribution.
const gelu = [0, -0.00404969409, -0.154268770, 0, 0.841344746, 3.99987331];

const expectations: readonly { name: ActivationFunction; expected: readonly number[] }[] = [
  { name: "silu", expected: inputs.map((x) => x * sigmoid(x)) },
  { name: "quick-gelu", expected: inputs.map((x) => x * sigmoid(1.702 * x)) },
  { name: "gelu-tanh", expected: inputs.map(tanhForm) },
  { name: "gelu", expected: gelu },
];

describe("activation", () => {
  it.each(expectations)("computes $name", async ({ name, expected }) => {
    const output = await outputOf((draft) => draft.builder.activation(name, draft.floats("input", [draft.dimension("rows", inputs.length)], inputs)));
    output.forEach((value, index) => expect(Math.abs(value - expected[index]!)).toBeLessThanOrEqual(1e-37 + 3e-7 * Math.abs(expected[index]!)));
  });
});

describe("erf", () => {
  // Abramowitz and Stegun, table 7.1, and the limits.
  it.each([[0, 0], [0.5, 0.5204998778], [1, 0.8427007929], [2, 0.9953222650], [-2, -0.9953222650], [5.9, 1], [40, 1], [-Infinity, -1]])("erf(%d) = %d", (x, expected) => {
    expect(Math.abs(erf(x) - expected)).toBeLessThan(6e-11);
  });

  it("keeps NaN", () => {
    expect(erf(Number.NaN)).toBeNaN();
  });
});

describe("add, multiply, swiglu", () => {
  const combine = (name: "add" | "multiply" | "swiglu"): Promise<number[]> =>
    outputOf((draft): TensorSpec => {
      const rows = draft.dimension("rows", 3);
      return draft.builder[name](draft.floats("left", [rows], [1, -2, 0.1]), draft.floats("right", [rows], [10, 0.5, 0.2]));
    });

  it("work element by element", async () => {
    const [third, fifth] = [Math.fround(0.1), Math.fround(0.2)];
    expect(await combine("add")).toEqual([11, -1.5, Math.fround(third + fifth)]);
    expect(await combine("multiply")).toEqual([10, -1, Math.fround(third * fifth)]);
  });

  it("lowers swiglu to an f32 activation and a product", async () => {
    const silu = (x: number): number => Math.fround(x * sigmoid(x));
    const output = await combine("swiglu");
    [silu(1) * 10, silu(-2) * 0.5, silu(Math.fround(0.1)) * 0.2].forEach((expected, index) => expect(output[index]).toBeCloseTo(expected, 6));
  });
});

describe("scale", () => {
  it("multiplies every row by the weight, zeros and infinities as IEEE 754 has it", async () => {
    const output = await outputOf((draft) =>
      draft.builder.scale(draft.floats("input", [draft.dimension("rows", 2), 3], [1, -2, 3, 4, 0, Number.POSITIVE_INFINITY]), draft.weight("weight", [3], { values: [2, 0.5, -1] })));
    expect([...output]).toEqual([2, -1, -3, 8, 0, Number.NEGATIVE_INFINITY]);
  });
});
