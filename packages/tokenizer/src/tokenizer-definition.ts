/** A token that is found as literal text before the text around it is split into words. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** A control token such as `<|im_end|>`: never made from untrusted text, left out by `decode` with `skipSpecial`. */
  readonly special: boolean;
  /** Absorbs the white space before it. */
  readonly lstrip: boolean;
  /** Absorbs the white space after it. */
  readonly rstrip: boolean;
  /** Is not found inside a word. */
  readonly singleWord: boolean;
  /** Is looked for in the normalised text instead of the raw text. */
  readonly normalized: boolean;
}

/** A Unicode normalisation form as `String.prototype.normalize` names it. */
export type NormalizationForm = "NFC" | "NFD" | "NFKC" | "NFKD";

/** Names of the tokens that a configuration gives a role. */
export interface SpecialTokens {
  readonly beginOfSequence?: string;
  readonly endOfSequence?: string;
  readonly padding?: string;
  readonly unknown?: string;
}

/** All that a byte-level BPE tokenizer consists of, checked. */
export interface TokenizerDefinition {
  /** Tokens of the model, written in the byte alphabet, with their ids. Holds all 256 bytes. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** `[left, right, result]` ids, the most important rule first. */
  readonly merges: readonly (readonly [number, number, number])[];
  /** A word that is in the vocabulary is taken whole, whatever the merges say. */
  readonly ignoreMerges: boolean;
  readonly addedTokens: readonly AddedToken[];
  readonly normalization: readonly NormalizationForm[];
  /** Patterns that cut text into words, applied one after the other; each is a RegExp object of its own with the flags `gu`. */
  readonly wordPatterns: readonly RegExp[];
  /** Ids that go before and after a sequence if the caller wants them (`addSpecial`). */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  readonly specialTokens: SpecialTokens;
}
