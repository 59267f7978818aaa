import { basename, dirname } from "node:path";
import { InvalidFileError, NotFoundError } from "@polywen/tensor";
import { findInFolder } from "../folder-file.ts";
import { jsonPointer, quoted } from "../json-pointer.ts";
import type { TensorEntry } from "../safetensors-header.ts";
import type { GgufHeader } from "./gguf-header.ts";
import type { GgufValue } from "./gguf-value.ts";
import { readGgufHeader } from "./read-gguf-header.ts";

/** Most parts of one model. */
const MAX_PARTS = 1024;

/** A model as its parts say it together; of a model in one file, that file. */
export interface GgufParts {
  /** Of the first part, which holds those of the model. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Of all parts, by the names of the files. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/**
 * Reads the headers of a model that is one file, or of all its parts if `path` is one named `…-00001-of-00003.gguf`.
 * Throws as `readGgufHeader` does, NotFoundError for missing parts, InvalidFileError for parts that do not belong together.
 */
export async function readGgufParts(path: string): Promise<GgufParts> {
  const [, stem, , digits] = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i.exec(basename(path)) ?? [];
  if (stem === undefined) return singlePart(path);
  const count = Number(digits);
  if (count < 1 || count > MAX_PARTS) throw new InvalidFileError({ file: path, problem: `the name speaks of ${count} parts, expected 1 to ${MAX_PARTS}` });
  const names = Array.from({ length: count }, (_, index) => `${stem}-${String(index + 1).padStart(5, "0")}-of-${digits}${path.slice(-5)}`);
  const files = await findParts(dirname(path), names);
  const headers: GgufHeader[] = [];
  for (const [index, file] of files.entries()) headers.push(checkPart(await readGgufHeader(file), file, index, count));
  return { metadata: headers[0]!.metadata, tensors: joinTensors(headers, files) };
}

async function singlePart(path: string): Promise<GgufParts> {
  const { metadata, tensors } = await readGgufHeader(path);
  if (Number(metadata.get("split.count") ?? 1) <= 1) return { metadata, tensors };
  const problem = `it is one of ${String(metadata.get("split.count"))} parts, but its name does not say so`;
  throw new InvalidFileError({ file: path, problem, pointer: jsonPointer(["split.count"]) }, { hint: "Parts are found by names such as model-00001-of-00003.gguf." });
}

async function findParts(folder: string, names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(names.map((name) => findInFolder(folder, name)));
  const missing = names.filter((_, index) => found[index] === undefined);
  if (missing[0] === undefined) return found as string[];
  throw new NotFoundError({ what: "Part", name: missing[0], where: folder }, { hint: `${missing.length} of ${names.length} parts are missing: download the model again.` });
}

function checkPart(header: GgufHeader, file: string, index: number, count: number): GgufHeader {
  const expected = { "split.no": index, "split.count": count };
  for (const [key, value] of Object.entries(expected)) {
    const received = header.metadata.get(key);
    if (received === value || (received === undefined && count === 1)) continue;
    throw new InvalidFileError({ file, problem: `${value} is expected by its name, but it holds ${String(received)}`, pointer: jsonPointer([key]) });
  }
  return header;
}

function joinTensors(headers: readonly GgufHeader[], files: readonly string[]): Map<string, TensorEntry> {
  const tensors = new Map<string, TensorEntry>();
  for (const entry of headers.flatMap((header) => [...header.tensors.values()])) {
    const other = tensors.get(entry.name);
    if (other !== undefined) throw new InvalidFileError({ file: entry.file, problem: `the tensor ${quoted(entry.name)} is also in ${basename(other.file)}` });
    tensors.set(entry.name, entry);
  }
  for (const [index, { metadata }] of headers.entries()) {
    const total = metadata.get("split.tensors.count") ?? tensors.size;
    if (total === tensors.size) continue;
    const problem = `the model has ${String(total)} tensors, but its parts hold ${tensors.size}`;
    throw new InvalidFileError({ file: files[index]!, problem, pointer: jsonPointer(["split.tensors.count"]) }, { hint: "The parts belong to different models." });
  }
  return tensors;
}
