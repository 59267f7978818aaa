import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crossAttention, loadModel, saveModality, weightFromFloats, type BackendName, type BoundModality, type Injection, type LoadModelOptions, type Modality, type Model } from "polywen";
import { expectSame, observe, sampled } from "./observation.ts";
import { injections, numbers, resampled, series, tinyText, weightsOf } from "./series.ts";

/** The configuration of vitest says why, where the native backend could not have been built. */
const missing = process.env["POLYWEN_NATIVE_MISSING"] !== "";
const patience = 120_000;

const backends: readonly { backend: BackendName; kvDType: "f32" | "bf16" }[] = [{ backend: "reference", kvDType: "f32" }, { backend: "cpu", kvDType: "bf16" }, { backend: "cpu", kvDType: "f32" }];
const kinds = Object.entries(injections) as [keyof typeof injections, Injection][];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "polywen-modalities-"));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function using<T>(options: LoadModelOptions, work: (model: Model) => Promise<T>): Promise<T> {
  const model = await loadModel("polywen/tiny", { cacheTokens: 512, mediaRows: 256, ...options });
  try {
    return await work(model);
  } finally {
    await model.dispose();
  }
}

/** Does the work the first time. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}

const bind = (modality: Modality<readonly number[]>, gate = 0.8): BoundModality => modality.withWeights(weightsOf(modality, gate));
const ids = (count: number, seed: number): number[] => Array.from({ length: count }, (_, index) => 20 + ((index * 37 + seed * 11) % 400));

/** Logits of a prompt in which `null` stands for the next of the series. */
async function logits(model: Model, prompt: readonly (readonly number[] | null)[], given: readonly (readonly number[])[], modality: Modality<readonly number[]>, maxTokens = 4): Promise<{ logits: Float32Array; greedy: Int32Array; vocabularySize: number }> {
  const placeholder = model.info.placeholders[modality.definition.name]!;
  return model.logits({ ids: prompt.flatMap((part) => part ?? [placeholder]), media: given.map((input) => modality(input)), maxTokens });
}

