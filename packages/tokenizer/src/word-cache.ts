const generationSize: number = 2 ** 15;

/**
 * A bounded cache in two generations: when the young one is full it becomes the old one, and what nobody asked for since then is
 * forgotten. Nearly as good as least-recently-used, at the price of a plain `Map`.
 */
export class WordCache<Value> {
  #young: Map<string, Value> = new Map();
  #old: Map<string, Value> = new Map();

  get(word: string): Value | undefined {
    const young = this.#young.get(word);
    if (young !== undefined) return young;
    const old = this.#old.get(word);
    if (old !== undefined) this.set(word, old);
    return old;
  }

  set(word: string, value: Value): void {
    if (this.#young.size >= generationSize) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(word, value);
  }
}
