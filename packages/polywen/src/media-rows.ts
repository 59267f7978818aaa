import { IndexPool } from "@polywen/kv-cache";
import { AbortedError, OutOfMemoryError, type Resource } from "@polywen/tensor";

interface Waiting {
  readonly count: number;
  readonly take: () => void;
}

/** The media rows of a model: who holds which of them, and who waits. First come, first served. */
export class MediaRows {
  /** f32 [capacity, hidden size], one for each level that the text model reads. */
  readonly resources: readonly Resource[];
  readonly #pool: IndexPool;
  readonly #waiting: Waiting[] = [];

  constructor(resources: readonly Resource[]) {
    this.resources = resources;
    this.#pool = new IndexPool(resources[0]!.spec.shape[0]!, "media rows");
  }

  /** Takes rows, waiting until enough are free. Rejects with `OutOfMemoryError` if there never will be, and with `AbortedError`. */
  async take(count: number, signal?: AbortSignal): Promise<readonly number[]> {
    const { capacity } = this.#pool;
    if (count > capacity) {
      throw new OutOfMemoryError({ what: "The prompt", requested: count, available: capacity, unit: "media rows" }, { hint: "Use smaller or fewer media, or load the model with larger mediaRows." });
    }
    if (this.#waiting.length === 0 && count <= this.#pool.free) return this.#pool.take(count);
    return this.#wait(count, signal);
  }

  /** Gives rows back. */
  release(rows: readonly number[]): void {
    this.#pool.release(rows);
    this.#serve();
  }

  #wait(count: number, signal: AbortSignal | undefined): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new AbortedError({ operation: "Waiting for media rows" }, { cause: signal?.reason }));
        this.#serve();
      };
      const waiting: Waiting = {
        count,
        take: () => {
          signal?.removeEventListener("abort", leave);
          resolve(this.#pool.take(count));
        },
      };
      if (signal?.aborted === true) return reject(new AbortedError({ operation: "Waiting for media rows" }, { cause: signal.reason }));
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiting);
    });
  }

  #serve(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.count <= this.#pool.free; next = this.#waiting[0]) {
      this.#waiting.shift();
      next.take();
    }
  }
}
