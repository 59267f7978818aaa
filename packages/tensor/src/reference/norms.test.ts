import { describe, expect, it } from "vitest";
import { outputOf } from "../conformance/run-draft.ts";

describe("rms-norm", () => {
  it("divides by the root mean square and scales", async () => {
    const output = await outputOf((draft) => {
      const input = draft.floats("input", [draft.dimension("rows", 2), 2], [3, 4, 0, 0]);
      return draft.builder.rmsNorm(input, draft.weight("weight", [2], { values: [1, 2] }), 1e-6);
    });
    const root = Math.sqrt(12.5 + 1e-6);
    expect(output).toEqual([Math.fround(3 / root), Math.fround(8 / root), 0, 0]);
  });

  it("normalises every head of a row by itself", async () => {
    const output = await outputOf((draft) => {
      const input = draft.floats("input", [draft.dimension("rows", 1), 2, 1], [100, -0.5]);
      return draft.builder.rmsNorm(input, draft.weight("weight", [1], { values: [3] }), 1e-12);
    });
    expect(output).toEqual([3, -3]);
  });
});

describe("layer-norm", () => {
  it.each([[10, -10], undefined])("subtracts the mean and divides by the deviation, bias %j", async (bias) => {
    const output = await outputOf((draft) => {
      const input = draft.floats("input", [draft.dimension("rows", 1), 2], [1, 5]);
      const vector = bias === undefined ? undefined : draft.weight("bias", [2], { values: bias });
      return draft.builder.layerNorm(input, draft.weight("weight", [2], { values: [1, 3] }), vector, 1e-5);
    });
    const unit = 2 / Math.sqrt(4 + 1e-5);
    expect(output).toEqual([Math.fround(-unit + (bias?.[0] ?? 0)), Math.fround(3 * unit + (bias?.[1] ?? 0))]);
  });
});
