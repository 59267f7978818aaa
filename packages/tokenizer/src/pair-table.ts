/**
 * Merge rules by the pair of token ids that they join: open addressing over typed arrays. The hash is seeded anew in every process,
 * because a hostile file could otherwise choose pairs that all collide.
 */
export class PairTable {
  /** Left id (-1: free), right id, rank and result of each slot. */
  readonly #slots: Int32Array;
  readonly #shift: number;
  readonly #leftFactor: number = randomOddInteger();
  readonly #rightFactor: number = randomOddInteger();

  /** `capacity` is the greatest number of different pairs that will be set. */
  constructor(capacity: number) {
    const bits = Math.max(2, Math.ceil(Math.log2(capacity * 1.5 + 1)));
    this.#slots = new Int32Array(4 * 2 ** bits).fill(-1);
    this.#shift = 32 - bits;
  }

  /** A later rule for the same pair replaces the earlier one. */
  set(left: number, right: number, rank: number, result: number): void {
    const slots = this.#slots;
    const slot = this.#probe(left, right);
    slots[slot] = left;
    slots[slot + 1] = right;
    slots[slot + 2] = rank;
    slots[slot + 3] = result;
  }

  /** The slot of a pair, or -1 if no rule joins it. */
  find(left: number, right: number): number {
    const slot = this.#probe(left, right);
    return this.#slots[slot] === -1 ? -1 : slot;
  }

  rank(slot: number): number {
    return this.#slots[slot + 2] as number;
  }

  result(slot: number): number {
    return this.#slots[slot + 3] as number;
  }

  #probe(left: number, right: number): number {
    const slots = this.#slots;
    let slot = 4 * ((Math.imul(left, this.#leftFactor) + Math.imul(right, this.#rightFactor)) >>> this.#shift);
    while (slots[slot] !== -1 && (slots[slot] !== left || slots[slot + 1] !== right)) slot = (slot + 4) & (slots.length - 1);
    return slot;
  }
}

function randomOddInteger(): number {
  return Math.floor(Math.random() * 2 ** 32) | 1;
}
