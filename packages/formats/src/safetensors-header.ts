import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from "./json-file.ts";
import { jsonPointer, quoted } from "./json-pointer.ts";
import { isSafetensorsDtype, safetensorsDtypeSizes, tensorByteLength, type SafetensorsDtype } from "./safetensors-dtype.ts";

/** A tensor in a file: what it is and where its bytes lie (row-major, little-endian). */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  /** Sizes from the slowest to the fastest dimension; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Path of the file that holds it. */
  readonly file: string;
  /** First byte, counted from the start of the file. Not necessarily a multiple of the element size. */
  readonly offset: number;
  /** Always product(shape) × size of the dtype. */
  readonly byteLength: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  /** Tensors by name, in the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The free text pairs of `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Where the parts of a safetensors file lie: the header's JSON from byte 8 to `dataStart`, the data from there to `fileSize`. */
export interface SafetensorsLayout {
  readonly file: string;
  readonly dataStart: number;
  readonly fileSize: number;
}

const metadataKey = "__metadata__";

/**
 * Parses and checks the JSON header of a safetensors file. The data ranges must cover the data region exactly: no hole, no
 * overlap, no rest. Tensors without elements have empty ranges; any number of them may share one offset as long as it is a
 * border between other tensors. Throws InvalidFileError, and UnsupportedError for a dtype that Polywen does not read.
 */
export function parseSafetensorsHeader(json: Buffer, layout: SafetensorsLayout): SafetensorsHeader {
  const header = parseJson(json, { file: layout.file, offset: 8 });
  if (!isJsonObject(header)) throw new InvalidFileError({ file: layout.file, problem: "the header must be a JSON object", offset: 8 });
  const tensors = new Map<string, TensorEntry>();
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of Object.entries(header)) {
    if (name === metadataKey) metadata = parseMetadata(value, layout.file);
    else tensors.set(name, parseEntry(name, value, layout));
  }
  requireExactCover([...tensors.values()], layout);
  return { tensors, metadata };
}

function parseMetadata(value: JsonValue, file: string): Map<string, string> {
  if (!isJsonObject(value)) throw new InvalidFileError({ file, problem: "an object is expected", pointer: jsonPointer([metadataKey]) });
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") throw new InvalidFileError({ file, problem: "a string is expected", pointer: jsonPointer([metadataKey, key]) });
    metadata.set(key, text);
  }
  return metadata;
}

function parseEntry(name: string, value: JsonValue, layout: SafetensorsLayout): TensorEntry {
  const { file } = layout;
  if (!isJsonObject(value)) throw new InvalidFileError({ file, problem: "an object is expected", pointer: jsonPointer([name]) });
  const dtype = parseDtype(name, value, file);
  const shape = parseSizes(name, value, "shape", file);
  const [begin, end, ...rest] = parseSizes(name, value, "data_offsets", file);
  const pointer = jsonPointer([name, "data_offsets"]);
  if (begin === undefined || end === undefined || rest.length > 0) throw new InvalidFileError({ file, problem: "two offsets are expected", pointer });
  if (begin > end) throw new InvalidFileError({ file, problem: `the range ${begin} to ${end} is inverted`, pointer });
  requireInFile(end, layout, pointer);
  const byteLength = tensorByteLength(dtype, shape);
  if (byteLength === undefined) throw new InvalidFileError({ file, problem: "the shape has too many elements", pointer: jsonPointer([name, "shape"]) });
  if (byteLength !== end - begin) {
    const problem = `shape [${shape.slice(0, 8).join(", ")}${shape.length > 8 ? ", …" : ""}] in ${dtype} takes ${byteLength} bytes, but the range holds ${end - begin}`;
    throw new InvalidFileError({ file, problem, pointer });
  }
  return { name, dtype, shape, file, offset: layout.dataStart + begin, byteLength };
}

function parseDtype(name: string, entry: JsonObject, file: string): SafetensorsDtype {
  const dtype = Object.hasOwn(entry, "dtype") ? entry["dtype"] : undefined;
  if (typeof dtype !== "string") throw new InvalidFileError({ file, problem: "a dtype is expected", pointer: jsonPointer([name, "dtype"]) });
  if (isSafetensorsDtype(dtype)) return dtype;
  throw new UnsupportedError({ feature: `${file}: dtype ${quoted(dtype)} of tensor ${quoted(name)}`, supported: Object.keys(safetensorsDtypeSizes) });
}

function parseSizes(name: string, entry: JsonObject, field: "shape" | "data_offsets", file: string): readonly number[] {
  const list = Object.hasOwn(entry, field) ? entry[field] : undefined;
  if (!Array.isArray(list)) throw new InvalidFileError({ file, problem: "an array is expected", pointer: jsonPointer([name, field]) });
  return list.map((item: JsonValue, index) => {
    if (typeof item === "number" && Number.isSafeInteger(item) && item >= 0) return item;
    throw new InvalidFileError({ file, problem: "an integer from 0 to 2^53 - 1 is expected", pointer: jsonPointer([name, field, index]) });
  });
}

function requireInFile(end: number, { file, dataStart, fileSize }: SafetensorsLayout, pointer: string): void {
  if (end <= fileSize - dataStart) return;
  throw new InvalidFileError(
    { file, problem: `the data ends at ${end}, but the file holds ${fileSize - dataStart} bytes of data`, pointer },
    { hint: "The file is incomplete: download it again." },
  );
}

function requireExactCover(entries: TensorEntry[], { file, dataStart, fileSize }: SafetensorsLayout): void {
  entries.sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  let position = dataStart;
  for (const entry of entries) {
    if (entry.offset !== position) {
      const fault = entry.offset < position ? "overlaps the one before it" : "leaves a hole before it";
      throw new InvalidFileError({ file, problem: `the data of ${quoted(entry.name)} ${fault}`, pointer: jsonPointer([entry.name, "data_offsets"]) });
    }
    position += entry.byteLength;
  }
  if (position !== fileSize) throw new InvalidFileError({ file, problem: `${fileSize - position} bytes at the end belong to no tensor`, offset: position });
}
