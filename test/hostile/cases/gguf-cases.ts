import { truncate, writeFile } from "node:fs/promises";
import { array, bool, f32, raw32, text, texts, u32, u64, type TestTensor } from "../../../packages/formats/src/gguf/test-gguf.ts";
import type { PolywenError } from "polywen";
import { baseGguf, baseMetadata, fileOf, type Metadata } from "../base-gguf.ts";
import { failure, result, type Attempt, type HostileCase, type Outcome, type Place, type Workspace } from "../hostile-case.ts";
import { ask, loadAndDispose, openModel } from "./model-calls.ts";

const file = "model.gguf";

function invalid(place: Place, says?: string): Outcome {
  return failure("FILE_INVALID", { file, place, ...(says === undefined ? {} : { says }) });
}

/** A case of one or several files, all of which must end alike. */
function files(id: string, input: string, contents: () => readonly (Uint8Array | string)[], outcome: Outcome): HostileCase {
  return {
    id,
    input,
    write: async ({ path }) => {
      for (const [index, bytes] of contents().entries()) await writeFile(path(index === 0 ? file : `${index}.${file}`), bytes);
    },
    attempts: ({ path }) => contents().map((_, index): Attempt => () => loadAndDispose(path(index === 0 ? file : `${index}.${file}`))),
    outcome,
  };
}

/** A case in which keys of the base model are other ones. */
function keys(id: string, input: string, changes: readonly Metadata[], outcome: Outcome): HostileCase {
  return files(id, input, () => changes.map((change) => baseGguf(change)), outcome);
}

/** A case in which a file has no keys and these tensors. */
function table(id: string, input: string, tensors: readonly TestTensor[], outcome: Outcome, dataLength = 64): HostileCase {
  return files(id, input, () => [fileOf({}, { tensors, dataLength })], outcome);
}

const matrix: TestTensor = { name: "token_embd.weight", dims: [32, 2], type: 0, offset: 0 };
/** After the magic number, the version and two counts. */
const firstEntry = 24;
/** Behind its length and name. */
const afterName = firstEntry + 8 + matrix.name.length;

/** The first key of a file, as bytes, in place of a true one. */
function firstKey(id: string, input: string, key: Buffer, outcome: Outcome): HostileCase {
  return files(id, input, () => [Buffer.concat([fileOf({}, { keyCount: 1 }).subarray(0, firstEntry), key, Buffer.alloc(64)])], outcome);
}

const headerCases: readonly HostileCase[] = [
  files("1", "GGUF: an empty file", () => [""], invalid({ offset: 0 }, "download it again")),
  prefixes("2", "the first 1 to 23 bytes of a good file, and those up to each key"),
  files("3", "a wrong magic number", () => ["GGUX".padEnd(64, "\0"), "FUGG".padEnd(64, "\0")], invalid({ offset: 0 })),
  files("4", "a big-endian file", () => [fileOf({}, { version: 0x0300_0000 })], failure("UNSUPPORTED", { file, says: "big-endian" })),
  files("5", "versions 0, 1 and 4", () => [0, 1, 4].map((version) => fileOf({}, { version })), failure("UNSUPPORTED", { file, says: "version" })),
  files("6a", "-1 and 2^62 tensors", () => [-1, 2n ** 62n].map((tensorCount) => fileOf({}, { tensorCount })), invalid({ offset: 8 })),
  files("6b", "-1 and 2^62 keys", () => [-1, 2n ** 62n].map((keyCount) => fileOf({}, { keyCount })), invalid({ offset: 16 })),
  files("6c", "100,000 keys", () => [fileOf(Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`${index}`, u32(0)])))], invalid({ offset: 16 })),
  firstKey("7a", "a key without letters", u64(0).subarray(4), invalid({ offset: firstEntry })),
  firstKey("7b", "a key of -1 bytes", u64(-1).subarray(4), invalid({ offset: firstEntry })),
  firstKey("7c", "a key of 2^63 bytes", u64(2n ** 63n).subarray(4), invalid({ offset: firstEntry })),
  firstKey("7d", "a key that is longer than the file", u64(1000).subarray(4), invalid({ offset: firstEntry + 8 + 64 })),
  files("8", "a key twice", () => [Buffer.concat([fileOf({ a: u32(1) }, { keyCount: 2 }).subarray(0, firstEntry + 17), fileOf({ a: u32(2) }).subarray(firstEntry)])], invalid({ offset: firstEntry + 17 })),
  keys("9", "values of the types 13 and 2^31", [13, 2 ** 31].map((type) => ({ "general.architecture": raw32(type) })), invalid({ offset: firstEntry + 32 }, "type")),
  keys("10", "arrays 1000 deep within each other", [{ "general.architecture": nested(1000) }], failure("UNSUPPORTED", { file, says: "array of arrays" })),
  keys("11a", "arrays of 2^63 - 1 numbers, texts and truth values", [4, 8, 7].map((type) => ({ "general.architecture": array(type, 2n ** 63n - 1n) })), invalid({ offset: firstEntry + 36 })),
  files("11b", "2^60 tokens", () => [fileOf({ a: array(8, 2n ** 60n) })], invalid({ offset: firstEntry + 17 })),
  files("11c", "2.2 million tokens without text in a file of 18 MB", () => [fileOf({ a: array(8, 2_200_000, Buffer.alloc(8 * 2_200_000)) })], failure("LIMIT_EXCEEDED", { file })),
  files("11d", "a million truth values three times", () => [fileOf(Object.fromEntries(["a", "b", "c"].map((key) => [key, array(7, 1_000_000, Buffer.alloc(1_000_000))])))], failure("LIMIT_EXCEEDED", { file })),
  files("12", "a text that is longer than the rest of the file", () => [fileOf({ a: Buffer.concat([u64(1000).fill(8, 0, 1).fill(0, 1, 4), Buffer.alloc(32)]) })], invalid({ offset: 96 }, "download it again")),
  files("13", "texts that are not UTF-8", () => [fileOf({ a: text(Buffer.from([0xff, 0xfe])) })], invalid({ offset: firstEntry + 9 + 12 })),
  keys("14", "an alignment of 0, 3, 13, 2^30, and one that is a text", [u32(0), u32(3), u32(13), u32(2 ** 30), text("32")].map((value) => ({ "general.architecture": undefined, "general.alignment": value })),
    invalid({ offset: alignmentPlace() }, "power of two")),
];

