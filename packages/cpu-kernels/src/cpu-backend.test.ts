import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NotFoundError, ProgramBuilder, weightFromFloats, type Backend, type CompiledProgram, type Program, type WeightData } from "@polywen/tensor";
import { conformanceCases, runCase } from "@polywen/tensor/conformance";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCpuBackend } from "./cpu-backend.ts";

let backend: Backend;
let folder: string;

beforeAll(async () => {
  backend = await createCpuBackend({ threads: 2 });
  folder = await mkdtemp(join(tmpdir(), "polywen-cpu-"));
});
afterAll(async () => {
  await backend.dispose();
  await rm(folder, { recursive: true });
});

const WIDTH = 512;
const ROWS = 512;

/** `layers` matrix products one after the other: long work of many short operations. */
function chain(layers: number, rows: number): Program {
  const builder = new ProgramBuilder("chain");
  const weight = builder.weight("weight", [WIDTH, WIDTH]);
  let tensor = builder.input("input", "f32", [builder.dimension("rows", rows), WIDTH]);
  for (let layer = 0; layer < layers; layer++) tensor = builder.linear(tensor, weight);
  builder.output("output", tensor);
  return builder.build();
}

const chainWeights = (): ReadonlyMap<string, WeightData> => new Map([["weight", weightFromFloats(new Float32Array(WIDTH * WIDTH).fill(1 / WIDTH), [WIDTH, WIDTH])]]);

/** A program that runs for many seconds unless it is stopped. */
async function longProgram(on: Backend = backend): Promise<CompiledProgram> {
  return on.compile(chain(1000, ROWS), { weights: await on.loadWeights(chainWeights()) });
}

describe("a run", { timeout: 60_000 }, () => {
  it("computes, and again under other sizes", async () => {
    const compiled = backend.compile(chain(3, 8), { weights: await backend.loadWeights(chainWeights()) });
    compiled.input("input", "f32").fill(2);
    await compiled.run({ rows: 8 });
    expect(compiled.output("output", "f32")[8 * WIDTH - 1]).toBeCloseTo(2, 5);
    compiled.input("input", "f32").fill(3);
    await compiled.run({ rows: 1 });
    expect(compiled.output("output", "f32")[0]).toBeCloseTo(3, 5);
    expect(compiled.output("output", "f32")[WIDTH]).toBeCloseTo(2, 5);
  });

  it("takes turns with others while it is in the background, and both compute what they compute alone", async () => {
    const [long, short] = [backend.compile(chain(60, ROWS), { weights: await backend.loadWeights(chainWeights()) }), backend.compile(chain(2, 4), { weights: await backend.loadWeights(chainWeights()) })];
    long.input("input", "f32").forEach((_, index, values) => (values[index] = Math.sin(index)));
    short.input("input", "f32").fill(1);
    await long.run({ rows: ROWS });
    const alone = long.output("output", "f32").slice();
    const ended: string[] = [];
    const background = long.run({ rows: ROWS }, { background: true }).then(() => ended.push("long"));
    for (let turn = 0; turn < 3; turn++) await short.run({ rows: 4 }).then(() => ended.push("short"));
    await background;
    expect(ended).toEqual(["short", "short", "short", "long"]);
    expect(long.output("output", "f32")).toEqual(alone);
    expect(short.output("output", "f32")[0]).toBeCloseTo(1, 5);
  });

  it("stops in the background while others wait, and leaves nothing behind when the backend ends", async () => {
    const own = await createCpuBackend({ threads: 1 });
    const [long, waiting] = [await longProgram(own), await longProgram(own)];
    const runs = [long.run({ rows: ROWS }, { background: true }), waiting.run({ rows: ROWS }, { background: true })];
    const settled = Promise.allSettled(runs);
    await sleep(30);
    await own.dispose();
    expect((await settled).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });

  it("stops between operations when its signal fires, and runs again", async () => {
    const compiled = await longProgram();
    const controller = new AbortController();
    const run = compiled.run({ rows: ROWS }, { signal: controller.signal });
    await sleep(50);
    const reason = new TypeError("enough");
    controller.abort(reason);
    const started = performance.now();
    await expect(run).rejects.toMatchObject({ code: "ABORTED", cause: reason });
    expect(performance.now() - started).toBeLessThan(2000);
    await expect(compiled.run({ rows: ROWS }, { signal: controller.signal })).rejects.toMatchObject({ code: "ABORTED" });
    await compiled.run({ rows: 0 });
    compiled.dispose();
  });

  it("leaves the event loop free, and refuses a second run meanwhile", async () => {
    const compiled = await longProgram();
    const controller = new AbortController();
    const run = compiled.run({ rows: ROWS }, { signal: controller.signal });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    await expect(compiled.run({ rows: 1 })).rejects.toMatchObject({ code: "BUSY" });
    await sleep(300);
    clearInterval(timer);
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: "ABORTED" });
    expect(ticks).toBeGreaterThan(10);
    compiled.dispose();
  });

  it("ends with DISPOSED when its program, its weights or its backend go", async () => {
    const compiled = await longProgram();
    const run = compiled.run({ rows: ROWS });
    await sleep(20);
    compiled.dispose();
    await expect(run).rejects.toMatchObject({ code: "DISPOSED" });
    expect(() => compiled.input("input", "f32")).toThrow(expect.objectContaining({ code: "DISPOSED" }));

    const weights = await backend.loadWeights(chainWeights());
    const orphan = backend.compile(chain(1, 1), { weights });
    weights.dispose();
    await expect(orphan.run({ rows: 1 })).rejects.toMatchObject({ code: "DISPOSED" });
    expect(() => backend.compile(chain(1, 1), { weights })).toThrow(expect.objectContaining({ code: "DISPOSED" }));

    const other = await createCpuBackend({ threads: 2 });
    const last = await longProgram(other);
    const cut = last.run({ rows: ROWS });
    const queued = (await longProgram(backend)).run({ rows: 0 });
    await Promise.all([expect(cut).rejects.toMatchObject({ code: "ABORTED" }), other.dispose()]);
    await queued;
    await expect(last.run({ rows: 1 })).rejects.toMatchObject({ code: "DISPOSED" });
    await expect(other.loadWeights(new Map())).rejects.toMatchObject({ code: "DISPOSED" });
  });

  it("does not need the weights that are disposed while it is under way", async () => {
    const weights = await backend.loadWeights(chainWeights());
    const compiled = backend.compile(chain(200, 64), { weights });
    compiled.input("input", "f32").fill(1);
    const run = compiled.run({ rows: 64 });
    weights.dispose();
    await run.catch((error: unknown) => expect(error).toMatchObject({ code: "DISPOSED" }));
  });

  it("has the same bits on one thread, on two, and on more than there are cores", async () => {
    for (const threads of [1, 5]) {
      const other = await createCpuBackend({ threads });
      for (const { prepare } of conformanceCases.filter((_, index) => index % 7 === 0)) {
        expect(await runCase(other, prepare())).toEqual(await runCase(backend, prepare()));
      }
      await other.dispose();
    }
  });
});

