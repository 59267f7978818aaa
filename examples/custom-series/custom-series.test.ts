import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { initialWeights, loadModel, readTextShape, saveModality, weightFromFloats, type WeightData } from "polywen";
import { series } from "./series.mjs";

/** The formula of the script that made the golden. */
function byFormula(name: string, shape: readonly number[]): WeightData {
  const seed = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 97;
  return weightFromFloats(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, index) => Math.sin(seed + index * 1.7) / 3), shape);
}

const golden = JSON.parse(await readFile(new URL("golden.json", import.meta.url), "utf8")) as { values: number[]; rows: number[][] };
const text = await readTextShape("polywen/tiny");
const weights = new Map([...initialWeights(series, text, { seed: 1 })].map(([name, { shape }]) => [name, byFormula(name, shape)]));

test.each(["auto", "reference"] as const)("encoder and resampler equal PyTorch, and their rows change the answer (%s)", async (backend) => {
  const model = await loadModel("polywen/tiny", { backend, modalities: [series.withWeights(weights)] });
  const ids = model.tokenize("What do you see?");
  const { media, logits, vocabularySize } = await model.logits({ ids: [...ids.slice(0, 3), model.info.placeholders["series"]!, ...ids.slice(3)], media: [series({ values: golden.values })] });
  golden.rows.flat().forEach((value, index) => expect(Math.abs(media[0]!.features[index]! - value)).toBeLessThan(5e-5));
  const plain = await model.logits({ ids });
  const [before, after] = [logits.subarray(0, 3 * vocabularySize), logits.subarray(3 * vocabularySize)];
  expect(before).toEqual(plain.logits.subarray(0, before.length));
  expect(after).not.toEqual(plain.logits.subarray(before.length));
  await model.dispose();
});

test("fresh weights change nothing, saved or not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "polywen-series-"));
  await saveModality(folder, series.withWeights(initialWeights(series, text, { seed: 1 })), text);
  const model = await loadModel("polywen/tiny", { modalities: [series.withWeights(folder)] });
  const ids = model.tokenize("What do you see?");
  const placeholder = model.info.placeholders["series"]!;
  const [plain, attending] = [await model.logits({ ids, maxTokens: 5 }), await model.logits({ ids: [placeholder, ...ids], media: [series({ values: golden.values })], maxTokens: 5 })];
  expect(attending.logits).toEqual(plain.logits);
  expect(attending.greedy).toEqual(plain.greedy);
  await model.dispose();
  await rm(folder, { recursive: true });
});
