import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, test } from "vitest";
import { loadModel } from "polywen";
import { backends, expectTransformers, loadOptions } from "./expect-transformers.ts";

const root = fileURLToPath(new URL("../fixtures/folders", import.meta.url));

describe.each(backends)("logits and greedy tokens of transformers on the %s backend", (backend) => {
  const disposals: (() => Promise<void>)[] = [];
  afterAll(async () => void (await Promise.all(disposals.map((dispose) => dispose()))));

  test.each(readdirSync(root))("%s", async (variant) => {
    const model = await loadModel(`${root}/${variant}`, { ...loadOptions, backend });
    disposals.push(() => model.dispose());
    await expectTransformers(model, `${root}/${variant}/expected.json`);
  });
});
