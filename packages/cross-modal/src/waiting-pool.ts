import { IndexPool } from "@polywen/kv-cache";
import { AbortedError, OutOfMemoryError } from "@polywen/tensor";

/** Hands out numbers like `IndexPool`, but those who find too few free wait for their turn: first come, first served. */
export class WaitingPool {
  readonly #what: string;
  readonly #pool: IndexPool;
  readonly #line = new WaitingLine();

  /** @param what What the numbers stand for, in the plural, for errors. */
  constructor(capacity: number, what: string) {
    this.#what = what;
    this.#pool = new IndexPool(capacity, what);
  }

  /** Takes numbers. Rejects with `OutOfMemoryError` if there never will be as many, and with `AbortedError`. */
  async take(count: number, signal?: AbortSignal): Promise<readonly number[]> {
    requireCapacity(count, this.#pool.capacity, this.#what);
    return this.#line.wait(() => (count <= this.#pool.free ? this.#pool.take(count) : undefined), { what: this.#what, signal });
  }

  /** Gives numbers back. */
  release(numbers: readonly number[]): void {
    this.#pool.release(numbers);
    this.#line.serve();
  }
}

/** Refuses what can never be had. */
export function requireCapacity(count: number, capacity: number, what: string): void {
  if (count <= capacity) return;
  throw new OutOfMemoryError({ what: "The prompt", requested: count, available: capacity, unit: what }, { hint: "Use smaller or fewer media, or load the model with larger mediaRows." });
}

interface Waiting {
  /** Takes what it waits for if that can be had now. */
  readonly attempt: () => boolean;
}

/** Those who wait for something that runs short. */
export class WaitingLine {
  readonly #waiting: Waiting[] = [];

  /** Resolves with what `take` gives once it is this one's turn and `take` gives something. Rejects with `AbortedError`. */
  wait<T>(take: () => T | undefined, { what, signal }: { readonly what: string; readonly signal: AbortSignal | undefined }): Promise<T> {
    const aborted = (): AbortedError => new AbortedError({ operation: `Waiting for ${what}` }, { cause: signal?.reason });
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(aborted());
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(aborted());
        this.serve();
      };
      const waiting: Waiting = {
        attempt: () => {
          const taken = take();
          if (taken === undefined) return false;
          signal?.removeEventListener("abort", leave);
          resolve(taken);
          return true;
        },
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiting);
      if (this.#waiting.length === 1) this.serve();
    });
  }

  /** Something may have become free. */
  serve(): void {
    while (this.#waiting[0]?.attempt() === true) this.#waiting.shift();
  }
}
