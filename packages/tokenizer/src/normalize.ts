import { LimitExceededError } from "@polywen/tensor";
import type { NormalizationForm } from "./tokenizer-definition.ts";

/**
 * Most combining marks in a row. Putting them into canonical order takes the engine quadratic time (200,000 of them 12 s); Unicode's own
 * stream-safe format allows 30.
 */
export const combiningMarkLimit: number = 1024;

// Bounded on both sides: a pattern without an upper bound could overflow the matcher's stack, one with a high lower bound is slow.
const runOfMarks: RegExp = new RegExp(String.raw`\p{M}{32,${combiningMarkLimit + 1}}`, "gu");
const loneSurrogate: RegExp = /\p{Surrogate}/gu;

/** Text with U+FFFD in place of every surrogate that has no partner: what UTF-8 can hold. */
export function toWellFormed(text: string): string {
  return text.replace(loneSurrogate, "\uFFFD");
}

/** Applies the forms in order. Throws LimitExceededError for more than `combiningMarkLimit` combining marks in a row. */
export function normalize(text: string, forms: readonly NormalizationForm[]): string {
  if (forms.length === 0 || isAscii(text)) return text;
  for (const [run] of text.matchAll(runOfMarks)) {
    const received = Array.from(run).length;
    if (received > combiningMarkLimit) {
      throw new LimitExceededError({ what: "a run of combining marks", limit: combiningMarkLimit, received, unit: "or more characters" });
    }
  }
  return forms.reduce((result, form) => result.normalize(form), text);
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 127) return false;
  return true;
}
