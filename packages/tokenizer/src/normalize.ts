import { LimitExceededError } from "@polywen/tensor";
import type { NormalizationForm, NormalizationStep } from "./tokenizer-definition.ts";

/**
 * Most combining marks in a row. Putting them into canonical order takes the engine quadratic time (200,000 of them 12 s); Unicode's own
 * stream-safe format allows 30.
 */
export const combiningMarkLimit: number = 1024;

/** Longest normalised text in UTF-16 units: replacements may make text longer. */
const normalizedLimit: number = 2 ** 26;

// Bounded on both sides: a pattern without an upper bound could overflow the matcher's stack, one with a high lower bound is slow.
const runOfMarks: RegExp = new RegExp(String.raw`\p{M}{32,${combiningMarkLimit + 1}}`, "gu");
const loneSurrogate: RegExp = /\p{Surrogate}/gu;
const whiteSpace: RegExp = /^\p{White_Space}$/u;

/** Text with U+FFFD in place of every surrogate that has no partner: what UTF-8 can hold. */
export function toWellFormed(text: string): string {
  return text.replace(loneSurrogate, "\uFFFD");
}

/** Applies the steps in order. Throws LimitExceededError for more than `combiningMarkLimit` combining marks in a row. */
export function normalize(text: string, steps: readonly NormalizationStep[]): string {
  return steps.reduce(applyStep, text);
}

function applyStep(text: string, step: NormalizationStep): string {
  switch (step.type) {
    case "unicode":
      return normalizeUnicode(text, step.form);
    case "lowercase":
      // One character at a time: a final sigma is nothing special to the tokenizers that were trained.
      return Array.from(text, (character) => character.toLowerCase()).join("");
    case "strip":
      return stripSpace(text, step.left, step.right);
    case "replace":
      return replaceText(text, step.from, step.to);
    case "collapse-spaces":
      return text.replace(/ {2,}/g, " ").replace(/^ /, "").replace(/ $/, "");
    case "prepend":
      return text === "" ? text : checkedLength(step.text.length + text.length) && step.text + text;
  }
}

function normalizeUnicode(text: string, form: NormalizationForm): string {
  if (isAscii(text)) return text;
  for (const [run] of text.matchAll(runOfMarks)) {
    const received = Array.from(run).length;
    if (received > combiningMarkLimit) {
      throw new LimitExceededError({ what: "a run of combining marks", limit: combiningMarkLimit, received, unit: "or more characters" });
    }
  }
  return text.normalize(form);
}

function stripSpace(text: string, left: boolean, right: boolean): string {
  let start = 0;
  let end = text.length;
  // White space is in the basic plane: one unit a character.
  while (left && start < end && whiteSpace.test(text.charAt(start))) start += 1;
  while (right && end > start && whiteSpace.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function replaceText(text: string, from: string, to: string): string {
  const growth = to.length - from.length;
  if (growth > 0) {
    let length = text.length;
    for (let at = text.indexOf(from); at >= 0; at = text.indexOf(from, at + from.length)) length += growth;
    checkedLength(length);
  }
  return text.replaceAll(from, () => to);
}

function checkedLength(received: number): true {
  if (received <= normalizedLimit) return true;
  throw new LimitExceededError({ what: "the normalised text", limit: normalizedLimit, received, unit: "characters" });
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 127) return false;
  return true;
}
