import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { inspectModel, loadModel, openTokenizer } from "polywen";
import { backends, expectTransformers, loadOptions } from "./expect-transformers.ts";

const root = fileURLToPath(new URL("../fixtures/gguf", import.meta.url));

describe.each(backends)("logits and greedy tokens of transformers for the dequantised weights, on the %s backend", (backend) => {
  const disposals: (() => Promise<void>)[] = [];
  afterAll(async () => void (await Promise.all(disposals.map((dispose) => dispose()))));

  test.each(readdirSync(root).filter((file) => file.endsWith(".gguf")))("%s", async (file) => {
    const model = await loadModel(`${root}/${file}`, { ...loadOptions, backend });
    disposals.push(() => model.dispose());
    await expectTransformers(model, `${root}/${file.replace(".gguf", ".json")}`);
  });
});

test("a GGUF file is described and its tokenizer opened without loading it", async () => {
  const summary = await inspectModel(`${root}/qwen2.gguf`);
  expect(summary).toMatchObject({ modelType: "qwen2", chatTemplate: false, architecture: { layers: 2, hiddenSize: 32, vocabularySize: 263, contextLength: 256 } });
  expect(summary.tensors.dtypes.map(({ dtype }) => dtype).sort()).toEqual(["F16", "F32", "Q4_0", "Q5_0", "Q8_0"]);
  const tokenizer = await openTokenizer(`${root}/qwen2.gguf`);
  expect(tokenizer.decode(tokenizer.encode("Tee für zwei"))).toBe("Tee für zwei");
});
