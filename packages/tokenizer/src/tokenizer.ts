import { InvalidArgumentError, LimitExceededError } from "@polywen/tensor";
import { AddedTokenMatcher, type Piece, type Range } from "./added-token-matcher.ts";
import { BytePairEncoder } from "./byte-pair-encoder.ts";
import type { GgufMetadata } from "./gguf/gguf-description.ts";
import { parseGgufTokenizer } from "./gguf/parse-gguf-tokenizer.ts";
import { normalize, toWellFormed } from "./normalize.ts";
import { parseTokenizerFiles, type TokenizerFiles } from "./tokenizer-files.ts";
import { spelledBytes } from "./spelled-bytes.ts";
import { splitWords } from "./split-words.ts";
import type { AddedToken, NormalizationStep, SpecialTokens, TokenizerDefinition } from "./tokenizer-definition.ts";

/** A stretch of a prompt. Only trusted text can become added tokens. */
export interface TextSegment {
  readonly text: string;
  readonly trusted: boolean;
}

/** Longest text in UTF-16 units that one call encodes. */
export const textLimit: number = 2 ** 25;

const noBytes: Uint8Array = new Uint8Array(0);
const spaceByte = 0x20;

/**
 * BPE over bytes, as Qwen2, Llama 3 and GPT-2 use it, or over characters, as Llama 2 does. `decode(encode(text))` is the normalised text
 * (over characters: as far as the model has tokens for them); a surrogate without a partner counts as U+FFFD.
 */
export class Tokenizer {
  /** Names of the tokens that `tokenizer_config.json` gives a role. */
  readonly specialTokens: SpecialTokens;
  /** All added tokens, by ascending id. */
  readonly addedTokens: readonly AddedToken[];
  /** What is done to text before it is split into words. */
  readonly normalization: readonly NormalizationStep[];
  /** Ids that end a turn or a text, by ascending id; empty if the files do not tell. */
  readonly stopTokens: readonly number[];
  /** Greatest id plus one. The embedding table of a model may have more rows. */
  readonly vocabularySize: number;
  readonly #definition: TokenizerDefinition;
  readonly #encoder: BytePairEncoder;
  readonly #rawMatcher: AddedTokenMatcher;
  readonly #normalizedMatcher: AddedTokenMatcher;
  readonly #addedByContent: ReadonlyMap<string, AddedToken>;
  readonly #addedById: ReadonlyMap<number, AddedToken>;
  readonly #bytes: (Uint8Array | undefined)[] = [];

