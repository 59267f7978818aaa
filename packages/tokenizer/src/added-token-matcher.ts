import type { AddedToken } from "./tokenizer-definition.ts";

/** A part of a text: an added token, or text between added tokens with the place where it starts. */
export type Piece = { readonly id: number } | { readonly text: string; readonly start: number };

/** A stretch `[start, end)` of a text. */
export type Range = readonly [start: number, end: number];

interface Node {
  readonly next: Map<number, Node>;
  token?: AddedToken;
}

const wordCharacter: RegExp = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const whiteSpace: RegExp = /^\p{White_Space}$/u;

/** Finds added tokens in text: the leftmost first, the longest where several start. */
export class AddedTokenMatcher {
  readonly #root: Node = { next: new Map() };
  readonly #onlyStart: string | undefined;
  readonly isEmpty: boolean;

  /** `spell` gives the text to look for, by default the token's content. */
  constructor(tokens: readonly AddedToken[], spell: (token: AddedToken) => string = (token) => token.content) {
    this.isEmpty = tokens.length === 0;
    for (const token of tokens) {
      let node = this.#root;
      const content = spell(token);
      for (let index = 0; index < content.length; index += 1) {
        const code = content.charCodeAt(index);
        let child = node.next.get(code);
        if (child === undefined) node.next.set(code, (child = { next: new Map() }));
        node = child;
      }
      node.token = token;
    }
    const [start, ...others] = this.#root.next.keys();
    this.#onlyStart = start === undefined || others.length > 0 ? undefined : String.fromCharCode(start);
  }

  /**
   * Cuts `text` at the tokens that lie inside one of `ranges` (ascending, not overlapping). A special token that is not wanted stays text,
   * and so does what it spans.
   */
  split(text: string, ranges: readonly Range[], special: boolean): Piece[] {
    if (this.isEmpty) return text === "" ? [] : [{ text, start: 0 }];
    const pieces: Piece[] = [];
    let done = 0;
    for (const [rangeStart, rangeEnd] of ranges) {
      for (let at = this.#nextStart(text, rangeStart); at < rangeEnd; at = this.#nextStart(text, at)) {
        const [token, end] = this.#longestAt(text, at, rangeEnd);
        if (token === undefined) {
          at += 1;
          continue;
        }
        if ((special || !token.special) && (!token.singleWord || standsAlone(text, at, end))) {
          const from = token.lstrip ? Math.max(done, spaceStart(text, at)) : at;
          if (from > done) pieces.push({ text: text.slice(done, from), start: done });
          if (at >= done) {
            pieces.push({ id: token.id });
            done = token.rstrip ? spaceEnd(text, end) : end;
          }
        }
        at = end;
      }
    }
    if (done < text.length) pieces.push({ text: text.slice(done), start: done });
    return pieces;
  }

  /** Positions in `text` where a token starts, counting tokens that the end of the text cuts short. */
  *starts(text: string): Generator<number> {
    for (let at = 0; at < text.length; at += 1) {
      let node = this.#root.next.get(text.charCodeAt(at));
      for (let index = at + 1; node !== undefined && node.token === undefined && index < text.length; index += 1) {
        node = node.next.get(text.charCodeAt(index));
      }
      if (node !== undefined) yield at;
    }
  }

  /** The first place from `at` on where a token could start. Usually all begin with the same character, which is found quickly. */
  #nextStart(text: string, at: number): number {
    if (this.#onlyStart === undefined) return at;
    const found = text.indexOf(this.#onlyStart, at);
    return found < 0 ? text.length : found;
  }

  #longestAt(text: string, at: number, limit: number): [AddedToken | undefined, number] {
    let found: AddedToken | undefined;
    let foundEnd = at;
    let node = this.#root.next.get(text.charCodeAt(at));
    for (let index = at + 1; node !== undefined; index += 1) {
      if (node.token !== undefined) {
        found = node.token;
        foundEnd = index;
      }
      node = index < limit ? node.next.get(text.charCodeAt(index)) : undefined;
    }
    return [found, foundEnd];
  }
}

function standsAlone(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - 2), start);
  const after = text.codePointAt(end);
  const last = Array.from(before).at(-1);
  return !(last !== undefined && wordCharacter.test(last)) && !(after !== undefined && wordCharacter.test(String.fromCodePoint(after)));
}

function spaceStart(text: string, end: number): number {
  let start = end;
  while (start > 0 && whiteSpace.test(text.charAt(start - 1))) start -= 1;
  return start;
}

function spaceEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && whiteSpace.test(text.charAt(end))) end += 1;
  return end;
}
