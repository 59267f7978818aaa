import { mkdir, readdir, readFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError, InvalidFileError, PolywenError, UnsupportedError } from "@polywen/tensor";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "./checkpoint.ts";
import { readSafetensorsHeader } from "./read-safetensors-header.ts";
import type { SafetensorsDtype } from "./safetensors-dtype.ts";
import { createTestFolder, failureOf, safetensorsBytes, type TestFolder } from "./test-folder.ts";
import { writeSafetensors, type SafetensorsTensor } from "./write-safetensors.ts";

const golden = fileURLToPath(new URL("goldens/python.safetensors", import.meta.url));
const goldenTensors = fileURLToPath(new URL("goldens/expected.json", import.meta.url));

let folder: TestFolder;
beforeAll(async () => void (folder = await createTestFolder()));
afterAll(() => folder.remove());

describe("against Python's safetensors", () => {
  const dtypes: Readonly<Record<string, SafetensorsDtype>> = {
    float32: "F32", bfloat16: "BF16", float16: "F16", float64: "F64", int32: "I32", int64: "I64", bool: "BOOL", uint8: "U8", float8_e4m3fn: "F8_E4M3",
  };

  it("reads every tensor as PyTorch does", async () => {
    const expected = Object.entries(JSON.parse(await readFile(goldenTensors, "utf8")) as Record<string, { dtype: string; shape: number[]; hex: string }>);
    const checkpoint = await openCheckpoint(golden);
    expect(checkpoint.tensors.size).toBe(expected.length);
    expect([...checkpoint.metadata].sort()).toEqual([["format", "pt"], ["note", "ünïcode"]]);
    for (const [name, { dtype, shape, hex }] of expected) {
      expect(checkpoint.entry(name)).toMatchObject({ dtype: dtypes[dtype], shape });
      expect(Buffer.from(await checkpoint.read(name)).toString("hex")).toBe(hex);
    }
  });

  it("writes the same bytes", async () => {
    const checkpoint = await openCheckpoint(golden);
    const tensors: SafetensorsTensor[] = [];
    for (const { name, dtype, shape } of checkpoint.tensors.values()) tensors.push({ name, dtype: dtype as SafetensorsDtype, shape, data: await checkpoint.read(name) });
    const path = join(folder.path, "copy.safetensors");
    await writeSafetensors(path, tensors, Object.fromEntries(checkpoint.metadata));
    expect((await readFile(path)).equals(await readFile(golden))).toBe(true);
  });
});

