import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadModel, type LoadModelOptions, type Model } from "polywen";
import { backends, loadOptions } from "./expect-transformers.ts";
import { expectPrompt, mediaOf, readPrompts } from "./media-prompts.ts";

const root = fileURLToPath(new URL("../fixtures/vision", import.meta.url));
const subjects = ["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "polywen/tiny"].map((source) => {
  const folder = existsSync(`${root}/${source}`) ? `${root}/${source}` : undefined;
  return { source: folder ?? source, name: source, cases: readPrompts(folder === undefined ? `${root}/embedded.json` : `${folder}/expected.json`) };
});

/** Machines that run tests are often busy. */
const patience = 120_000;

describe.each(backends)("pictures and videos as transformers reads them, on the %s backend", { timeout: patience }, (backend) => {
  describe.each(subjects)("$name", ({ source, cases }) => {
    const load = (options: LoadModelOptions = {}): Promise<Model> => loadModel(source, { ...loadOptions, cacheTokens: 512, backend, ...options });
    let model: Model;
    beforeAll(async () => void (model = await load()));
    afterAll(() => model.dispose());

    test.each(Object.entries(cases))("%s", (_, expected) => expectPrompt(model, expected));

    test.skipIf(backend === "reference" && source === "polywen/tiny")("chunks of any size that cut through media give the same bits", async () => {
      const last = Object.values(cases).at(-1)!;
      const [{ ids }, media] = [last, await mediaOf(last)];
      const run = async (rowsPerStep: number) => {
        const other = await load({ rowsPerStep, maxSequences: 1, threads: rowsPerStep % 2 === 0 ? 2 : 1 });
        const { logits, greedy } = await other.logits({ ids, media, maxTokens: 4 });
        await other.dispose();
        return { bits: Buffer.from(logits.buffer, logits.byteOffset, logits.byteLength).toString("base64"), greedy: [...greedy] };
      };
      const expected = await run(256);
      for (const rowsPerStep of backend === "reference" ? [5] : [1, 2, 5]) expect(await run(rowsPerStep)).toEqual(expected);
    });
  });
});
