import type { ResourceSpec, WeightData } from "../backend.ts";
import type { Program } from "../program.ts";
import type { Sizes } from "../shape.ts";
import { CaseDraft } from "./case-draft.ts";

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

/** A program with random data on which a backend must agree with the reference. */
export interface ConformanceCase {
  readonly name: string;
  /** Largest `normalisedError` of f32 outputs that arithmetic in f32 may cause; i32 outputs are always equal. */
  readonly tolerance: number;
  /** True where every row depends on its own inputs and on earlier rows only: splitting `rows` must not change a bit. */
  readonly splittable: boolean;
  /** Builds program and data, the same at every call. */
  prepare(): PreparedCase;
}

/** A case that `write` drafts from random data seeded by its name. */
export function conformanceCase(name: string, tolerance: number, write: (draft: CaseDraft) => void, options: { splittable?: boolean } = {}): ConformanceCase {
  const prepare = (): PreparedCase => {
    const draft = new CaseDraft(name);
    write(draft);
    return draft.finish();
  };
  return { name, tolerance, splittable: options.splittable ?? false, prepare };
}
