import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import type { GgufDtype } from "./gguf/gguf-dtype.ts";
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from "./json-file.ts";
import { jsonPointer, quoted } from "./json-pointer.ts";
import { isSafetensorsDtype, safetensorsDtypeSizes, tensorByteLength, type SafetensorsDtype } from "./safetensors-dtype.ts";

/** A tensor in a file: what it is and where its bytes lie (row-major, little-endian). */
export interface TensorEntry {
  readonly name: string;
  /** As the file's format names it: `BF16`, `Q4_K`. `Q4_Z` is what AWQ and GPTQ become. */
  readonly dtype: SafetensorsDtype | GgufDtype | "Q4_Z";
  /** Sizes from the slowest to the fastest dimension; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Path of the file that holds it. */
  readonly file: string;
  /** First byte, counted from the start of the file. Not necessarily a multiple of the element size. */
  readonly offset: number;
  /** Always product(shape) × size of the dtype; for quantised types, whole blocks. */
  readonly byteLength: number;
  /**
   * Set where the rows of attention heads stand in the order of interleaved rotation: the number of heads. Row 2j + s of
   * a head is then row s × width / 2 + j of the usual order, in which rotation pairs a value with one half a head further.
   */
  readonly interleavedHeads?: number;
  /** Set where the bytes are made from those of other tensors; `offset` is then where the largest of these begins. */
  readonly compute?: () => Promise<Uint8Array>;
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

/** Values in the JSON of a header. A tensor takes five and one for each dimension, so this is enough for 130,000 of three. */
export const maximumHeaderValues: number = 2 ** 20;

/**
 * Parses and checks the JSON header of a safetensors file. The data ranges must cover the data region exactly: no hole, no
 * overlap, no rest. Tensors without elements have empty ranges; any number of them may share one offset as long as it is a
 * border between other tensors. Throws InvalidFileError, and UnsupportedError for a dtype that Polywen does not read.
 */
export function parseSafetensorsHeader(json: Buffer, layout: SafetensorsLayout): SafetensorsHeader {
  const header = parseJson(json, { file: layout.file, offset: 8, maximumValues: maximumHeaderValues });
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

/** The description of one tensor, and how to say that something in it is wrong. */
class EntryReader {
  readonly #name: string;
  readonly #fields: JsonObject;
  readonly #file: string;

  constructor(name: string, value: JsonValue, file: string) {
    this.#name = name;
    this.#file = file;
    this.#fields = isJsonObject(value) ? value : this.fail([], "an object is expected");
  }

  dtype(): SafetensorsDtype {
    const dtype = this.#fields["dtype"];
    if (typeof dtype !== "string") this.fail(["dtype"], "a dtype is expected");
    if (isSafetensorsDtype(dtype)) return dtype;
    throw new UnsupportedError({
      feature: `${this.#file}: dtype ${quoted(dtype)} of tensor ${quoted(this.#name)}`,
      supported: Object.keys(safetensorsDtypeSizes),
    });
  }

  sizes(field: "shape" | "data_offsets"): readonly number[] {
    const list = this.#fields[field];
    if (!Array.isArray(list)) this.fail([field], "an array is expected");
    return list.map((item: JsonValue, index) => {
      if (typeof item === "number" && Number.isSafeInteger(item) && item >= 0) return item;
      return this.fail([field, index], "an integer from 0 to 2^53 - 1 is expected");
    });
  }

  fail(path: readonly PropertyKey[], problem: string, hint?: string): never {
    const pointer = jsonPointer([this.#name, ...path]);
    throw new InvalidFileError({ file: this.#file, problem, pointer }, hint === undefined ? {} : { hint });
  }
}

function parseEntry(name: string, value: JsonValue, { file, dataStart, fileSize }: SafetensorsLayout): TensorEntry {
  const reader: EntryReader = new EntryReader(name, value, file);
  const dtype = reader.dtype();
  const shape = reader.sizes("shape");
  const [begin, end, ...rest] = reader.sizes("data_offsets");
  if (begin === undefined || end === undefined || rest.length > 0) reader.fail(["data_offsets"], "two offsets are expected");
  if (begin > end) reader.fail(["data_offsets"], `the range ${begin} to ${end} is inverted`);
  if (end > fileSize - dataStart) {
    const problem = `the data ends at ${end}, but the file holds ${fileSize - dataStart} bytes of data`;
    reader.fail(["data_offsets"], problem, "The file is incomplete: download it again.");
  }
  const byteLength = tensorByteLength(dtype, shape) ?? reader.fail(["shape"], "the shape has too many elements");
  if (byteLength !== end - begin) {
    const sizes = shape.length > 8 ? `${shape.slice(0, 8).join(", ")}, …` : shape.join(", ");
    reader.fail(["data_offsets"], `shape [${sizes}] in ${dtype} takes ${byteLength} bytes, but the range holds ${end - begin}`);
  }
  return { name, dtype, shape, file, offset: dataStart + begin, byteLength };
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
