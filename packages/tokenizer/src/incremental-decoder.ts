import type { Tokenizer } from "./tokenizer.ts";

/**
 * Decodes ids one by one as they are generated. A character that is not complete yet is held back (at most three bytes), so that
 * joining all results and `flush()` gives exactly what `Tokenizer.decode` gives for all ids at once.
 */
export class IncrementalDecoder {
  readonly #tokenizer: Tokenizer;
  readonly #options: { skipSpecial?: boolean };
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #empty = true;

  /** `skipSpecial` (default false) leaves special added tokens out. */
  constructor(tokenizer: Tokenizer, options: { skipSpecial?: boolean } = {}) {
    this.#tokenizer = tokenizer;
    this.#options = options;
  }

  /** The text that `id` completes; often empty. */
  push(id: number): string {
    const bytes = this.#tokenizer.tokenBytes(id, this.#options);
    const shown = this.#empty ? this.#tokenizer.firstTokenBytes(id, this.#options) : bytes;
    if (bytes.length > 0) this.#empty = false;
    return this.#decoder.decode(shown, { stream: true });
  }

  /** What was held back, as U+FFFD, at the end. The decoder can then be used for another text. */
  flush(): string {
    this.#empty = true;
    return this.#decoder.decode();
  }
}
