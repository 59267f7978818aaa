import { InvalidFileError } from "@polywen/tensor";
import { jsonPointer, quoted } from "./json-pointer.ts";

/** Objects and arrays may be nested this deep; published files need about 10. */
export const maximumJsonDepth = 64;
/** A document may hold this many values; the largest published tokenizers hold about 2 million. */
export const maximumJsonValues = 4_000_000;

/** Where the checked bytes come from: `offset` is the place of the first one in the file. */
export interface JsonSource {
  readonly file: string;
  readonly offset: number;
  /** Values that the document may hold; default `maximumJsonValues`. */
  readonly maximumValues?: number;
}

interface Frame {
  /** The keys seen so far; undefined in an array. */
  readonly keys: Set<string> | undefined;
  /** Key or index of the value that is being read. */
  place: string | number;
  count: number;
}

/**
 * Checks that `bytes`, which must be valid UTF-8, are one JSON document, without duplicate keys and within the limits above,
 * in linear time and without recursion. `JSON.parse` would take duplicates in silence (two readers of one file could then see
 * different values) and cannot say where in the file an error is.
 * Throws InvalidFileError with the byte offset, or with a JSON pointer for a duplicate key.
 */
export function checkJson(bytes: Buffer, source: JsonSource): void {
  new JsonChecker(bytes, source).document();
}

const code = {
  quote: 0x22, plus: 0x2b, comma: 0x2c, minus: 0x2d, dot: 0x2e, zero: 0x30, colon: 0x3a,
  openBracket: 0x5b, backslash: 0x5c, closeBracket: 0x5d, openBrace: 0x7b, closeBrace: 0x7d,
} as const;
const simpleEscapes: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));
const literals: readonly Buffer[] = ["true", "false", "null"].map((word) => Buffer.from(word));

class JsonChecker {
  readonly #bytes: Buffer;
  readonly #source: JsonSource;
  readonly #frames: Frame[] = [];
  #position = 0;
  #values = 0;

  constructor(bytes: Buffer, source: JsonSource) {
    this.#bytes = bytes;
    this.#source = source;
  }

  document(): void {
    this.#value();
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) this.#member(frame);
    this.#space();
    if (this.#position < this.#bytes.length) this.#fail("there is text after the end of the JSON value");
  }

  #member(frame: Frame): void {
    this.#space();
    if (this.#take(frame.keys === undefined ? code.closeBracket : code.closeBrace)) {
      this.#frames.pop();
      return;
    }
    if (frame.count > 0) this.#expect(code.comma, '","');
    if (frame.keys === undefined) frame.place = frame.count;
    else this.#key(frame, frame.keys);
    frame.count++;
    this.#value();
  }

  #key(frame: Frame, keys: Set<string>): void {
    this.#space();
    const start = this.#position;
    if (!this.#take(code.quote)) this.#fail("a key in quotes is expected");
    const escaped = this.#string();
    const key = escaped
      ? (JSON.parse(this.#bytes.toString("utf8", start, this.#position)) as string)
      : this.#bytes.toString("utf8", start + 1, this.#position - 1);
    frame.place = key;
    if (keys.has(key)) this.#failAtPlace(`the key ${quoted(key)} occurs twice in one object`);
    keys.add(key);
    this.#space();
    this.#expect(code.colon, '":"');
  }

  #value(): void {
    const { maximumValues = maximumJsonValues } = this.#source;
    if (++this.#values > maximumValues) this.#fail(`the JSON holds more than ${maximumValues} values`, maximumValues);
    this.#space();
    const first = this.#bytes[this.#position];
    if (first === code.quote) {
      this.#position++;
      this.#string();
    } else if (first === code.openBrace || first === code.openBracket) this.#open(first);
    else if (first === code.minus || isDigit(first)) this.#number();
    else this.#literal();
  }

  #open(bracket: number): void {
    if (this.#frames.length >= maximumJsonDepth) this.#fail(`the JSON is nested deeper than ${maximumJsonDepth}`, maximumJsonDepth);
    this.#position++;
    this.#frames.push({ keys: bracket === code.openBrace ? new Set() : undefined, place: 0, count: 0 });
  }

  /** Reads to behind the closing quote; the opening one has been read. Returns whether there were escapes. */
  #string(): boolean {
    let escaped = false;
    for (;;) {
      const byte = this.#bytes[this.#position];
      if (byte === undefined) this.#fail("the file ends inside a string");
      if (byte < 0x20) this.#fail("a string holds a control character");
      this.#position++;
      if (byte === code.quote) return escaped;
      if (byte === code.backslash) {
        escaped = true;
        this.#escape();
      }
    }
  }

  #escape(): void {
    const kind = this.#bytes[this.#position];
    const digits = kind === 0x75 /* u */ ? 4 : 0;
    if (kind === undefined || (digits === 0 && !simpleEscapes.has(kind))) this.#fail("a string holds an invalid escape");
    this.#position++;
    for (let index = 0; index < digits; index++, this.#position++) {
      if (!isHexadecimal(this.#bytes[this.#position])) this.#fail("four hexadecimal digits are expected after \\u");
    }
  }

  #number(): void {
    this.#take(code.minus);
    if (!this.#take(code.zero)) this.#digits();
    if (this.#take(code.dot)) this.#digits();
    if (this.#take(0x65 /* e */) || this.#take(0x45 /* E */)) {
      if (!this.#take(code.plus)) this.#take(code.minus);
      this.#digits();
    }
  }

  #digits(): void {
    if (!isDigit(this.#bytes[this.#position])) this.#fail("a digit is expected");
    while (isDigit(this.#bytes[this.#position])) this.#position++;
  }

  #literal(): void {
    for (const word of literals) {
      if (this.#bytes.compare(word, 0, word.length, this.#position, Math.min(this.#position + word.length, this.#bytes.length)) === 0) {
        this.#position += word.length;
        return;
      }
    }
    this.#fail("a JSON value is expected");
  }

  #space(): void {
    for (;;) {
      const byte = this.#bytes[this.#position];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#position++;
    }
  }

  #take(byte: number): boolean {
    if (this.#bytes[this.#position] !== byte) return false;
    this.#position++;
    return true;
  }

  #expect(byte: number, name: string): void {
    if (!this.#take(byte)) this.#fail(`${name} is expected`);
  }

  #fail(problem: string, limit?: number): never {
    const { file, offset } = this.#source;
    const full = this.#position >= this.#bytes.length && limit === undefined ? `the JSON ends too early: ${problem}` : problem;
    throw new InvalidFileError({ file, problem: full, offset: offset + this.#position, ...(limit === undefined ? {} : { limit }) });
  }

  #failAtPlace(problem: string): never {
    throw new InvalidFileError({ file: this.#source.file, problem, pointer: jsonPointer(this.#frames.map((frame) => frame.place)) });
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isHexadecimal(byte: number | undefined): boolean {
  return isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
