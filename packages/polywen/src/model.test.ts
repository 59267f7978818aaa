import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { image } from "./content.ts";
import { loadModel } from "./load-model.ts";
import type { Model } from "./model.ts";

const backend = "reference" as const; const fixture = fileURLToPath(new URL("../../../test/fixtures/folders/qwen2", import.meta.url));
const error = (code: string, facts: object = {}): unknown => expect.objectContaining({ code, facts: expect.objectContaining(facts) });

describe("a text model without a chat template", () => {
  let model: Model;
  beforeAll(async () => void (model = await loadModel(fixture, { backend, cacheTokens: 128, maxSequences: 3, rowsPerStep: 16 })));
  afterAll(() => model.dispose());

  const prompt = "a prompt of some length";
  const options = { raw: true, temperature: 0, maxTokens: 12 } as const;

  test("parts and promise give the same text", async () => {
    const run = model.generate(prompt, options);
    let streamed = "";
    for await (const part of run) streamed += part.text;
    const reply = await run;
    expect(reply.text).toBe(streamed);
    expect(reply.finishReason).toBe("length");
    expect(reply.tokenIds).toHaveLength(12);
    expect(reply.text).toBe(model.detokenize(reply.tokenIds));
    expect(reply.usage).toEqual({ promptTokens: prompt.length, mediaTokens: 0, attendedTokens: 0, generatedTokens: 12, mediaCacheHits: 0 });
    expect(reply.promptTokenIds).toEqual(model.tokenize(prompt));
  });

  test("parts can be read after the end, and twice", async () => {
    const run = model.generate(prompt, options);
    const { text } = await run;
    for (let round = 0; round < 2; round++) {
      let streamed = "";
      for await (const part of run) streamed += part.text;
      expect(streamed).toBe(text);
    }
  });

  test("a crowd gets what each would get alone", async () => {
    const prompts = Array.from({ length: 7 }, (_, index) => `${prompt} ${"x".repeat(index * 3)}`);
    const alone = [];
    for (const one of prompts) alone.push((await model.generate(one, options)).tokenIds);
    const together = await Promise.all(prompts.map((one) => model.generate(one, options)));
    expect(together.map(({ tokenIds }) => tokenIds)).toEqual(alone);
  });

  test("a benchmark continues each prompt by what it is continued by alone", async () => {
    const prompts = ["a", prompt, "xyz xyz xyz xyz xyz xyz"].map((text) => model.tokenize(text));
    const { prefill, decode, tokenIds } = await model.benchmark({ prompts, generate: 5 });
    expect(prefill).toMatchObject({ tokens: prompts.flat().length, ms: expect.any(Number) });
    expect(decode.tokens).toBe(15);
    expect(Math.min(prefill.ms, decode.ms)).toBeGreaterThan(0);
    for (const [index, ids] of prompts.entries()) expect(tokenIds[index]).toEqual([...(await model.logits({ ids, maxTokens: 6 })).greedy]);
    expect(await model.benchmark({ prompts })).toMatchObject({ decode: { tokens: 0, ms: 0 }, tokenIds: tokenIds.map((ids) => ids.slice(0, 1)) });
  });

  test("a benchmark is refused that cannot run at once, and can be stopped", async () => {
    const ids = model.tokenize(prompt);
    await expect(model.benchmark({ prompts: [ids, ids, ids, ids] })).rejects.toEqual(error("LIMIT_EXCEEDED", { limit: 3, received: 4 }));
    await expect(model.benchmark({ prompts: [ids, ids], generate: 60 })).rejects.toEqual(error("LIMIT_EXCEEDED", { limit: 128, unit: "tokens" }));
    await expect(model.benchmark({ prompts: [] })).rejects.toEqual(error("ARGUMENT_INVALID", { argument: "prompts" }));
    await expect(model.benchmark({ prompts: [ids], generate: -1 })).rejects.toEqual(error("ARGUMENT_INVALID", { argument: "generate" }));
    await expect(model.benchmark({ prompts: [ids], generate: 20, signal: AbortSignal.timeout(1) })).rejects.toEqual(error("ABORTED"));
  });

  test("a text is embedded the same alone and among others, and never cut", async () => {
    const texts = [prompt, "other", "a third one"];
    const together = await model.embed(texts, { pooling: "last" });
    for (const [index, text] of texts.entries()) expect(await model.embed(text, { pooling: "last" })).toEqual(together[index]);
    expect(await model.embed([])).toEqual([]);
    await expect(model.embed("x".repeat(129))).rejects.toEqual(error("LIMIT_EXCEEDED", { limit: 128, received: 129 }));
    await expect(model.embed("")).rejects.toEqual(error("ARGUMENT_INVALID", { argument: "text" }));
    await expect(model.embed("x", { pooling: "cls" as "mean" })).rejects.toEqual(error("ARGUMENT_INVALID", { argument: "pooling" }));
    await expect(model.embed("x", { signal: AbortSignal.abort() })).rejects.toEqual(error("ABORTED"));
  });

  test("windows of a perplexity are checked, and it can be stopped", async () => {
    await expect(model.perplexity(prompt, { context: 1 })).rejects.toEqual(error("ARGUMENT_INVALID", { argument: "context" }));
    await expect(model.perplexity(prompt, { context: 129 })).rejects.toEqual(error("LIMIT_EXCEEDED", { limit: 128, received: 129 }));
    await expect(model.perplexity("x")).rejects.toEqual(error("ARGUMENT_INVALID", { argument: "text" }));
    await expect(model.perplexity(prompt, { signal: AbortSignal.abort() })).rejects.toEqual(error("ABORTED"));
    expect((await model.perplexity("x".repeat(200))).tokens).toBe(199);
  });

  test("the same seed gives the same text, another seed another", async () => {
    const sampled = (seed: number) => model.generate(prompt, { ...options, temperature: 2, seed });
    const [first, again, other] = [await sampled(1), await sampled(1), await sampled(2)];
    expect(again.tokenIds).toEqual(first.tokenIds);
    expect(other.tokenIds).not.toEqual(first.tokenIds);
  });

  test("options of sampling that greedy decoding ignores are named", async () => {
    const greedy = { raw: true, maxTokens: 1 } as const;
    const [warning, ...others] = (await model.generate(prompt, { ...greedy, topP: 0.9, seed: 1 })).warnings;
    expect(others).toEqual([]);
    expect(warning).toEqual({ code: "SAMPLING_IGNORED", message: expect.stringMatching(/^topP, seed had no effect: the checkpoint proposes temperature 0/) });
    expect((await model.generate(prompt, { ...greedy, temperature: 0, minP: 0.1 })).warnings).toMatchObject([{ message: expect.stringMatching(/^minP had no effect: temperature is 0/) }]);
    expect((await model.generate(prompt, { ...greedy, temperature: 0.5, topP: 0.9, seed: 1 })).warnings).toEqual([]);
    expect((await model.generate(prompt, { ...greedy, repetitionPenalty: 1.1 })).warnings).toEqual([]);
  });

  test("log-probabilities come with alternatives, best first", async () => {
    const { tokens } = await model.generate(prompt, { ...options, topLogprobs: 5 });
    for (const { id, logprob, top } of tokens) {
      expect(top).toHaveLength(5);
      expect(top[0]).toEqual({ id, logprob });
      expect(top.map((entry) => entry.logprob)).toEqual(top.map((entry) => entry.logprob).sort((left, right) => right - left));
      expect(top.reduce((sum, entry) => sum + Math.exp(entry.logprob), 0)).toBeLessThanOrEqual(1 + 1e-6);
    }
  });

  test("a stop string ends the reply and is not part of it", async () => {
    const { text } = await model.generate(prompt, options);
    const stop = text.slice(3, 5);
    const reply = await model.generate(prompt, { ...options, stop: [stop] });
    expect(reply.text).toBe(text.slice(0, text.indexOf(stop)));
    expect(reply.finishReason).toBe("stop");
  });

  test("a repetition penalty changes what is said again", async () => {
    const plain = await model.generate(prompt, { ...options, maxTokens: 40 });
    const penalised = await model.generate(prompt, { ...options, maxTokens: 40, repetitionPenalty: 100 });
    expect(new Set(penalised.tokenIds).size).toBeGreaterThan(new Set(plain.tokenIds).size);
  });

  test("an aborted reply keeps its text and leaves others alone", async () => {
    const expected = await model.generate(prompt, options);
    const controller = new AbortController();
    const aborted = model.generate("other words", { ...options, maxTokens: 80, signal: controller.signal });
    const other = model.generate(prompt, options);
    for await (const _ of aborted) {
      controller.abort();
      break;
    }
    expect((await aborted).finishReason).toBe("aborted");
    expect((await other).tokenIds).toEqual(expected.tokenIds);
  });

  test("a signal that has already fired gives an empty, aborted reply", async () => {
    const reply = await model.generate(prompt, { ...options, signal: AbortSignal.abort() });
    expect(reply).toMatchObject({ text: "", finishReason: "aborted" });
  });

  test("a prompt beyond the cache is refused with the counts", async () => {
    await expect(model.generate("x".repeat(200), options)).rejects.toEqual(error("LIMIT_EXCEEDED", { received: 200, limit: 128 }));
    await expect(model.generate("x".repeat(100), { ...options, maxTokens: 100 })).rejects.toEqual(error("LIMIT_EXCEEDED", { received: 199, limit: 128 }));
  });

  test("what it cannot do is refused by name", async () => {
    await expect(model.generate([image("x.png"), "?"], options)).rejects.toEqual(error("UNSUPPORTED", { supported: ["text"] }));
    await expect(model.generate("hello")).rejects.toEqual(error("TEMPLATE_MISSING"));
  });

  test.each([
    ["", {}],
    [[], {}],
    [{ messages: [] }, {}],
    [{ messages: [{ role: "robot", content: "x" }] }, {}],
    [null, {}],
    ["x", { maxTokens: 0 }],
    ["x", { maxTokens: 1.5 }],
    ["x", { maxTokens: 1e12 + 0.5 }],
    ["x", { temperature: Number.NaN }],
    ["x", { stop: [""] }],
  ])("prompt %j with %j is refused at once", (bad, more) => {
    expect(() => model.generate(bad as never, { ...options, ...more })).toThrow(error("ARGUMENT_INVALID"));
  });

  test("empty replies of many concurrent users give their pages back", async () => {
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 6 }, () => model.generate(prompt, { ...options, maxTokens: 30 })));
    }
    expect((await model.generate("x".repeat(100), { ...options, maxTokens: 28 })).tokenIds).toHaveLength(28);
  });
});

test("dispose ends what runs, may be called twice, and nothing works afterwards", async () => {
  const model = await loadModel(fixture, { backend, cacheTokens: 128 });
  const run = model.generate("some words", { raw: true, maxTokens: 100, temperature: 0 });
  await model.dispose();
  await model.dispose();
  expect((await run).finishReason).toBe("aborted");
  expect(() => model.generate("x", { raw: true })).toThrow(error("DISPOSED"));
  await expect(model.logits({ ids: [1] })).rejects.toEqual(error("DISPOSED"));
});

test("loading can be aborted, and a missing model is explained", async () => {
  await expect(loadModel(fixture, { backend, signal: AbortSignal.abort() })).rejects.toEqual(error("ABORTED"));
  await expect(loadModel("Qwen/Qwen2.5-0.5B-Instruct")).rejects.toMatchObject({ code: "NOT_FOUND", hint: expect.stringContaining("folder") });
});
