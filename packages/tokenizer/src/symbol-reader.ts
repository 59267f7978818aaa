import { byteCharacter } from "./byte-alphabet.ts";
import type { SymbolScheme, TokenizerDefinition } from "./tokenizer-definition.ts";
import type { Vocabulary } from "./vocabulary.ts";

const textEncoder = new TextEncoder();

/** Turns words into the symbols that merging starts from, and symbols that are no tokens into tokens. */
export class SymbolReader {
  readonly #vocabulary: Vocabulary;
  readonly #scheme: SymbolScheme;
  /** Ids of bytes, -1 for those that no token has. */
  readonly #byteIds: Int32Array;
  readonly #hasAllBytes: boolean;
  readonly #partial: ReadonlyMap<number, string>;

  constructor({ vocabulary, symbols }: Pick<TokenizerDefinition, "vocabulary" | "symbols">) {
    this.#vocabulary = vocabulary;
    this.#scheme = symbols;
    this.#byteIds = Int32Array.from({ length: 256 }, (_, byte) => vocabulary.get(byteCharacter(byte)) ?? -1);
    this.#hasAllBytes = !this.#byteIds.includes(-1);
    this.#partial = new Map(Array.from(symbols.partialCharacters, ([character, id]) => [id, character]));
  }

  /** Ids of the symbols of `word`. */
  read(word: string): Int32Array {
    return this.#scheme.type === "bytes" ? this.#readBytes(textEncoder.encode(word)) : this.#readCharacters(word);
  }

  /** Appends the tokens of a symbol that merging left over. */
  write(symbol: number, output: number[]): void {
    const character = this.#partial.get(symbol);
    if (character === undefined) output.push(symbol);
    else if (!this.#pushBytes(character, output)) this.#pushUnknown(output);
  }

  #readBytes(bytes: Uint8Array): Int32Array {
    const ids = new Int32Array(bytes.length);
    for (let index = 0; index < bytes.length; index += 1) ids[index] = this.#byteIds[bytes[index] as number] as number;
    if (this.#hasAllBytes || !ids.includes(-1)) return ids;
    const { unknown, fuseUnknown } = this.#scheme;
    const known: number[] = [];
    ids.forEach((id, index) => {
      if (id !== -1) known.push(id);
      else if (unknown !== undefined && !(fuseUnknown && ids[index - 1] === -1)) known.push(unknown);
    });
    return Int32Array.from(known);
  }

  /** In the order of Hugging Face: an unknown character is written when the next known one comes, after the bytes of those in between. */
  #readCharacters(word: string): Int32Array {
    const { unknown, fuseUnknown, partialCharacters } = this.#scheme;
    const ids: number[] = [];
    let pending = false;
    for (const character of word) {
      const id = this.#vocabulary.get(character) ?? partialCharacters.get(character);
      if (id !== undefined) {
        if (pending) ids.push(unknown as number);
        pending = false;
        ids.push(id);
      } else if (!this.#pushBytes(character, ids) && unknown !== undefined) {
        if (pending && !fuseUnknown) ids.push(unknown);
        pending = true;
      }
    }
    if (pending) ids.push(unknown as number);
    return Int32Array.from(ids);
  }

  #pushUnknown(output: number[]): void {
    const { unknown, fuseUnknown } = this.#scheme;
    if (unknown !== undefined && !(fuseUnknown && output.at(-1) === unknown)) output.push(unknown);
  }

  /** Byte tokens for a character, all or none. */
  #pushBytes(character: string, output: number[]): boolean {
    const { byteTokens } = this.#scheme;
    if (byteTokens.length === 0) return false;
    const bytes = textEncoder.encode(character);
    if (bytes.some((byte) => byteTokens[byte] === undefined)) return false;
    for (const byte of bytes) output.push(byteTokens[byte] as number);
    return true;
  }
}
