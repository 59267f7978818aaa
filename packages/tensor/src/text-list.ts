const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Texts in one buffer of UTF-8, decoded when they are asked for: a vocabulary has hundreds of thousands, and as strings
 * they take several times their bytes and most of the time of reading them.
 */
export class TextList implements Iterable<string> {
  readonly length: number;
  /** All texts; what lies between them means nothing. Not to be changed. */
  readonly bytes: Uint8Array;
  /** Where each text begins and ends in `bytes`. Not to be changed. */
  readonly bounds: Uint32Array;

  /** `bounds` holds the begin and the end of each text. All of them must be UTF-8. */
  constructor(bytes: Uint8Array, bounds: Uint32Array) {
    this.length = bounds.length / 2;
    this.bytes = bytes;
    this.bounds = bounds;
  }

  /** Half a surrogate pair becomes U+FFFD. */
  static from(texts: readonly string[]): TextList {
    const bytes = new Uint8Array(texts.reduce((sum, text) => sum + 3 * text.length, 0));
    const bounds = new Uint32Array(2 * texts.length);
    let end = 0;
    texts.forEach((text, index) => {
      bounds[2 * index] = end;
      end += encoder.encodeInto(text, bytes.subarray(end)).written;
      bounds[2 * index + 1] = end;
    });
    return new TextList(bytes.slice(0, end), bounds);
  }

  /** A text, undefined where there is none. */
  at(index: number): string | undefined {
    return index >= 0 && index < this.length ? decoder.decode(this.bytes.subarray(this.bounds[2 * index], this.bounds[2 * index + 1])) : undefined;
  }

  *[Symbol.iterator](): Generator<string> {
    for (let index = 0; index < this.length; index++) yield this.at(index)!;
  }
}
