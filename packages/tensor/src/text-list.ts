const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Writes a text as UTF-8 from `begin` on and returns where it ends; half a surrogate pair becomes U+FFFD. There must be room
 * for three bytes a UTF-16 unit. For the many short texts that tokens are: `TextEncoder` takes ten times as long for those.
 */
export function encodeUtf8(text: string, bytes: Uint8Array, begin: number): number {
  let end = begin;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x80) {
      bytes[end++] = code;
    } else if (code < 0x800) {
      bytes[end++] = 0xc0 | (code >> 6);
      bytes[end++] = 0x80 | (code & 0x3f);
    } else {
      return end + encoder.encodeInto(text.slice(index), bytes.subarray(end)).written;
    }
  }
  return end;
}

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
    let room = 0;
    for (const text of texts) room += 3 * text.length;
    const bytes = new Uint8Array(room);
    const bounds = new Uint32Array(2 * texts.length);
    let end = 0;
    for (let index = 0; index < texts.length; index++) {
      bounds[2 * index] = end;
      end = encodeUtf8(texts[index]!, bytes, end);
      bounds[2 * index + 1] = end;
    }
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