describe("writeSafetensors", () => {
  it("round-trips typed arrays, views and hostile names", async () => {
    const path = join(folder.path, "round.safetensors");
    const floats = new Float32Array([9, 1.5, -2, 9]).subarray(1, 3);
    await writeSafetensors(path, [
      { name: "__proto__", dtype: "U8", shape: [3], data: new Uint8Array([1, 2, 3]) },
      { name: "constructor", dtype: "F32", shape: [1, 2], data: floats },
      { name: "", dtype: "BF16", shape: [], data: new Uint16Array([0x3fc0]) },
      { name: "ids", dtype: "I32", shape: [2, 0], data: new Int32Array(0) },
    ]);
    const checkpoint = await openCheckpoint(path);
    expect([...checkpoint.tensors.keys()].sort()).toEqual(["", "__proto__", "constructor", "ids"]);
    expect(new Float32Array((await checkpoint.read("constructor")).buffer)).toEqual(new Float32Array([1.5, -2]));
    expect(await checkpoint.read("__proto__")).toEqual(new Uint8Array([1, 2, 3]));
    for (const entry of checkpoint.tensors.values()) if (entry.dtype !== "U8") expect(entry.offset % 2).toBe(0);
  });

  it("refuses contradictions and leaves nothing behind", async () => {
    const path = join(folder.path, "refused.safetensors");
    const data = new Float32Array(2);
    const good: SafetensorsTensor = { name: "a", dtype: "F32", shape: [2], data };
    for (const tensors of [[good, good], [{ ...good, shape: [3] }], [{ ...good, shape: [-2] }], [{ ...good, name: "__metadata__" }], [{ ...good, dtype: "F4" as "F32" }]]) {
      expect(await failureOf(writeSafetensors(path, tensors))).toBeInstanceOf(InvalidArgumentError);
    }
    expect((await failureOf(writeSafetensors(join(folder.path, "no/such/folder.safetensors"), [good]))).facts).toMatchObject({ systemCode: "ENOENT" });
    const occupied = join(folder.path, "occupied.safetensors");
    await mkdir(occupied);
    expect((await failureOf(writeSafetensors(occupied, [good]))).code).toBe("FILE_ACCESS");
    expect((await readdir(folder.path)).filter((name) => name.includes("refused") || name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("hostile headers", () => {
  const f32 = (begin: unknown, end: unknown, shape: unknown = [1]): object => ({ dtype: "F32", shape, data_offsets: [begin, end] });

  async function refusal(bytes: Uint8Array): Promise<PolywenError> {
    const error = await failureOf(readSafetensorsHeader(await folder.write("hostile.safetensors", bytes)));
    expect(error.message).toContain("hostile.safetensors");
    return error;
  }

  it("refuses every prefix of a good file", async () => {
    const bytes = await readFile(golden);
    for (let length = 0; length < bytes.length; length += length < 64 ? 1 : 37) {
      expect(await refusal(bytes.subarray(0, length))).toBeInstanceOf(InvalidFileError);
    }
  });

  it("refuses a header length of 0, beyond the file, beyond 100 MB and 2^63", async () => {
    for (const length of [0n, 1n, 10n, 100_000_001n, 2n ** 63n, 2n ** 64n - 1n]) {
      const bytes = Buffer.alloc(17, "{");
      bytes.writeBigUInt64LE(length);
      expect((await refusal(bytes)).facts).toMatchObject({ offset: 0 });
    }
    const path = await folder.write("sparse.safetensors", safetensorsBytes("{}"));
    await truncate(path, 2 ** 40);
    expect((await failureOf(readSafetensorsHeader(path))).facts).toMatchObject({ offset: 10 });
  });

  it.each([
    ["not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), { offset: 10 }],
    ["not JSON", "{nonsense}", { offset: 9 }],
    ["an array", "[]", { offset: 8 }],
    ["space before the object", " {}", { offset: 8 }],
    ["a duplicate key", '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', { pointer: "/a" }],
    ["a duplicate field", '{"a":{"dtype":"F32","dtype":"I32","shape":[],"data_offsets":[0,4]}}', { pointer: "/a/dtype" }],
    ["deep nesting", `{"a":${"[".repeat(100_000)}`, { limit: 64 }],
    ["a tensor that is no object", { a: 3 }, { pointer: "/a" }],
    ["inherited fields", '{"a":{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}', { pointer: "/a/dtype" }],
    ["metadata that is no object", { __metadata__: [] }, { pointer: "/__metadata__" }],
    ["metadata that is no text", { __metadata__: { a: 1 } }, { pointer: "/__metadata__/a" }],
    ["no offsets", { a: { dtype: "F32", shape: [1] } }, { pointer: "/a/data_offsets" }],
    ["three offsets", { a: { dtype: "F32", shape: [1], data_offsets: [0, 4, 4] } }, { pointer: "/a/data_offsets" }],
    ["a negative offset", { a: f32(-4, 0) }, { pointer: "/a/data_offsets/0" }],
    ["a fractional offset", { a: f32(0, 4.5) }, { pointer: "/a/data_offsets/1" }],
    ["an offset above 2^53", '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9007199254740993]}}', { pointer: "/a/data_offsets/1" }],
    ["an infinite offset", '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e999]}}', { pointer: "/a/data_offsets/1" }],
    ["an offset as text", { a: f32("0", 4) }, { pointer: "/a/data_offsets/0" }],
    ["an inverted range", { a: f32(4, 0) }, { pointer: "/a/data_offsets" }],
    ["a range past the end", { a: f32(0, 400, [100]) }, { pointer: "/a/data_offsets" }],
    ["an overlap", { a: f32(0, 4), b: f32(0, 4) }, { pointer: "/b/data_offsets" }],
    ["a partial overlap", { a: { dtype: "U8", shape: [4], data_offsets: [0, 4] }, b: { dtype: "U8", shape: [2], data_offsets: [2, 4] } }, { pointer: "/b/data_offsets" }],
    ["a hole at the start", { a: { dtype: "U8", shape: [3], data_offsets: [1, 4] } }, { pointer: "/a/data_offsets" }],
    ["a rest at the end", { a: { dtype: "U8", shape: [3], data_offsets: [0, 3] } }, { problem: "1 bytes at the end belong to no tensor" }],
    ["an empty tensor inside another", { a: f32(0, 4), b: f32(2, 2, [0]) }, { pointer: "/b/data_offsets" }],
    ["a shape that does not fit the range", { a: f32(0, 4, [2]) }, { pointer: "/a/data_offsets" }],
    ["a negative size", { a: f32(0, 4, [-1, -1]) }, { pointer: "/a/shape/0" }],
    ["an overflowing shape", { a: f32(0, 4, [4194305, 4194305, 4194305, 4194305]) }, { pointer: "/a/shape" }],
    ["an overflow that wraps to the right size", { a: f32(0, 4, [2 ** 32, 2 ** 32, 1]) }, { pointer: "/a/shape" }],
    ["a shape that is no list", { a: f32(0, 4, "1") }, { pointer: "/a/shape" }],
  ])("refuses %s", async (_, header, facts) => {
    const error = await refusal(safetensorsBytes(header, 4));
    expect(error).toBeInstanceOf(InvalidFileError);
    expect(error.facts).toMatchObject(facts);
  });

  it("lets tensors without elements share an offset at a border", async () => {
    const header = { a: f32(0, 4), b: f32(4, 4, [0]), c: f32(4, 4, [2, 0]), d: f32(0, 0, [0]) };
    const { tensors } = await readSafetensorsHeader(await folder.write("empty.safetensors", safetensorsBytes(header, 4)));
    expect([...tensors.values()].map((entry) => entry.byteLength)).toEqual([4, 0, 0, 0]);
  });

  it("names an unknown dtype as unsupported", async () => {
    const error = await refusal(safetensorsBytes({ a: { dtype: "F4", shape: [8], data_offsets: [0, 4] } }, 4));
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error.message).toContain('"F4"');
    expect(await refusal(safetensorsBytes({ a: { dtype: "toString", shape: [8], data_offsets: [0, 4] } }, 4))).toBeInstanceOf(UnsupportedError);
  });

  it("recognises what is not safetensors at all", async () => {
    const lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    expect((await refusal(Buffer.from(lfs))).hint).toContain("git lfs pull");
    expect((await refusal(Buffer.from("<!DOCTYPE html>\n<html>404</html>"))).hint).toContain("download it again");
    expect((await refusal(Buffer.from("GGUF\x03\0\0\0\0\0\0\0"))).message).toContain("GGUF");
    for (const start of ["PK\x03\x04\0\0\x08\x08\0\0archive/data.pkl", "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M"]) {
      const error = await refusal(Buffer.from(start, "latin1"));
      expect(error).toBeInstanceOf(UnsupportedError);
      expect(error.hint).toContain("can run any program");
    }
  });

  it("does not mistake a header length for a pickle", async () => {
    const json = "{}".padEnd(0x280, " ");
    const { tensors } = await readSafetensorsHeader(await folder.write("padded.safetensors", safetensorsBytes(json)));
    expect(tensors.size).toBe(0);
  });

  it("survives any damage to a good file with a typed error or a consistent result", async () => {
    const bytes = await readFile(golden);
    const headerEnd = 8 + Number(bytes.readBigUInt64LE());
    const place = fc.oneof({ weight: 4, arbitrary: fc.nat(headerEnd) }, fc.nat(bytes.length - 1));
    const edit = fc.record({ at: place, remove: fc.nat(12), insert: fc.oneof(fc.uint8Array({ maxLength: 6 }), fc.constantFrom("9", "0", "-", "[", "{", '"', ",", "e9").map((text) => Buffer.from(text))) });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const damaged = edits.reduce((file, { at, remove, insert }) => Buffer.concat([file.subarray(0, at), insert, file.subarray(at + remove)]), bytes);
        const path = await folder.write("damaged.safetensors", damaged);
        const header = await readSafetensorsHeader(path).catch((error: unknown) => {
          expect(error).toBeInstanceOf(PolywenError);
          return undefined;
        });
        const total = [...(header?.tensors.values() ?? [])].reduce((sum, entry) => sum + entry.byteLength, 0);
        if (header !== undefined) expect(total).toBe(damaged.length - 8 - Number(damaged.readBigUInt64LE()));
      }),
      { numRuns: 1000 },
    );
  });
});
