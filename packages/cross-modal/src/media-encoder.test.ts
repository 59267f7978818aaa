import { expect, test } from "vitest";
import { createReferenceBackend, OutOfMemoryError, weightFromFloats, type Backend, type CompiledProgram, type Resource, type Sizes, type TensorSpec } from "@polywen/tensor";
import { linearConnector } from "./connectors/dense-connectors.ts";
import type { Encoder, Features, PreparedMedium } from "./encoder.ts";
import { MediaEncoder } from "./media-encoder.ts";
import { defineModality } from "./modality.ts";
import { ModalityWeightSource } from "./weights/modality-weights.ts";

const WIDTH = 3;
const connector = linearConnector({ stack: 2 });
const weights = new Map([
  ["connector.weight", weightFromFloats(Float32Array.from({ length: 4 * 2 * WIDTH }, (_, index) => index / 8), [4, 2 * WIDTH])],
  ["connector.bias", weightFromFloats(Float32Array.of(1, 2, 3, 4), [4])],
]);
const featuresOf = (rows: number): Features => ({ rows, features: Float32Array.from({ length: rows * WIDTH }, (_, index) => (index % 7) - 3) });
const functionEncoder: Encoder<number> = { kind: "function", width: WIDTH, encode: async (rows) => featuresOf(rows) };

async function load(encoder: Encoder<number>, backend: Backend = createReferenceBackend()): Promise<{ media: MediaEncoder; rows: Resource }> {
  const rows = backend.createResource({ name: "media.rows", dtype: "f32", shape: [4096, 4], paged: false });
  const { definition } = defineModality({ name: "series", encoder, connector }).withWeights(weights);
  return { media: await MediaEncoder.load(definition, await ModalityWeightSource.open(definition, weights), { backend, media: [rows] }), rows };
}

async function encode(media: MediaEncoder, input: number): Promise<number[]> {
  const prepared = await media.prepare(input);
  let result: number[] = [];
  await media.encode(prepared, Array.from({ length: prepared.rows }, (_, index) => index), { onRows: ([rows]) => void (result = [...rows!]) });
  return result;
}

/** The reference backend, with every program that it compiles noted, failing where `fails` says so, and with programs that say they take `byteLength`. */
function watchedBackend(noted: Sizes[], fails: () => boolean, byteLength?: number): Backend {
  const backend = createReferenceBackend();
  return Object.assign(Object.create(backend) as Backend, {
    createResource: backend.createResource.bind(backend),
    loadWeights: backend.loadWeights.bind(backend),
    compile: (...parts: Parameters<Backend["compile"]>): CompiledProgram => {
      if (fails()) throw new OutOfMemoryError({ what: "arena", requested: 1 });
      noted.push(Object.fromEntries(parts[0].dimensions.map(({ name, capacity }) => [name, capacity])));
      const compiled = backend.compile(...parts);
      return byteLength === undefined ? compiled : Object.defineProperty(compiled, "byteLength", { value: byteLength });
    },
  });
}

test("rows are those of the formula; a row left over is dropped", async () => {
  const { media } = await load(functionEncoder);
  const { features } = featuresOf(5);
  const expected = [0, 1].flatMap((row) => [0, 1, 2, 3].map((out) => {
    const products = Array.from({ length: 6 }, (_, column) => (features[row * 6 + column]! * (out * 6 + column)) / 8);
    return products.reduce((sum, product) => sum + product, out + 1);
  }));
  expect(await encode(media, 5)).toEqual(expected);
});

test("a program that was too small grows and stays large; results stay the same", async () => {
  const compiled: Sizes[] = [];
  const { media } = await load(functionEncoder, watchedBackend(compiled, () => false));
  const small = await encode(media, 10);
  await encode(media, 1000);
  expect(await encode(media, 10)).toEqual(small);
  expect(compiled).toEqual([{ features: 64 }, { features: 1024 }]);
});

test("any number of features may make a row", async () => {
  for (const stack of [3, 100]) {
    const { definition } = defineModality({ name: "series", encoder: functionEncoder, connector: linearConnector({ stack }) }).withWeights(weights);
    const given = new Map([["connector.weight", weightFromFloats(new Float32Array(4 * stack * WIDTH).fill(1), [4, stack * WIDTH])], ["connector.bias", weightFromFloats(new Float32Array(4), [4])]]);
    const backend = createReferenceBackend();
    const rows = backend.createResource({ name: "media.rows", dtype: "f32", shape: [4096, 4], paged: false });
    const media = await MediaEncoder.load(definition, await ModalityWeightSource.open(definition, given), { backend, media: [rows] });
    const sum = featuresOf(stack).features.reduce((total, value) => total + value, 0);
    for (const count of [stack, 10 * stack + 1]) expect((await encode(media, count)).slice(0, 4)).toEqual(new Array(4).fill(sum));
  }
});

