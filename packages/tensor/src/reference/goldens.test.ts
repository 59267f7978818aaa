import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { outputOf } from "../conformance/run-draft.ts";
import type { ActivationFunction } from "../operations.ts";
import { chooseToken, penalise, type SampleParameters } from "./sample.ts";

interface Goldens {
  readonly rows: Readonly<Record<"input" | "weight" | "bias" | "gain" | "shift" | "linear" | "rmsNorm" | "layerNorm" | ActivationFunction, number[]>>;
  readonly rotary: Readonly<Record<"input" | "positions" | "frequencies" | "output", number[]>>;
  readonly attention: Readonly<Record<"query" | "keys" | "values" | "output", number[]>> & { readonly spans: number[][] };
  readonly sample: readonly { setting: Partial<SampleParameters>; logits: number[]; history: number[]; probabilities: number[] }[];
}

/** Made by scripts/make-goldens.py from PyTorch and transformers. */
const goldens = JSON.parse(readFileSync(new URL("../goldens/operations.json", import.meta.url), "utf8")) as Goldens;

/** Equal but for the last bit of an f32. */
function expectEqual(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, index) => expect(Math.abs(value - expected[index]!)).toBeLessThanOrEqual(1e-9 + 1.2e-7 * Math.abs(expected[index]!)));
}

describe("what PyTorch computes", () => {
  const { rows, rotary, attention } = goldens;

  it("linear", async () => {
    const output = await outputOf((draft) => {
      const input = draft.floats("input", [draft.dimension("rows", 3), 10], rows.input);
      return draft.builder.linear(input, draft.weight("weight", [6, 10], { values: rows.weight }), draft.weight("bias", [6], { values: rows.bias }));
    });
    expectEqual(output, rows.linear);
  });

  it.each(["rmsNorm", "layerNorm"] as const)("%s", async (name) => {
    const output = await outputOf((draft) => {
      const input = draft.floats("input", [draft.dimension("rows", 3), 10], rows.input);
      const gain = draft.weight("gain", [10], { values: rows.gain });
      return name === "rmsNorm" ? draft.builder.rmsNorm(input, gain, 1e-5) : draft.builder.layerNorm(input, gain, draft.weight("shift", [10], { values: rows.shift }), 1e-5);
    });
    expectEqual(output, rows[name]);
  });

  it.each(["silu", "gelu", "gelu-tanh", "quick-gelu"] as const)("%s", async (name) => {
    expectEqual(await outputOf((draft) => draft.builder.activation(name, draft.floats("input", [30], rows.input))), rows[name]);
  });

  it("rotary", async () => {
    const output = await outputOf((draft) => {
      const extent = draft.dimension("rows", 5);
      const input = draft.floats("input", [extent, 2, 8], rotary.input);
      const frequencies = draft.weight("frequencies", [4], { values: rotary.frequencies });
      return draft.builder.rotary({ input, positions: draft.integers("positions", [extent, 1], rotary.positions), frequencies, axes: [0, 0, 0, 0] });
    });
    expectEqual(output, rotary.output);
  });

  it("attention with grouped heads", async () => {
    const output = await outputOf((draft) => {
      const extent = draft.dimension("rows", 5);
      const keyExtent = draft.dimension("keys", 9);
      const source = { kind: "packed" as const, keys: draft.floats("keys", [keyExtent, 2, 8], attention.keys), values: draft.floats("values", [keyExtent, 2, 8], attention.values) };
      const spans = draft.integers("spans", [extent, 2], attention.spans.flat());
      return draft.builder.attention({ query: draft.floats("query", [extent, 6, 8], attention.query), source, spans, scale: 1 / Math.sqrt(8) });
    });
    expectEqual(output, attention.output);
  });
});

describe("what transformers samples from", () => {
  it.each(goldens.sample)("$setting", ({ setting, logits, history, probabilities }) => {
    const parameters: SampleParameters = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, topLogprobs: 0, ...setting };
    const penalised = penalise(Float64Array.from(logits), new Set(history), parameters.repetitionPenalty);
    const kept = [...probabilities.keys()].filter((id) => probabilities[id]! > 0).sort((left, right) => probabilities[right]! - probabilities[left]!);
    let begin = 0;
    for (const id of kept) {
      // Just inside both ends of the token's share of [0, 1).
      const end = begin + probabilities[id]!;
      expect(chooseToken(penalised, parameters, begin + 1e-6)).toBe(id);
      expect(chooseToken(penalised, parameters, end - 1e-6)).toBe(id);
      begin = end;
    }
    expect(begin).toBeCloseTo(1, 6);
  });
});
