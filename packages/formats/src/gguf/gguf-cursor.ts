import { isUtf8 } from "node:buffer";
import { InvalidFileError, LimitExceededError, TextList } from "@polywen/tensor";

/** The largest vocabularies have 2^18 tokens and twice as many merges. */
const MAX_ELEMENTS = 2 ** 21;

/** Thrown, and caught by `readGgufHeader`, when the bytes at hand end before the header does: read more and begin again. */
export class MoreBytesNeeded {
  /** How many bytes from the start of the file are needed at least. */
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }
}

/** Reads little-endian values one after the other from the first bytes of a file. Every method throws `InvalidFileError` past its end. */
export class GgufCursor {
  readonly file: string;
  readonly fileSize: number;
  /** Of the next value, in bytes from the start of the file. */
  offset = 0;
  readonly #bytes: Buffer;
  #reserved = 0;

  constructor(bytes: Buffer, file: string, fileSize: number) {
    this.#bytes = bytes;
    this.file = file;
    this.fileSize = fileSize;
  }

  u8(what: string): number {
    return this.#bytes.readUInt8(this.#take(1, what));
  }

  u32(what: string): number {
    return this.#bytes.readUInt32LE(this.#take(4, what));
  }

  u64(what: string): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8, what));
  }

  /** A u64 that counts something: at most `limit`, which keeps it exact and what follows from it bounded. */
  count(what: string, limit: number): number {
    const at = this.offset;
    const value = this.u64(what);
    if (value > BigInt(limit)) this.fail(`${what} is ${value}; at most ${limit} is possible here`, at);
    return Number(value);
  }

  /** UTF-8 text of at most `limit` bytes. */
  text(what: string, limit: number): string {
    const length = this.#textLength(what, limit);
    const at = this.#take(length, what);
    this.#requireUtf8(at, at + length, what);
    return this.#bytes.toString("utf8", at, at + length);
  }

  /** `count` texts of at most `limit` bytes each, one after the other. Vocabularies are read with this: no text is touched alone. */
  texts(count: number, what: string, limit: number): TextList {
    const begin = this.offset;
    const bounds = new Uint32Array(2 * count);
    // A length below 128 is eight bytes of ASCII, behind which no character goes on: texts with such lengths are UTF-8 if all is.
    let checked = 0;
    for (let index = 0; index < count; index++) {
      const length = this.#textLength(what, limit);
      const at = this.#take(length, what);
      bounds[2 * index] = at - begin;
      bounds[2 * index + 1] = at - begin + length;
      if (length < 128) continue;
      this.#requireUtf8(at, at + length, what);
      this.#requireAllUtf8(begin, bounds.subarray(2 * checked, 2 * index), what);
      checked = index + 1;
    }
    this.#requireAllUtf8(begin, bounds.subarray(2 * checked), what);
    return new TextList(new Uint8Array(this.#bytes.subarray(begin, this.offset)), bounds);
  }

  /** Counts texts and truth values in arrays, which cost more memory than they take in the file. Throws `LimitExceededError`. */
  reserve(elements: number, what: string): void {
    this.#reserved += elements;
    if (this.#reserved <= MAX_ELEMENTS) return;
    throw new LimitExceededError({ file: this.file, what: `The number of texts and truth values in arrays, with ${what},`, limit: MAX_ELEMENTS, received: this.#reserved });
  }

  /** A copy of the next `length` bytes, at an address fit for every typed array. */
  bytes(length: number, what: string): ArrayBuffer {
    const at = this.#take(length, what);
    return new Uint8Array(this.#bytes.subarray(at, at + length)).buffer;
  }

  /** Bytes of the file from here on. */
  get remaining(): number {
    return this.fileSize - this.offset;
  }

  fail(problem: string, offset: number = this.offset, hint?: string): never {
    throw new InvalidFileError({ file: this.file, offset, problem }, hint === undefined ? {} : { hint });
  }

  /** Nothing is put together for messages that are not needed. */
  #textLength(what: string, limit: number): number {
    const at = this.#take(8, what);
    const length = this.#bytes.readUInt32LE(at) + this.#bytes.readUInt32LE(at + 4) * 2 ** 32;
    return length <= limit ? length : this.fail(`the length of ${what} is ${length}; at most ${limit} is possible here`, at);
  }

  #requireUtf8(begin: number, end: number, what: string): void {
    if (!isUtf8(this.#bytes.subarray(begin, end))) this.fail(`${what} is not UTF-8`, begin);
  }

  #requireAllUtf8(begin: number, bounds: Uint32Array, what: string): void {
    if (bounds.length === 0 || isUtf8(this.#bytes.subarray(begin + bounds[0]!, begin + bounds.at(-1)!))) return;
    for (let at = 0; at < bounds.length; at += 2) this.#requireUtf8(begin + bounds[at]!, begin + bounds[at + 1]!, what);
  }

  #take(length: number, what: string): number {
    const at = this.offset;
    const end = at + length;
    if (end > this.fileSize) this.fail(`the file ends inside ${what}`, this.fileSize, "The file is incomplete: download it again.");
    if (end > this.#bytes.length) throw new MoreBytesNeeded(end);
    this.offset = end;
    return at;
  }
}
