import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createReferenceBackend, weightFromFloats, type Backend } from "@polywen/tensor";
import { defineModality, linearConnector } from "@polywen/cross-modal";
import { loadModel } from "./load-model.ts";
import type { Model } from "./model.ts";

const fixture = fileURLToPath(new URL("../../../test/fixtures/folders/qwen2", import.meta.url));
const small = { backend: "reference", cacheTokens: 128, maxSequences: 2, rowsPerStep: 16 } as const;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "polywen-load-"));
  await cp(fixture, folder, { recursive: true });
  const config = JSON.parse(await readFile(join(fixture, "config.json"), "utf8"));
  await writeFile(join(folder, "config.json"), JSON.stringify({ ...config, max_position_embeddings: 20 }));
});
afterAll(() => rm(folder, { recursive: true }));

async function withGenerationConfig<T>(fields: object | undefined, use: (model: Model) => Promise<T>): Promise<T> {
  if (fields === undefined) await rm(join(folder, "generation_config.json"), { force: true });
  else await writeFile(join(folder, "generation_config.json"), JSON.stringify(fields));
  const model = await loadModel(folder, small);
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
}

test("prompt and reply keep to the model's context, however much the cache holds", () =>
  withGenerationConfig(undefined, async (model) => {
    expect(model.info).toMatchObject({ contextLength: 20, cacheTokens: 128 });
    expect((await model.generate("x".repeat(15), { raw: true })).usage).toMatchObject({ generatedTokens: 6 });
    const error = { code: "LIMIT_EXCEEDED", facts: { limit: 20, received: 21, unit: "tokens" } };
    await expect(model.generate("x".repeat(15), { raw: true, maxTokens: 7 })).rejects.toMatchObject(error);
    await expect(model.generate("x".repeat(21), { raw: true })).rejects.toMatchObject(error);
    expect((await model.logits({ ids: model.tokenize("x".repeat(30)) })).ids).toHaveLength(30);
  }));

describe("generation_config.json", () => {
  const say = (seed: number) => (model: Model) => model.generate("x", { raw: true, seed, maxTokens: 12 }).then(({ tokenIds }) => tokenIds);

  test.each([undefined, {}, { temperature: 3 }])("%j means greedy", async (fields) => {
    expect(await withGenerationConfig(fields, say(1))).toEqual(await withGenerationConfig(fields, say(2)));
  });

  test("with `do_sample` it means sampling", async () => {
    const fields = { do_sample: true, temperature: 3 };
    expect(await withGenerationConfig(fields, say(1))).not.toEqual(await withGenerationConfig(fields, say(2)));
  });

  test.each([{ do_sample: true, temperature: 1e6 }, { do_sample: true, top_p: 0 }, { repetition_penalty: 1e6 }])("%j is refused at loading", async (fields) => {
    await expect(withGenerationConfig(fields, async () => undefined)).rejects.toMatchObject({ code: "FILE_INVALID", facts: { file: join(folder, "generation_config.json") } });
  });
});

describe("media rows", () => {
  const series = defineModality<number>({
    name: "series",
    encoder: { kind: "function", width: 1, encode: async (rows) => ({ rows, features: new Float32Array(rows).fill(rows / 10) }) },
    connector: linearConnector(),
  });

  async function loadWithSeries(backend: Backend | "reference", mediaRows: number): Promise<Model> {
    const { hidden_size: width } = JSON.parse(await readFile(join(fixture, "config.json"), "utf8"));
    const weights = new Map([
      ["connector.weight", weightFromFloats(Float32Array.from({ length: width }, (_, index) => Math.sin(index)), [width, 1])],
      ["connector.bias", weightFromFloats(new Float32Array(width), [width])],
    ]);
    return loadModel(fixture, { ...small, backend, mediaRows, modalities: [series.withWeights(weights)] });
  }

  test("prompts that do not fit together wait for each other and get what each gets alone", async () => {
    const model = await loadWithSeries("reference", 10);
    const ask = async (rows: number): Promise<readonly number[]> => (await model.generate([series(rows), "x"], { raw: true, temperature: 0, maxTokens: 4 })).tokenIds;
    const counts = [6, 7, 2, 10, 1];
    const alone = [];
    for (const rows of counts) alone.push(await ask(rows));
    expect(await Promise.all(counts.map(ask))).toEqual(alone);
    await expect(ask(11)).rejects.toMatchObject({ code: "OUT_OF_MEMORY", facts: { requested: 11, available: 10 } });
    await model.dispose();
  });

  test.each([0, 1.5, NaN, 1e20])("%s of them are refused", async (mediaRows) => {
    await expect(loadWithSeries("reference", mediaRows)).rejects.toMatchObject({ code: "ARGUMENT_INVALID", facts: { argument: "mediaRows" } });
  });

  test("more than the machine has are refused before anything is created", async () => {
    const backend = createReferenceBackend();
    const created: string[] = [];
    backend.createResource = ({ name }): never => {
      created.push(name);
      throw new Error("unexpected");
    };
    await expect(loadWithSeries(backend, 2 ** 50)).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
    expect(created).toEqual([]);
  });
});
