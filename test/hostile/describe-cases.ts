import { describe, test } from "vitest";
import { expectOutcome } from "./expect-outcome.ts";
import type { HostileCase } from "./hostile-case.ts";
import { runCase } from "./run-case.ts";

/** A test for each case, one after the other; test files run side by side. The clock may be unlucky once. */
export function describeCases(groups: Readonly<Record<string, readonly HostileCase[]>>): void {
  describe.each(Object.entries(groups))("bad input: %s", (_group, cases) => {
    test.each(cases.map((hostileCase) => [hostileCase.id, hostileCase.input, hostileCase] as const))(
      "%s %s",
      { timeout: 150_000, retry: 1 },
      async (_id, _input, hostileCase) => expectOutcome(hostileCase, await runCase(hostileCase)),
    );
  });
}
