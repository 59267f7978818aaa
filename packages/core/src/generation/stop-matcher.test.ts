import fc from "fast-check";
import { expect, test } from "vitest";
import { StopMatcher } from "./stop-matcher.ts";

/** What a matcher that saw the whole text at once would show. */
function expected(text: string, stops: readonly string[]): string {
  const ends = stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}

test("however a text is cut, the shown part ends at the first stop string", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "\n", "é"), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\n", "é"), maxLength: 5 })), fc.array(word, { maxLength: 3 }), (pieces, stops) => {
      const matcher = new StopMatcher(stops);
      let shown = "";
      let stopped = false;
      let seen = "";
      for (const piece of pieces) {
        seen += piece;
        const result = matcher.push(piece);
        shown += result.text;
        stopped = result.stopped;
        if (stopped) break;
      }
      if (!stopped) shown += matcher.flush();
      const whole = expected(seen, stops);
      // A stop that appears earlier in the text may complete later than another: what was shown is never more than the text before it.
      expect(stopped ? seen.startsWith(shown) && stops.some((stop) => seen.slice(shown.length).startsWith(stop)) : shown === whole).toBe(true);
      expect(stopped).toBe(stops.some((stop) => seen.includes(stop)));
    }),
  );
});

test("bad stop lists are refused", () => {
  for (const stops of ["text" as unknown as string[], [""], ["x".repeat(2000)], Array.from({ length: 65 }, () => "x")]) {
    expect(() => new StopMatcher(stops)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  }
});
