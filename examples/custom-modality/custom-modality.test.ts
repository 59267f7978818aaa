import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadModel, weightFromFloats, type WeightData } from "polywen";
import { pulse } from "./pulse.mjs";

interface Golden {
  readonly samples: number[];
  readonly before: number[];
  readonly after: number[];
  readonly rows: number[][];
  readonly logits: number[];
}

const golden = JSON.parse(readFileSync(new URL("golden.json", import.meta.url), "utf8")) as Golden;
const hiddenSize = golden.rows[0]!.length;

/** Weights of the connector as the script of the golden draws them. */
function seededWeights(width: number, seed: number): Map<string, WeightData> {
  const random = mulberry32(seed);
  const tensor = (...shape: number[]): WeightData => {
    const values = Float32Array.from({ length: shape.reduce((product, length) => product * length) }, () => (random() - 0.5) * 0.2);
    return weightFromFloats(values, shape);
  };
  return new Map([["connector.weight", tensor(width, 16)], ["connector.bias", tensor(width)]]);
}

/** A small generator of uniform numbers in [0, 1), easily written in any language. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function largestDifference(actual: ArrayLike<number>, expected: readonly number[]): number {
  return expected.reduce((largest, value, index) => Math.max(largest, Math.abs(value - (actual[index] ?? Number.NaN))), 0);
}

test.each(["auto", "reference"] as const)("a modality of one's own equals an independent NumPy computation (%s)", async (backend) => {
  const model = await loadModel("polywen/tiny", { backend, kvDType: "f32", modalities: [pulse.withWeights(seededWeights(hiddenSize, 7))] });
  const placeholder = model.info.placeholders["pulse"]!;
  const { before, after, samples } = golden;
  const result = await model.logits({ ids: [...before, placeholder, ...after], media: [pulse({ samples })] });
  expect(largestDifference(result.media[0]!.features, golden.rows.flat())).toBeLessThan(1e-5);
  expect(result.ids.length).toBe(before.length + golden.rows.length + after.length);
  const last = result.logits.subarray(-result.vocabularySize);
  const spread = Math.max(...golden.logits) - Math.min(...golden.logits);
  expect(largestDifference(last, golden.logits)).toBeLessThan(1e-4 * spread);
  await model.dispose();
});

test("input that the schema refuses is a typed error with its place", async () => {
  const model = await loadModel("polywen/tiny", { modalities: [pulse.withWeights(seededWeights(hiddenSize, 7))] });
  await expect(model.generate([pulse({ samples: [1, 2] }), "?"])).rejects.toMatchObject({ code: "ARGUMENT_INVALID", facts: { argument: "pulse.samples" } });
  await model.dispose();
});

test("weights of another shape are refused before anything runs", async () => {
  const weights = seededWeights(hiddenSize + 1, 7);
  await expect(loadModel("polywen/tiny", { modalities: [pulse.withWeights(weights)] })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
});

test.each(["custom-modality/pulse.mjs", "custom-series/series.mjs", "custom-encoder/photo.mjs"])("%s: a user needs less than 60 lines", (file) => {
  expect(readFileSync(new URL(`../${file}`, import.meta.url), "utf8").trim().split("\n").length).toBeLessThan(60);
});
