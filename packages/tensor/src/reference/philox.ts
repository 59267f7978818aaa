/** Four 32-bit words. */
export type Words = readonly [number, number, number, number];

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/**
 * The counter-based random generator Philox 4×32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * 2011): four random words that depend on key and counter alone.
 */
export function philox(counter: Words, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const [high0, low0] = multiply(MULTIPLIER_0, c0);
    const [high1, low1] = multiply(MULTIPLIER_1, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** A number in [0, 1) from the first word of a block: its upper 24 bits times 2⁻²⁴. */
export function uniform(words: Words): number {
  return (words[0] >>> 8) * 2 ** -24;
}

/** The 64-bit product of two words as high and low word. */
function multiply(left: number, right: number): [high: number, low: number] {
  const product = BigInt(left) * BigInt(right);
  return [Number(product >> 32n), Number(product & 0xffffffffn)];
}