for (const { backend, kvDType } of backends) {
  describe.skipIf(backend === "cpu" && missing)(`${backend}, ${kvDType} cache`, { timeout: patience }, () => {
    const base: LoadModelOptions = { backend, kvDType };
    // What the model says without any modality, once for all kinds.
    const texts = ["a", "some text of a few words, 1 + 2"];
    const plain = once(() => using(base, async (model) => ({ texts: await Promise.all(texts.map((text) => observe(model, text))), ids: await model.logits({ ids: ids(20, 1), maxTokens: 5 }) })));

    test.each(kinds)("text is bit-identical with a %s adapter whose gates are open", async (_, injection) => {
      const expected = (await plain()).texts;
      const modality = series(injection);
      await using({ ...base, modalities: [bind(modality)], rowsPerStep: 9 }, async (model) => {
        // A prompt with a medium runs in the same steps.
        const [observed] = await Promise.all([Promise.all(texts.map((text) => observe(model, text))), model.generate([modality(numbers(6, 1)), "What?"], sampled)]);
        expectSame(observed, expected);
      });
    });

    test.each(kinds.slice(1))("gates that are zero (%s) change nothing, with media", async (_, injection) => {
      const modality = series(injection);
      const expected = (await plain()).ids;
      const shut = await using({ ...base, modalities: [bind(modality, 0)] }, (model) => logits(model, [ids(20, 1).slice(0, 7), null, ids(20, 1).slice(7)], [numbers(6, 1)], modality, 5));
      expect(shut.logits).toEqual(expected.logits);
      expect(shut.greedy).toEqual(expected.greedy);
    });

    test.each(kinds)("swapping two media swaps what they do (%s)", async (name, injection) => {
      const modality = series(injection);
      const [one, other] = [numbers(5, 1), numbers(5, 2)];
      await using({ ...base, modalities: [bind(modality)] }, async (model) => {
        const both = (first: number[], second: number[]) => logits(model, [ids(3, 1), null, ids(6, 2), null, ids(4, 3)], [first, second], modality, 0);
        const alone = (first: number[]) => logits(model, [ids(3, 1), null, ids(6, 2)], [first], modality, 0);
        const [ab, ba, a, b] = await Promise.all([both(one, other), both(other, one), alone(one), alone(other)]);
        const rows = (result: typeof a, count: number): Float32Array => result.logits.subarray(0, count * result.vocabularySize);
        const before = 9 + (name === "prefix" ? 5 : 0);
        expect(rows(ab, before)).toEqual(rows(a, before));
        expect(rows(ba, before)).toEqual(rows(b, before));
        expect(rows(ab, before)).not.toEqual(rows(ba, before));
        expect(rows(ab, 3)).toEqual(rows(ba, 3));
      });
    });

    test.each(kinds)("one prefill = chunks across media = in a batch, with replies (%s)", async (_, injection) => {
      const modality = series(injection, { connector: resampled });
      const prompt = [ids(5, 1), null, ids(13, 2), null, null, ids(4, 3)];
      const given = [numbers(40, 1), numbers(3, 2), numbers(70, 3)];
      const options = { ...base, modalities: [bind(modality)] };
      const whole = await using({ ...options, threads: 1 }, (model) => logits(model, prompt, given, modality, 8));
      await using({ ...options, rowsPerStep: 6, threads: 2 }, async (model) => {
        const [first, , , second] = await Promise.all([
          logits(model, prompt, given, modality, 8),
          model.generate([modality(numbers(9, 4)), "x"], sampled),
          logits(model, [ids(30, 5)], [], modality),
          logits(model, prompt, given, modality, 8),
        ]);
        for (const chunked of [first, second]) {
          expect(chunked.logits).toEqual(whole.logits);
          expect(chunked.greedy).toEqual(whole.greedy);
        }
      });
    });

    test.each(kinds)("what is saved and loaded again is the same (%s)", async (name, injection) => {
      const modality = series(injection, { connector: resampled });
      const place = join(folder, `${backend}-${kvDType}-${name}`);
      await saveModality(place, bind(modality), tinyText);
      const run = (bound: BoundModality) => using({ ...base, modalities: [bound] }, (model) => logits(model, [ids(4, 1), null, ids(4, 2)], [numbers(9, 1)], modality));
      const [kept, read] = [await run(bind(modality)), await run(modality.withWeights(place))];
      expect(read.logits).toEqual(kept.logits);
    });

    test.each(kinds)("a medium that was encoded is found again, and the reply is the same (%s)", async (_, injection) => {
      const modality = series(injection);
      await using({ ...base, modalities: [bind(modality)] }, async (model) => {
        const ask = (seed: number) => model.generate([modality(numbers(6, seed)), "What?"], sampled);
        const first = await ask(1);
        const [again, other] = await Promise.all([ask(1), ask(2)]);
        expect([first, again, other].map(({ usage }) => usage.mediaCacheHits)).toEqual([0, 1, 0]);
        expect(again.tokens).toEqual(first.tokens);
        expect(other.tokens).not.toEqual(first.tokens);
        expect(model.info.mediaCache).toEqual({ media: 2, rows: 12, capacity: 256, hits: 1, misses: 2 });
      });
    });
  });
}

describe("gates with a value for each column", { timeout: patience }, () => {
  const gates = (values: Float32Array): BoundModality => {
    const modality = series(injections.latest);
    return modality.withWeights(new Map([...weightsOf(modality, 0)].map(([name, weight]) => [name, name.endsWith("_gate") ? weightFromFloats(values, [values.length]) : weight])));
  };
  const run = (bound: BoundModality) => using({ modalities: [bound] }, (model) => logits(model, [ids(3, 1), null, ids(5, 2)], [numbers(4, 1)], series(injections.latest)));

  test("equal values are a scalar, others are not, and both are saved", async () => {
    const [scalar, vector, other] = [await run(gates(Float32Array.of(0.5))), await run(gates(new Float32Array(192).fill(0.5))), gates(Float32Array.from({ length: 192 }, (_, index) => index / 192))];
    expect(vector.logits).toEqual(scalar.logits);
    const kept = await run(other);
    expect(kept.logits).not.toEqual(scalar.logits);
    await saveModality(join(folder, "vector"), other, tinyText);
    expect((await run(series(injections.latest).withWeights(join(folder, "vector")))).logits).toEqual(kept.logits);
  });
});

