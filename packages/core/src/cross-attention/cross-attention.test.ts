import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createReferenceBackend, PAGE_ROWS, weightFromFloats, type Program, type Resource, type Weights } from "@polywen/tensor";
import { Engine, stepLimits } from "../engine/engine.ts";
import type { EnginePrompt, EngineRequest } from "../engine/engine-request.ts";
import { resolveSampling } from "../generation/sampling.ts";
import { parseQwen2Config } from "../models/qwen2/qwen2-config.ts";
import { createQwen2Model } from "../models/qwen2/qwen2-model.ts";
import { mediaRowsNames } from "../text-model.ts";
import type { Attend, CrossAttention } from "./cross-attention.ts";
import { buildCrossProjection, crossKeyResources } from "./cross-projection.ts";
import { seenMedia, type CrossMedia } from "./cross-media.ts";

interface GoldenCase {
  readonly attend: Attend;
  /** The first row that comes after a medium, and its media rows. */
  readonly items: readonly (readonly [number, number])[];
  readonly layers: readonly number[];
  readonly intermediateSize: number;
  readonly gates: number;
  readonly logits: readonly (readonly number[])[];
}

const golden = JSON.parse(readFileSync(new URL("goldens/cross-attention.json", import.meta.url), "utf8")) as {
  readonly fields: Record<string, number>;
  readonly ids: readonly number[];
  readonly agreement: Readonly<Record<"mllama" | "idefics", number>>;
  /** Rows of which logits are kept. */
  readonly rows: readonly number[];
  readonly cases: readonly GoldenCase[];
};

const MEDIA_SLOTS = 64;
const PAGES = 6;
const backend = createReferenceBackend();
const model = createQwen2Model(parseQwen2Config(golden.fields as never, { file: "config.json" }));

/** The formula of the script that made the goldens. */
function byFormula(name: string, length: number): Float32Array {
  const seed = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 97;
  return Float32Array.from({ length }, (_, index) => Math.sin(seed + index * 1.7) / 3);
}

/** A scalar gate is stored once and read for every column. */
function gate(name: string, hiddenSize: number, stored: number): Float32Array {
  const values = byFormula(name.replace(".tanh", ""), stored);
  return Float32Array.from({ length: hiddenSize }, (_, column) => Math.tanh(3 * values[stored === 1 ? 0 : column]!));
}

function loadWeights(programs: readonly Program[], gates: number, changed?: RegExp): Promise<Weights> {
  const named = programs.flatMap(({ tensors }) => tensors).filter(({ role }) => role === "weight");
  return backend.loadWeights(new Map(named.map(({ name, shape }) => {
    const length = (shape as number[]).reduce((a, b) => a * b);
    const values = name.endsWith(".tanh") ? gate(name, length, gates) : byFormula(changed?.test(name) === true ? `another ${name}` : name, length);
    return [name, weightFromFloats(values, shape as number[])] as const;
  })));
}

function crossOf({ attend, layers, intermediateSize }: GoldenCase): CrossAttention {
  const shape = { heads: 4, keyHeads: 2, headWidth: 4, intermediateSize };
  return { modality: "series", layers: layers.map((index) => ({ index, attention: true, mlp: intermediateSize > 0 })), attend, ...shape, pages: PAGES };
}

interface Stand {
  readonly engine: Engine;
  /** Writes keys and values of `media` into pages and returns the media of a prompt. */
  readonly project: (items: GoldenCase["items"], pages: readonly number[]) => Promise<CrossMedia>;
}

async function stand(golden: GoldenCase, rowsPerStep: number, changed?: RegExp): Promise<Stand> {
  const cross = crossOf(golden);
  const limits = stepLimits(model, { cacheTokens: 256, maxSequences: 4, rowsPerStep, kvDType: "f32" }, MEDIA_SLOTS, [cross]);
  const media = backend.createResource({ name: mediaRowsNames(1)[0]!, dtype: "f32", shape: [MEDIA_SLOTS, model.hiddenSize], paged: false });
  const keys = crossKeyResources(cross, "f32").map((spec) => backend.createResource(spec));
  const program = model.buildStep(limits);
  const projection = buildCrossProjection(cross, { limits, hiddenSize: model.hiddenSize, epsilon: model.epsilon, rows: MEDIA_SLOTS });
  const weights = await loadWeights([program, projection], golden.gates, changed);
  const resources = Object.fromEntries([media, ...keys].map((resource: Resource) => [resource.spec.name, resource]));
  const compiled = backend.compile(projection, { weights, resources });
  const project: Stand["project"] = async (items, pages) => {
    const total = items.reduce((sum, [, rows]) => sum + rows, 0);
    (media as unknown as { write(first: number, values: Float32Array): void }).write(0, byFormula("media", total * model.hiddenSize).map((value) => Math.fround(value * 3)));
    for (let row = 0; row < total; row++) {
      compiled.input("rows", "i32")[row] = row;
      compiled.input("slots", "i32")[row] = pages[Math.floor(row / PAGE_ROWS)]! * PAGE_ROWS + (row % PAGE_ROWS);
    }
    await compiled.run({ rows: total });
    let begin = 0;
    return { pages, items: items.map(([from, rows]) => ({ from, begin, end: (begin += rows) })) };
  };
  return { engine: new Engine({ backend, model, program, weights, media: [media], cross: keys }, limits), project };
}

