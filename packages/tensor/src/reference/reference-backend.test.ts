import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend, Bindings, CompiledProgram, WeightData } from "../backend.ts";
import { encodeFloats } from "../conformance/encode-floats.ts";
import { AbortedError, BusyError, DisposedError, InvalidArgumentError, InvalidFileError, InvalidProgramError, NotFoundError } from "../errors/errors.ts";
import { ProgramBuilder } from "../program-builder.ts";
import { createReferenceBackend } from "./reference-backend.ts";
import { loadReferenceWeights } from "./reference-weights.ts";

const backend: Backend = createReferenceBackend();
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "polywen-reference-"));
});
afterAll(() => rm(folder, { recursive: true }));

function bytesOf(values: readonly number[], shape: readonly number[] = [values.length]): WeightData {
  return { dtype: "f32", shape, location: { kind: "bytes", bytes: encodeFloats(values, "f32") } };
}

/** `y = w · x`, one row at a time, `repeats` times over. */
async function product(size: number, repeats = 1): Promise<CompiledProgram> {
  const builder = new ProgramBuilder("product");
  const weight = builder.weight("w", [size, size]);
  let tensor = builder.input("x", "f32", [builder.dimension("rows", 4), size]);
  for (let i = 0; i < repeats; i++) tensor = builder.linear(tensor, weight);
  builder.output("y", tensor);
  const values = Array.from({ length: size * size }, (_, index) => (index % (size + 1) === 0 ? 1 : 0));
  return backend.compile(builder.build(), { weights: await backend.loadWeights(new Map([["w", bytesOf(values, [size, size])]])) });
}

describe("loadWeights", () => {
  const values = Array.from({ length: 300_000 }, (_, index) => (index % 1021) - 500);

  async function identityOf(location: WeightData["location"], dtype: WeightData["dtype"]): Promise<Float32Array> {
    const builder = new ProgramBuilder("read");
    const rows = builder.dimension("rows", values.length);
    const one = builder.linear(builder.input("one", "f32", [rows, 1]), builder.weight("w", [values.length, 1]));
    builder.output("y", one);
    const weights = await backend.loadWeights(new Map([["w", { dtype, shape: [values.length, 1], location }]]));
    expect(weights.byteLength).toBe(values.length * 4);
    const small = { ...builder.build(), dimensions: [{ name: "rows", capacity: 1 }] };
    const compiled = backend.compile(small, { weights });
    compiled.input("one", "f32")[0] = 1;
    await compiled.run({ rows: 1 });
    return compiled.output("y", "f32");
  }

  it.each(["f32", "f16"] as const)("reads %s from a place in a file, in slices", async (dtype) => {
    const file = join(folder, `weights.${dtype}`);
    const bytes = encodeFloats(values, dtype);
    await writeFile(file, Buffer.concat([Buffer.alloc(13, 0xff), bytes, Buffer.alloc(5, 0xff)]));
    const read = await identityOf({ kind: "file", file, offset: 13, byteLength: bytes.byteLength }, dtype);
    expect(read.findIndex((value, index) => value !== values[index])).toBe(-1);
  });

  it("reads quantised rows from a file, in slices of whole blocks", async () => {
    // A scale of 1 and codes that count: more than two slices; 1 MiB is no multiple of 34.
    const file = join(folder, "weights.q8_0");
    const blocks = Buffer.alloc(34 * 80_000, Buffer.from([0, 0x3c, ...Array.from({ length: 32 }, (_, index) => index)]));
    await writeFile(file, Buffer.concat([Buffer.alloc(7, 0xff), blocks]));
    const location = { kind: "file", file, offset: 7, byteLength: blocks.length } as const;
    const rows = await loadReferenceWeights(new Map([["w", { dtype: "q8_0", shape: [40_000, 64], location }]]));
    expect(rows.get("w").values.findIndex((value, index) => value !== index % 32)).toBe(-1);
    const ragged = backend.loadWeights(new Map([["w", { dtype: "q8_0", shape: [53_333, 48], location }]]));
    await expect(ragged).rejects.toThrowError(/rows of a multiple of 32 values, a block of q8_0/);
  });

  it("reads bytes and reports progress", async () => {
    const seen: [number, number][] = [];
    await backend.loadWeights(new Map([["a", bytesOf([1, 2])], ["b", bytesOf([3])]]), { onProgress: (done, total) => seen.push([done, total]) });
    expect(seen).toEqual([[8, 12], [12, 12]]);
  });

  it("refuses a short file, a missing file and a wrong length", async () => {
    const file = join(folder, "short");
    await writeFile(file, new Uint8Array(10));
    const load = (source: Partial<WeightData>): Promise<unknown> => backend.loadWeights(new Map([["w", { ...bytesOf([1, 2, 3]), ...source }]]));
    const short = load({ location: { kind: "file", file, offset: 0, byteLength: 12 } });
    await expect(short).rejects.toThrowError(InvalidFileError);
    await expect(short).rejects.toMatchObject({ facts: { file, offset: 10 } });
    await expect(load({ location: { kind: "file", file: join(folder, "none"), offset: 0, byteLength: 12 } })).rejects.toThrowError(NotFoundError);
    await expect(load({ location: { kind: "file", file, offset: -1, byteLength: 12 } })).rejects.toThrowError(InvalidArgumentError);
    await expect(load({ location: { kind: "file", file: folder, offset: 0, byteLength: 12 } })).rejects.toThrowError(InvalidFileError);
    await expect(load({ shape: [4] })).rejects.toThrowError(InvalidArgumentError);
    await expect(load({ shape: [-3] })).rejects.toThrowError(InvalidArgumentError);
  });

  it("stops when aborted", async () => {
    const reason = new DOMException("stop", "AbortError");
    const loading = backend.loadWeights(new Map([["w", bytesOf([1])]]), { signal: AbortSignal.abort(reason) });
    await expect(loading).rejects.toThrowError(AbortedError);
    await expect(loading).rejects.toMatchObject({ cause: reason });
  });
});

