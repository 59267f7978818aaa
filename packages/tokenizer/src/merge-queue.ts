const positions: number = 2 ** 22;

/** A binary heap of merges waiting to be made, ordered by rank and then from left to right. A merge is one number: both in one key. */
export class MergeQueue {
  #keys: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity);
  }

  /** `position` must be below 2^22 and `rank` below 2^31. */
  push(rank: number, position: number): void {
    const keys = this.#keys;
    const key = rank * positions + position;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((keys[parent] as number) <= key) break;
      keys[at] = keys[parent] as number;
      at = parent;
    }
    keys[at] = key;
  }

  /** Takes the first merge out, or gives -1 if none is left; `rankOf` and `positionOf` read it. */
  pop(): number {
    if (this.#size === 0) return -1;
    const keys = this.#keys;
    const first = keys[0] as number;
    const last = keys[--this.#size] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && (keys[child + 1] as number) < (keys[child] as number)) child += 1;
      if ((keys[child] as number) >= last) break;
      keys[at] = keys[child] as number;
      at = child;
    }
    keys[at] = last;
    return first;
  }

  static rankOf(key: number): number {
    return Math.floor(key / positions);
  }

  static positionOf(key: number): number {
    return key % positions;
  }
}