const pagesOf = (items: GoldenCase["items"]): number[] => Array.from({ length: Math.ceil(items.reduce((sum, [, rows]) => sum + rows, 0) / PAGE_ROWS) }, (_, index) => PAGES - 1 - index);

function requestOf(cross: CrossMedia | undefined, receive: (row: number, logits: Float32Array) => void, ids: readonly number[] = golden.ids): EngineRequest {
  const prompt: EnginePrompt = {
    ids: Int32Array.from(ids),
    positions: Int32Array.from(ids, (_, index) => index),
    nextPosition: ids.length,
    ...(cross === undefined ? {} : { cross: new Map([["series", cross]]) }),
  };
  return { prompt, maxTokens: 3, sampling: resolveSampling({ temperature: 0 }), stopTokens: new Set(), promptRows: { from: 0, receive: (row, { logits }) => receive(row, logits) } };
}

/** Logits of all rows, row by row, and then the ids that were generated. */
async function logitsOf(engine: Engine, cross: CrossMedia | undefined, ids?: readonly number[]): Promise<number[][]> {
  const rows: number[][] = [];
  const generated: number[] = [];
  for await (const { id } of engine.generate(requestOf(cross, (row, logits) => void (rows[row] = [...logits]), ids))) generated.push(id);
  return [...rows, generated];
}

test("the blocks that made the goldens are those of Mllama and of Idefics", () => {
  expect(Math.max(...Object.values(golden.agreement))).toBeLessThan(1e-6);
});

test.each(golden.cases.map((one) => [`${one.attend}, media ${JSON.stringify(one.items)}, blocks ${one.layers.join(" ")}`, one] as const))("%s: equal to PyTorch", async (_, one) => {
  const { engine, project } = await stand(one, 256);
  const rows = await logitsOf(engine, await project(one.items, pagesOf(one.items)));
  golden.rows.forEach((row, index) => {
    const expected = one.logits[index]!;
    rows[row]!.forEach((value, column) => expect(Math.abs(value - expected[column]!)).toBeLessThan(2e-5));
  });
  await engine.dispose();
});

test.each(golden.cases.slice(1))("chunks of any size and prompts beside it change no bit ($attend, $items)", async (one) => {
  const whole = await stand(one, 256);
  const expected = await logitsOf(whole.engine, await whole.project(one.items, pagesOf(one.items)));
  for (const rowsPerStep of [4, 5, 9]) {
    const { engine, project } = await stand(one, rowsPerStep);
    const media = await project(one.items, pagesOf(one.items));
    const other = { pages: media.pages, items: media.items.map((item) => ({ ...item, from: item.from + 1 })) };
    const [rows] = await Promise.all([logitsOf(engine, media), logitsOf(engine, undefined), logitsOf(engine, other, golden.ids.slice(3))]);
    expect(rows).toEqual(expected);
    await engine.dispose();
  }
});

test("rows before the first medium, and prompts without one, are those of the model without blocks", async () => {
  const one = golden.cases[3]!;
  const { engine, project } = await stand(one, 7);
  const plainLimits = stepLimits(model, { cacheTokens: 256, rowsPerStep: 7, kvDType: "f32" }, 0);
  const program = model.buildStep(plainLimits);
  const plain = new Engine({ backend, model, program, weights: await loadWeights([program], 1) }, plainLimits);
  const expected = await logitsOf(plain, undefined);
  const media = await project(one.items, pagesOf(one.items));
  const [text, attending] = await Promise.all([logitsOf(engine, undefined), logitsOf(engine, media)]);
  expect(text).toEqual(expected);
  const [first] = one.items[0]!;
  expect(attending.slice(0, first)).toEqual(expected.slice(0, first));
  expect(attending[first]).not.toEqual(expected[first]);
  await Promise.all([engine.dispose(), plain.dispose()]);
});

test.each([[1, true], [2, false]])("of %i media rows: whether queries and keys do not matter is %j", async (rows, same) => {
  const one: GoldenCase = { ...golden.cases[1]!, items: [[4, rows]] };
  const results = [];
  for (const changed of [undefined, /cross_attn\.[qk]_/]) {
    const { engine, project } = await stand(one, 8, changed);
    results.push(await logitsOf(engine, await project(one.items, pagesOf(one.items))));
    await engine.dispose();
  }
  // One row has all the weight: what comes out is its value, whatever asked for it.
  if (same) expect(results[1]).toEqual(results[0]);
  else expect(results[1]).not.toEqual(results[0]);
});

test("media of a modality that the model does not attend to are refused", async () => {
  const { engine } = await stand(golden.cases[0]!, 8);
  const request = requestOf(undefined, () => undefined);
  const prompt = { ...request.prompt, cross: new Map([["smell", { pages: [], items: [] }]]) };
  expect(() => engine.generate({ ...request, prompt })).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  await engine.dispose();
});

test("what rows see", () => {
  const items = [{ from: 2, begin: 0, end: 4 }, { from: 2, begin: 4, end: 5 }, { from: 6, begin: 5, end: 9 }];
  const seen = (attend: Attend) => [0, 1, 2, 5, 6, 100].map((row) => seenMedia(items, attend, row));
  expect(seen("latest")).toEqual([[0, 0], [0, 0], [0, 5], [0, 5], [5, 9], [5, 9]]);
  expect(seen("all-previous")).toEqual([[0, 0], [0, 0], [0, 5], [0, 5], [0, 9], [0, 9]]);
});
