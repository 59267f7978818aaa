import { describe, expect, test } from "vitest";
import { keptInputs } from "./corpus.ts";
import { fuzzTargets } from "./fuzz-targets.ts";
import { createFuzzer } from "./fuzzer.ts";

/** Enough to see that a target works; `README.md beside this file` says how to search. */
const inputs = 100;

describe.each(fuzzTargets.map((target) => [target.name, target] as const))("foreign bytes: %s", (name, target) => {
  test("good files open, kept inputs and changed ones end with a result or a typed error", { timeout: 120_000 }, async () => {
    const kept = keptInputs(name);
    const fuzzer = await createFuzzer(target, 7, [...kept.values()]);
    try {
      for (const seed of target.seeds()) expect((await fuzzer.try(seed))?.problem).toBeUndefined();
      expect([...fuzzer.outcomes.keys()]).toEqual(["opens"]);
      for (const [file, bytes] of kept) expect((await fuzzer.try(bytes))?.problem, file).toBeUndefined();
      for (let count = 0; count < inputs; count++) {
        const finding = await fuzzer.next();
        expect(finding?.problem, finding?.bytes.toString("base64")).toBeUndefined();
      }
      // Inputs that all fail at the same check, or none, would try nothing.
      expect(fuzzer.outcomes.size).toBeGreaterThan(4);
    } finally {
      await fuzzer.close();
    }
  });
});
