import { LimitExceededError } from "@polywen/tensor";
import { byteCharacter, toByteAlphabet } from "./byte-alphabet.ts";
import type { TokenizerDefinition } from "./tokenizer-definition.ts";
import { MergeQueue } from "./merge-queue.ts";
import { PairTable } from "./pair-table.ts";
import { WordCache } from "./word-cache.ts";

/** Longest word in UTF-8 bytes. Merging takes n·log n steps: about a second and 80 MB for a word of this length. */
export const wordByteLimit: number = 2 ** 21;

/** Longer words are rare and rarely come back. */
const cachedByteLimit = 64;

const textEncoder = new TextEncoder();

/** Byte-pair encoding of one word: joins the adjacent pair of lowest rank, the leftmost first, until no rule applies. */
export class BytePairEncoder {
  readonly #definition: TokenizerDefinition;
  readonly #byteIds: Int32Array;
  readonly #merges: PairTable;
  readonly #cache: WordCache<readonly number[]> = new WordCache();

  constructor(definition: TokenizerDefinition) {
    const { vocabulary, merges } = definition;
    this.#definition = definition;
    this.#byteIds = Int32Array.from({ length: 256 }, (_, byte) => vocabulary.get(byteCharacter(byte)) as number);
    this.#merges = new PairTable(merges.length);
    merges.forEach(([left, right, result], rank) => this.#merges.set(left, right, rank, result));
  }

  /** Appends the ids of `word` to `output`. Throws LimitExceededError for a word of more than `wordByteLimit` bytes. */
  encode(word: string, output: number[]): void {
    const cached = this.#cache.get(word);
    if (cached !== undefined) {
      for (const id of cached) output.push(id);
      return;
    }
    if (word.length > wordByteLimit) throw wordTooLong(word.length);
    const bytes = textEncoder.encode(word);
    if (bytes.length > wordByteLimit) throw wordTooLong(bytes.length);
    const ids = this.#wholeWord(bytes) ?? this.#merge(bytes);
    // `word` may be a slice that keeps a whole document alive: the cache gets a copy.
    if (bytes.length <= cachedByteLimit) this.#cache.set(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(), ids);
    for (const id of ids) output.push(id);
  }

  #wholeWord(bytes: Uint8Array): number[] | undefined {
    if (!this.#definition.ignoreMerges) return undefined;
    const id = this.#definition.vocabulary.get(toByteAlphabet(bytes));
    return id === undefined ? undefined : [id];
  }

  #merge(bytes: Uint8Array): number[] {
    const count = bytes.length;
    // A linked list over positions, with -1 for none; a position that was joined to its left neighbour has the id -1.
    const ids = new Int32Array(count);
    const next = new Int32Array(count);
    const previous = new Int32Array(count);
    for (let position = 0; position < count; position += 1) {
      ids[position] = this.#byteIds[bytes[position] as number] as number;
      next[position] = position + 1 < count ? position + 1 : -1;
      previous[position] = position - 1;
    }
    // Every merge takes one entry out and puts at most two in.
    const queue = new MergeQueue(2 * count);
    const propose = (position: number): void => {
      const right = position < 0 ? -1 : (next[position] as number);
      if (right < 0) return;
      const slot = this.#merges.find(ids[position] as number, ids[right] as number);
      if (slot >= 0) queue.push(this.#merges.rank(slot), position);
    };
    for (let position = 0; position < count - 1; position += 1) propose(position);

    for (let key = queue.pop(); key >= 0; key = queue.pop()) {
      const position = MergeQueue.positionOf(key);
      const right = next[position] as number;
      if (ids[position] === -1 || right < 0) continue;
      const slot = this.#merges.find(ids[position] as number, ids[right] as number);
      if (slot < 0 || this.#merges.rank(slot) !== MergeQueue.rankOf(key)) continue;
      ids[position] = this.#merges.result(slot);
      ids[right] = -1;
      const after = next[right] as number;
      next[position] = after;
      if (after >= 0) previous[after] = position;
      propose(previous[position] as number);
      propose(position);
    }
    return Array.from(ids.filter((id) => id !== -1));
  }
}

function wordTooLong(received: number): LimitExceededError {
  return new LimitExceededError(
    { what: "a run of characters without a word boundary", limit: wordByteLimit, received, unit: "bytes" },
    { hint: "Break the text up, for instance with spaces or newlines." },
  );
}
