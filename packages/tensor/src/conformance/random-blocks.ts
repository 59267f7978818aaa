import { storageFormatOf, storedByteLength, type StorageDType } from "../dtype.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Where blocks hold f16 numbers; mxfp4 begins with an exponent instead. */
const halves: Partial<Record<StorageDType, readonly number[]>> = { q4_1: [0, 2], q4_z: [0, 2], q5_1: [0, 2], q4_k: [0, 2], q5_k: [0, 2], q2_k: [80, 82], q3_k: [108], q6_k: [208] };

/** Random blocks of `elements` values: every bit pattern, but for f16 scales of middling size. */
export function randomBlocks(random: SeededRandom, dtype: StorageDType, elements: number): Uint8Array {
  const block = storageFormatOf(dtype).bytes;
  const bytes = Uint8Array.from({ length: storedByteLength(dtype, elements) }, () => random.integer(256));
  for (let at = 0; at < bytes.length; at += block) {
    if (dtype === "mxfp4") bytes[at] = 120 + random.integer(8);
    else for (const half of halves[dtype] ?? [0]) bytes[at + half + 1] = 0x20 | (bytes[at + half + 1]! & 0x8f);
  }
  return bytes;
}
