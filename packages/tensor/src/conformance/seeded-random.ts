/** Repeatable random numbers for test data: mulberry32, seeded by a text. */
export class SeededRandom {
  #state: number;

  constructor(seed: string) {
    this.#state = 0x811c9dc5;
    for (let i = 0; i < seed.length; i++) this.#state = Math.imul(this.#state ^ seed.charCodeAt(i), 0x01000193);
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 to `limit - 1`. */
  integer(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  /** Standard normal, by the method of Box and Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** `count` normal numbers times `scale`. */
  normals(count: number, scale = 1): number[] {
    return Array.from({ length: count }, () => this.normal() * scale);
  }

  /** The integers from 0 to `count - 1` in random order. */
  permutation(count: number): number[] {
    const order = Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      [order[last], order[other]] = [order[other]!, order[last]!];
    }
    return order;
  }
}