describe("compile", () => {
  const builder = new ProgramBuilder("bound");
  const media = builder.resource("media", "f32", [2, 2]);
  const ids = builder.input("ids", "i32", [builder.dimension("rows", 2)]);
  builder.output("y", builder.embedding({ ids, table: builder.weight("table", [3, 2]), media: { rows: media, index: builder.input("index", "i32", ids.shape) } }));
  const program = builder.build();

  const compile = async (weights: ReadonlyMap<string, WeightData>, resources: Bindings["resources"] = {}): Promise<CompiledProgram> =>
    backend.compile(program, { weights: await backend.loadWeights(weights), resources });
  const table = new Map([["table", bytesOf([1, 2, 3, 4, 5, 6], [3, 2])]]);
  const spec = { name: "media", dtype: "f32", shape: [2, 2], paged: false } as const;

  it("binds weights and resources by name", async () => {
    const compiled = await compile(table, { media: backend.createResource(spec) });
    expect(compiled.byteLength).toBeGreaterThan(0);
    expect(compiled.program).toBe(program);
    expect(compiled.input("ids", "i32")).toHaveLength(2);
  });

  it("refuses what is missing or does not fit", async () => {
    const right = backend.createResource(spec);
    await expect(compile(new Map(), { media: right })).rejects.toThrowError(NotFoundError);
    await expect(compile(new Map([["table", bytesOf([1, 2, 3, 4, 5, 6], [2, 3])]]), { media: right })).rejects.toThrowError(InvalidArgumentError);
    await expect(compile(table)).rejects.toThrowError(NotFoundError);
    await expect(compile(table, { media: backend.createResource({ ...spec, shape: [3, 2] }) })).rejects.toThrowError(InvalidArgumentError);
    await expect(compile(table, { media: backend.createResource({ ...spec, dtype: "bf16" }) })).rejects.toThrowError(InvalidArgumentError);
    await expect(compile(table, { media: backend.createResource({ ...spec, shape: [16, 1, 2], paged: true }) })).rejects.toThrowError(InvalidArgumentError);
    await expect(compile(table, { media: { spec, byteLength: 16, dispose() {} } })).rejects.toThrowError(InvalidArgumentError);
  });

  it("validates the program", async () => {
    const weights = await backend.loadWeights(table);
    expect(() => backend.compile({ ...program, tensors: [] }, { weights })).toThrowError(InvalidProgramError);
  });

  it("refuses wrong names and dtypes of buffers", async () => {
    const compiled = await product(2);
    expect(() => compiled.input("y", "f32")).toThrowError(NotFoundError);
    expect(() => compiled.output("x", "f32")).toThrowError(NotFoundError);
    expect(() => compiled.input("x", "i32")).toThrowError(InvalidArgumentError);
  });
});

