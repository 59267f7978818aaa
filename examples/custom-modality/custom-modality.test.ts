import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadModel } from "polywen";
import { pulse, seededWeights } from "./pulse.mjs";

interface Golden {
  readonly samples: number[];
  readonly before: number[];
  readonly after: number[];
  readonly rows: number[][];
  readonly logits: number[];
}

const golden = JSON.parse(readFileSync(new URL("golden.json", import.meta.url), "utf8")) as Golden;
const hiddenSize = golden.rows[0]!.length;

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
