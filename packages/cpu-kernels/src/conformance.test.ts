import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "@polywen/tensor";
import { conformanceCases, invarianceCases, refusalCases, runConformance, runInvariance, runRefusal } from "@polywen/tensor/conformance";
import { createCpuBackend } from "./cpu-backend.ts";

describe.each([
  ["generic", 1],
  ["", 1],
  ["", 2],
] as const)("tier %j on %i threads", (tier, threads) => {
  let backend: Backend;
  beforeAll(async () => {
    process.env["POLYWEN_CPU_ISA"] = tier;
    backend = await createCpuBackend({ threads });
  });
  afterAll(async () => {
    delete process.env["POLYWEN_CPU_ISA"];
    await backend.dispose();
  });

  test.each(conformanceCases.map((one) => [one.name, one] as const))("equals the reference: %s", async (_, one) => {
    const { normalisedError, worst } = await runConformance(backend, one);
    expect(normalisedError, worst).toBeLessThanOrEqual(one.tolerance);
  });

  test.each(invarianceCases.map((one) => [one.name, one] as const))("the same bits however rows are batched: %s", async (_, one) => {
    expect(await runInvariance(backend, one)).toEqual([]);
  });

  test.each(refusalCases.map((one) => [one.name, one] as const))("refuses: %s", async (_, one) => {
    expect(await runRefusal(backend, one)).toBe(one.code);
  });
});
