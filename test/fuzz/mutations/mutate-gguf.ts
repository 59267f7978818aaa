import { array, bool, f32, i32s, raw32, raw64, rawText, text, texts, u32, u64 } from "../../../packages/formats/src/gguf/test-gguf.ts";
import type { Random } from "../random.ts";
import { borderNumbers, mutateBytes, writeNumber } from "./mutate-bytes.ts";

/** The entries of a GGUF file as bytes, to be put together anew. */
interface Pieces {
  version: number;
  /** Key, type and value. */
  keys: Buffer[];
  /** Name, dimensions, type and offset. */
  tensors: Buffer[];
  data: Buffer;
}

const widths = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

/** Takes a file apart that is well formed; anything else throws a RangeError. */
function takeApart(bytes: Buffer): Pieces {
  let at = 4;
  const number = (width: 4 | 8): number => {
    const value = width === 4 ? bytes.readUInt32LE(at) : Number(bytes.readBigUInt64LE(at));
    at += width;
    return value;
  };
  const skip = (length: number): void => {
    at += length;
    if (!(at <= bytes.length)) throw new RangeError();
  };
  const value = (type: number): void => {
    if (type === 8) return skip(number(8));
    if (type !== 9) return skip(widths[type] ?? Number.NaN);
    const item = number(4);
    const length = number(8);
    if (item !== 8) return skip(length * (widths[item] ?? Number.NaN));
    for (let index = 0; index < length; index++) skip(number(8));
  };
  const piece = (read: () => void): Buffer => {
    const from = at;
    read();
    return bytes.subarray(from, at);
  };
  const version = number(4);
  const counts = [number(8), number(8)];
  const keys = Array.from({ length: counts[1]! }, () => piece(() => { skip(number(8)); value(number(4)); }));
  const tensors = Array.from({ length: counts[0]! }, () => piece(() => { skip(number(8)); skip(number(4) * 8 + 12); }));
  return { version, keys, tensors, data: bytes.subarray(Math.ceil(at / 32) * 32) };
}

function putTogether({ version, keys, tensors, data }: Pieces, random: Random): Buffer {
  const lie = (count: number): Buffer => raw64(random.once(25) ? random.pick(borderNumbers) : count);
  const header = Buffer.concat([Buffer.from("GGUF"), raw32(version), lie(tensors.length), lie(keys.length), ...keys, ...tensors]);
  return Buffer.concat([header, Buffer.alloc((32 - (header.length % 32)) % 32), data]);
}

function hostileValue(random: Random): Buffer {
  return random.pick<() => Buffer>([
    () => u32(Number(BigInt.asUintN(32, random.pick(borderNumbers)))),
    () => u64(random.pick(borderNumbers)),
    () => f32(random.pick([0, -1, 1e38, Number.NaN, Number.POSITIVE_INFINITY, 1e-45])),
    () => bool(random.below(3)),
    () => text(random.pick(["", "llama", "qwen2", "gpt2", "yarn", "none", "constructor", "\u001b[2J", "x".repeat(1000), "{% for x in"])),
    () => texts(Array.from({ length: random.short(300) }, (_, index) => random.pick(["", "a", "Ġ", "<0x00>", "▁a", `t${index}`]))),
    () => i32s(Array.from({ length: random.short(300) }, () => random.below(8))),
    () => array(random.below(14), random.pick(borderNumbers), raw64(random.pick(borderNumbers))),
    () => array(9, 1, array(9, 1, array(4, 1, raw32(1))).subarray(4)),
  ])();
}

/** A border number in place of one of the bytes' own: most of what stands in an entry is lengths, types and numbers. */
function spoil(entry: Buffer, random: Random, other: Buffer): Buffer {
  if (random.once(3)) return mutateBytes(entry, random, other);
  if (entry.length < 8) return entry;
  const copy = Buffer.from(entry);
  // What follows a text is not aligned; the first and the last bytes of an entry hold its lengths, types and offsets.
  const at = random.once(2) ? random.below(Math.min(copy.length, 96)) : copy.length - 1 - random.below(Math.min(copy.length, 32));
  writeNumber(copy, at, random.pick(borderNumbers), random.pick([4, 8]));
  return copy;
}

/** Another value for a key that is there, or for one that no file has. */
function giveValue(keys: Buffer[], random: Random): void {
  const index = random.below(keys.length);
  const entry = keys[index] ?? Buffer.alloc(0);
  const key = entry.length < 8 ? rawText("a") : entry.subarray(0, 8 + entry.readUInt32LE(0));
  keys[index] = Buffer.concat([key, hostileValue(random)]);
}

function changeEntries(entries: Buffer[], others: readonly Buffer[], random: Random): void {
  const index = random.below(Math.max(1, entries.length));
  const entry = entries[index];
  if (entry === undefined) return;
  random.pick([
    () => entries.splice(index, 1),
    () => entries.splice(random.below(entries.length), 0, entry),
    () => (others.length === 0 ? undefined : entries.splice(index, random.below(2), random.pick(others))),
    () => entries.splice(random.below(entries.length), 0, ...entries.splice(index, 1)),
    () => (entries[index] = spoil(entry, random, others[0] ?? entry)),
    () => (entries[index] = spoil(entry, random, others[0] ?? entry)),
  ])();
}

/** Changes entries of a GGUF file; one that is not well formed is changed as bytes. `other` is another file, entries of which may be taken over. */
export function mutateGguf(bytes: Buffer, random: Random, other: Buffer): Buffer {
  const pieces = apartOrNone(bytes);
  if (pieces === undefined || random.once(12)) return mutateBytes(bytes, random, other);
  const others = apartOrNone(other);
  for (let round = 1 + random.below(3); round > 0; round--) {
    random.pick([
      () => giveValue(pieces.keys, random),
      () => changeEntries(pieces.keys, others?.keys ?? [], random),
      () => changeEntries(pieces.tensors, others?.tensors ?? [], random),
      () => changeEntries(pieces.tensors, others?.tensors ?? [], random),
      () => random.once(8) && (pieces.data = mutateBytes(pieces.data, random, pieces.data)),
      () => random.once(20) && (pieces.version = random.below(6)),
    ])();
  }
  return putTogether(pieces, random);
}

/** Changes what the tensors hold and leaves the header as it is. */
export function mutateGgufData(bytes: Buffer, random: Random): Buffer {
  const pieces = apartOrNone(bytes);
  if (pieces === undefined) return bytes;
  const data = Buffer.from(pieces.data);
  for (let round = random.short(64); round > 0; round--) {
    // Scales are f16 numbers; these are the infinities, NaN, the largest and the least.
    const scale = random.pick([0x7c00n, 0xfc00n, 0x7e00n, 0x7bffn, 0x0001n, 0xffffn, 0n]);
    if (random.once(2)) writeNumber(data, random.below(data.length), scale, 2);
    else data[random.below(data.length)] = random.below(256);
  }
  return Buffer.concat([bytes.subarray(0, bytes.length - pieces.data.length), data]);
}

function apartOrNone(bytes: Buffer): Pieces | undefined {
  try {
    return takeApart(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
