import { describe, expect, it } from "vitest";
import type { Backend } from "../backend.ts";
import { createReferenceBackend } from "../reference/reference-backend.ts";
import { conformanceCases, invarianceCases } from "./conformance-cases.ts";
import { runConformance } from "./run-conformance.ts";
import { runInvariance } from "./run-invariance.ts";

const reference = createReferenceBackend();

describe("the conformance suite", () => {
  it("has cases of unique names", () => {
    expect(new Set(conformanceCases.map(({ name }) => name)).size).toBe(conformanceCases.length);
  });

  it.each(conformanceCases)("runs $name on the reference", async (conformanceCase) => {
    expect(await runConformance(reference, conformanceCase)).toEqual({ maxError: 0, normalisedError: 0, worst: "" });
  });

  it.each(invarianceCases)("finds no dependence on the batch in $name", async (conformanceCase) => {
    expect(await runInvariance(reference, conformanceCase)).toEqual([]);
  });
});
