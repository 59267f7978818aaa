import type { EngineFinish, GeneratedToken } from "./engine-request.ts";

/** The tokens of one generation as they come. Iterate it once; leaving the loop early cancels the generation. */
export class TokenStream implements AsyncIterable<GeneratedToken> {
  readonly #queue: GeneratedToken[] = [];
  readonly #cancel: () => void;
  #finish: EngineFinish | undefined;
  #error: unknown;
  #wake: (() => void) | undefined;

  /** @param cancel Called when the consumer leaves early. */
  constructor(cancel: () => void) {
    this.#cancel = cancel;
  }

  /** Why it ended; undefined while it runs. */
  get finish(): EngineFinish | undefined {
    return this.#finish;
  }

  /** @internal */
  push(token: GeneratedToken): void {
    this.#queue.push(token);
    this.#wake?.();
  }

  /** @internal */
  end(finish: EngineFinish, error?: unknown): void {
    if (this.#finish !== undefined) return;
    this.#finish = finish;
    this.#error = error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GeneratedToken, void> {
    try {
      for (;;) {
        const token = this.#queue.shift();
        if (token !== undefined) yield token;
        else if (this.#finish === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
        else if (this.#error !== undefined) throw this.#error;
        else return;
      }
    } finally {
      if (this.#finish === undefined) this.#cancel();
    }
  }
}
