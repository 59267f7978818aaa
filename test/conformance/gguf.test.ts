import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { inspectModel, loadModel, openTokenizer, type BackendName } from "polywen";

interface Expected {
  readonly ids: number[];
  readonly rows: number[];
  readonly logits: number[][];
  readonly greedy: number[];
  readonly std: number;
}

const root = fileURLToPath(new URL("../fixtures/gguf", import.meta.url));
/** Share of the logits' standard deviation by which a backend may differ from transformers in float32. */
const TOLERANCE = 5e-4;

const disposals: (() => Promise<void>)[] = [];
afterAll(async () => void (await Promise.all(disposals.map((dispose) => dispose()))));

const models = readdirSync(root).filter((file) => file.endsWith(".gguf"));

const backends: readonly BackendName[] = process.env["POLYWEN_NATIVE_MISSING"] === "" ? ["reference", "cpu"] : ["reference"];

test.each(models.flatMap((file) => backends.map((backend) => [file, backend] as const)))("logits and greedy tokens of transformers for the dequantised weights of %s, %s", async (file, backend) => {
  const expected = JSON.parse(readFileSync(`${root}/${file.replace(".gguf", ".json")}`, "utf8")) as Expected;
  const model = await loadModel(`${root}/${file}`, { backend, kvDType: "f32", activations: "f32", rowsPerStep: 13, cacheTokens: 64 });
  disposals.push(() => model.dispose());
  const { logits, greedy, vocabularySize } = await model.logits({ ids: expected.ids, maxTokens: expected.greedy.length });
  const differences = expected.rows.flatMap((row, index) => expected.logits[index]!.map((value, id) => Math.abs(value - logits[row * vocabularySize + id]!)));
  expect(Math.max(...differences) / expected.std).toBeLessThan(TOLERANCE);
  expect([...greedy]).toEqual(expected.greedy);
});

test("a GGUF file is described and its tokenizer opened without loading it", async () => {
  const summary = await inspectModel(`${root}/qwen2.gguf`);
  expect(summary).toMatchObject({ modelType: "qwen2", chatTemplate: false, architecture: { layers: 2, hiddenSize: 32, vocabularySize: 263, contextLength: 256 } });
  expect(summary.tensors.dtypes.map(({ dtype }) => dtype).sort()).toEqual(["F16", "F32", "Q4_0", "Q5_0", "Q8_0"]);
  const tokenizer = await openTokenizer(`${root}/qwen2.gguf`);
  expect(tokenizer.decode(tokenizer.encode("Tee für zwei"))).toBe("Tee für zwei");
});
