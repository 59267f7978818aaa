import type { Backend } from "../backend.ts";
import { createReferenceBackend } from "../reference/reference-backend.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { runCase } from "./run-case.ts";

/** How far a backend is from the reference on one case. */
export interface ConformanceResult {
  /** Largest absolute difference of an f32 output. Infinity where an i32 output differs or only one side is finite. */
  readonly maxError: number;
  /** The largest difference divided by the root mean square of the expected output (by 1 where that is 0), the worst of all outputs. */
  readonly normalisedError: number;
  /** The place of the worst difference, for messages; empty where there is none. */
  readonly worst: string;
}

/** Runs a case on a backend and on the reference and compares every output of every run. */
export async function runConformance(backend: Backend, conformanceCase: ConformanceCase): Promise<ConformanceResult> {
  const prepared = conformanceCase.prepare();
  const reference = createReferenceBackend();
  const expectedRuns = await runCase(reference, prepared);
  const actualRuns = await runCase(backend, prepared);
  let result: ConformanceResult = { maxError: 0, normalisedError: 0, worst: "" };
  expectedRuns.forEach((outputs, run) => {
    for (const [name, expected] of outputs) {
      const compared = compareOutput(expected, actualRuns[run]!.get(name)!, `run ${run}, ${name}`);
      const { normalisedError, worst } = compared.normalisedError > result.normalisedError ? compared : result;
      result = { maxError: Math.max(result.maxError, compared.maxError), normalisedError, worst };
    }
  });
  return result;
}

function compareOutput(expected: Float32Array | Int32Array, actual: Float32Array | Int32Array, place: string): ConformanceResult {
  let squares = 0;
  let finite = 0;
  let maxError = 0;
  let worst = "";
  expected.forEach((value, index) => {
    const error = difference(value, actual[index]!, expected instanceof Int32Array);
    if (error > maxError) {
      maxError = error;
      worst = `${place}[${index}]: ${actual[index]} instead of ${value}`;
    }
    if (!Number.isFinite(value)) return;
    squares += value ** 2;
    finite++;
  });
  const scale = squares === 0 ? 1 : Math.sqrt(squares / finite);
  return { maxError, normalisedError: maxError / scale, worst };
}

function difference(expected: number, actual: number, exact: boolean): number {
  if (Object.is(expected, actual) || expected === actual) return 0;
  if (exact || !Number.isFinite(expected) || !Number.isFinite(actual)) return Infinity;
  return Math.abs(expected - actual);
}