/** The alignment comes last in the metadata. */
function alignmentPlace(): number {
  return fileOf({ ...baseMetadata, "general.architecture": undefined, "general.alignment": u32(0) }, { alignment: 1 }).length - 4;
}

/** Whatever is missing, the file ends before what its beginning announces. */
function prefixes(id: string, input: string): HostileCase {
  const good = baseGguf();
  const ends = Object.keys(baseMetadata).map((key) => good.indexOf(key));
  const lengths = [...Array.from({ length: 23 }, (_, index) => index + 1), ...ends];
  const open = (path: string, length: number): Attempt => () => loadAndDispose(path).catch((error: PolywenError) => ({ facts: { code: error.code, missing: length - Number(error.facts["offset"]) } }));
  return {
    id,
    input,
    write: async ({ path }) => {
      for (const length of lengths) await writeFile(path(`${length}.gguf`), good.subarray(0, length));
    },
    attempts: ({ path }) => lengths.map((length) => open(path(`${length}.gguf`), length)),
    outcome: result("`FILE_INVALID`, its end", { code: "FILE_INVALID", missing: 0 }),
  };
}

function nested(depth: number): Buffer {
  return Buffer.concat([raw32(9), ...Array.from({ length: depth }, () => array(9, 1).subarray(4)), raw32(4), u64(0).subarray(4)]);
}

const tensorCases: readonly HostileCase[] = [
  table("15a", "a tensor without dimensions", [{ ...matrix, dims: [] }], invalid({ offset: afterName })),
  table("15b", "a tensor of 2^32 - 1 dimensions", [{ ...matrix, rank: 2 ** 32 - 1 }], invalid({ offset: afterName })),
  table("15c", "a dimension of 0", [{ ...matrix, dims: [32, 0] }], invalid({ offset: afterName + 4 })),
  table("15d", "a dimension of -1", [{ ...matrix, dims: [32, -1] }], invalid({ offset: afterName + 12 })),
  table("16a", "elements whose number overflows", [{ ...matrix, dims: [2 ** 32, 2 ** 32] }], invalid({ offset: afterName + 4 })),
  table("16b", "bytes whose number overflows", [{ ...matrix, dims: [2 ** 32, 2 ** 20] }], invalid({ offset: afterName + 4 })),
  table("17a", "a type that was given up", [{ ...matrix, type: 4 }], failure("UNSUPPORTED", { file, says: "type 4" })),
  table("17b", "the type 2^32 - 1", [{ ...matrix, type: 2 ** 32 - 1 }], failure("UNSUPPORTED", { file, says: "type 4294967295" })),
  table("18", "rows that are no whole blocks", [{ ...matrix, type: 12 }], invalid({ offset: afterName + 4 })),
  table("19a", "data that begins at no multiple of the alignment", [{ ...matrix, dims: [4, 1], offset: 4 }], invalid({ offset: firstEntry })),
  table("19b", "data that begins at byte 2^64 - 32", [{ ...matrix, offset: 2n ** 64n - 32n }], invalid({ offset: firstEntry })),
  table("19c", "tensors that overlap", [{ ...matrix, dims: [16, 1] }, { ...matrix, name: "output_norm.weight", dims: [8], offset: 32 }], invalid({ offset: firstEntry + 53 + 4 })),
  table("20a", "a tensor twice", [{ ...matrix, dims: [8, 1] }, { ...matrix, dims: [8, 1] }], invalid({ offset: firstEntry + 57 })),
  table("20b", "a tensor without a name", [{ ...matrix, name: "" }], invalid({ offset: firstEntry })),
  table("20c", "a name of 65 bytes", [{ ...matrix, name: "a".repeat(65) }], invalid({ offset: firstEntry })),
  table("21", "data that is shorter than announced", [{ ...matrix, dims: [32, 3] }], invalid({ offset: firstEntry }, "download it again")),
];

