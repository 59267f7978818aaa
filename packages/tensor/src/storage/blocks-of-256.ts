import { f16At, i8At, type BlockDecoder } from "./block-decoder.ts";

/**
 * Decoders of the "K" formats: 256 values whose sub-blocks of 16 or 32 have small integer scales of their own.
 * Products of a scale and a code fit 24 bits, so only the subtraction of a minimum rounds, as in f32 arithmetic.
 * Source: ggml, `ggml-quants.c`.
 */
export const blocksOf256: Readonly<Record<"q2_k" | "q3_k" | "q4_k" | "q5_k" | "q6_k", BlockDecoder>> = { q2_k: decodeQ2K, q3_k: decodeQ3K, q4_k: decodeQ4K, q5_k: decodeQ5K, q6_k: decodeQ6K };

/** scales[16] @0 (scale, minimum in halves), codes[64] @16, d @80, dmin @82. */
function decodeQ2K(bytes: Uint8Array, at: number, values: Float32Array, to: number): void {
  const [d, dmin] = [f16At(bytes, at + 80), f16At(bytes, at + 82)];
  for (let index = 0; index < 256; index++) {
    const packed = bytes[at + (index >> 4)]!;
    values[to + index] = d * (packed & 15) * twoBits(bytes, at + 16, index) - dmin * (packed >> 4);
  }
}

/** mask[32] @0 (third bits, inverted), codes[64] @32, scales[12] @96, d @108. */
function decodeQ3K(bytes: Uint8Array, at: number, values: Float32Array, to: number): void {
  const d = f16At(bytes, at + 108);
  for (let index = 0; index < 256; index++) {
    const scale = d * (sixBitScale(bytes, at + 96, index >> 4) - 32);
    const third = (bytes[at + (index & 31)]! >> (index >> 5)) & 1;
    values[to + index] = scale * (twoBits(bytes, at + 32, index) - (third === 1 ? 0 : 4));
  }
}

/** d @0, dmin @2, scales[12] @4, codes[128] @16. */
function decodeQ4K(bytes: Uint8Array, at: number, values: Float32Array, to: number): void {
  decodeWithMinima(bytes, at, values, to, at + 16, () => 0);
}

/** d @0, dmin @2, scales[12] @4, fifth bits[32] @16, codes[128] @48. */
function decodeQ5K(bytes: Uint8Array, at: number, values: Float32Array, to: number): void {
  decodeWithMinima(bytes, at, values, to, at + 48, (index) => ((bytes[at + 16 + (index & 31)]! >> (index >> 5)) & 1) << 4);
}

/** low[128] @0 (four bits), high[64] @128 (two bits), i8 scales[16] @192, d @208. */
function decodeQ6K(bytes: Uint8Array, at: number, values: Float32Array, to: number): void {
  const d = f16At(bytes, at + 208);
  for (let index = 0; index < 256; index++) {
    // Each half of 128 values holds its codes as two runs of 64 nibbles: low ones, then high ones.
    const low = (bytes[at + ((index >> 7) << 6) + (index & 63)]! >> ((index >> 4) & 4)) & 15;
    const code = low | (twoBits(bytes, at + 128, index) << 4);
    values[to + index] = d * i8At(bytes, at + 192 + (index >> 4)) * (code - 32);
  }
}

/** Sub-blocks of 32 with a scale and a minimum of six bits each; a run of 32 bytes holds two of them. */
function decodeWithMinima(bytes: Uint8Array, at: number, values: Float32Array, to: number, codes: number, fifthBit: (index: number) => number): void {
  const [d, dmin] = [f16At(bytes, at), f16At(bytes, at + 2)];
  const scales = at + 4;
  for (let part = 0; part < 8; part++) {
    const scale = d * scaleOf(bytes, scales, part);
    const minimum = dmin * minimumOf(bytes, scales, part);
    for (let index = part * 32; index < part * 32 + 32; index++) {
      const code = (bytes[codes + ((index >> 6) << 5) + (index & 31)]! >> ((part & 1) << 2)) & 15;
      values[to + index] = scale * (code | fifthBit(index)) - minimum;
    }
  }
}

function scaleOf(bytes: Uint8Array, at: number, part: number): number {
  return part < 4 ? bytes[at + part]! & 63 : (bytes[at + part + 4]! & 15) | ((bytes[at + part - 4]! >> 6) << 4);
}

function minimumOf(bytes: Uint8Array, at: number, part: number): number {
  return part < 4 ? bytes[at + part + 4]! & 63 : (bytes[at + part + 4]! >> 4) | ((bytes[at + part]! >> 6) << 4);
}

/** Q3_K's scale of sub-block `part`: four low bits in the first eight bytes, two high ones in the last four. */
function sixBitScale(bytes: Uint8Array, at: number, part: number): number {
  const low = (bytes[at + (part & 7)]! >> ((part >> 3) << 2)) & 15;
  const high = (bytes[at + 8 + (part & 3)]! >> ((part >> 2) << 1)) & 3;
  return low | (high << 4);
}

/** Two bits of value `index`: 32 bytes hold 128 values, the first 32 of them in their lowest bits. */
function twoBits(bytes: Uint8Array, at: number, index: number): number {
  return (bytes[at + ((index >> 7) << 5) + (index & 31)]! >> (((index >> 5) & 3) << 1)) & 3;
}
