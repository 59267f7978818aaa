import type { ResourceSpec, WeightData } from "../backend.ts";
import type { Program } from "../program.ts";
import type { Sizes } from "../shape.ts";

/** One run of a program: its sizes and the valid part of every input. */
export interface CaseRun {
  readonly sizes: Sizes;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

/** A program with everything it needs. Runs share resources, which begin as zeros. */
export interface PreparedCase {
  readonly program: Program;
  readonly weights: ReadonlyMap<string, WeightData>;
  readonly resources: readonly ResourceSpec[];
  readonly runs: readonly CaseRun[];
}
