import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { InvalidFileError, LimitExceededError, NotFoundError, PolywenError, TextList, UnsupportedError } from "@polywen/tensor";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestFolder, failureOf, type TestFolder } from "../test-folder.ts";
import { readGgufHeader } from "./read-gguf-header.ts";
import { array, bool, f32, ggufBytes, i32s, raw32, raw64, rawText, text, texts, u32, u64, type TestFile, type TestTensor } from "./test-gguf.ts";

let folder: TestFolder;
beforeAll(async () => void (folder = await createTestFolder()));
afterAll(() => folder.remove());

const read = async (content: Buffer): ReturnType<typeof readGgufHeader> => readGgufHeader(await folder.write("x.gguf", content));
const failure = async (content: Buffer): Promise<PolywenError> => failureOf(read(content));

const vector: TestTensor = { name: "a", dims: [8], type: 0, offset: 0 };
const matrix: TestTensor = { name: "b", dims: [64, 3], type: 8, offset: 32 };
const good: TestFile = { metadata: [["general.architecture", text("qwen2")], ["n", u32(7)]], tensors: [vector, matrix], dataLength: 32 + 3 * 68 };

describe("readGgufHeader", () => {
  it.each([2, 3])("reads version %i", async (version) => {
    const header = await read(ggufBytes({ ...good, version }));
    expect(header.version).toBe(version);
    expect([...header.metadata]).toEqual([["general.architecture", "qwen2"], ["n", 7]]);
    const file = join(folder.path, "x.gguf");
    const start = ggufBytes({ ...good, dataLength: 0 }).length;
    expect([...header.tensors.values()]).toEqual([
      { name: "a", dtype: "F32", shape: [8], file, offset: start, byteLength: 32 },
      { name: "b", dtype: "Q8_0", shape: [3, 64], file, offset: start + 32, byteLength: 204 },
    ]);
  });

  it("reads values of every type", async () => {
    const number = (type: number, bytes: Buffer): Buffer => Buffer.concat([raw32(type), bytes]);
    const double = Buffer.alloc(8);
    double.writeDoubleLE(0.1);
    const values: readonly (readonly [Buffer, unknown])[] = [
      [number(0, Buffer.of(255)), 255],
      [number(1, Buffer.of(255)), -1],
      [number(2, Buffer.of(1, 255)), 65281],
      [number(3, Buffer.of(1, 255)), -255],
      [u32(-1), 4294967295],
      [number(5, raw32(-1)), -1],
      [f32(1e-6), Math.fround(1e-6)],
      [bool(1), true],
      [text("\u{1F600}\0"), "\u{1F600}\0"],
      [u64(2 ** 53 - 1), 2 ** 53 - 1],
      [u64(2n ** 64n - 1n), 2n ** 64n - 1n],
      [number(11, raw64(-3)), -3],
      [number(12, double), 0.1],
      [texts(["a", "", "c"]), ["a", "", "c"]],
      [i32s([1, -2]), Int32Array.of(1, -2)],
      [array(7, 2, Buffer.of(0, 1)), [false, true]],
      [array(10, 1, raw64(2 ** 60)), BigUint64Array.of(2n ** 60n)],
      [array(4, 0), new Uint32Array(0)],
    ];
    const { metadata } = await read(ggufBytes({ metadata: values.map(([value], index) => [`k${index}`, value]) }));
    expect(Array.from(metadata.values(), (value) => (value instanceof TextList ? [...value] : value))).toEqual(values.map(([, expected]) => expected));
  });

  it("honours the alignment, and lets tensors leave gaps and stand in any order", async () => {
    const tensors = [{ ...vector, offset: 256 }, { ...vector, name: "c", offset: 128 }];
    const { tensors: read64 } = await read(ggufBytes({ metadata: [["general.alignment", u32(64)]], tensors, alignment: 64, dataLength: 288 }));
    expect([...read64.values()].map(({ offset }) => offset % 64)).toEqual([0, 0]);
    expect(read64.get("a")!.offset - read64.get("c")!.offset).toBe(128);
  });

  it("reads headers that are longer than the first piece", async () => {
    const tokens = Array.from({ length: 300_000 }, (_, index) => `token number ${index}, made longer`);
    const { metadata, tensors } = await read(ggufBytes({ ...good, metadata: [["t", texts(tokens)], ["last", u32(5)]] }));
    expect(metadata.get("last")).toBe(5);
    expect([...(metadata.get("t") as TextList)]).toEqual(tokens);
    expect(tensors.size).toBe(2);
  });

  it("refuses every prefix of a good file", async () => {
    const whole = ggufBytes(good);
    for (let length = 0; length < whole.length; length++) {
      const error = await failure(whole.subarray(0, length));
      expect(error).toBeInstanceOf(InvalidFileError);
      expect(error.facts).toMatchObject({ file: join(folder.path, "x.gguf"), offset: expect.any(Number) });
    }
  });

  it("gives a header or a typed error, whatever bytes are changed", async () => {
    const whole = ggufBytes({ ...good, metadata: [...good.metadata!, ["t", texts(["ab", "c"])], ["i", i32s([1, 2, 3])]] });
    const change = fc.tuple(fc.nat(whole.length - 1), fc.oneof(fc.constantFrom(0, 1, 127, 128, 255), fc.nat(255)));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        await read(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(PolywenError));
      }),
      { numRuns: 400 },
    );
  });
});

