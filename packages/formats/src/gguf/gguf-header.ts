import { UnsupportedError } from "@polywen/tensor";
import type { TensorEntry } from "../safetensors-header.ts";
import { quoted } from "../json-pointer.ts";
import type { GgufCursor } from "./gguf-cursor.ts";
import { ggufTypeNames, ggufTypeOf, type GgufType } from "./gguf-dtype.ts";
import { readGgufValue, type GgufValue } from "./gguf-value.ts";

/** What the header of a GGUF file says. */
export interface GgufHeader {
  /** 2 or 3; both have the same layout. */
  readonly version: number;
  /** Values by key, in the order of the file. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Tensors by the name that the file gives them; shapes are row-major, the reverse of how the file lists them. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** The most tensors and keys of one file; the largest published models have some 2,000 and 60. */
const MAX_TENSORS = 2 ** 17;
const MAX_KEYS = 2 ** 16;

/** The longest key and name of a tensor, in bytes, as the format defines them. */
const MAX_KEY = 2 ** 16 - 1;
const MAX_NAME = 64;

const MAX_DIMENSIONS = 4;
const DEFAULT_ALIGNMENT = 32;
const MAX_ALIGNMENT = 2 ** 16;

/** A tensor as its header entry describes it. */
interface TensorInfo {
  readonly name: string;
  readonly type: GgufType;
  /** Row-major. */
  readonly shape: readonly number[];
  /** Of the data, from the start of all data. */
  readonly dataOffset: bigint;
  readonly byteLength: number;
  /** Where the entry stands, for errors. */
  readonly at: number;
}

/**
 * Parses and checks a header. Ranges of tensors must lie in the file and must not overlap; they may leave gaps.
 * Throws `InvalidFileError` with the byte offset, `UnsupportedError` for other versions, byte order and tensor types, `LimitExceededError`.
 */
export function parseGgufHeader(cursor: GgufCursor): GgufHeader {
  const version = readVersion(cursor);
  const tensorCount = cursor.count("the number of tensors", MAX_TENSORS);
  const keyCount = cursor.count("the number of keys", MAX_KEYS);
  const metadata = new Map<string, GgufValue>();
  let alignment = DEFAULT_ALIGNMENT;
  for (let index = 0; index < keyCount; index++) {
    const at = cursor.offset;
    const key = cursor.text("a key", MAX_KEY);
    if (key === "" || metadata.has(key)) cursor.fail(key === "" ? "a key is empty" : `the key ${quoted(key)} occurs twice`, at);
    const type = cursor.u32(`the type of ${quoted(key)}`);
    const valueAt = cursor.offset;
    const value = readGgufValue(cursor, type, quoted(key));
    metadata.set(key, value);
    if (key === "general.alignment") alignment = checkAlignment(cursor, value, valueAt);
  }
  const infos = Array.from({ length: tensorCount }, () => readTensorInfo(cursor));
  return { version, metadata, tensors: placeTensors(cursor, infos, alignment) };
}

function readVersion(cursor: GgufCursor): number {
  const magic = cursor.u32("the magic number");
  if (magic !== 0x46554747) cursor.fail("this is not a GGUF file: it does not start with the letters GGUF", 0);
  const version = cursor.u32("the version");
  if (version === 2 || version === 3) return version;
  const feature = version > 0 && (version & 0xffff) === 0 ? "a big-endian GGUF file" : `version ${version} of GGUF`;
  throw new UnsupportedError(
    { feature: `${cursor.file} (byte 4): ${feature}`, supported: ["2", "3, little-endian"] },
    { hint: version === 1 ? "Version 1 was replaced in 2023: convert the model again." : "The file is damaged, or newer than this release." },
  );
}

function checkAlignment(cursor: GgufCursor, value: GgufValue, at: number): number {
  const valid = typeof value === "number" && value >= 8 && value <= MAX_ALIGNMENT && Number.isInteger(Math.log2(value));
  return valid ? value : cursor.fail(`general.alignment must be a power of two from 8 to ${MAX_ALIGNMENT}`, at);
}

function readTensorInfo(cursor: GgufCursor): TensorInfo {
  const at = cursor.offset;
  const name = cursor.text("the name of a tensor", MAX_NAME);
  const what = quoted(name);
  if (name === "") cursor.fail("a tensor has no name", at);
  const rank = cursor.u32(`the number of dimensions of ${what}`);
  if (rank < 1 || rank > MAX_DIMENSIONS) cursor.fail(`${what} has ${rank} dimensions, expected 1 to ${MAX_DIMENSIONS}`, cursor.offset - 4);
  const shapeAt = cursor.offset;
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) shape.unshift(cursor.count(`a dimension of ${what}`, Number.MAX_SAFE_INTEGER));
  const elements = shape.reduce((product, length) => product * length, 1);
  if (elements === 0) cursor.fail(`${what} has a dimension of 0`, shapeAt);
  const type = readType(cursor, what);
  const row = shape.at(-1)!;
  if (row % type.values !== 0) cursor.fail(`${what} has rows of ${row} values, but ${type.name} needs a multiple of ${type.values}`, shapeAt);
  const byteLength = (elements / type.values) * type.bytes;
  if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(byteLength)) cursor.fail(`${what} has too many elements`, shapeAt);
  return { name, type, shape, dataOffset: cursor.u64(`the offset of ${what}`), byteLength, at };
}

function readType(cursor: GgufCursor, what: string): GgufType {
  const at = cursor.offset;
  const id = cursor.u32(`the type of ${what}`);
  const type = ggufTypeOf(id);
  if (type !== undefined) return type;
  throw new UnsupportedError(
    { feature: `${cursor.file} (byte ${at}): type ${id} of tensor ${what}`, supported: ggufTypeNames },
    { hint: "The file is damaged, newer than this release, or of a type that GGUF has given up." },
  );
}

/** Data begins at the first multiple of the alignment after the header. */
function placeTensors(cursor: GgufCursor, infos: readonly TensorInfo[], alignment: number): Map<string, TensorEntry> {
  const dataStart = Math.ceil(cursor.offset / alignment) * alignment;
  const { file, fileSize } = cursor;
  const tensors = new Map<string, TensorEntry>();
  for (const { name, type, shape, dataOffset, byteLength, at } of infos) {
    if (tensors.has(name)) cursor.fail(`the tensor ${quoted(name)} occurs twice`, at);
    if (dataOffset % BigInt(alignment) !== 0n) cursor.fail(`the data of ${quoted(name)} begins at ${dataOffset}, not at a multiple of ${alignment}`, at);
    if (dataOffset + BigInt(dataStart + byteLength) > BigInt(fileSize)) {
      cursor.fail(`the data of ${quoted(name)} would end at byte ${dataOffset + BigInt(dataStart + byteLength)}, but the file has ${fileSize}`, at, "The file is incomplete: download it again.");
    }
    tensors.set(name, { name, dtype: type.name, shape, file, offset: dataStart + Number(dataOffset), byteLength });
  }
  refuseOverlaps(cursor, infos);
  return tensors;
}

function refuseOverlaps(cursor: GgufCursor, infos: readonly TensorInfo[]): void {
  const ordered = [...infos].sort((left, right) => Number(left.dataOffset - right.dataOffset));
  ordered.forEach((info, index) => {
    const before = ordered[index - 1];
    if (before === undefined || before.dataOffset + BigInt(before.byteLength) <= info.dataOffset) return;
    cursor.fail(`the data of ${quoted(info.name)} overlaps that of ${quoted(before.name)}`, info.at);
  });
}
