import { setImmediate } from "node:timers/promises";
import { f16ToF32, f32ToF16 } from "@polywen/tensor";

/**
 * A matrix of small integers as GPTQ packs it: word [row, column] of `words` [ceil(width / perWord), out] holds the codes of
 * `perWord` consecutive inputs for one output, the first of them in the lowest bits.
 */
export interface IntegerCodes {
  readonly bits: 4 | 8;
  readonly out: number;
  readonly width: number;
  readonly words: Int32Array;
  /** The group of each input; `undefined` means runs of `groupSize`. */
  readonly groupSize: number;
  readonly groupOf: Int32Array | undefined;
  /** f16 patterns [groups, out]. */
  readonly scales: Uint16Array;
  /** [groups, out] */
  readonly zeroPoints: Uint8Array;
}

/** Inputs of a block; all have the group of the first. */
const BLOCK = 32;

/** Columns converted together: their words share lines of the cache. */
const TILE = 16;

/** About how many codes are converted before the event loop has its turn. */
const SLICE = 1 << 22;

/** Nibbles of a byte, in two bytes. */
const spread = Uint16Array.from({ length: 256 }, (_, byte) => (byte & 15) | ((byte & 0xf0) << 4));

/** Rows of q4_0 blocks, all zero points being 8, or of q4_z blocks. `width` is a multiple of 32, and blocks lie within groups. */
export async function toNibbleBlocks(codes: IntegerCodes, dtype: "q4_0" | "q4_z"): Promise<Uint8Array> {
  const { out, width, words, scales, zeroPoints, groupSize } = codes;
  const blocks = width / BLOCK;
  const lead = dtype === "q4_z" ? 2 : 1;
  const target = new Uint16Array(out * blocks * (lead + 8));
  const zeroHalves = Uint16Array.from({ length: 16 }, (_, zero) => f32ToF16(zero));
  for await (const [first, last] of columnTiles(codes)) {
    for (let block = 0; block < blocks; block++) {
      const group = Math.floor((block * BLOCK) / groupSize) * out;
      for (let column = first; column < last; column++) {
        let at = (column * blocks + block) * (lead + 8);
        target[at++] = scales[group + column]!;
        if (lead === 2) target[at++] = zeroHalves[zeroPoints[group + column]!]!;
        // Codes 0 to 15 are the low nibbles of the block, 16 to 31 the high ones.
        for (let word = block * 4 * out + column, count = 0; count < 2; count++, word += out) {
          const low = words[word]!;
          const high = words[word + 2 * out]!;
          target[at++] = spread[low & 255]! | (spread[high & 255]! << 4);
          target[at++] = spread[(low >>> 8) & 255]! | (spread[(high >>> 8) & 255]! << 4);
          target[at++] = spread[(low >>> 16) & 255]! | (spread[(high >>> 16) & 255]! << 4);
          target[at++] = spread[low >>> 24]! | (spread[high >>> 24]! << 4);
        }
      }
    }
  }
  return new Uint8Array(target.buffer);
}

/** Rows of q8_0 blocks, all zero points being 128. */
export async function toByteBlocks(codes: IntegerCodes): Promise<Uint8Array> {
  const { out, width, words, scales, groupSize } = codes;
  const blocks = width / BLOCK;
  const target = new Uint16Array(out * blocks * 17);
  for await (const [first, last] of columnTiles(codes)) {
    for (let block = 0; block < blocks; block++) {
      const group = Math.floor((block * BLOCK) / groupSize) * out;
      for (let column = first; column < last; column++) {
        let at = (column * blocks + block) * 17;
        target[at++] = scales[group + column]!;
        for (let word = block * 8 * out + column, count = 0; count < 8; count++, word += out) {
          const signed = words[word]! ^ 0x80808080;
          target[at++] = signed;
          target[at++] = signed >>> 16;
        }
      }
    }
  }
  return new Uint8Array(target.buffer);
}

/** Rows of f16: what the runtimes of these formats multiply with, for matrices whose groups no block can follow. */
export async function toHalves(codes: IntegerCodes): Promise<Uint8Array> {
  const { bits, out, width, words, scales, zeroPoints, groupSize, groupOf } = codes;
  const perWord = 32 / bits;
  const mask = 2 ** bits - 1;
  const target = new Uint16Array(out * width);
  for await (const [first, last] of columnTiles(codes)) {
    for (let input = 0; input < width; input++) {
      const group = (groupOf?.[input] ?? Math.floor(input / groupSize)) * out;
      const row = Math.floor(input / perWord) * out;
      const shift = bits * (input % perWord);
      for (let column = first; column < last; column++) {
        const code = (words[row + column]! >>> shift) & mask;
        target[column * width + input] = f32ToF16(f16ToF32(scales[group + column]!) * (code - zeroPoints[group + column]!));
      }
    }
  }
  return new Uint8Array(target.buffer);
}

async function* columnTiles({ out, width }: IntegerCodes): AsyncGenerator<readonly [first: number, last: number]> {
  let converted = 0;
  for (let first = 0; first < out; first += TILE) {
    const last = Math.min(first + TILE, out);
    yield [first, last];
    converted += (last - first) * width;
    if (converted < SLICE) continue;
    converted = 0;
    await setImmediate();
  }
}
