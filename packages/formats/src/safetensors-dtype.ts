/** Bytes of one element of each dtype that Polywen reads from and writes to safetensors. */
export const safetensorsDtypeSizes: Readonly<Record<SafetensorsDtype, number>> = {
  BOOL: 1, U8: 1, I8: 1, F8_E4M3: 1, F8_E5M2: 1,
  U16: 2, I16: 2, F16: 2, BF16: 2,
  U32: 4, I32: 4, F32: 4,
  U64: 8, I64: 8, F64: 8,
};

/** A dtype as safetensors names it. F8_E4M3 is the finite variant (no infinities, largest value 448). */
export type SafetensorsDtype =
  | "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2"
  | "U16" | "I16" | "F16" | "BF16"
  | "U32" | "I32" | "F32"
  | "U64" | "I64" | "F64";

/** True if `name` is a dtype that Polywen reads; the sub-byte and complex ones are not. */
export function isSafetensorsDtype(name: string): name is SafetensorsDtype {
  return Object.hasOwn(safetensorsDtypeSizes, name);
}

/**
 * Bytes of a row-major tensor, or undefined if that exceeds 2^53 - 1. A shape `[]` is a scalar of one element.
 * The product is checked from left to right, so `[2^40, 2^40, 0]` overflows although it holds nothing.
 */
export function tensorByteLength(dtype: SafetensorsDtype, shape: readonly number[]): number | undefined {
  let length = safetensorsDtypeSizes[dtype];
  for (const dimension of shape) {
    length *= dimension;
    if (!Number.isSafeInteger(length)) return undefined;
  }
  return length;
}
