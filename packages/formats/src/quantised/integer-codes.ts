import { setImmediate } from "node:timers/promises";
import { f16ToF32, f32ToF16, roundToF16 } from "@polywen/tensor";

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

/** Zero points as f16. */
const zeroHalves = Uint16Array.from({ length: 16 }, (_, zeroPoint) => f32ToF16(zeroPoint));

/** Nibbles of a byte, in two bytes. */
const spread = Uint16Array.from({ length: 256 }, (_, byte) => (byte & 15) | ((byte & 0xf0) << 4));

/** Rows of q4_0 blocks, all zero points being 8, or of q4_z blocks. `width` is a multiple of 32, and blocks lie within groups. */
export async function toNibbleBlocks(codes: IntegerCodes, dtype: "q4_0" | "q4_z"): Promise<Uint8Array> {
  const lead = dtype === "q4_z" ? 2 : 1;
  const target = new Uint16Array(codes.out * (codes.width / BLOCK) * (lead + 8));
  for await (const [first, last] of columnTiles(codes)) putNibbleBlocks(codes, first, last, lead, target);
  return new Uint8Array(target.buffer);
}

function putNibbleBlocks({ out, width, words, scales, zeroPoints, groupSize }: IntegerCodes, first: number, last: number, lead: number, target: Uint16Array): void {
  const blocks = width / BLOCK;
  for (let block = 0; block < blocks; block++) {
    const group = Math.floor((block * BLOCK) / groupSize) * out;
    for (let column = first; column < last; column++) {
      let at = (column * blocks + block) * (lead + 8);
      target[at] = scales[group + column]!;
      if (lead === 2) target[at + 1] = zeroHalves[zeroPoints[group + column]!]!;
      at += lead;
      // Codes 0 to 15 are the low nibbles of the block, 16 to 31 the high ones.
      for (let word = block * 4 * out + column, end = word + 2 * out; word < end; word += out, at += 4) {
        const low = words[word]!;
        const high = words[word + 2 * out]!;
        target[at] = spread[low & 255]! | (spread[high & 255]! << 4);
        target[at + 1] = spread[(low >>> 8) & 255]! | (spread[(high >>> 8) & 255]! << 4);
        target[at + 2] = spread[(low >>> 16) & 255]! | (spread[(high >>> 16) & 255]! << 4);
        target[at + 3] = spread[low >>> 24]! | (spread[high >>> 24]! << 4);
      }
    }
  }
}

/** Rows of q8_0 blocks, all zero points being 128. `width` is a multiple of 32, and blocks lie within groups. */
export async function toByteBlocks(codes: IntegerCodes): Promise<Uint8Array> {
  const target = new Uint16Array(codes.out * (codes.width / BLOCK) * 17);
  for await (const [first, last] of columnTiles(codes)) putByteBlocks(codes, first, last, target);
  return new Uint8Array(target.buffer);
}

function putByteBlocks({ out, width, words, scales, groupSize }: IntegerCodes, first: number, last: number, target: Uint16Array): void {
  const blocks = width / BLOCK;
  for (let block = 0; block < blocks; block++) {
    const group = Math.floor((block * BLOCK) / groupSize) * out;
    for (let column = first; column < last; column++) {
      let at = (column * blocks + block) * 17;
      target[at++] = scales[group + column]!;
      for (let word = block * 8 * out + column, end = word + 8 * out; word < end; word += out) {
        const signed = words[word]! ^ 0x80808080;
        target[at++] = signed;
        target[at++] = signed >>> 16;
      }
    }
  }
}

/** Rows of f16: what the runtimes of these formats multiply with, for matrices whose groups no block can follow. */
export async function toHalves(codes: IntegerCodes): Promise<Uint8Array> {
  const target = new Uint16Array(codes.out * codes.width);
  const scales = Float32Array.from(codes.scales, f16ToF32);
  const groupOf = codes.groupOf ?? Int32Array.from({ length: codes.width }, (_, input) => Math.floor(input / codes.groupSize));
  for await (const [first, last] of columnTiles(codes)) {
    for (let column = first; column < last; column++) putHalves({ ...codes, groupOf }, scales, column, target);
  }
  return new Uint8Array(target.buffer);
}

function putHalves({ bits, out, width, words, zeroPoints, groupOf }: IntegerCodes & { readonly groupOf: Int32Array }, scales: Float32Array, column: number, target: Uint16Array): void {
  const mask = 2 ** bits - 1;
  const values = new Float32Array(width);
  for (let input = 0, at = column; input < width; at += out) {
    for (let shift = 0, word = words[at]!; shift < 32 && input < width; shift += bits, input++) {
      const group = groupOf[input]! * out + column;
      values[input] = scales[group]! * (((word >>> shift) & mask) - zeroPoints[group]!);
    }
  }
  roundToF16(values, target, column * width);
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
