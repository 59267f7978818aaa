import type { EngineFinish, GeneratedToken } from "@polywen/core";

/** A piece of a streamed reply. */
export interface ReplyPart {
  /** New text; never half a character. */
  readonly text: string;
  /** The token that completed it. */
  readonly token: GeneratedToken;
}

/** Tokens of a call. */
export interface Usage {
  /** Rows of the prompt, media included. */
  readonly promptTokens: number;
  /** Rows of the prompt that came from media. */
  readonly mediaTokens: number;
  /** Rows of media beside the prompt, which its rows see by cross-attention. */
  readonly attendedTokens: number;
  readonly generatedTokens: number;
  /** Media that did not have to be encoded: an earlier prompt, or another that runs, brought the same. */
  readonly mediaCacheHits: number;
}

/** Milliseconds since the call. */
export interface Timings {
  /** Until the prompt was rendered, decoded and encoded. */
  readonly preparedMs: number;
  /** Until the first token; equal to `totalMs` if there was none. */
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

/** Something about a reply that its caller may not have meant. */
export interface ReplyWarning {
  /** `SAMPLING_IGNORED`: options of random choice were given, but temperature 0 takes the most probable token. */
  readonly code: "SAMPLING_IGNORED";
  /** For people: which options, and what to do. */
  readonly message: string;
}

/** A finished reply. */
export interface Reply {
  readonly text: string;
  readonly tokenIds: readonly number[];
  /** Ids of the prompt as the model saw it, placeholders of media repeated. */
  readonly promptTokenIds: readonly number[];
  /** Each token with its log-probability and, if asked for, alternatives. */
  readonly tokens: readonly GeneratedToken[];
  /** `stop`: an end token or a stop string; `length`: `maxTokens`; `aborted`: the signal fired, `text` is what there was. */
  readonly finishReason: EngineFinish;
  readonly usage: Usage;
  readonly timings: Timings;
  readonly warnings: readonly ReplyWarning[];
}

/**
 * A running reply: await it for the whole, or iterate it for the parts as they come. It runs in either case; leaving
 * the iteration early aborts it.
 */
export class Generation implements PromiseLike<Reply>, AsyncIterable<ReplyPart> {
  readonly #parts: ReplyPart[] = [];
  readonly #reply: Promise<Reply>;
  readonly #abort: () => void;
  #settled = false;
  #wake: (() => void)[] = [];

  /**
   * @param run Produces the reply, handing on parts as they come.
   * @param abort Stops it.
   */
  constructor(run: (emit: (part: ReplyPart) => void) => Promise<Reply>, abort: () => void) {
    this.#abort = abort;
    this.#reply = run((part) => {
      this.#parts.push(part);
      this.#notify();
    }).finally(() => {
      this.#settled = true;
      this.#notify();
    });
    // A caller may look at the parts only; the error reaches it there.
    this.#reply.catch(() => undefined);
  }

  // oxlint-disable-next-line unicorn/no-thenable -- being awaited is what this class is for
  then<A = Reply, B = never>(onFulfilled?: ((reply: Reply) => A | PromiseLike<A>) | null, onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<A | B> {
    return this.#reply.then(onFulfilled, onRejected);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReplyPart, void> {
    let next = 0;
    try {
      for (;;) {
        while (next < this.#parts.length) yield this.#parts[next++]!;
        if (this.#settled) break;
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
      await this.#reply;
    } finally {
      if (!this.#settled) this.#abort();
    }
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}
