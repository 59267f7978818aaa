/**
 * Patterns of published tokenizers, as Oniguruma spells them, and the same in JavaScript. There is no general translation on purpose:
 * an unknown pattern from a file could take exponential time, and none of the linear-time engines knows the look-ahead `(?!\S)` that
 * nearly all of these end with. Differences to mind: `\s` of JavaScript has U+FEFF and lacks U+0085; `(?i:'s)` also matches U+017F.
 */
const contractions = String.raw`'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]`;
const space = String.raw`\p{White_Space}`;
const trailing: string = String.raw`${space}+(?!\P{White_Space})|${space}+`;
const punctuation: string = String.raw` ?[^${space}\p{L}\p{N}]+`;
const modernTail: string = String.raw`${punctuation}[\r\n]*|${space}*[\r\n]+|${trailing}`;

/** GPT-2, also what `ByteLevel` does by itself (`use_regex`). */
export const gpt2Pattern: string = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** Qwen2, Qwen2.5 and Qwen3: every digit is a word. */
export const qwen2Pattern: string = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** Llama 3: digits in threes. */
export const llama3Pattern: string = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** Qwen3.5: as Qwen2, but combining marks belong to letters. */
export const qwen35Pattern: string = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

const upper: string = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const lower: string = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const anyContraction: string = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
const caseStart: string = String.raw`[^\r\n\p{L}\p{N}]?`;
const caseTail: string = String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** GPT-4o and Llama 4 (`o200k`): words begin at capitals. */
export const o200kPattern: string = `${caseStart}${upper}*${lower}+${anyContraction}|${caseStart}${upper}+${lower}*${anyContraction}|${String.raw`\p{N}{1,3}`}|${caseTail}`;

/** Mistral's Tekken: as GPT-4o, without contractions, every digit a word. */
export const tekkenPattern: string = `${caseStart}${upper}*${lower}+|${caseStart}${upper}+${lower}*|${String.raw`\p{N}`}|${caseTail}`;

/** The last step of DeepSeek-V3. */
export const deepseekV3Pattern: string =
  "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";

const translations: ReadonlyMap<string, string> = new Map([
  [gpt2Pattern, String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+|${punctuation}|${trailing}`],
  [qwen2Pattern, String.raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|${modernTail}`],
  [qwen35Pattern, String.raw`${contractions}|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^${space}\p{L}\p{M}\p{N}]+[\r\n]*|${space}*[\r\n]+|${trailing}`],
  [o200kPattern, String.raw`${caseStart}${upper}*${lower}+(?:${contractions})?|${caseStart}${upper}+${lower}*(?:${contractions})?|\p{N}{1,3}|${punctuation}[\r\n/]*|${space}*[\r\n]+|${trailing}`],
  [tekkenPattern, String.raw`${caseStart}${upper}*${lower}+|${caseStart}${upper}+${lower}*|\p{N}|${punctuation}[\r\n/]*|${space}*[\r\n]+|${trailing}`],
  [deepseekV3Pattern, String.raw`[!"#$%&'()*+,\-.\/:;<=>?@\[\\\]^_\x60\{\|\}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${space}*[\r\n]+|${trailing}`],
  [llama3Pattern, String.raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|${modernTail}`],
]);

/** A new RegExp for a known Oniguruma pattern, or `undefined`. */
export function translateWordPattern(pattern: string): RegExp | undefined {
  const translation = translations.get(pattern);
  return translation === undefined ? undefined : new RegExp(translation, "gu");
}
