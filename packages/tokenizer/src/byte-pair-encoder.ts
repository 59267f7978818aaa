import { LimitExceededError } from "@polywen/tensor";
import { toByteAlphabet } from "./byte-alphabet.ts";
import { MergeQueue } from "./merge-queue.ts";
import { SymbolReader } from "./symbol-reader.ts";
import type { TokenizerDefinition } from "./tokenizer-definition.ts";
import { WordCache } from "./word-cache.ts";

/** Longest word in symbols: bytes of UTF-8, or characters. Merging takes n·log n steps: about a second and 80 MB for such a word. */
export const wordByteLimit: number = 2 ** 21;

/** Longer words are rare and rarely come back. */
const cachedLengthLimit = 64;

const textEncoder = new TextEncoder();

/** Byte-pair encoding of one word: joins the adjacent pair of lowest rank, the leftmost first, until no rule applies. */
export class BytePairEncoder {
  readonly #definition: TokenizerDefinition;
  readonly #symbols: SymbolReader;
  readonly #special: ReadonlySet<number>;
  readonly #cache: WordCache<readonly number[]> = new WordCache();

  constructor(definition: TokenizerDefinition) {
    this.#definition = definition;
    this.#symbols = new SymbolReader(definition);
    this.#special = new Set(definition.addedTokens.filter((token) => token.special).map((token) => token.id));
  }

  /** Appends the ids of `word` to `output`. Throws LimitExceededError for a word of more than `wordByteLimit` symbols. */
  encode(word: string, output: number[]): void {
    const cached = this.#cache.get(word);
    if (cached !== undefined) {
      for (const id of cached) output.push(id);
      return;
    }
    if (word.length > wordByteLimit) throw wordTooLong(word.length);
    const ids = this.#wholeWord(word) ?? this.#merge(this.#symbols.read(word));
    // `word` may be a slice that keeps a whole document alive: the cache gets a copy.
    if (word.length <= cachedLengthLimit) this.#cache.set(Buffer.from(word, "utf16le").toString("utf16le"), ids);
    for (const id of ids) output.push(id);
  }

  /** A control token is never made from text, not even from a word that spells it. */
  #wholeWord(word: string): number[] | undefined {
    const { ignoreMerges, symbols, vocabulary } = this.#definition;
    if (!ignoreMerges) return undefined;
    const id = vocabulary.get(symbols.type === "bytes" ? toByteAlphabet(textEncoder.encode(word)) : word);
    return id === undefined || this.#special.has(id) ? undefined : [id];
  }

  #merge(ids: Int32Array): number[] {
    const { merges } = this.#definition;
    const count = ids.length;
    if (count > wordByteLimit) throw wordTooLong(count);
    // A linked list over positions, with -1 for none; a position that was joined to its left neighbour has the id -1.
    const next = new Int32Array(count);
    const previous = new Int32Array(count);
    for (let position = 0; position < count; position += 1) {
      next[position] = position + 1 < count ? position + 1 : -1;
      previous[position] = position - 1;
    }
    // Every merge takes one entry out and puts at most two in.
    const queue = new MergeQueue(2 * count);
    const propose = (position: number): void => {
      const right = position < 0 ? -1 : (next[position] as number);
      if (right < 0) return;
      const slot = merges.find(ids[position] as number, ids[right] as number);
      if (slot >= 0) queue.push(merges.rank(slot), position);
    };
    for (let position = 0; position < count - 1; position += 1) propose(position);

    for (let key = queue.pop(); key >= 0; key = queue.pop()) {
      const position = MergeQueue.positionOf(key);
      const right = next[position] as number;
      if (ids[position] === -1 || right < 0) continue;
      const slot = merges.find(ids[position] as number, ids[right] as number);
      if (slot < 0 || merges.rank(slot) !== MergeQueue.rankOf(key)) continue;
      ids[position] = merges.result(slot);
      ids[right] = -1;
      const after = next[right] as number;
      next[position] = after;
      if (after >= 0) previous[after] = position;
      propose(previous[position] as number);
      propose(position);
    }
    const output: number[] = [];
    for (const id of ids) if (id !== -1) this.#symbols.write(id, output);
    return output;
  }
}

function wordTooLong(received: number): LimitExceededError {
  return new LimitExceededError(
    { what: "a run of characters without a word boundary", limit: wordByteLimit, received, unit: "bytes" },
    { hint: "Break the text up, for instance with spaces or newlines." },
  );
}