  constructor(definition: TokenizerDefinition) {
    const { addedTokens } = definition;
    this.#definition = definition;
    this.specialTokens = definition.specialTokens;
    this.addedTokens = addedTokens;
    this.normalization = definition.normalization;
    this.stopTokens = definition.stopTokens;
    this.#encoder = new BytePairEncoder(definition);
    this.#rawMatcher = new AddedTokenMatcher(addedTokens.filter((token) => !token.normalized));
    this.#normalizedMatcher = new AddedTokenMatcher(
      addedTokens.filter((token) => token.normalized),
      (token) => normalize(token.content, definition.normalization),
    );
    this.#addedByContent = new Map(addedTokens.map((token) => [token.content, token]));
    this.#addedById = new Map(addedTokens.map((token) => [token.id, token]));
    this.vocabularySize = addedTokens.reduce((size, { id }) => Math.max(size, id + 1), definition.vocabulary.size);
  }

  /** Builds a tokenizer from the files of a checkpoint. Throws InvalidFileError (file and JSON pointer) or UnsupportedError. */
  static fromFiles(files: TokenizerFiles): Tokenizer {
    return new Tokenizer(parseTokenizerFiles(files));
  }

  /**
   * Builds a tokenizer from the metadata of a GGUF file (`tokenizer.ggml.…`), for the models `gpt2` and `llama`; `file` names it in errors.
   * Throws InvalidFileError (file and key) or UnsupportedError.
   */
  static fromGguf(metadata: GgufMetadata, file: string): Tokenizer {
    return new Tokenizer(parseGgufTokenizer(metadata, file));
  }

  /**
   * The ids of `text`. Added tokens that are special (`<|im_end|>`, `<|image_pad|>`) are plain text unless `special` is true; other added
   * tokens (`<think>`) are found in any case. `addSpecial` puts the tokens around it that the tokenizer's post-processor prescribes,
   * a begin-of-sequence token for instance. Both default to false.
   *
   * Throws InvalidArgumentError for what is not a string, LimitExceededError for a text, a word or a run of combining marks that is too
   * long (`textLimit`, `wordByteLimit`, `combiningMarkLimit`).
   */
  encode(text: string, options: { special?: boolean; addSpecial?: boolean } = {}): number[] {
    const { special = false, addSpecial = false } = options;
    const wellFormed = checkedText(text);
    const output = addSpecial ? [...this.#definition.prefix] : [];
    this.#encodeText(wellFormed, [[0, wellFormed.length]], special, output);
    if (addSpecial) output.push(...this.#definition.suffix);
    return output;
  }

  /**
   * The ids of the joined text, as if it were encoded at once with `special: true`, except that no added token is found that touches
   * untrusted text. Word boundaries do not depend on how the text is cut into segments.
   */
  encodeSegments(segments: readonly TextSegment[]): number[] {
    const ranges: [number, number][] = [];
    let length = 0;
    for (const { text, trusted } of segments) {
      const start = length;
      length += text.length;
      const last = ranges.at(-1);
      if (!trusted || text === "") continue;
      if (last?.[1] === start) last[1] = length;
      else ranges.push([start, length]);
    }
    const output: number[] = [];
    this.#encodeText(checkedText(segments.map((segment) => segment.text).join("")), ranges, true, output);
    return output;
  }

  /**
   * The text of `ids`; bytes that are not UTF-8 become U+FFFD. `skipSpecial` (default false) leaves special added tokens out.
   * Ids that no token has, such as padding rows of an embedding table, give nothing.
   */
  decode(ids: Iterable<number>, options: { skipSpecial?: boolean } = {}): string {
    let empty = true;
    const parts = Array.from(ids, (id) => {
      const bytes = empty ? this.firstTokenBytes(id, options) : this.tokenBytes(id, options);
      if (empty) empty = this.tokenBytes(id, options).length === 0;
      return bytes;
    });
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.concat(parts));
  }

  /** The UTF-8 bytes that `id` stands for; often only a part of a character. Options as for `decode`. Not to be changed. */
  tokenBytes(id: number, options: { skipSpecial?: boolean } = {}): Uint8Array {
    if (!Number.isSafeInteger(id) || id < 0) throw new InvalidArgumentError({ argument: "id", expected: "a token id", received: id });
    const added = this.#addedById.get(id);
    if (options.skipSpecial === true && added?.special === true) return noBytes;
    const known = this.#bytes[id];
    const token = known === undefined ? this.idToToken(id) : undefined;
    if (token === undefined) return known ?? noBytes;
    return (this.#bytes[id] = spelledBytes(token, added !== undefined, this.#definition.decoding));
  }

  /**
   * `tokenBytes` for the first token of a text that is not empty: models that put a space before every text (Llama 2) take it away here.
   */
  firstTokenBytes(id: number, options: { skipSpecial?: boolean } = {}): Uint8Array {
    const bytes = this.tokenBytes(id, options);
    const { decoding } = this.#definition;
    if (decoding.type === "bytes" || decoding.leadingSpaces === "kept") return bytes;
    if (decoding.leadingSpaces === "one") return bytes[0] === spaceByte ? bytes.subarray(1) : bytes;
    return bytes.filter((byte) => byte !== spaceByte);
  }

  /** The id of a token, spelled as in the file (byte alphabet, or the content of an added token). */
  tokenToId(token: string): number | undefined {
    return this.#addedByContent.get(token)?.id ?? this.#definition.vocabulary.get(token);
  }

  /** A token as the file spells it. */
  idToToken(id: number): string | undefined {
    return this.#addedById.get(id)?.content ?? this.#definition.vocabulary.textOf(id);
  }

  #encodeText(text: string, ranges: readonly Range[], special: boolean, output: number[]): void {
    const needsTrust = !this.#normalizedMatcher.isEmpty;
    const covers = (start: number, end: number): boolean => ranges.some((range) => range[0] <= start && end <= range[1]);
    for (const piece of this.#rawMatcher.split(text, ranges, special)) {
      if ("id" in piece) output.push(piece.id);
      else this.#encodeNormalized(piece.text, piece.start === 0, needsTrust && covers(piece.start, piece.start + piece.text.length), special, output);
    }
  }

  /** Normalising moves characters, so that a piece is either trusted as a whole or not at all. */
  #encodeNormalized(text: string, atStart: boolean, trusted: boolean, special: boolean, output: number[]): void {
    const { wordSteps } = this.#definition;
    const normalized = normalize(text, this.normalization);
    const visit = (word: string): void => this.#encoder.encode(word, output);
    const pieces: Piece[] = this.#normalizedMatcher.split(normalized, trusted ? [[0, normalized.length]] : [], special);
    for (const piece of pieces) {
      if ("id" in piece) output.push(piece.id);
      else splitWords(piece.text, wordSteps, atStart && piece.start === 0, visit);
    }
  }
}

function checkedText(text: string): string {
  if (typeof text !== "string") throw new InvalidArgumentError({ argument: "text", expected: "a string", received: text });
  if (text.length > textLimit) throw new LimitExceededError({ what: "the text", limit: textLimit, received: text.length, unit: "characters" });
  return toWellFormed(text);
}
