import { mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { writeSafetensors, type SafetensorsTensor } from "@polywen/formats";
import { safetensorsBytes } from "../../../packages/formats/src/test-folder.ts";
import { baseTensors, writeBaseModel, writeJson } from "../base-model.ts";
import { failure, result, type HostileCase, type Outcome, type Place, type Workspace } from "../hostile-case.ts";
import { ask, folderCase, openModel } from "./model-calls.ts";

const file = "model.safetensors";

function invalid(place: Place, says?: string): Outcome {
  return failure("FILE_INVALID", { file, place, ...(says === undefined ? {} : { says }) });
}

/** A case in which the weights are these bytes. */
function weights(id: string, input: string, bytes: () => Uint8Array | string, outcome: Outcome): HostileCase {
  return folderCase(id, input, (workspace) => writeFile(workspace.path(file), bytes()), outcome);
}

/** A case in which the header describes these tensors, and `data` bytes follow. */
function header(id: string, input: string, tensors: string | Record<string, unknown>, data: number, outcome: Outcome): HostileCase {
  return weights(id, input, () => safetensorsBytes(tensors, data), outcome);
}

function entry(shape: readonly number[], begin: number, end: number, dtype = "F32"): object {
  return { dtype, shape, data_offsets: [begin, end] };
}

/** Eight bytes of header length and nothing true behind them. */
function announcedLength(length: bigint): Buffer {
  const bytes = Buffer.alloc(64, "{");
  bytes.writeBigUInt64LE(length);
  return bytes;
}

/** A case in which the tensors are changed before they are written. */
function tensors(id: string, input: string, change: (tensors: SafetensorsTensor[]) => SafetensorsTensor[], outcome: Outcome): HostileCase {
  return folderCase(id, input, (workspace) => writeSafetensors(workspace.path(file), change(baseTensors())), outcome);
}

/** A case with an index that names `shard` for every tensor; the single file is gone. */
function sharded(id: string, input: string, shard: string, outcome: Outcome, more: (workspace: Workspace) => Promise<unknown> = async () => {}): HostileCase {
  return folderCase(
    id,
    input,
    async (workspace) => {
      await rm(workspace.path(file));
      const map = Object.fromEntries(baseTensors().map(({ name }) => [name, shard]));
      await writeJson(workspace, `${file}.index.json`, { weight_map: map });
      await more(workspace);
    },
    outcome,
  );
}

const headerCases: readonly HostileCase[] = [
  weights("26a", "weights: an empty file", () => "", invalid({ offset: 0 })),
  weights("26b", "weights of 7 bytes", () => "1234567", invalid({ offset: 0 })),
  weights("27a", "header length 0", () => announcedLength(0n), invalid({ offset: 0 })),
  weights("27b", "header length beyond the file", () => announcedLength(1000n), invalid({ offset: 0 })),
  weights("27c", "header length 2^63", () => announcedLength(2n ** 63n), invalid({ offset: 0 })),
  folderCase("27d", "header length over 100 MB in a file of 200 MB", async (workspace) => {
    await writeFile(workspace.path(file), announcedLength(150_000_000n));
    await truncate(workspace.path(file), 200_000_000);
  }, invalid({ offset: 0 })),
  weights("28a", "header is not UTF-8", () => safetensorsBytes(Buffer.from('{"\xff":1}', "latin1")), invalid({ offset: 10 })),
  header("28b", "header is not JSON", '{"a":nonsense}', 0, invalid({ offset: 13 })),
  header("28c", "header is an array", "[]", 0, invalid({ offset: 8 })),
  header("28d", "a tensor twice in the header", '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', 4, invalid({ pointer: "/a" })),
  tensors("28e", "tensors called `__proto__` and `constructor` beside the model's own", (all) => {
    const data = new Float32Array(1);
    return [...all, { name: "__proto__", dtype: "F32", shape: [1], data }, { name: "constructor", dtype: "F32", shape: [1], data }];
  }, result("loads; the two are ignored")),
  weights("28f", "480,000 tensors in a header", () => manyTensors(480_000), failure("FILE_INVALID", { file, place: { offset: 8_577_100 }, says: "1048576 values" })),
  header("29", "header nested 100,000 deep", `{"a":${"[".repeat(100_000)}`, 0, invalid({ offset: 76 })),
  header("30a", "a negative offset", { a: entry([1], -4, 0) }, 4, invalid({ pointer: "/a/data_offsets/0" })),
  header("30b", "inverted offsets", { a: entry([1], 4, 0) }, 4, invalid({ pointer: "/a/data_offsets" })),
  header("30c", "a fractional offset", { a: entry([1], 0, 4.5) }, 8, invalid({ pointer: "/a/data_offsets/1" })),
  header("30d", "an offset over 2^53", { a: entry([1], 0, 2 ** 60) }, 4, invalid({ pointer: "/a/data_offsets/1" })),
  header("30e", "overlapping tensors", { a: entry([2], 0, 8), b: entry([2], 4, 12) }, 12, invalid({ pointer: "/b/data_offsets" })),
  header("30f", "a hole between tensors", { a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12, invalid({ pointer: "/b/data_offsets" })),
  header("30g", "data that ends before the tensor does", { a: entry([4], 0, 16) }, 8, invalid({ pointer: "/a/data_offsets" }, "download it again")),
  weights("30h", "bytes at the end that belong to no tensor", () => safetensorsBytes({ a: entry([1], 0, 4) }, 8), invalid({ offset: 8 + JSON.stringify({ a: entry([1], 0, 4) }).length + 4 })),
  tensors("31", "ten tensors without elements at one offset", (all) => {
    const empty = Array.from({ length: 10 }, (_, index): SafetensorsTensor => ({ name: `empty.${index}`, dtype: "F32", shape: [0, 7], data: new Float32Array(0) }));
    return [...all, ...empty];
  }, result("loads")),
  header("32", "a range that is not shape × dtype", { a: entry([3], 0, 8) }, 8, invalid({ pointer: "/a/data_offsets" })),
  header("33", "a shape whose product overflows", { a: entry([4_194_305, 4_194_305, 4_194_305], 0, 4) }, 4, invalid({ pointer: "/a/shape" })),
  header("34", "an unknown dtype", { a: entry([1], 0, 4, "F33") }, 4, failure("UNSUPPORTED", { file, says: "F33" })),
];

const shardCases: readonly HostileCase[] = [
  sharded("35a", "an index that names a missing shard", "model-00001-of-00002.safetensors", failure("NOT_FOUND", { says: "model-00001-of-00002.safetensors" })),
  sharded("35b", "a shard called `../../x.safetensors`", "../../x.safetensors", failure("FILE_INVALID", { file: `${file}.index.json`, place: { pointer: "/weight_map/model.embed_tokens.weight" } })),
  sharded("35c", "a shard with an absolute path", "/etc/hostname", failure("FILE_INVALID", { file: `${file}.index.json`, place: { pointer: "/weight_map/model.embed_tokens.weight" } })),
  sharded("35d", "a shard that is a link out of the folder", "shard.safetensors", failure("FILE_INVALID", { file: "shard.safetensors", place: "whole file", says: "symbolic link" }), (workspace) =>
    symlink(process.execPath, workspace.path("shard.safetensors"))),
  sharded("35e", "a shard that is a folder", "shard.safetensors", failure("FILE_INVALID", { file: "shard.safetensors", place: "whole file" }), (workspace) => mkdir(workspace.path("shard.safetensors"))),
  folderCase("36", "a tensor in two shards", async (workspace) => {
    await rm(workspace.path(file));
    await writeJson(workspace, `${file}.index.json`, { weight_map: { "model.norm.weight": "a.safetensors", "model.embed_tokens.weight": "b.safetensors" } });
    for (const name of ["a.safetensors", "b.safetensors"]) await writeSafetensors(workspace.path(name), baseTensors());
  }, failure("FILE_INVALID", { file: "b.safetensors", place: { pointer: "/model.embed_tokens.weight" }, says: "a.safetensors" })),
];

const contentCases: readonly HostileCase[] = [
  tensors("37a", "a tensor of another shape than config.json says", (all) => all.map((tensor) => (tensor.name === "model.norm.weight" ? { ...tensor, shape: [8], data: new Float32Array(8) } : tensor)),
    invalid({ pointer: "/model.norm.weight/shape" }, "[16]")),
  tensors("37b", "a tensor that is missing", (all) => all.filter(({ name }) => name !== "model.norm.weight"), failure("NOT_FOUND", { says: "model.norm.weight" })),
  tensors("37c", "weights of whole numbers (I32)", (all) => all.map((tensor) => (tensor.name === "model.norm.weight" ? { ...tensor, dtype: "I32" } : tensor)), failure("UNSUPPORTED", { file, says: "I32" })),
  notFinite("38a", "NaN", Number.NaN),
  notFinite("38b", "infinite", Number.POSITIVE_INFINITY),
  weights("39a", "a Git LFS pointer instead of the weights", () => "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", invalid({ offset: 0 }, "git lfs pull")),
  weights("39b", "an HTML error page instead of the weights", () => "<!DOCTYPE html><html><body>404</body></html>", invalid({ offset: 0 }, "HTML")),
  folderCase("40a", "a folder with pytorch_model.bin only", async (workspace) => {
    await rm(workspace.path(file));
    await writeFile(workspace.path("pytorch_model.bin"), "\x80\x02}q\0.");
  }, failure("UNSUPPORTED", { file: "pytorch_model.bin", says: "can run any program" })),
  weights("40b", "a pickle called model.safetensors", () => Buffer.from("\x80\x02}q\0.".padEnd(64, "."), "latin1"), failure("UNSUPPORTED", { file, says: "can run any program" })),
  weights("40c", "the zip archive of `torch.save` called model.safetensors", () => Buffer.from("PK\x03\x04".padEnd(64, "\0"), "latin1"), failure("UNSUPPORTED", { file, says: "can run any program" })),
];

/** Loading does not look at every weight; the first step that meets one says so. */
function notFinite(id: string, name: string, value: number): HostileCase {
  return {
    id,
    input: `${name} weights`,
    write: async (workspace) => {
      await writeBaseModel(workspace);
      const all = baseTensors().map((tensor) => (tensor.name === "model.norm.weight" ? { ...tensor, data: new Float32Array(16).fill(value) } : tensor));
      await writeSafetensors(workspace.path(file), all);
    },
    model: (workspace) => openModel(workspace.folder),
    attempts: (_, model) => [() => ask(model, { prompt: "Hello" })],
    outcome: failure("NUMERICAL"),
  };
}

function manyTensors(count: number): Buffer {
  const names = Array.from({ length: count }, (_, index) => `"${index}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`);
  return safetensorsBytes(`{${names.join(",")}}`);
}

/** Weights: one file, shards, what they hold, and what often lies in their place. */
export const weightCases: readonly HostileCase[] = [...headerCases, ...shardCases, ...contentCases];
