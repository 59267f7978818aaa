import { basename } from "node:path";
import { expect } from "vitest";
import { memoryLimit, timeLimit, type HostileCase, type Outcome } from "./hostile-case.ts";
import type { AttemptReport, FinishedCase } from "./run-case.ts";

/** Holds a finished case against its row: outcome, place, time and memory. A busy machine has as much more time as it is slower. */
export function expectOutcome(hostileCase: HostileCase, { attempts, growth, slowness, bytesOfFiles }: FinishedCase): void {
  expect(attempts.length, "calls").toBeGreaterThan(0);
  for (const attempt of attempts) {
    expect(attempt.untyped, "an error that is not typed").toBeUndefined();
    if (hostileCase.outcome.kind === "error") expectError(hostileCase.outcome, attempt, bytesOfFiles);
    else expectResult(hostileCase.outcome, attempt);
    expect(attempt.milliseconds, "milliseconds").toBeLessThan(timeLimit * slowness);
  }
  expect(growth, "growth of memory").toBeLessThan(memoryLimit(bytesOfFiles));
}

function expectResult(outcome: Exclude<Outcome, { kind: "error" }>, { error, result }: AttemptReport): void {
  expect(error).toBeUndefined();
  if (outcome.kind === "warning") expect(result?.warnings?.join("\n")).toContain(outcome.says);
  else if (outcome.facts !== undefined) expect(result?.facts).toMatchObject(outcome.facts);
}

function expectError(outcome: Extract<Outcome, { kind: "error" }>, { error, result }: AttemptReport, bytesOfFiles: number): void {
  expect(result, "a result").toBeUndefined();
  const { code, message = "", hint = "", facts = {} } = error ?? {};
  expect(code, message).toBe(outcome.code);
  if (outcome.says !== undefined) expect(`${message} ${hint}`).toContain(outcome.says);
  // UNSUPPORTED names the file in its message only.
  if (outcome.file !== undefined) expect(basename(String(facts["file"] ?? message))).toContain(outcome.file);
  if (outcome.code !== "FILE_INVALID") return;
  expect(outcome.place, "the row must say where the fault is").toBeDefined();
  expect(outcome.file, "the row must say in which file the fault is").toBeDefined();
  const place = { offset: facts["offset"], pointer: facts["pointer"] };
  expect(place, message).toEqual({ offset: undefined, pointer: undefined, ...(typeof outcome.place === "object" ? outcome.place : {}), ...(outcome.place === "end of the file" ? { offset: bytesOfFiles } : {}) });
}
