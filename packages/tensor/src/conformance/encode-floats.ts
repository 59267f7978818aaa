import { storageFormatOf, type StorageDType } from "../dtype.ts";
import { f32ToBf16 } from "../float-conversion.ts";

/** Stored little-endian bytes of `values`, deliberately at an odd address: weights in files have no alignment. */
export function encodeFloats(values: readonly number[], dtype: StorageDType): Uint8Array {
  const width = storageFormatOf(dtype).bytes;
  const bytes = new Uint8Array(1 + values.length * width).subarray(1);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  values.forEach((value, index) => {
    if (dtype === "f32") view.setFloat32(index * width, value, true);
    else view.setUint16(index * width, dtype === "bf16" ? f32ToBf16(value) : f16Pattern(value), true);
  });
  return bytes;
}

/** The binary16 pattern next to a finite value below 65504, subnormals included. */
function f16Pattern(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude < 2 ** -14) return sign | Math.round(magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  // A fraction that rounds up to 1024 carries into the exponent, as it should.
  return sign | (((exponent + 15) << 10) + Math.round((magnitude / 2 ** exponent - 1) * 1024));
}
