export { IncrementalDecoder } from "./incremental-decoder.ts";
export { wordByteLimit } from "./byte-pair-encoder.ts";
export { combiningMarkLimit } from "./normalize.ts";
export { vocabularyLimit } from "./parse-tokenizer-file.ts";
export { textLimit, Tokenizer, type TextSegment } from "./tokenizer.ts";
export type { AddedToken, NormalizationForm, SpecialTokens, TokenizerDefinition } from "./tokenizer-definition.ts";
export type { TokenizerFiles } from "./tokenizer-files.ts";
