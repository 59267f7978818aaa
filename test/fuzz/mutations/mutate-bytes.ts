import type { Random } from "../random.ts";

/** Values at which lengths, counts, offsets and types go wrong. */
export const borderNumbers: readonly bigint[] = [
  0n, 1n, 2n, 3n, 7n, 8n, 9n, 12n, 13n, 31n, 32n, 64n, 65n, 127n, 128n, 255n, 256n, 0x7fffn, 0xffffn, 0x1_0000n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_fff0n,
  0xffff_ffffn, 0x1_0000_0000n, 2n ** 40n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 60n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 32n, 2n ** 64n - 1n,
];

/** Writes a number in `width` bytes at `at`, cut off where it does not fit. */
export function writeNumber(bytes: Buffer, at: number, value: bigint, width: number): void {
  const source = Buffer.alloc(8);
  source.writeBigUInt64LE(value);
  source.copy(bytes, at, 0, Math.max(0, Math.min(width, bytes.length - at)));
}

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

function cut(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.short(bytes.length - at))]);
}

function insert(bytes: Buffer, random: Random, source: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const from = random.below(source.length + 1);
  return Buffer.concat([bytes.subarray(0, at), source.subarray(from, from + random.short(256)), bytes.subarray(at)]);
}

/** On a copy of its own, `change` is called with a random place. */
const overwrite = (change: (bytes: Buffer, at: number, random: Random) => void): Mutation => (bytes, random) => {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) change(copy, random.below(copy.length), random);
  return copy;
};

const mutations: readonly Mutation[] = [
  overwrite((bytes, at, random) => (bytes[at]! ^= 1 << random.below(8))),
  overwrite((bytes, at, random) => (bytes[at] = random.below(256))),
  overwrite((bytes, at, random) => writeNumber(bytes, at, random.pick(borderNumbers), random.pick([1, 2, 4, 8]))),
  overwrite((bytes, at, random) => bytes.fill(random.pick([0, 0xff, 0x7f, 0x20]), at, Math.min(bytes.length, at + random.short(64)))),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  cut,
  (bytes, random) => insert(bytes, random, bytes),
  insert,
];

/** One change that knows nothing of the format. `other` is another input, parts of which may be taken over. */
export function mutateBytes(bytes: Buffer, random: Random, other: Buffer): Buffer {
  return random.pick(mutations)(bytes, random, other);
}
