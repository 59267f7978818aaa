import { setImmediate } from "node:timers/promises";
import { bf16ToF32, f16ToF32, f32ToF16, InvalidFileError, UnsupportedError } from "@polywen/tensor";
import type { Checkpoint } from "../checkpoint.ts";
import { jsonPointer } from "../json-pointer.ts";
import type { TensorEntry } from "../safetensors-header.ts";
import type { QuantisationConfig } from "./quantisation-config.ts";

/** A matrix of 8-bit floats, and the tiles [rows, columns] of it that share a scale; tiles at the ends may be cut. */
interface Fp8Linear {
  readonly codes: TensorEntry;
  readonly scales: TensorEntry;
  readonly out: number;
  readonly width: number;
  readonly tile: readonly [rows: number, columns: number];
}

/** About how many values are converted before the event loop has its turn. */
const SLICE = 1 << 22;

/**
 * The weight that a matrix `codes` of F8_E4M3 and its scales (`….weight_scale_inv`, else `….weight_scale`) stand for, as F16,
 * rounded. Scales are of tiles, of rows, or of the whole. Only headers are looked at until its bytes are asked for.
 * Throws `NotFoundError` where scales are missing, `InvalidFileError` for their shape, `UnsupportedError` for their dtype.
 */
export function fp8Weight(checkpoint: Checkpoint, codes: TensorEntry, { block }: Extract<QuantisationConfig, { method: "fp8" }>): TensorEntry {
  const scales = checkpoint.tensors.get(`${codes.name}_scale`) ?? checkpoint.entry(`${codes.name}_scale_inv`);
  if (!["F32", "BF16", "F16"].includes(scales.dtype)) throw new UnsupportedError({ feature: `${scales.file}: dtype ${scales.dtype} of tensor ${scales.name}`, supported: ["F32", "BF16", "F16"] });
  const [out, width] = codes.shape as [number, number];
  const linear = { codes, scales, out, width, tile: tileOf(scales, out, width, block) };
  return { ...codes, dtype: "F16", byteLength: 2 * codes.byteLength, compute: async () => toHalves(checkpoint, linear) };
}

function tileOf(scales: TensorEntry, out: number, width: number, block: readonly [out: number, width: number] | undefined): readonly [rows: number, columns: number] {
  const [rows = 1, columns = 1, ...rest] = scales.shape;
  const tiles = block ?? (rows === 1 ? [out, width] : [1, width]);
  const expected = [Math.ceil(out / tiles[0]!), Math.ceil(width / tiles[1]!)];
  if (rest.length === 0 && rows === expected[0] && columns === expected[1]) return tiles as [number, number];
  const problem = `shape [${scales.shape.join(", ")}] where a matrix [${out}, ${width}] in tiles of [${tiles.join(", ")}] asks for [${expected.join(", ")}]`;
  throw new InvalidFileError({ file: scales.file, problem, pointer: jsonPointer([scales.name, "shape"]) });
}

async function toHalves(checkpoint: Checkpoint, { codes, scales: { name, dtype }, out, width, tile: [rows, columns] }: Fp8Linear): Promise<Uint8Array> {
  const stored = await checkpoint.read(codes.name);
  const scales = floatsOf(await checkpoint.read(name), dtype);
  const target = new Uint16Array(stored.length);
  // Every value of a tile is one of 256.
  const halves = new Uint16Array(256);
  const acrossTiles = Math.ceil(width / columns);
  let converted = 0;
  for (let top = 0, band = 0; top < out; top += rows, band++) {
    for (let left = 0, index = band * acrossTiles; left < width; left += columns, index++) {
      for (let code = 0; code < 256; code++) halves[code] = f32ToF16(e4m3Values[code]! * scales[index]!);
      for (let row = top; row < Math.min(top + rows, out); row++) {
        const end = row * width + Math.min(left + columns, width);
        for (let at = row * width + left; at < end; at++) target[at] = halves[stored[at]!]!;
      }
    }
    converted += rows * width;
    if (converted < SLICE) continue;
    converted = 0;
    await setImmediate();
  }
  return new Uint8Array(target.buffer);
}

function floatsOf(bytes: Uint8Array, dtype: TensorEntry["dtype"]): Float32Array {
  if (dtype === "F32") return new Float32Array(bytes.buffer);
  return Float32Array.from(new Uint16Array(bytes.buffer), dtype === "BF16" ? bf16ToF32 : f16ToF32);
}

/** The values of E4M3 without infinities: four bits of exponent from 2^-6 on, three of fraction, NaN where all are set. */
const e4m3Values = Float32Array.from({ length: 256 }, (_, code) => {
  const exponent = (code >> 3) & 15;
  const fraction = code & 7;
  if ((code & 127) === 127) return Number.NaN;
  const magnitude = exponent === 0 ? fraction * 2 ** -9 : (8 + fraction) * 2 ** (exponent - 10);
  return code < 128 ? magnitude : -magnitude;
});
