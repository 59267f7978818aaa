import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { inspectModel, loadModel } from "polywen";
import { backends, expectTransformers, loadOptions } from "./expect-transformers.ts";

const root = fileURLToPath(new URL("../fixtures/quantised", import.meta.url));

/** What the quantised layers are in memory. */
const dtypes: Readonly<Record<string, string>> = {
  gptq: "Q4_0",
  "gptq-asymmetric": "Q4_Z",
  "gptq-v2-rows": "Q4_Z",
  "gptq-8-bits": "Q8_0",
  "gptq-reordered": "F16",
  awq: "Q4_Z",
  "awq-experts": "Q4_Z",
  fp8: "F16",
  "fp8-rows": "F16",
  "fp8-experts": "F16",
};

describe.each(backends)("logits and greedy tokens of transformers for the unpacked weights, on the %s backend", (backend) => {
  const disposals: (() => Promise<void>)[] = [];
  afterAll(async () => void (await Promise.all(disposals.map((dispose) => dispose()))));

  test.each(readdirSync(root))("%s", async (name) => {
    const model = await loadModel(`${root}/${name}`, { ...loadOptions, backend });
    disposals.push(() => model.dispose());
    await expectTransformers(model, `${root}/${name}/expected.json`);
  });
});

test.each(readdirSync(root))("%s is described as it will be in memory", async (name) => {
  const { tensors } = await inspectModel(`${root}/${name}`);
  expect(tensors.dtypes.map(({ dtype }) => dtype).sort()).toEqual([...new Set(["F16", dtypes[name]])].sort());
});