function parts(id: string, input: string, second: Metadata | undefined, outcome: Outcome): HostileCase {
  const name = (part: number): string => `model-0000${part}-of-00002.gguf`;
  const split = (index: number): Metadata => ({ "split.no": u32(index), "split.count": u32(2), "split.tensors.count": u32(14) });
  return {
    id,
    input,
    write: async ({ path }) => {
      await writeFile(path(name(1)), baseGguf(split(0)));
      if (second !== undefined) await writeFile(path(name(2)), fileOf({ ...split(1), ...second }));
    },
    attempts: ({ path }) => [() => loadAndDispose(path(name(1)))],
    outcome,
  };
}

const inSecond = (pointer: string): Outcome => failure("FILE_INVALID", { file: "model-00002-of-00002.gguf", place: { pointer } });

const partCases: readonly HostileCase[] = [
  parts("22a", "a part that is missing", undefined, failure("NOT_FOUND", { says: "1 of 2 parts" })),
  parts("22b", "a part that is another one than its name says", { "split.no": u32(0) }, inSecond("/split.no")),
  parts("22c", "a part that counts 3", { "split.count": u32(3) }, inSecond("/split.count")),
  parts("22d", "parts of different models", { "split.tensors.count": u32(20) }, inSecond("/split.tensors.count")),
];

const tokenTypes = "tokenizer.ggml.token_type";
const characters: Metadata = { "tokenizer.ggml.model": text("llama"), "tokenizer.ggml.scores": array(6, 259, Buffer.alloc(4 * 259)) };

