import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { BackendName, MediaPart, Model } from "polywen";

/** What transformers computed for a prompt in float32: logits of some rows, and the greedy continuation. */
interface Expected {
  readonly ids: number[];
  readonly rows: number[];
  readonly logits: number[][];
  readonly greedy: number[];
  readonly std: number;
}

/** Share of the logits' standard deviation by which a backend may differ from transformers in float32. */
export const TOLERANCE = 5e-4;

/** The backends that run here; the configuration of vitest says why, where the native one could not have been built. */
export const backends: readonly BackendName[] = process.env["POLYWEN_NATIVE_MISSING"] === "" ? ["reference", "cpu"] : ["reference"];

/** Exact keys, steps that do not fit the prompts, and exact inputs. */
export const loadOptions = { kvDType: "f32", activations: "f32", rowsPerStep: 13, cacheTokens: 64 } as const;

/** Compares logits and greedy tokens with those in the JSON file `golden`, for a prompt with these media. */
export async function expectTransformers(model: Model, golden: string, media: readonly MediaPart[] = []): Promise<void> {
  const expected = JSON.parse(readFileSync(golden, "utf8")) as Expected;
  const { logits, greedy, vocabularySize } = await model.logits({ ids: expected.ids, media, maxTokens: expected.greedy.length });
  const differences = expected.rows.flatMap((row, index) => expected.logits[index]!.map((value, id) => Math.abs(value - logits[row * vocabularySize + id]!)));
  expect(Math.max(...differences) / expected.std).toBeLessThan(TOLERANCE);
  expect([...greedy]).toEqual(expected.greedy);
}
