import { storageFormatOf, type StorageDType } from "../dtype.ts";
import { conformanceCase, type ConformanceCase } from "./conformance-case.ts";

/** Inputs may be rounded to int8 before the first matrices and again, as products with long tails, before the last. */
const CODES = 0.25;

/** Logits with many equal scores: ties go to the lower number. */
function routeCase(rows: number, experts: number, count: number, scoring: "softmax" | "sigmoid", normalise: boolean): ConformanceCase {
  return conformanceCase(`route ${rows} rows to ${count} of ${experts}, ${scoring}${normalise ? ", normalised" : ""}`, 2e-6, (draft) => {
    const { builder, random } = draft;
    const logits = Array.from({ length: rows * experts }, () => random.integer(7) - 3);
    const routed = builder.route(draft.floats("logits", [draft.dimension("rows", rows), experts], logits), { scoring, count, normalise });
    builder.output("experts", routed.experts);
    builder.output("weights", routed.weights);
  }, { splittable: rows > 1 });
}

/** Experts that many rows, one row and no row chose; the last one always, the first never. */
function expertsCase(rows: number, depth: number, width: number, experts: number, count: number, dtype: StorageDType): ConformanceCase {
  const isQuantised = storageFormatOf(dtype).values > 1;
  return conformanceCase(`${experts} experts, ${rows}×${depth}→${width}, ${count} a row, ${dtype}`, isQuantised ? CODES : 2e-5, (draft) => {
    const { builder, random } = draft;
    const weight = (name: string, shape: readonly number[]) => (isQuantised ? draft.blocks(name, shape, dtype) : draft.weight(name, shape, { dtype }));
    const extent = draft.dimension("rows", rows);
    const chosen = Array.from({ length: rows * count }, (_, slot) => (slot % count === 0 ? experts - 1 : Math.min(1 + random.integer(experts), experts - 1)));
    const output = builder.experts({
      input: draft.floats("input", [extent, depth]),
      experts: draft.integers("experts", [extent, count], chosen),
      weights: draft.floats("weights", [extent, count]),
      gate: weight("gate", [experts, width, depth]),
      up: weight("up", [experts, width, depth]),
      down: weight("down", [experts, depth, width]),
    });
    builder.output("output", output);
  }, { splittable: rows > 1 });
}

/** Routing and experts. */
export const expertCases: readonly ConformanceCase[] = [
  routeCase(1, 1, 1, "sigmoid", false),
  routeCase(9, 7, 3, "softmax", false),
  routeCase(33, 60, 4, "softmax", true),
  routeCase(5, 128, 128, "softmax", true),
  routeCase(6, 5, 2, "sigmoid", true),
  routeCase(0, 4, 2, "softmax", true),
  expertsCase(1, 16, 16, 1, 1, "f32"),
  expertsCase(1, 64, 45, 8, 3, "bf16"),
  expertsCase(17, 33, 40, 6, 2, "f32"),
  expertsCase(40, 128, 75, 11, 4, "f16"),
  expertsCase(7, 300, 32, 4, 1, "bf16"),
  expertsCase(0, 16, 16, 2, 2, "f32"),
  expertsCase(23, 512, 256, 5, 2, "q4_k"),
  expertsCase(3, 64, 96, 7, 3, "q8_0"),
];