const modelCases: readonly HostileCase[] = [
  keys("23a", "no attention heads", [{ "qwen2.attention.head_count": u32(0) }], invalid({ pointer: "/qwen2.attention.head_count" })),
  keys("23b", "no layers", [{ "qwen2.block_count": u32(0) }], invalid({ pointer: "/qwen2.block_count" })),
  keys("23c", "a million layers", [{ "qwen2.block_count": u32(1_000_000) }], invalid({ pointer: "/num_hidden_layers" })),
  keys("23d", "heads that do not share the hidden size", [{ "qwen2.attention.head_count": u32(3), "qwen2.attention.head_count_kv": u32(3) }], invalid({ pointer: "/head_dim" })),
  keys("23e", "rotary bases 0, -1, NaN and infinity", [0, -1, Number.NaN, Number.POSITIVE_INFINITY].map((base) => ({ "qwen2.rope.freq_base": f32(base) })), invalid({ pointer: "/qwen2.rope.freq_base" })),
  keys("23f", "fewer tokens than rows of the embedding", [{ "tokenizer.ggml.tokens": texts(["a", "b"]) }], invalid({ pointer: "/tokenizer.ggml.tokens" })),
  keys("23g", "a hyperparameter that nobody knows", [{ "qwen2.logit_scale": f32(2) }], failure("UNSUPPORTED", { file, says: "logit_scale" })),
  keys("23h", "an unknown architecture; a projector", [{ "general.architecture": text("mamba") }, { "general.type": text("mmproj") }], failure("UNSUPPORTED", { file })),
  files("23i", "a tensor that no architecture has", () => [baseGguf({}, (tensors) => tensors.map((tensor) => (tensor.name === "output_norm.weight" ? { ...tensor, name: "v.patch_embd.weight" } : tensor)))],
    failure("UNSUPPORTED", { file, says: "v.patch_embd.weight" })),
  files("23j", "a tensor that is missing", () => [baseGguf({}, (tensors) => tensors.filter(({ name }) => name !== "output_norm.weight"))], failure("NOT_FOUND", { says: "model.norm.weight" })),
  keys("24a", "no tokens", [{ "tokenizer.ggml.tokens": undefined }], invalid({ pointer: "/tokenizer.ggml.tokens" })),
  keys("24b", "merges of unknown tokens", [{ "tokenizer.ggml.merges": texts(["nope no"]) }], invalid({ pointer: "/tokenizer.ggml.merges/0" })),
  keys("24c", "byte tokens called <0x-1> and <0xZZ>", ["<0x-1>", "<0xZZ>"].map((name) => byteToken(name)), invalid({ pointer: "/tokenizer.ggml.tokens/0" })),
  keys("24d", "an end token beyond the vocabulary", [{ "tokenizer.ggml.eos_token_id": u32(259) }], invalid({ pointer: "/tokenizer.ggml.eos_token_id" })),
  keys("24e", "a flag that is a number", [{ "tokenizer.ggml.add_bos_token": u32(1) }], invalid({ pointer: "/tokenizer.ggml.add_bos_token" })),
  template("24f", "a template with a syntax error", text("{% for %}"), failure("TEMPLATE_INVALID", { file })),
  template("24g", "a template that never ends", text(`${"{% for a in range(100000) %}".repeat(3)}${"{% endfor %}".repeat(3)}`), failure("TEMPLATE_LIMIT", { file })),
  keys("24h", "a template that is no text", [{ "tokenizer.chat_template": bool(1) }], invalid({ pointer: "/tokenizer.chat_template" })),
];

/** Templates are read when the first prompt is; the attempt is a prompt. */
function template(id: string, input: string, value: Buffer, outcome: Outcome): HostileCase {
  return {
    id,
    input,
    write: ({ path }) => writeFile(path(file), baseGguf({ "tokenizer.chat_template": value })),
    model: ({ path }) => openModel(path(file)),
    attempts: (_, model) => [() => ask(model, { prompt: "Hello" })],
    outcome,
  };
}

/** The tokens of a model of characters, the first of which is said to be a byte. */
function byteToken(name: string): Metadata {
  const tokens = [name, ...Array.from({ length: 258 }, (_, index) => `t${index}`)];
  return { ...characters, "tokenizer.ggml.tokens": texts(tokens), [tokenTypes]: array(5, 259, raw32(6), ...Array.from({ length: 258 }, () => raw32(1))) };
}

/** Opened while it was whole; what is read afterwards is no longer there. */
function shrinking(id: string, input: string, read: (workspace: Workspace) => Promise<Attempt>, outcome: Outcome): HostileCase {
  return {
    id,
    input,
    write: ({ path }) => writeFile(path(file), baseGguf()),
    attempts: async (workspace) => [await read(workspace)],
    outcome,
  };
}

const shrinkingCases: readonly HostileCase[] = [
  shrinking("25a", "a file that has shrunk when a tensor is read", async ({ path }) => {
    const { openGguf } = await import("@polywen/formats");
    const { checkpoint } = await openGguf(path(file));
    await truncate(path(file), 20_000);
    return async () => ({ facts: { bytes: (await checkpoint.read("model.norm.weight")).length } });
  }, invalid({ offset: 20_000 }, "shrunk")),
  shrinking("25b", "a file that has shrunk when a backend loads its weights", async ({ path }) => {
    const { openGguf } = await import("@polywen/formats");
    const { selectBackend } = await import("polywen");
    const { offset, byteLength } = (await openGguf(path(file))).checkpoint.entry("model.norm.weight");
    await truncate(path(file), 20_000);
    const { backend } = await selectBackend("auto");
    return async () => {
      try {
        (await backend.loadWeights(new Map([["norm", { dtype: "f32", shape: [16], location: { kind: "file", file: path(file), offset, byteLength } }]]))).dispose();
        return {};
      } finally {
        await backend.dispose();
      }
    };
  }, invalid({ offset: 20_000 })),
  files("25c", "the base model itself, as a GGUF file", () => [baseGguf()], result("loads")),
];

/** GGUF files: header, table of tensors, parts, the model they describe, and their tokenizers. */
export const ggufCases: readonly HostileCase[] = [...headerCases, ...tensorCases, ...partCases, ...modelCases, ...shrinkingCases];
