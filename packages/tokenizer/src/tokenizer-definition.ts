import type { PairTable } from "./pair-table.ts";
import type { Vocabulary } from "./vocabulary.ts";

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

/** One change to text before it is split into words. `prepend` leaves empty text empty. */
export type NormalizationStep =
  | { readonly type: "unicode"; readonly form: NormalizationForm }
  | { readonly type: "lowercase" }
  | { readonly type: "strip"; readonly left: boolean; readonly right: boolean }
  | { readonly type: "replace"; readonly from: string; readonly to: string }
  | { readonly type: "collapse-spaces" }
  | { readonly type: "prepend"; readonly text: string };

/** What becomes of the matches of a split; the names are those of Hugging Face `tokenizers`. */
export type SplitBehavior = "Removed" | "Isolated" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";

/** Where words begin and end; a pattern is an object of its own with the flags `gu`. */
export type WordStep =
  | { readonly type: "split"; readonly pattern: RegExp; readonly behavior: SplitBehavior; readonly invert: boolean }
  /** Spaces become `replacement`, one is put before every piece or before the first if it lacks it, and words begin at it. */
  | { readonly type: "metaspace"; readonly replacement: string; readonly prepend: "always" | "first" | "never"; readonly split: boolean }
  /** Words begin at `mark`, but not after another one or after a UTF-16 unit of `joined`. */
  | { readonly type: "before"; readonly mark: string; readonly joined: ReadonlySet<number> };

/** The symbols that merging starts from: bytes of UTF-8, spelled in the byte alphabet, or characters. */
export interface SymbolScheme {
  readonly type: "bytes" | "characters";
  /** Tokens of the bytes 0 to 255 for characters without a token, if the model has byte fallback; else empty. */
  readonly byteTokens: readonly (number | undefined)[];
  /** Stands for a symbol without a token; if there is none, such symbols vanish. */
  readonly unknown: number | undefined;
  /** Unknown symbols in a row are one token. */
  readonly fuseUnknown: boolean;
  /** Ids, beyond those of tokens, of characters that are no tokens but parts of some. */
  readonly partialCharacters: ReadonlyMap<string, number>;
}

/** How tokens become text again: the byte alphabet read backwards, or replacements and byte tokens (`<0x0A>`). */
export type DecodingScheme =
  | { readonly type: "bytes" }
  | {
      readonly type: "characters";
      readonly replacements: readonly { readonly from: string; readonly to: string }[];
      readonly byteFallback: boolean;
      /** Added tokens are literal text, to which replacements do not apply. */
      readonly literalAddedTokens: boolean;
      /** Spaces that the first token of a text loses: none, one, or all (also those inside it). */
      readonly leadingSpaces: "kept" | "one" | "all";
    };

/** Names of the tokens that a configuration gives a role. */
export interface SpecialTokens {
  readonly beginOfSequence?: string;
  readonly endOfSequence?: string;
  readonly padding?: string;
  readonly unknown?: string;
}

/** All that a BPE tokenizer consists of, checked. */
export interface TokenizerDefinition {
  /** Tokens of the model with their ids, written in the byte alphabet if the symbols are bytes. */
  readonly vocabulary: Vocabulary;
  readonly symbols: SymbolScheme;
  /** Rules by the pair of ids they join. Lower ranks go first; rules may share a rank. */
  readonly merges: PairTable;
  /** A word that is in the vocabulary is taken whole, whatever the merges say. */
  readonly ignoreMerges: boolean;
  readonly addedTokens: readonly AddedToken[];
  readonly normalization: readonly NormalizationStep[];
  /** Applied one after the other, each to the words of the one before. */
  readonly wordSteps: readonly WordStep[];
  readonly decoding: DecodingScheme;
  /** Ids that go before and after a sequence if the caller wants them (`addSpecial`). */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  readonly specialTokens: SpecialTokens;
  /** Tokens that end a turn or a text. */
  readonly stopTokens: readonly number[];
}