describe("createResource", () => {
  it("refuses shapes that are none", () => {
    const create = (shape: number[], paged = false): unknown => backend.createResource({ name: "r", dtype: "f32", shape, paged });
    for (const shape of [[], [0, 2], [1.5], [2 ** 40]]) expect(() => create(shape)).toThrowError(InvalidArgumentError);
    expect(() => create([17, 1, 2], true)).toThrowError(InvalidArgumentError);
    expect(() => create([16, 2], true)).toThrowError(InvalidArgumentError);
  });
});

describe("run", () => {
  it("computes the valid part and can be repeated", async () => {
    const compiled = await product(3);
    compiled.input("x", "f32").set([1, 2, 3, 4, 5, 6]);
    await compiled.run({ rows: 2 });
    expect(compiled.output("y", "f32").subarray(0, 6)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    compiled.input("x", "f32").set([7, 8, 9]);
    await compiled.run({ rows: 1 });
    expect(compiled.output("y", "f32").subarray(0, 3)).toEqual(Float32Array.of(7, 8, 9));
  });

  it("refuses sizes beyond capacity", async () => {
    const compiled = await product(2);
    for (const rows of [5, -1, 0.5, Number.NaN]) await expect(compiled.run({ rows })).rejects.toThrowError(InvalidProgramError);
    await expect(compiled.run({})).rejects.toThrowError(InvalidProgramError);
  });

  it("leaves the event loop free and stops soon after the signal", async () => {
    const compiled = await product(512, 400);
    const controller = new AbortController();
    const running = compiled.run({ rows: 4 }, { signal: controller.signal });
    let turns = 0;
    const counting = (async () => {
      for (; turns < 5; turns++) await setImmediate();
      controller.abort();
    })();
    await expect(running).rejects.toThrowError(AbortedError);
    await counting;
    expect(turns).toBe(5);
  });

  it("stops before it begins when already aborted", async () => {
    const compiled = await product(2);
    await expect(compiled.run({ rows: 1 }, { signal: AbortSignal.abort() })).rejects.toThrowError(AbortedError);
  });

  it("does one run at a time", async () => {
    const compiled = await product(2);
    const first = compiled.run({ rows: 1 });
    await expect(compiled.run({ rows: 1 })).rejects.toThrowError(BusyError);
    await first;
    await compiled.run({ rows: 1 });
  });
});

describe("dispose", () => {
  it("makes later use of a program fail, even while it runs", async () => {
    const compiled = await product(512, 400);
    const running = compiled.run({ rows: 4 });
    compiled.dispose();
    compiled.dispose();
    await expect(running).rejects.toThrowError(DisposedError);
    await expect(compiled.run({ rows: 1 })).rejects.toThrowError(DisposedError);
    expect(() => compiled.input("x", "f32")).toThrowError(DisposedError);
  });

  it("makes programs of disposed weights and resources fail", async () => {
    const builder = new ProgramBuilder("store");
    const target = builder.resource("target", "f32", [1, 1]);
    builder.store(builder.input("x", "f32", [1, 1]), target, builder.input("slots", "i32", [1]));
    const resource = backend.createResource({ name: "target", dtype: "f32", shape: [1, 1], paged: false });
    const weights = await backend.loadWeights(new Map());
    const compile = (): CompiledProgram => backend.compile(builder.build(), { weights, resources: { target: resource } });
    const compiled = compile();
    resource.dispose();
    await expect(compiled.run({})).rejects.toThrowError(DisposedError);
    expect(compile).toThrowError(DisposedError);
    const other = await product(2);
    weights.dispose();
    await other.run({ rows: 1 });
    await expect(compiled.run({})).rejects.toThrowError(DisposedError);
  });

  it("ends a backend", async () => {
    const own = createReferenceBackend();
    await own.dispose();
    await expect(own.loadWeights(new Map())).rejects.toThrowError(DisposedError);
    expect(() => own.createResource({ name: "r", dtype: "f32", shape: [1], paged: false })).toThrowError(DisposedError);
  });
});
