import { encodeUtf8, type TextList } from "@polywen/tensor";

/**
 * Tokens by id, and ids by token. It keeps the bytes of the texts and finds them by a hash table over ids, open addressing:
 * hundreds of thousands of strings would take several times the memory and the time. The hash is seeded anew in every
 * process, because a hostile file could otherwise choose tokens that all collide.
 */
export class Vocabulary implements Iterable<[token: string, id: number]> {
  /** By id. An empty text is none. */
  readonly texts: TextList;
  /** Ids plus one, 0 where a slot is free. */
  readonly #slots: Int32Array;
  readonly #removed: Uint8Array;
  #scratch: Uint8Array = new Uint8Array(256);
  readonly #shift: number;
  readonly #seed: number = randomInteger();
  readonly #factor: number = randomInteger() | 1;
  readonly #spread: number = randomInteger() | 1;

  /** Calls `refuse`, which must throw, for a text that an earlier id has already. */
  constructor(texts: TextList, refuse: (id: number, earlier: number) => never) {
    const bits = Math.max(2, Math.ceil(Math.log2(texts.length * 1.5 + 1)));
    this.texts = texts;
    this.#slots = new Int32Array(2 ** bits);
    this.#removed = new Uint8Array(texts.length);
    this.#shift = 32 - bits;
    const { bytes, bounds } = texts;
    for (let id = 0; id < texts.length; id += 1) {
      const begin = bounds[2 * id] as number;
      const end = bounds[2 * id + 1] as number;
      if (begin === end) continue;
      const slot = this.#slotOf(bytes, begin, end);
      const earlier = (this.#slots[slot] as number) - 1;
      if (earlier >= 0) refuse(id, earlier);
      this.#slots[slot] = id + 1;
    }
  }

  /** The id of a token. */
  get(token: string): number | undefined {
    if (3 * token.length > this.#scratch.length) this.#scratch = new Uint8Array(3 * token.length);
    const id = this.find(this.#scratch, 0, encodeUtf8(token, this.#scratch, 0));
    return id < 0 ? undefined : id;
  }

  has(token: string): boolean {
    return this.get(token) !== undefined;
  }

  /** The id of the token `bytes[begin, end)`, or -1. It is found faster where it is `guess`. */
  find(bytes: Uint8Array, begin: number, end: number, guess: number = -1): number {
    if (begin === end) return -1;
    const id = guess >= 0 && guess < this.texts.length && this.#isText(guess, bytes, begin, end) ? guess : (this.#slots[this.#slotOf(bytes, begin, end)] as number) - 1;
    return id < 0 || this.#removed[id] === 1 ? -1 : id;
  }

  /** The text of an id; undefined if no token has it. */
  textOf(id: number): string | undefined {
    return this.#removed[id] === 1 ? undefined : this.texts.at(id) || undefined;
  }

  /** Takes a token out. */
  remove(id: number): void {
    this.#removed[id] = 1;
  }

  /** Greatest id plus one. */
  get size(): number {
    const { bounds, length } = this.texts;
    let last = length - 1;
    while (last >= 0 && (this.#removed[last] === 1 || bounds[2 * last] === bounds[2 * last + 1])) last -= 1;
    return last + 1;
  }

  /** In the order of ids. */
  *[Symbol.iterator](): Generator<[token: string, id: number]> {
    for (let id = 0; id < this.texts.length; id += 1) {
      const token = this.textOf(id);
      if (token !== undefined) yield [token, id];
    }
  }

  /** The slot that holds this text, or the free one where it belongs. */
  #slotOf(bytes: Uint8Array, begin: number, end: number): number {
    const slots = this.#slots;
    const factor = this.#factor;
    let hash = this.#seed;
    for (let at = begin; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] as number), factor);
    let slot = Math.imul(hash ^ (hash >>> 15), this.#spread) >>> this.#shift;
    while (slots[slot] !== 0 && !this.#isText((slots[slot] as number) - 1, bytes, begin, end)) slot = (slot + 1) & (slots.length - 1);
    return slot;
  }

  #isText(id: number, bytes: Uint8Array, begin: number, end: number): boolean {
    const { bytes: known, bounds } = this.texts;
    const shift = (bounds[2 * id] as number) - begin;
    if ((bounds[2 * id + 1] as number) - shift !== end) return false;
    for (let at = begin; at < end; at += 1) if (known[at + shift] !== bytes[at]) return false;
    return true;
  }
}

function randomInteger(): number {
  return Math.floor(Math.random() * 2 ** 32);
}
