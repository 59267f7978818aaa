/** Element types of tensors that a program computes with. */
export type DType = "f32" | "bf16" | "i32" | "u32";

/** Element types in which a weight may be stored; every backend reads all of them as f32. */
export type StorageDType = "f32" | "f16" | "bf16";

const byteLengths = { f32: 4, i32: 4, u32: 4, bf16: 2, f16: 2 } as const satisfies Record<DType | StorageDType, number>;

/** Bytes of one element. */
export function byteLengthOf(dtype: DType | StorageDType): number {
  return byteLengths[dtype];
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
