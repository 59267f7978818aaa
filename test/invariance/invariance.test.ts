import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineModality, image, linearConnector, loadModel, weightFromFloats, type BackendName, type BoundModality, type LoadModelOptions, type Model, type Prompt } from "polywen";
import { expectSame, observe, observeAlone, observeReply, sampled, type Observation } from "./observation.ts";
import { generator, writeRandomCheckpoint } from "./random-checkpoint.ts";

/** The configuration of vitest says why, where the native backend could not have been built. */
const missing = process.env["POLYWEN_NATIVE_MISSING"] !== "";

/** Machines that run tests are often busy. */
const patience = 120_000;

const texts = [
  "a",
  "one sentence of middling length, 12 + 34",
  "多字节 and a few more words that fill more than one page of the cache",
  "a longer text whose rows take several chunks and tiles of keys; ".repeat(7),
];

const alone = { cacheTokens: 4096, rowsPerStep: 256, maxSequences: 8 } satisfies LoadModelOptions;
const chunked = { ...alone, rowsPerStep: 7, maxSequences: 7 } satisfies LoadModelOptions;
const rowByRow = { ...alone, rowsPerStep: 1, maxSequences: 1 } satisfies LoadModelOptions;

/** A modality that nobody uses: its presence must change nothing. */
function unusedModality(hiddenSize: number): BoundModality {
  const random = generator(5);
  const floats = (...shape: number[]) => weightFromFloats(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() - 0.5), shape);
  const modality = defineModality<number[]>({
    name: "series",
    encoder: { kind: "function", width: 4, encode: async (values) => ({ features: Float32Array.from(values), rows: values.length / 4 }) },
    connector: linearConnector(),
  });
  return modality.withWeights(new Map([["connector.weight", floats(hiddenSize, 4)], ["connector.bias", floats(hiddenSize)]]));
}

interface Subject {
  readonly source: string;
  readonly hiddenSize: number;
  readonly options: LoadModelOptions;
  readonly texts: readonly string[];
}

/** The same prompts in every circumstance that must not matter, against each alone in one prefill on one thread. */
function describeInvariance(subject: Subject): void {
  const { texts } = subject;
  let expected: Observation[];
  const using = async <Result>(options: LoadModelOptions, work: (model: Model) => Promise<Result>): Promise<Result> => {
    const model = await loadModel(subject.source, { ...subject.options, ...options });
    try {
      return await work(model);
    } finally {
      await model.dispose();
    }
  };
  const together = (model: Model): Promise<Observation[]> => Promise.all(texts.map((text) => observe(model, text)));
  beforeAll(async () => {
    expected = await using({ ...alone, threads: 1 }, (model) => observeAlone(model, texts));
  }, patience);

  test("logits are finite and prompts lead to different ones", () => {
    expect(expected.every(({ logits }) => logits!.every(Number.isFinite))).toBe(true);
    expect(new Set(expected.map(({ logits }) => logits!.at(-1))).size).toBe(texts.length);
  });

  test("alone = in a batch", async () => {
    expectSame(await using({ ...alone, threads: 1 }, together), expected);
  });

  test("one prefill = chunks of 7 rows", async () => {
    expectSame(await using({ ...chunked, threads: 1 }, (model) => observeAlone(model, texts)), expected);
  });

  test("one prefill = a row at a time, as in decoding", async () => {
    expectSame(await using({ ...rowByRow, threads: 1 }, (model) => observeAlone(model, texts)), expected);
  });

  test("1 thread = 2 threads", async () => {
    expectSame(await using({ ...alone, threads: 2 }, (model) => observeAlone(model, texts)), expected);
  });

  test("with = without an adapter installed", async () => {
    expectSame(await using({ ...alone, threads: 1, modalities: [unusedModality(subject.hiddenSize)] }, (model) => observeAlone(model, texts)), expected);
  });

  test("in a batch, in chunks, on 2 threads, with an adapter", async () => {
    expectSame(await using({ ...chunked, threads: 2, modalities: [unusedModality(subject.hiddenSize)] }, together), expected);
  });

  test("aborting one generation leaves the others as they are", async () => {
    const controller = new AbortController();
    const [observations, aborted] = await using({ ...chunked, threads: 2 }, async (model) => {
      const doomed = model.generate(texts.at(-1)!, { raw: true, temperature: 0, maxTokens: 100, signal: controller.signal });
      const others = together(model);
      for await (const _ of doomed) controller.abort();
      return [await others, await doomed] as const;
    });
    expect(aborted.finishReason).toBe("aborted");
    expect(aborted.tokenIds.length).toBeLessThan(100);
    expectSame(observations, expected);
  });
}

