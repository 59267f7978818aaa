import { byteLengthOf, createTypedArray, type DType, type TypedArrayOf } from "../dtype.ts";
import { OutOfMemoryError } from "../errors/errors.ts";

/** A zeroed typed array; throws `OutOfMemoryError` instead of the engine's `RangeError`. */
export function allocate<D extends DType>(what: string, dtype: D, length: number): TypedArrayOf<D> {
  try {
    return createTypedArray(dtype, length);
  } catch (cause) {
    throw new OutOfMemoryError({ what, requested: length * byteLengthOf(dtype) }, { cause });
  }
}
