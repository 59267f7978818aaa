import { beforeAll, afterAll, expect, test } from "vitest";
import { createReferenceBackend, OutOfMemoryError, weightFromFloats, type Backend, type Program, type Resource, type ResourceSpec, type Weights } from "@polywen/tensor";
import { resolveSampling } from "../generation/sampling.ts";
import { parseQwen2Config } from "../models/qwen2/qwen2-config.ts";
import { createQwen2Model } from "../models/qwen2/qwen2-model.ts";
import type { EngineRequest } from "./engine-request.ts";
import { Engine, stepLimits } from "./engine.ts";

const fields = { vocab_size: 50, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, tie_word_embeddings: true };
const model = createQwen2Model(parseQwen2Config(fields, { file: "config.json" }));
const backend = createReferenceBackend();
const limits = stepLimits(model, { cacheTokens: 64, maxSequences: 2, rowsPerStep: 8 }, 0);
const program = model.buildStep(limits);
let weights: Weights;
let engine: Engine;

/** Weights by a formula, and after `change`. */
function loadWeights(of: Program, change: (name: string, values: Float32Array) => void = () => {}): Promise<Weights> {
  const named = of.tensors.filter(({ role }) => role === "weight");
  const floats = named.map(({ name, shape }, seed) => {
    const values = Float32Array.from({ length: (shape as number[]).reduce((a, b) => a * b) }, (_, index) => Math.sin(seed + index * 1.7) / 3);
    change(name, values);
    return [name, weightFromFloats(values, shape as number[])] as const;
  });
  return backend.loadWeights(new Map(floats));
}

beforeAll(async () => {
  weights = await loadWeights(program);
  engine = new Engine({ backend, model, program, weights }, limits);
});
afterAll(() => engine.dispose());

function request(ids: readonly number[], more: Partial<EngineRequest> = {}): EngineRequest {
  return {
    prompt: { ids: Int32Array.from(ids), positions: Int32Array.from(ids, (_, index) => index), nextPosition: ids.length },
    maxTokens: 5,
    sampling: resolveSampling({ temperature: 0 }),
    stopTokens: new Set(),
    ...more,
  };
}

async function run(one: EngineRequest, by: Engine = engine): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of by.generate(one)) ids.push(id);
  return ids;
}

test("sequences that do not fit together take turns, and each gets what it gets alone", async () => {
  const prompts = [3, 20, 9, 30, 1].map((length) => Array.from({ length }, (_, index) => (index * 7 + length) % 50));
  const alone = [];
  for (const ids of prompts) alone.push(await run(request(ids)));
  expect(await Promise.all(prompts.map((ids) => run(request(ids))))).toEqual(alone);
});

test("a stop token is reported and ends the generation", async () => {
  const ids = await run(request([1, 2, 3]));
  expect(await run(request([1, 2, 3], { stopTokens: new Set([ids[1]!]) }))).toEqual(ids.slice(0, ids.indexOf(ids[1]!) + 1));
});

test("prompt logits come row by row, in order, whatever the size of the chunks", async () => {
  const rows: number[] = [];
  await run(request(Array.from({ length: 21 }, (_, index) => index), { maxTokens: 0, promptRows: { from: 0, receive: (row, { logits }) => void rows.push(row, logits.length) } }));
  expect(rows).toEqual(Array.from({ length: 21 }, (_, row) => [row, 50]).flat());
});

test("a callback that throws ends its own generation only", async () => {
  const fault = new Error("the caller's");
  const bad = run(request([1, 2], { promptRows: { from: 0, receive: () => { throw fault; } } }));
  const good = run(request([1, 2, 3]));
  await expect(bad).rejects.toBe(fault);
  expect(await good).toEqual(await run(request([1, 2, 3])));
});

test("a sequence whose logits are no numbers ends alone", async () => {
  const untied = createQwen2Model(parseQwen2Config({ ...fields, tie_word_embeddings: false }, { file: "config.json" }));
  const step = untied.buildStep(limits);
  // Token 49 is poison for whoever reads it.
  const poisoned = await loadWeights(step, (name, values) => void (name.includes("embed_tokens") && values.fill(Number.NaN, 49 * 16)));
  const other = new Engine({ backend, model: untied, program: step, weights: poisoned }, limits);
  const [good, more] = [request([1, 2, 3], { maxTokens: 12 }), request([4, 5])];
  const alone = [await run(good, other), await run(more, other)];
  const all = await Promise.allSettled([run(good, other), run(request([7, 49]), other), run(more, other), run(request([49]), other)]);
  expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "rejected"]);
  expect(all[1]).toMatchObject({ reason: { code: "NUMERICAL" } });
  expect([all[0], all[2]]).toEqual(alone.map((value) => ({ status: "fulfilled", value })));
  await other.dispose();
});

test("leaving the stream early frees its place for those who wait", async () => {
  for (let round = 0; round < 10; round++) {
    for await (const _ of engine.generate(request([4, 5, 6], { maxTokens: 60 }))) break;
  }
  expect(await run(request([1, 2], { maxTokens: 62 }))).toHaveLength(62);
});

test.each([
  [[], {}, "ARGUMENT_INVALID"],
  [[50], {}, "ARGUMENT_INVALID"],
  [[-1], {}, "ARGUMENT_INVALID"],
  [[1], { maxTokens: -1 }, "ARGUMENT_INVALID"],
  [[1], { maxTokens: 65 }, "LIMIT_EXCEEDED"],
])("ids %j with %j are refused", (ids, more, code) => {
  expect(() => engine.generate(request(ids, more))).toThrow(expect.objectContaining({ code }));
});

test("positions of another number of axes are refused", () => {
  const { prompt, ...rest } = request([1, 2, 3]);
  expect(() => engine.generate({ ...rest, prompt: { ...prompt, positions: new Int32Array(9) } })).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID", facts: expect.objectContaining({ argument: "prompt.positions" }) }));
});

test("an engine that cannot be compiled frees its cache", () => {
  const created: string[] = [];
  const freed: string[] = [];
  const watched = {
    ...backend,
    createResource: (spec: ResourceSpec): Resource => {
      const resource = backend.createResource(spec);
      created.push(spec.name);
      return Object.assign(Object.create(resource) as Resource, { dispose: () => void freed.push(spec.name) });
    },
    compile: (): never => {
      throw new OutOfMemoryError({ what: "arena", requested: 1 });
    },
  } as unknown as Backend;
  expect(() => new Engine({ backend: watched, model, program, weights }, limits)).toThrow(expect.objectContaining({ code: "OUT_OF_MEMORY" }));
  expect(freed).toEqual(created);
  expect(freed).toHaveLength(4);
});
