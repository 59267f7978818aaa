import { CaseDraft } from "./case-draft.ts";
import type { PreparedCase } from "./prepared-case.ts";

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
