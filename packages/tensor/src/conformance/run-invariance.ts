import type { Backend } from "../backend.ts";
import type { Program, TensorSpec } from "../program.ts";
import { elementCount } from "../shape.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import type { CaseRun, PreparedCase } from "./prepared-case.ts";
import { runCase, type CaseOutputs } from "./run-case.ts";

/** The dimension along which splittable cases are cut. */
const ROWS = "rows";

/**
 * Runs a splittable case whole and cut into chunks of rows (every row alone, one row and the rest, halves, threes)
 * and compares bit for bit. Returns one line for every output that differs: none for a batch-invariant backend.
 */
export async function runInvariance(backend: Backend, conformanceCase: ConformanceCase): Promise<readonly string[]> {
  const prepared = conformanceCase.prepare();
  const whole = prepared.runs[0]!;
  const rows = whole.sizes[ROWS]!;
  const [expected] = (await runCase(backend, { ...prepared, runs: [whole] })) as [CaseOutputs];
  const differences: string[] = [];
  for (const chunk of [1, 3, Math.ceil(rows / 2), Math.max(1, rows - 1)]) {
    const split: PreparedCase = { ...prepared, runs: chunksOf(prepared.program, whole, chunk) };
    const parts = await runCase(backend, split);
    for (const [name, values] of expected) {
      const joined = parts.flatMap((outputs) => [...outputs.get(name)!]);
      const index = values.findIndex((value, at) => !Object.is(value, joined[at]));
      if (index !== -1) differences.push(`${conformanceCase.name}: ${name}[${index}] is ${joined[index]} in chunks of ${chunk} but ${values[index]} in one run`);
    }
  }
  return differences;
}

function chunksOf(program: Program, run: CaseRun, chunk: number): readonly CaseRun[] {
  const rows = run.sizes[ROWS]!;
  const begins = Array.from({ length: Math.ceil(rows / chunk) }, (_, index) => index * chunk);
  return begins.map((begin) => {
    const end = Math.min(begin + chunk, rows);
    const inputs = program.tensors.filter(({ role }) => role === "input").map((tensor) => {
      const values = run.inputs[tensor.name]!;
      const width = elementCount(tensor.shape.slice(1), run.sizes);
      return [tensor.name, isPerRow(tensor) ? values.slice(begin * width, end * width) : values] as const;
    });
    return { sizes: { ...run.sizes, [ROWS]: end - begin }, inputs: Object.fromEntries(inputs) };
  });
}

function isPerRow(tensor: TensorSpec): boolean {
  const first = tensor.shape[0]!;
  return typeof first !== "number" && first.dimension === ROWS;
}
