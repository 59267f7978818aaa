import { InvalidArgumentError, OutOfMemoryError } from "@polywen/tensor";

/** Hands out numbers of pages, slots or rows. Which memory a number stands for belongs to the backend. */
export class IndexPool {
  /** Numbers in all. */
  readonly capacity: number;
  readonly #what: string;
  readonly #free: number[];

  /**
   * @param capacity How many numbers there are, at least 1.
   * @param what What they stand for, in the plural, for errors.
   */
  constructor(capacity: number, what: string) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new InvalidArgumentError({ argument: "capacity", expected: `a positive number of ${what}`, received: capacity });
    }
    this.capacity = capacity;
    this.#what = what;
    this.#free = Array.from({ length: capacity }, (_, index) => capacity - 1 - index);
  }

  /** How many numbers nobody holds. */
  get free(): number {
    return this.#free.length;
  }

  /** Takes `count` numbers at once or none. Throws `OutOfMemoryError` when fewer are free. */
  take(count: number): number[] {
    if (count > this.#free.length) throw new OutOfMemoryError({ what: `The pool of ${this.#what}`, requested: count, available: this.#free.length, unit: this.#what });
    return this.#free.splice(this.#free.length - count, count).reverse();
  }

  /** Gives numbers back. */
  release(numbers: readonly number[]): void {
    for (const number of numbers) this.#free.push(number);
  }
}
