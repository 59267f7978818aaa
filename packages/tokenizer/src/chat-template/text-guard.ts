import { LimitExceededError } from "@polywen/tensor";
import type { AddedTokenMatcher } from "../added-token-matcher.ts";
import type { TextSegment } from "../tokenizer.ts";

const privateUse: RegExp = /[\uE000-\uF8FF]|[\u{F0000}-\u{FFFFD}]|[\u{100000}-\u{10FFFD}]/gu;
const privateUseRanges: readonly (readonly [number, number])[] = [
  [0xe000, 0xf8ff],
  [0xf0000, 0xffffd],
  [0x100000, 0x10fffd],
];

/**
 * Carries text through a template so that it cannot become added tokens afterwards. Wherever a token starts in the text, its first character
 * is replaced by a stand-in from the private use area, which the template passes on like any other character; afterwards the character
 * comes back as untrusted text. A token that the end of the text cuts short counts too, because a template may join texts. All other
 * text goes through unchanged, so that templates can compare, split and trim it as ever.
 */
export class TextGuard {
  readonly #standIns: Map<string, string> = new Map();
  readonly #characters: Map<string, string> = new Map();
  readonly #free: Generator<string>;

  /** `everything` is all text that may come together in the rendering: characters in it are no stand-ins. */
  constructor(everything: string) {
    this.#free = unusedCharacters(new Set(everything.match(privateUse)));
  }

  /** `text` with stand-ins where the tokens of `matcher` start. */
  protect(text: string, matcher: AddedTokenMatcher): string {
    let result = "";
    let done = 0;
    for (const start of matcher.starts(text)) {
      const character = String.fromCodePoint(text.codePointAt(start) as number);
      result += text.slice(done, start) + this.#standIn(character);
      done = start + character.length;
    }
    return result + text.slice(done);
  }

  /** Rendered text with the characters back in their places. */
  restore(rendered: string): TextSegment[] {
    const segments: TextSegment[] = [];
    let done = 0;
    const push = (text: string, trusted: boolean): void => {
      if (text !== "") segments.push({ text, trusted });
    };
    for (const match of rendered.matchAll(privateUse)) {
      const character = this.#characters.get(match[0]);
      if (character === undefined) continue;
      push(rendered.slice(done, match.index), true);
      push(character, false);
      done = match.index + match[0].length;
    }
    push(rendered.slice(done), true);
    return segments;
  }

  #standIn(character: string): string {
    const known = this.#standIns.get(character);
    if (known !== undefined) return known;
    const next = this.#free.next();
    if (next.done === true) throw new LimitExceededError({ what: "the number of different private use characters", limit: 137_468, received: 137_469 });
    this.#standIns.set(character, next.value);
    this.#characters.set(next.value, character);
    return next.value;
  }
}

function* unusedCharacters(used: ReadonlySet<string>): Generator<string> {
  for (const [first, last] of privateUseRanges) {
    for (let code = first; code <= last; code += 1) {
      const character = String.fromCodePoint(code);
      if (!used.has(character)) yield character;
    }
  }
}