const folders = new Map<"F32" | "BF16", string>();
beforeAll(async () => {
  for (const dtype of ["F32", "BF16"] as const) {
    const folder = await mkdtemp(join(tmpdir(), "polywen-invariance-"));
    folders.set(dtype, folder);
    await writeRandomCheckpoint(folder, dtype);
  }
});
afterAll(async () => {
  for (const folder of folders.values()) await rm(folder, { recursive: true, force: true });
});

const cases: readonly { backend: BackendName; dtype: "F32" | "BF16"; kvDType: "f32" | "bf16" }[] = [
  { backend: "reference", dtype: "BF16", kvDType: "bf16" },
  { backend: "cpu", dtype: "BF16", kvDType: "bf16" },
  { backend: "cpu", dtype: "F32", kvDType: "f32" },
  { backend: "cpu", dtype: "BF16", kvDType: "f32" },
];

for (const { backend, dtype, kvDType } of cases) {
  describe.skipIf(backend === "cpu" && missing)(`random Qwen2, ${dtype} weights, ${kvDType} cache, ${backend} backend`, { timeout: patience }, () => {
    describeInvariance({
      get source(): string {
        return folders.get(dtype)!;
      },
      hiddenSize: 96,
      options: { backend, kvDType },
      texts: backend === "reference" ? texts.slice(0, 3) : texts,
    });
  });
}

/** Block formats of every kind, inputs quantised to 8 bits or not, experts, packed experts; 256 tokens of context. */
const quantised: readonly { file: string; activations: "int8" | "f32" }[] = [
  { file: "qwen2", activations: "int8" },
  { file: "qwen2", activations: "f32" },
  { file: "llama", activations: "int8" },
  { file: "qwen3", activations: "int8" },
  { file: "qwen3moe", activations: "int8" },
];

for (const { file, activations } of quantised) {
  describe.skipIf(missing)(`${file}.gguf, ${activations} activations, cpu backend`, { timeout: patience }, () => {
    describeInvariance({
      source: fileURLToPath(new URL(`../fixtures/gguf/${file}.gguf`, import.meta.url)),
      hiddenSize: 32,
      options: { backend: "cpu", activations },
      texts: [...texts.slice(0, 3), "rows that take several chunks; ".repeat(4)],
    });
  });
}

describe.skipIf(missing)("the embedded model, cpu backend", { timeout: patience }, () => {
  describeInvariance({ source: "polywen/tiny", hiddenSize: 192, options: { backend: "cpu" }, texts });

  test("a picture is answered alike alone, among texts, in chunks and on 2 threads", async () => {
    const random = generator(3);
    const data = Uint8Array.from({ length: 84 * 84 * 3 }, () => random() * 256);
    const prompt: Prompt = [image({ width: 84, height: 84, channels: 3, data }), "What is in the picture?"];
    const reply = async (options: LoadModelOptions, crowd: readonly string[]): Promise<Observation> => {
      const model = await loadModel("polywen/tiny", { backend: "cpu", ...options });
      const others = crowd.map((text) => model.generate(text, { ...sampled, raw: true }));
      const observation = await observeReply(model, prompt);
      await Promise.all(others);
      await model.dispose();
      return observation;
    };
    const expected = await reply({ ...alone, threads: 1 }, []);
    expect(expected.tokens.length).toBeGreaterThan(0);
    expectSame([await reply({ ...alone, threads: 1 }, texts)], [expected]);
    expectSame([await reply({ ...chunked, threads: 2 }, texts)], [expected]);
  });
});
