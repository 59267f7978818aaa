import { LimitExceededError } from "@polywen/tensor";
import type { SplitBehavior, WordStep } from "./tokenizer-definition.ts";

type Visit = (word: string) => void;

/** A stretch of text, and whether the pattern matched it. */
interface Stretch {
  start: number;
  end: number;
  match: boolean;
}

/** Calls `visit` with every word of `text`. `atStart`: the text is the beginning of all there is. */
export function splitWords(text: string, steps: readonly WordStep[], atStart: boolean, visit: Visit, stage = 0): void {
  const step = steps[stage];
  if (step === undefined) {
    if (text !== "") visit(text);
    return;
  }
  let first = atStart;
  const next = (word: string): void => {
    splitWords(word, steps, first, visit, stage + 1);
    first = false;
  };
  if (step.type === "metaspace") splitAtSpaces(text, step, atStart, next);
  else if (step.type === "before") splitBefore(text, step.mark, step.joined, next);
  else if (step.behavior === "Isolated") splitIsolated(text, step.pattern, stage + 1 === steps.length ? visit : next);
  else for (const { start, end } of behave(stretches(text, step.pattern, step.invert), step.behavior)) next(text.slice(start, end));
}

/** The usual case, without objects in between. What a pattern does not match is a word too. */
function splitIsolated(text: string, pattern: RegExp, next: Visit): void {
  let end = 0;
  pattern.lastIndex = 0;
  for (let match = execute(pattern, text); match !== null; match = execute(pattern, text)) {
    const { index } = match;
    if (index > end) next(text.slice(end, index));
    if (match[0] !== "") next(match[0]);
    end = index + match[0].length;
    if (match[0] === "") pattern.lastIndex = end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1);
  }
  if (end < text.length) next(text.slice(end));
}

function stretches(text: string, pattern: RegExp, invert: boolean): Stretch[] {
  const found: Stretch[] = [];
  let done = 0;
  pattern.lastIndex = 0;
  for (let match = execute(pattern, text); match !== null; match = execute(pattern, text)) {
    if (match[0] === "") pattern.lastIndex += 1;
    if (match.index > done) found.push({ start: done, end: match.index, match: invert });
    done = match.index + match[0].length;
    if (match[0] !== "") found.push({ start: match.index, end: done, match: !invert });
  }
  if (done < text.length) found.push({ start: done, end: text.length, match: invert });
  return found;
}

function behave(found: readonly Stretch[], behavior: SplitBehavior): readonly Stretch[] {
  if (behavior === "Isolated") return found;
  if (behavior === "Removed") return found.filter(({ match }) => !match);
  const words: Stretch[] = [];
  const joins = (left: Stretch, right: Stretch): boolean => {
    if (behavior === "Contiguous") return left.match === right.match;
    return behavior === "MergedWithPrevious" ? right.match && !left.match : left.match && !right.match;
  };
  found.forEach((stretch, index) => {
    const before = found[index - 1];
    const last = words.at(-1);
    if (before !== undefined && last !== undefined && joins(before, stretch)) last.end = stretch.end;
    else words.push({ ...stretch });
  });
  return words;
}

function splitAtSpaces(text: string, step: Extract<WordStep, { type: "metaspace" }>, atStart: boolean, next: Visit): void {
  const { replacement, prepend, split } = step;
  if (text === "") return;
  const marked = text.replaceAll(" ", replacement);
  const lacksMark = (prepend === "always" || (prepend === "first" && atStart)) && !marked.startsWith(replacement);
  const whole = lacksMark ? replacement + marked : marked;
  if (!split) return next(whole);
  let start = 0;
  for (let at = whole.indexOf(replacement, 1); at >= 0; at = whole.indexOf(replacement, at + 1)) {
    next(whole.slice(start, at));
    start = at;
  }
  next(whole.slice(start));
}

function splitBefore(text: string, mark: string, joined: ReadonlySet<number>, next: Visit): void {
  const code = mark.charCodeAt(0);
  let start = 0;
  for (let at = text.indexOf(mark, 1); at >= 0; at = text.indexOf(mark, at + 1)) {
    const before = text.charCodeAt(at - 1);
    if (before === code || joined.has(before)) continue;
    next(text.slice(start, at));
    start = at;
  }
  next(text.slice(start));
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