describe("what is refused", () => {
  const metadata = (...values: readonly (readonly [string | Buffer, Buffer])[]): Buffer => ggufBytes({ metadata: values });
  const tensor = (changes: Partial<TestTensor>, dataLength = 4096): Buffer => ggufBytes({ tensors: [{ ...vector, ...changes }], dataLength });

  it.each<[string, Buffer, number, string]>([
    ["another magic", ggufBytes({ magic: "GGML" }), 0, "does not start with the letters GGUF"],
    ["too many tensors", ggufBytes({ tensorCount: 2n ** 62n }), 8, "the number of tensors is 4611686018427387904"],
    ["-1 tensors", ggufBytes({ tensorCount: -1 }), 8, "the number of tensors"],
    ["too many keys", ggufBytes({ keyCount: 2n ** 62n }), 16, "the number of keys"],
    ["more keys than there are", ggufBytes({ keyCount: 9, alignment: 8 }), 24, "the file ends inside"],
    ["an empty key", metadata(["", u32(1)]), 24, "a key is empty"],
    ["a key of length -1", ggufBytes({ keyCount: 1 }).fill(255, 24), 24, "the length of a key"],
    ["a key twice", metadata(["k", u32(1)], ["k", u32(1)]), 41, "occurs twice"],
    ["a key that is not UTF-8", metadata([Buffer.of(0xc3, 0x28), u32(1)]), 32, "is not UTF-8"],
    ["a text of an array that is not UTF-8", metadata(["k", texts(["ab", "\u00e9".repeat(70), "ef", Buffer.of(0xc3), "\u00a9"])]), 225, "is not UTF-8"],
    ["a long text of an array that is not UTF-8", metadata(["k", texts(["ab", Buffer.alloc(130, 0xa9)])]), 67, "is not UTF-8"],
    ["a text that is not UTF-8", metadata(["k", text(Buffer.of(0xff))]), 45, "is not UTF-8"],
    ["a text longer than the file", metadata(["k", Buffer.concat([raw32(8), raw64(1000)])]), 64, "the file ends inside"],
    ["a text of 2^40 bytes", metadata(["k", Buffer.concat([raw32(8), raw64(2 ** 40)])]), 37, "the length of \"k\""],
    ["an unknown value type", metadata(["k", Buffer.concat([raw32(13), raw64(0)])]), 37, "unknown value type 13"],
    ["an unknown element type", metadata(["k", array(99, 1, raw64(0))]), 49, "unknown value type 99"],
    ["an array of 2^63 - 1", metadata(["k", array(8, 2n ** 63n - 1n)]), 41, "the length of \"k\""],
    ["an array longer than the file", metadata(["k", array(10, 5, raw64(0))]), 64, "the file ends inside"],
    ["a truth value of 2", metadata(["k", bool(2)]), 37, "truth value"],
    ...[0, 3, 13, 24, 4, 2 ** 30].map((value): [string, Buffer, number, string] => [`an alignment of ${value}`, metadata(["general.alignment", u32(value)]), 53, "power of two"]),
    ["an alignment that is a text", metadata(["general.alignment", text("32")]), 53, "power of two"],
    ["a tensor without a name", tensor({ name: "" }), 24, "no name"],
    ["a name of 65 bytes", tensor({ name: "x".repeat(65) }), 24, "the length of the name"],
    ["no dimension", tensor({ dims: [] }), 33, "0 dimensions"],
    ["five dimensions", tensor({ dims: [1, 1, 1, 1, 1] }), 33, "5 dimensions"],
    ["a dimension of 0", tensor({ dims: [8, 0] }), 37, "a dimension of 0"],
    ["a dimension of -1", tensor({ dims: [-1] }), 37, "a dimension of"],
    ["a product beyond 2^53", tensor({ dims: [2 ** 30, 2 ** 30, 2 ** 30] }), 37, "too many elements"],
    ["bytes beyond 2^53", tensor({ dims: [2 ** 27, 2 ** 25] }), 37, "too many elements"],
    ["rows of broken blocks", tensor({ dims: [48], type: 8 }), 37, "a multiple of 32"],
    ["a K type with short rows", tensor({ dims: [128], type: 12 }), 37, "a multiple of 256"],
    ["an offset between the lines", tensor({ offset: 16 }), 24, "not at a multiple of 32"],
    ["an offset past the end", tensor({ offset: 4096 }), 24, "would end at byte"],
    ["an offset of 2^63", tensor({ offset: 2n ** 63n }), 24, "would end at byte"],
    ["less data than declared", tensor({ dims: [1025] }), 24, "would end at byte"],
    ["tensors that overlap", ggufBytes({ tensors: [matrix, { ...vector, offset: 64 }], dataLength: 4096 }), 65, "overlaps that of \"b\""],
    ["a tensor twice", ggufBytes({ tensors: [vector, { ...vector, offset: 32 }], dataLength: 4096 }), 57, "occurs twice"],
  ])("%s", async (_, content, offset, problem) => {
    const error = await failure(content);
    expect(error).toBeInstanceOf(InvalidFileError);
    expect(error.message).toContain(problem);
    expect(error.facts).toMatchObject({ file: join(folder.path, "x.gguf"), offset });
  });

  it.each([
    ["version 0", ggufBytes({ version: 0 }), "version 0"],
    ["version 1", ggufBytes({ version: 1 }), "version 1"],
    ["a future version", ggufBytes({ version: 4 }), "version 4"],
    ["big-endian files", ggufBytes({ version: 0x03000000 }), "big-endian"],
    ["arrays of arrays", metadata(["k", array(9, 1000, ...Array.from({ length: 1000 }, () => Buffer.concat([raw32(9), raw64(1)])))]), "an array of arrays"],
    ["an unknown tensor type", tensor({ type: 99 }), "type 99"],
    ["a type that was given up", tensor({ type: 4 }), "type 4"],
    ["a pickle", Buffer.from("PK\x03\x04 and so on", "latin1"), "a zip archive"],
  ])("%s", async (_, content, feature) => {
    const error = await failure(content);
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error.message).toContain(feature);
    expect(error.message).toContain("x.gguf");
  });

  it("headers and arrays beyond the limits, without reading them", async () => {
    const path = await folder.write("huge.gguf", ggufBytes({ metadata: [["k", array(0, 2 ** 33)]] }));
    await truncate(path, 2 ** 34);
    expect(await failureOf(readGgufHeader(path))).toBeInstanceOf(LimitExceededError);
    const many = Buffer.alloc(8 * 2 ** 21 + 8);
    expect(await failure(ggufBytes({ metadata: [["k", array(8, 2 ** 21 + 1, many)]] }))).toBeInstanceOf(LimitExceededError);
  });

  it("what is no file, or another one", async () => {
    expect(await failureOf(readGgufHeader(join(folder.path, "none.gguf")))).toBeInstanceOf(NotFoundError);
    expect(await failureOf(readGgufHeader(folder.path))).toBeInstanceOf(InvalidFileError);
    expect((await failure(Buffer.from("<!doctype html>"))).message).toContain("an HTML page");
    expect((await failure(Buffer.from("version https://git-lfs.github.com/spec/v1\n"))).hint).toContain("git lfs pull");
    expect((await failure(rawText("{}"))).message).toContain("does not start with the letters GGUF");
  });
});
