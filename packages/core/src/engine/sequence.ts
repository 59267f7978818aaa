import type { SequencePages } from "@polywen/kv-cache";
import type { EngineFinish, EngineRequest, GeneratedToken } from "./engine-request.ts";
import type { TokenStream } from "./token-stream.ts";

/** One generation in the engine: its prompt, what of it is in the cache, what came out. */
export class Sequence {
  readonly request: EngineRequest;
  readonly stream: TokenStream;
  /** Token ids of the prompt and of what was generated. */
  readonly ids: number[];
  /** Rows whose keys and values are in the cache. */
  cached = 0;
  pages: SequencePages | undefined;
  readonly #present = new Set<number>();

  constructor(request: EngineRequest, stream: TokenStream) {
    this.request = request;
    this.stream = stream;
    this.ids = Array.from(request.prompt.ids);
    this.ids.forEach((id, row) => {
      if ((request.prompt.mediaIndex?.[row] ?? -1) < 0) this.#present.add(id);
    });
  }

  get promptLength(): number {
    return this.request.prompt.ids.length;
  }

  get generated(): number {
    return this.ids.length - this.promptLength;
  }

  /** Rows that the cache must have room for: the last token is never read. */
  get rowsNeeded(): number {
    return this.promptLength + Math.max(this.request.maxTokens - 1, 0);
  }

  /** Distinct ids so far, media aside, to which the repetition penalty applies. */
  get present(): ReadonlySet<number> {
    return this.#present;
  }

  /** Position of a row on an axis: from the prompt's layout, then counting on. */
  positionOf(row: number, axis: number, axes: number): number {
    const { positions, nextPosition } = this.request.prompt;
    return row < this.promptLength ? positions[row * axes + axis]! : nextPosition + row - this.promptLength;
  }

  /** Takes a sampled token; true if the generation goes on. */
  accept(token: GeneratedToken): boolean {
    this.ids.push(token.id);
    this.#present.add(token.id);
    this.stream.push(token);
    if (this.request.stopTokens.has(token.id)) return this.finish("stop");
    return this.generated < this.request.maxTokens ? true : this.finish("length");
  }

  /** Ends the generation and gives its pages back. Returns false, for `accept`. */
  finish(reason: EngineFinish, error?: unknown): false {
    this.pages?.release();
    this.pages = undefined;
    this.stream.end(reason, error);
    return false;
  }
}
