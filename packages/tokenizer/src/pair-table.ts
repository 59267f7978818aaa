/**
 * Merge rules by the pair of token ids that they join: open addressing over typed arrays. The hash is seeded anew in every process,
 * because a hostile file could otherwise choose pairs that all collide.
 */
export class PairTable {
  readonly #lefts: Int32Array;
  readonly #rights: Int32Array;
  readonly #ranks: Int32Array;
  readonly #results: Int32Array;
  readonly #shift: number;
  readonly #leftFactor: number = randomOddInteger();
  readonly #rightFactor: number = randomOddInteger();

  /** `capacity` is the greatest number of different pairs that will be set. */
  constructor(capacity: number) {
    const bits = Math.max(2, Math.ceil(Math.log2(capacity * 2 + 1)));
    this.#lefts = new Int32Array(2 ** bits).fill(-1);
    this.#rights = new Int32Array(2 ** bits);
    this.#ranks = new Int32Array(2 ** bits);
    this.#results = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
  }

  /** A later rule for the same pair replaces the earlier one. */
  set(left: number, right: number, rank: number, result: number): void {
    const slot = this.#probe(left, right);
    this.#lefts[slot] = left;
    this.#rights[slot] = right;
    this.#ranks[slot] = rank;
    this.#results[slot] = result;
  }

  /** The slot of a pair, or -1 if no rule joins it. */
  find(left: number, right: number): number {
    const slot = this.#probe(left, right);
    return this.#lefts[slot] === -1 ? -1 : slot;
  }

  rank(slot: number): number {
    return this.#ranks[slot] as number;
  }

  result(slot: number): number {
    return this.#results[slot] as number;
  }

  #probe(left: number, right: number): number {
    const mask = this.#lefts.length - 1;
    let slot = (Math.imul(left, this.#leftFactor) + Math.imul(right, this.#rightFactor)) >>> this.#shift;
    while (this.#lefts[slot] !== -1 && (this.#lefts[slot] !== left || this.#rights[slot] !== right)) slot = (slot + 1) & mask;
    return slot;
  }
}

function randomOddInteger(): number {
  return Math.floor(Math.random() * 2 ** 32) | 1;
}
