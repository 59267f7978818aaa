import { storageFormatOf, type StorageDType } from "../dtype.ts";
import { f32ToBf16, f32ToF16 } from "../float-conversion.ts";

/** Stored little-endian bytes of `values`, deliberately at an odd address: weights in files have no alignment. */
export function encodeFloats(values: readonly number[], dtype: StorageDType): Uint8Array {
  const width = storageFormatOf(dtype).bytes;
  const bytes = new Uint8Array(1 + values.length * width).subarray(1);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  values.forEach((value, index) => {
    if (dtype === "f32") view.setFloat32(index * width, value, true);
    else view.setUint16(index * width, dtype === "bf16" ? f32ToBf16(value) : f32ToF16(value), true);
  });
  return bytes;
}
