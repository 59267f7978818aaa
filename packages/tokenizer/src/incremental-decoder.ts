import type { Tokenizer } from "./tokenizer.ts";

/**
 * Decodes ids one by one as they are generated. A character that is not complete yet is held back (at most three bytes), so that
 * joining all results and `flush()` gives exactly what `Tokenizer.decode` gives for all ids at once.
 */
export class IncrementalDecoder {
  readonly #tokenizer: Tokenizer;
  readonly #options: { skipSpecial?: boolean };
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** `skipSpecial` (default false) leaves special added tokens out. */
  constructor(tokenizer: Tokenizer, options: { skipSpecial?: boolean } = {}) {
    this.#tokenizer = tokenizer;
    this.#options = options;
  }

  /** The text that `id` completes; often empty. */
  push(id: number): string {
    return this.#decoder.decode(this.#tokenizer.tokenBytes(id, this.#options), { stream: true });
  }

  /** What was held back, as U+FFFD, at the end. The decoder can then be used for another text. */
  flush(): string {
    return this.#decoder.decode();
  }
}
