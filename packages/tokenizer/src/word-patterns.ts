import { LimitExceededError } from "@polywen/tensor";

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

const translations: ReadonlyMap<string, string> = new Map([
  [gpt2Pattern, String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+|${punctuation}|${trailing}`],
  [qwen2Pattern, String.raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|${modernTail}`],
  [llama3Pattern, String.raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|${modernTail}`],
]);

/** A new RegExp for a known Oniguruma pattern, or `undefined`. */
export function translateWordPattern(pattern: string): RegExp | undefined {
  const translation = translations.get(pattern);
  return translation === undefined ? undefined : new RegExp(translation, "gu");
}

/** Calls `visit` with every word of `text`. What a pattern does not match is a word too. */
export function splitWords(text: string, patterns: readonly RegExp[], visit: (word: string) => void, stage = 0): void {
  const pattern = patterns[stage];
  if (pattern === undefined) {
    if (text !== "") visit(text);
    return;
  }
  let end = 0;
  pattern.lastIndex = 0;
  for (let match = execute(pattern, text); match !== null; match = execute(pattern, text)) {
    if (match.index > end) splitWords(text.slice(end, match.index), patterns, visit, stage + 1);
    splitWords(match[0], patterns, visit, stage + 1);
    end = pattern.lastIndex;
  }
  if (end < text.length) splitWords(text.slice(end), patterns, visit, stage + 1);
}

function execute(pattern: RegExp, text: string): RegExpExecArray | null {
  const start = pattern.lastIndex;
  try {
    return pattern.exec(text);
  } catch (cause) {
    // V8 gives the matcher a fixed stack, which a word of some millions of characters overflows.
    const what = "the longest run of characters without a word boundary";
    throw new LimitExceededError({ what, limit: 2 ** 21, received: text.length - start, unit: "characters" }, { cause });
  }
}
