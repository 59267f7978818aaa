import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { loadModel } from "polywen";

interface Expected {
  readonly ids: number[];
  readonly rows: number[];
  readonly logits: number[][];
  readonly greedy: number[];
  readonly std: number;
}

const root = fileURLToPath(new URL("../fixtures/qwen2", import.meta.url));
/** Share of the logits' standard deviation by which a backend may differ from transformers in float32. */
const TOLERANCE = 5e-4;

/** The configuration of vitest says why, where the native backend could not have been built. */
const backends = process.env["POLYWEN_NATIVE_MISSING"] === "" ? (["reference", "cpu"] as const) : (["reference"] as const);

describe.each(backends)("logits and greedy tokens of transformers on the %s backend", (backend) => {
  const disposals: (() => Promise<void>)[] = [];
  afterAll(async () => void (await Promise.all(disposals.map((dispose) => dispose()))));

  test.each(readdirSync(root))("%s", async (variant) => {
    const expected = JSON.parse(readFileSync(`${root}/${variant}/expected.json`, "utf8")) as Expected;
    const model = await loadModel(`${root}/${variant}`, { backend, kvDType: "f32", rowsPerStep: 13, cacheTokens: 64 });
    disposals.push(() => model.dispose());
    const { logits, greedy, vocabularySize } = await model.logits({ ids: expected.ids, maxTokens: expected.greedy.length });
    const differences = expected.rows.flatMap((row, index) => expected.logits[index]!.map((value, id) => Math.abs(value - logits[row * vocabularySize + id]!)));
    expect(Math.max(...differences) / expected.std).toBeLessThan(TOLERANCE);
    expect([...greedy]).toEqual(expected.greedy);
  });
});