test("a huge program serves all who wait for it and is then let go", async () => {
  const compiled: Sizes[] = [];
  const { media } = await load(functionEncoder, watchedBackend(compiled, () => false, 2 ** 29));
  const small = await encode(media, 10);
  const [first, , last] = await Promise.all([encode(media, 10), encode(media, 1000), encode(media, 10)]);
  expect([first, last, await encode(media, 10)]).toEqual([small, small, small]);
  expect(compiled).toEqual([64, 64, 1024, 64].map((features) => ({ features })));
});

test("an encoder that ran out of memory for one medium still takes the next", async () => {
  let full = false;
  const { media } = await load(functionEncoder, watchedBackend([], () => full));
  const small = await encode(media, 10);
  full = true;
  await expect(encode(media, 1000)).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
  full = false;
  expect(await encode(media, 10)).toEqual(small);
});

test("what the backend cannot run is refused at loading", async () => {
  await expect(load(functionEncoder, watchedBackend([], () => true))).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
});

test.each([
  ["an array that is no Float32Array", { rows: 2, features: [1, 2, 3, 4, 5, 6] }],
  ["too few features", { rows: 3, features: new Float32Array(6) }],
  ["a number of rows that is none", { rows: 2.5, features: new Float32Array(6) }],
  ["NaN", { rows: 2, features: Float32Array.of(1, 2, 3, 4, 5, NaN) }],
  ["less than one row for the model", { rows: 1, features: new Float32Array(3) }],
])("a function encoder that returns %s is refused", async (_, features) => {
  const { media } = await load({ kind: "function", width: WIDTH, encode: async () => features as Features });
  await expect(media.prepare(0)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
});

test("an abort does not wait for an encoder that does not listen", async () => {
  const { media } = await load({ kind: "function", width: WIDTH, encode: () => new Promise(() => undefined) });
  const controller = new AbortController();
  const prepared = media.prepare(0, { signal: controller.signal });
  controller.abort("enough");
  await expect(prepared).rejects.toMatchObject({ code: "ABORTED", cause: "enough" });
});

test.each<[string, Partial<PreparedMedium>, string]>([
  ["a grid of other rows", { grid: [1, 2, 2] }, "prepare"],
  ["an input that is missing", { inputs: {} }, "encode"],
  ["an input that is too short", { inputs: { values: new Float32Array(3) } }, "encode"],
  ["an input of another type", { inputs: { values: new Int32Array(12) } }, "encode"],
])("a program encoder that prepares %s is refused", async (_, changes, stage) => {
  const encoder: Encoder<number> = {
    kind: "program",
    dimensions: ["steps"],
    prepare: async () => ({ rows: 2, sizes: { steps: 4 }, inputs: { values: new Float32Array(12) }, ...changes }),
    build: (builder, capacities) => builder.input("values", "f32", [builder.dimension("steps", capacities["steps"]!), WIDTH]),
  };
  const { media } = await load(encoder);
  const prepared = media.prepare(0);
  const failing = stage === "prepare" ? prepared : media.encode(await prepared, [0, 1]);
  await expect(failing).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
});

test("a modality with fewer levels than the text model reads leaves zeros in the others, whatever was there", async () => {
  const backend = createReferenceBackend();
  const media = ["media.rows", "media.rows.1"].map((name) => backend.createResource({ name, dtype: "f32", shape: [16, 4], paged: false }));
  const series = (deep: boolean) => defineModality({
    name: "series",
    encoder: functionEncoder,
    connector: { ...connector, build: (...parts) => (deep ? [0, 1].map(() => connector.build(...parts) as TensorSpec) : connector.build(...parts)) },
  }).withWeights(weights).definition;
  const loadSeries = async (kind: boolean, resources: readonly Resource[]) => MediaEncoder.load(series(kind), await ModalityWeightSource.open(series(kind), weights), { backend, media: resources });
  const [deep, flat] = await Promise.all([loadSeries(true, media), loadSeries(false, media)]);
  const levels: number[][][] = [];
  const onRows = (rows: readonly Float32Array[]): void => void levels.push(rows.map((level) => [...level]));
  for (const encoder of [deep!, flat!]) await encoder.encode(await encoder.prepare(4), [3, 4], { onRows });
  const [rows] = levels[0]!;
  expect(levels).toEqual([[rows, rows], [rows, new Array(8).fill(0)]]);
  await expect(loadSeries(true, media.slice(0, 1))).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
});
