/** Element types of tensors that a program computes with. */
export type DType = "f32" | "bf16" | "i32" | "u32";

/**
 * How the values of a weight are stored: in blocks of `values` neighbours along the last axis that take `bytes` bytes.
 * Plain floats are blocks of one. The quantised blocks are those of GGUF, byte for byte, but for `q4_z`: an f16 scale, an f16
 * zero point and 16 bytes of codes as in q4_0; a value is `scale × (code - zero point)`. AWQ and GPTQ need it.
 */
const storageFormats: Readonly<Record<StorageDType, StorageFormat>> = {
  f32: { values: 1, bytes: 4 },
  f16: { values: 1, bytes: 2 },
  bf16: { values: 1, bytes: 2 },
  q4_0: { values: 32, bytes: 18 },
  q4_1: { values: 32, bytes: 20 },
  q5_0: { values: 32, bytes: 22 },
  q5_1: { values: 32, bytes: 24 },
  q8_0: { values: 32, bytes: 34 },
  iq4_nl: { values: 32, bytes: 18 },
  mxfp4: { values: 32, bytes: 17 },
  q2_k: { values: 256, bytes: 84 },
  q3_k: { values: 256, bytes: 110 },
  q4_k: { values: 256, bytes: 144 },
  q5_k: { values: 256, bytes: 176 },
  q6_k: { values: 256, bytes: 210 },
  q4_z: { values: 32, bytes: 20 },
};

/** A block of stored values. */
export interface StorageFormat {
  /** Values in a block. */
  readonly values: number;
  /** Bytes of a block. */
  readonly bytes: number;
}

/** Formats in which a weight may be stored; every backend reads all of them. Blocks never cross the end of a row. */
export type StorageDType =
  | "f32" | "f16" | "bf16"
  | "q4_0" | "q4_1" | "q5_0" | "q5_1" | "q8_0" | "iq4_nl" | "mxfp4"
  | "q2_k" | "q3_k" | "q4_k" | "q5_k" | "q6_k"
  | "q4_z";

/** All storage formats. */
export const storageDTypes: readonly StorageDType[] = Object.keys(storageFormats) as StorageDType[];

/** The block of a storage format. */
export function storageFormatOf(dtype: StorageDType): StorageFormat {
  return storageFormats[dtype];
}

/** Whether a name, as files write it in lower case, is a storage format. */
export function isStorageDType(name: string): name is StorageDType {
  return Object.hasOwn(storageFormats, name);
}

const byteLengths = { f32: 4, i32: 4, u32: 4, bf16: 2 } as const satisfies Record<DType, number>;

/** Bytes of one element that a program computes with. */
export function byteLengthOf(dtype: DType): number {
  return byteLengths[dtype];
}

/** Bytes of `elements` stored values, whose rows must be whole blocks. */
export function storedByteLength(dtype: StorageDType, elements: number): number {
  const { values, bytes } = storageFormats[dtype];
  return (elements / values) * bytes;
}

/** The typed array that holds a dtype on the JavaScript side; bf16 is held as raw 16-bit patterns. */
export type TypedArrayOf<D extends DType> = D extends "f32"
  ? Float32Array
  : D extends "i32"
    ? Int32Array
    : D extends "u32"
      ? Uint32Array
      : Uint16Array;

/** A zeroed typed array of `length` elements. */
export function createTypedArray<D extends DType>(dtype: D, length: number): TypedArrayOf<D> {
  const constructors = { f32: Float32Array, i32: Int32Array, u32: Uint32Array, bf16: Uint16Array };
  return new constructors[dtype](length) as TypedArrayOf<D>;
}
