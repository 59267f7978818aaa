import { storageFormatOf, type StorageDType } from "../dtype.ts";
import { InvalidArgumentError } from "../errors/errors.ts";
import { bf16ToF32 } from "../float-conversion.ts";
import { f16At, type BlockDecoder } from "./block-decoder.ts";
import { blocksOf256 } from "./blocks-of-256.ts";
import { blocksOf32 } from "./blocks-of-32.ts";

const decoders: Readonly<Record<Exclude<StorageDType, "f32">, BlockDecoder>> = {
  f16: (bytes, at, values, to) => void (values[to] = f16At(bytes, at)),
  bf16: (bytes, at, values, to) => void (values[to] = bf16ToF32(bytes[at]! | (bytes[at + 1]! << 8))),
  ...blocksOf32,
  ...blocksOf256,
};

/**
 * Stored values as f32, exactly those that ggml dequantises to. The bytes need not be aligned.
 * Throws `InvalidArgumentError` unless they are whole blocks.
 */
export function decodeFloats(bytes: Uint8Array, dtype: StorageDType): Float32Array {
  const block = storageFormatOf(dtype);
  if (bytes.byteLength % block.bytes !== 0) throw new InvalidArgumentError({ argument: "bytes", expected: `a multiple of ${block.bytes} bytes, the block of ${dtype}`, received: bytes.byteLength });
  if (dtype === "f32") return new Float32Array(bytes.slice().buffer);
  const values = new Float32Array((bytes.byteLength / block.bytes) * block.values);
  const decode = decoders[dtype];
  for (let at = 0, to = 0; at < bytes.byteLength; at += block.bytes, to += block.values) decode(bytes, at, values, to);
  return values;
}
