import { f16ToF32 } from "../float-conversion.ts";

/** Writes the values of the block that begins at byte `at` to `values`, from index `to` on. */
export type BlockDecoder = (bytes: Uint8Array, at: number, values: Float32Array, to: number) => void;

/** The little-endian f16 at byte `at`. */
export function f16At(bytes: Uint8Array, at: number): number {
  return f16ToF32(bytes[at]! | (bytes[at + 1]! << 8));
}

/** The byte at `at` as a signed number. */
export function i8At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) >> 24;
}
