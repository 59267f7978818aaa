import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { totalmem, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { availableMemory } from "./available-memory.ts";
import { estimateMemory } from "./estimate-memory.ts";
import { inspectModel } from "./inspect-model.ts";
import { loadModel } from "./load-model.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`../../../test/fixtures/${name}`, import.meta.url));
const backends = process.env["POLYWEN_NATIVE_MISSING"] === "" ? (["reference", "cpu"] as const) : (["reference"] as const);
const sources = [fixture("folders/qwen2"), fixture("folders/qwen3_moe"), fixture("gguf/llama.gguf"), fixture("gguf/qwen2moe.gguf"), fixture("vision/qwen3_vl"), "polywen/tiny"];

describe.each(backends)("the estimate for the %s backend", (backend) => {
  test.each(sources)("is what %s takes", async (source) => {
    const options = { backend, cacheTokens: 100, kvDType: "f32", mediaRows: 64, maxSequences: 2 } as const;
    const { weights, cache, step, total, available } = await estimateMemory(source, options);
    const model = await loadModel(source, options);
    const { memory } = model.info;
    await model.dispose();
    expect(cache).toBe(memory.cache);
    expect(total).toBe(weights + cache + step);
    // The native backend rounds its buffers up, which shows in models as small as these.
    const taken = memory.weights + memory.cache + memory.step;
    expect(Math.abs(total - taken)).toBeLessThan(Math.max(taken / 10, 2 ** 18));
    if (source !== "polywen/tiny") expect(weights).toBe(memory.weights);
    expect(available).toBeGreaterThan(0);
  });
});

test("every level of rows that media leave counts", async () => {
  const stepOf = async (mediaRows: number): Promise<number> => (await estimateMemory(fixture("vision/qwen3_vl"), { backend: "reference", mediaRows })).step;
  expect((await stepOf(1000)) - (await stepOf(1))).toBe(999 * 3 * 32 * 4);
});

test("a model that does not fit is refused before its weights are read", async () => {
  const loading = loadModel(sources[0]!, { backend: "reference", cacheTokens: 2 ** 34, onProgress: () => expect.fail("weights are read") });
  await expect(loading).rejects.toMatchObject({ code: "OUT_OF_MEMORY", hint: expect.stringContaining("cacheTokens"), facts: { requested: expect.any(Number), available: expect.any(Number) } });
});

test("the estimate is part of the description of a model", async () => {
  const { memory } = await inspectModel(sources[0]!);
  expect(memory.estimate).toMatchObject({ total: (await estimateMemory(sources[0]!)).total });
});

describe("available memory", () => {
  const groups = mkdtempSync(join(tmpdir(), "polywen-groups-"));
  afterAll(() => rmSync(groups, { recursive: true }));
  const write = (folder: string, files: Readonly<Record<string, string>>): void => {
    mkdirSync(join(groups, folder), { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(groups, folder, name), content);
  };

  test("is that of the machine where no group has a limit", () => {
    write("free", { "memory.max": "max\n", "memory.current": "1000\n" });
    for (const folder of ["free", "none"]) expect(availableMemory(join(groups, folder))).toBeGreaterThan(1e6);
    expect(availableMemory()).toBeLessThanOrEqual(totalmem());
  });

  test("is what the group leaves, with the pages of files that it holds", () => {
    write("second", { "memory.max": "1000000\n", "memory.current": "900000\n", "memory.stat": "anon 1\nactive_file 300000\ninactive_file 50000\n" });
    expect(availableMemory(join(groups, "second"))).toBe(450_000);
    write("first/memory", { "memory.limit_in_bytes": "1000000", "memory.usage_in_bytes": "990000", "memory.stat": "cache 9\ntotal_inactive_file 40000\n" });
    expect(availableMemory(join(groups, "first"))).toBe(50_000);
    write("over", { "memory.max": "1000", "memory.current": "2000" });
    expect(availableMemory(join(groups, "over"))).toBe(0);
  });
});