describe("loadWeights", { timeout: 60_000 }, () => {
  const inFile = (file: string, byteLength: number, offset = 0): ReadonlyMap<string, WeightData> =>
    new Map([["weight", { dtype: "bf16", shape: [byteLength / 2048, 1024], location: { kind: "file", file, offset, byteLength } }]]);

  it("reads files and reports progress to the end", async () => {
    const file = join(folder, "weights");
    await writeFile(file, randomBytes(1 << 20));
    const reports: number[] = [];
    const weights = await backend.loadWeights(inFile(file, 1 << 20), { onProgress: (done) => reports.push(done) });
    expect(weights.byteLength).toBe(1 << 20);
    expect(reports.at(-1)).toBe(1 << 20);
    weights.dispose();
  });

  it("names what is wrong with a file or a weight", async () => {
    const file = join(folder, "short");
    await writeFile(file, randomBytes(4096));
    await expect(backend.loadWeights(inFile(file, 8192))).rejects.toMatchObject({ code: "FILE_INVALID", facts: { file, offset: 4096 } });
    await expect(backend.loadWeights(inFile(file, 4096, 2))).rejects.toMatchObject({ code: "FILE_INVALID" });
    await expect(backend.loadWeights(inFile(join(folder, "none"), 4096))).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(backend.loadWeights(inFile(folder, 4096))).rejects.toMatchObject({ code: "FILE_INVALID" });
    await expect(backend.loadWeights(inFile(file, 4096, -1))).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    const bytes = new Uint8Array(12);
    for (const shape of [[], [1, 1, 1, 3], [4], [0, 3], [1.5, 2], [2 ** 31]]) {
      await expect(backend.loadWeights(new Map([["weight", { dtype: "f32", shape, location: { kind: "bytes", bytes } }]]))).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    }
  });

  it("asks for computed weights one after the other, and refuses what is too short", async () => {
    let computing = 0;
    const computed = (length: number): WeightData => ({
      dtype: "f32",
      shape: [2, 8],
      location: {
        kind: "computed",
        byteLength: 64,
        compute: async () => {
          expect(computing++).toBe(0);
          await sleep(1);
          computing--;
          return new Uint8Array(length);
        },
      },
    });
    const weights = await backend.loadWeights(new Map([["a", computed(64)], ["b", computed(64)], ["c", { dtype: "f32", shape: [4], location: { kind: "bytes", bytes: new Uint8Array(16) } }]]));
    // Rows are filled up to a panel.
    expect(weights.byteLength).toBe(2 * 16 * 8 * 4 + 16);
    await expect(backend.loadWeights(new Map([["a", computed(64)], ["b", computed(60)]]))).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    await expect(backend.loadWeights(new Map([["stack", { ...computed(64), shape: [2, 1, 8] }]]))).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    const failing = { ...computed(64), location: { kind: "computed" as const, byteLength: 64, compute: () => Promise.reject(new NotFoundError({ what: "file", name: "codes" })) } };
    await expect(backend.loadWeights(new Map([["a", failing]]))).rejects.toMatchObject({ code: "NOT_FOUND" });
    weights.dispose();
  });

  it("stops when its signal fires", async () => {
    const signal = AbortSignal.abort();
    await expect(backend.loadWeights(chainWeights(), { signal })).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("gives memory back: two hundred rounds stay bounded", async () => {
    const file = join(folder, "rounds");
    await writeFile(file, randomBytes(4 << 20));
    const round = async (): Promise<void> => {
      const weights = await backend.loadWeights(inFile(file, 4 << 20));
      const resource = backend.createResource({ name: "pages", dtype: "f32", shape: [1 << 12, 4, 64], paged: true });
      resource.dispose();
      weights.dispose();
    };
    for (let i = 0; i < 20; i++) await round();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 200; i++) await round();
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  });
});

describe("compile", () => {
  const paged = (): Program => {
    const builder = new ProgramBuilder("paged");
    const rows = builder.dimension("rows", 2);
    const keys = builder.resource("keys", "f32", [32, 1, 4]);
    builder.store(builder.input("input", "f32", [rows, 1, 4]), keys, builder.input("slots", "i32", [rows]));
    return builder.build();
  };

  it("checks what it is bound to", async () => {
    const weights = await backend.loadWeights(chainWeights());
    const other = await createCpuBackend({ threads: 1 });
    expect(() => backend.compile(paged(), { weights })).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
    const resource = (shape: readonly number[], dtype: "f32" | "bf16" = "f32") => ({ keys: backend.createResource({ name: "keys", dtype, shape, paged: true }) });
    expect(() => backend.compile(paged(), { weights, resources: resource([16, 1, 4]) })).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    expect(() => backend.compile(paged(), { weights, resources: resource([32, 1, 4], "bf16") })).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    expect(() => backend.compile(chain(1, 1), { weights: { byteLength: 0, dispose: () => {} } })).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    const empty = await backend.loadWeights(new Map());
    expect(() => backend.compile(chain(1, 1), { weights: empty })).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
    const wrong = await backend.loadWeights(new Map([["weight", weightFromFloats(new Float32Array(4), [2, 2])]]));
    expect(() => backend.compile(chain(1, 1), { weights: wrong })).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    await other.dispose();
  });

  it("refuses resources that are not one, or larger than memory", () => {
    for (const shape of [[], [0, 1, 4], [15, 1, 4], [16, 4], [2 ** 20, 2 ** 20, 2 ** 20]]) {
      expect(() => backend.createResource({ name: "keys", dtype: "f32", shape, paged: true })).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    }
  });
});

describe("createCpuBackend", () => {
  it("says what it runs on", () => {
    expect(backend.device.threads).toBe(2);
    expect(backend.device.description).toContain(backend.device.tier);
  });

  it("refuses thread counts and tiers that are none", async () => {
    for (const threads of [0, 1.5, 257, Number.NaN]) await expect(createCpuBackend({ threads })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    process.env["POLYWEN_CPU_ISA"] = "altivec";
    await expect(createCpuBackend()).rejects.toMatchObject({ code: "UNSUPPORTED" });
    delete process.env["POLYWEN_CPU_ISA"];
  });
});

describe("the speed of the machine", { timeout: 60_000 }, () => {
  it("is measured, within what any machine can do", async () => {
    const { readBandwidth, int8Operations, floatOperations } = await backend.measureSpeed!();
    expect(readBandwidth).toBeGreaterThan(1e7);
    expect(readBandwidth).toBeLessThan(1e13);
    expect(backend.device.tier === "generic" ? [int8Operations, floatOperations] : Math.min(int8Operations, floatOperations) > 1e8).toEqual(backend.device.tier === "generic" ? [0, 0] : true);
  });

  it("can be left unmeasured", async () => {
    await expect(backend.measureSpeed!({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  });
});