describe("two modalities at once", { timeout: patience }, () => {
  test("each leaves prompts without its media alone, and usage counts both", async () => {
    const [left, right] = [series(injections.latest, { name: "left" }), series(injections["all-previous"], { name: "right" })];
    const bound = [bind(left), bind(right)];
    const one = await using({ modalities: bound.slice(0, 1) }, async (model) => model.generate([left(numbers(6, 1)), "What?"], sampled));
    await using({ modalities: bound }, async (model) => {
      expect(model.info.placeholders).toMatchObject({ left: -1, right: -2 });
      const [same, both] = await Promise.all([model.generate([left(numbers(6, 1)), "What?"], sampled), model.generate([left(numbers(6, 1)), right(numbers(3, 1)), "What?"], sampled)]);
      expect(same.tokens).toEqual(one.tokens);
      expect(both.tokens).not.toEqual(one.tokens);
      expect(both.usage).toMatchObject({ mediaTokens: 0, attendedTokens: 9 });
      expect(both.usage.promptTokens).toBe(same.usage.promptTokens);
    });
  });
});

describe("what does not fit is a typed error before anything runs", { timeout: patience }, () => {
  const load = (bound: BoundModality) => using({ backend: "reference", modalities: [bound] }, async () => undefined);
  const saved = async (name: string, change: (manifest: Record<string, unknown>) => void): Promise<BoundModality> => {
    const modality = series(injections.latest);
    const place = join(folder, name);
    await saveModality(place, bind(modality), tinyText);
    const file = join(place, "polywen_modality.json");
    const manifest = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    change(manifest);
    await writeFile(file, JSON.stringify(manifest));
    return modality.withWeights(place);
  };

  test("a version of the future", async () => {
    await expect(load(await saved("future", (manifest) => (manifest["version"] = 2)))).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  test.each<[string, string, unknown]>([["another modality", "name", "smell"], ["another hidden size", "hidden_size", 896], ["another injection", "injection", { kind: "prefix" }], ["a format that is none", "format", "lora"], ["no version", "version", undefined]])("%s", async (name, field, value) => {
    await expect(load(await saved(name.replaceAll(" ", "-"), (manifest) => (manifest[field] = value)))).rejects.toMatchObject({ code: field === "version" ? "UNSUPPORTED" : "FILE_INVALID" });
  });

  test("a tensor that is missing, or of another shape", async () => {
    const modality = series(injections.latest);
    for (const name of ["connector.weight", "model.cross_layers.1.series.cross_attn.q_proj.weight", "model.cross_layers.1.series.attn_gate"]) {
      const weights = weightsOf(modality, 1);
      weights.delete(name);
      await expect(load(modality.withWeights(weights))).rejects.toMatchObject({ code: "NOT_FOUND", facts: { name } });
    }
    const wide = series(crossAttention({ every: 2, heads: 12 }));
    await expect(load(modality.withWeights(weightsOf(wide, 1)))).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  test.each([{ layers: [4] }, { layers: [] }, { layers: [1, 1] }, { every: 0 }, { every: 5 }, { every: 1, heads: 5, keyHeads: 2 }, { every: 1, intermediateSize: -1 }, { every: 1, attend: "none" as never }])("%j", async (options) => {
    const modality = series(crossAttention(options as never));
    await expect(load(modality.withWeights(new Map()))).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  test("media of a modality that the model does not have", async () => {
    await using({ backend: "reference" }, async (model) => {
      await expect(model.generate([series(injections.prefix)(numbers(1, 1)), "x"])).rejects.toMatchObject({ code: "UNSUPPORTED" });
    });
  });

  test("saving without all weights writes nothing", async () => {
    const modality = series(injections.latest);
    const place = join(folder, "partial");
    await expect(saveModality(place, modality.withWeights(new Map()), tinyText)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(readFile(join(place, "polywen_modality.json"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});
