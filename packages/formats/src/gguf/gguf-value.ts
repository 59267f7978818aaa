import { UnsupportedError, type TextList } from "@polywen/tensor";
import type { GgufCursor } from "./gguf-cursor.ts";

/** A value of the metadata. Integers beyond 2^53 are bigint; arrays of numbers are typed arrays. */
export type GgufValue = string | number | bigint | boolean | GgufArray;

/** An array of the metadata. Arrays within arrays are refused. */
export type GgufArray =
  | TextList
  | readonly boolean[]
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | BigUint64Array
  | BigInt64Array
  | Float64Array;

/** Longest text, in bytes: chat templates are the longest ones. */
const MAX_TEXT = 2 ** 24;

const BOOL = 7;
const STRING = 8;
const ARRAY = 9;

/** Numbers by the code of their type. */
const numbers = {
  0: Uint8Array, 1: Int8Array, 2: Uint16Array, 3: Int16Array, 4: Uint32Array, 5: Int32Array, 6: Float32Array,
  10: BigUint64Array, 11: BigInt64Array, 12: Float64Array,
} as const;

/** Reads a value of type `type`. `what` names it in errors. Throws `InvalidFileError`, `LimitExceededError`, `UnsupportedError`. */
export function readGgufValue(cursor: GgufCursor, type: number, what: string): GgufValue {
  if (type === STRING) return cursor.text(what, MAX_TEXT);
  if (type === BOOL) return readBoolean(cursor, what);
  if (type === ARRAY) return readArray(cursor, what);
  return narrowed(numbersOf(cursor, type, 1, what)[0]!);
}

function readArray(cursor: GgufCursor, what: string): GgufArray {
  const type = cursor.u32(`the element type of ${what}`);
  const at = cursor.offset;
  // Every element takes a byte at least, so that this bounds what a false length can cost.
  const length = cursor.count(`the length of ${what}`, cursor.remaining);
  if (type === ARRAY) throw new UnsupportedError({ feature: `${cursor.file}: an array of arrays (${what}, byte ${at})` });
  if (type !== STRING && type !== BOOL) return numbersOf(cursor, type, length, what);
  cursor.reserve(length, what);
  if (type === STRING) return cursor.texts(length, what, MAX_TEXT);
  const values: boolean[] = [];
  for (let index = 0; index < length; index++) values.push(readBoolean(cursor, what));
  return values;
}

function readBoolean(cursor: GgufCursor, what: string): boolean {
  const value = cursor.u8(what);
  return value <= 1 ? value === 1 : cursor.fail(`${what} is a truth value, but holds ${value}`, cursor.offset - 1);
}

function numbersOf(cursor: GgufCursor, type: number, length: number, what: string): Exclude<GgufArray, TextList | readonly boolean[]> {
  if (!Object.hasOwn(numbers, type)) cursor.fail(`${what} has the unknown value type ${type}`);
  const constructor = numbers[type as keyof typeof numbers];
  return new constructor(cursor.bytes(length * constructor.BYTES_PER_ELEMENT, what));
}

function narrowed(value: number | bigint): number | bigint {
  return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
