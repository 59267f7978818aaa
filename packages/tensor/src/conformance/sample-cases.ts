import { SAMPLE_PARAMETERS, TOP_LOGPROBS } from "../operations.ts";
import type { Extent } from "../shape.ts";
import type { TensorSpec } from "../program.ts";
import type { CaseDraft } from "./case-draft.ts";
import { conformanceCase, type ConformanceCase } from "./conformance-case.ts";

type Parameters = Readonly<Record<(typeof SAMPLE_PARAMETERS)[number], number>>;

const neutral: Parameters = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, topLogprobs: 0 };

/** Settings that differ from row to row of one batch. */
const settings: readonly Partial<Parameters>[] = [
  { temperature: 0 },
  {},
  { temperature: 0.7, topK: 5 },
  { topP: 0.8, topLogprobs: 4 },
  { minP: 0.1, repetitionPenalty: 1.3 },
  { temperature: 1.5, topK: 40, topP: 0.95, minP: 0.02, repetitionPenalty: 1.1, topLogprobs: TOP_LOGPROBS },
  { temperature: 0, repetitionPenalty: 3, topLogprobs: 1 },
  { topP: 0 },
  { topK: 1 },
];

/** Appends a sample of every row, with settings in turn, and names its outputs. */
export function sampleRows(draft: CaseDraft, logits: TensorSpec, rowExtent: Extent, rows: number, rowSettings: readonly Partial<Parameters>[] = settings): void {
  const { builder, random } = draft;
  const vocabulary = logits.shape[1] as number;
  const lengths = Array.from({ length: rows }, (_, row) => (row % 3) * 4);
  const ends = lengths.map((_, row) => lengths.slice(0, row + 1).reduce((sum, length) => sum + length, 0));
  const total = ends.at(-1) ?? 0;
  const parameters = Array.from({ length: rows }, (_, row) => ({ ...neutral, ...rowSettings[row % rowSettings.length] }));
  const result = builder.sample({
    logits,
    parameters: draft.floats("parameters", [rowExtent, SAMPLE_PARAMETERS.length], parameters.flatMap((row) => SAMPLE_PARAMETERS.map((name) => row[name]))),
    seeds: draft.words("seeds", [rowExtent, 4], Array.from({ length: 4 * rows }, () => random.integer(2 ** 32))),
    historySpans: draft.integers("historySpans", [rowExtent, 2], ends.flatMap((end, row) => [end - lengths[row]!, end])),
    history: draft.integers("history", [draft.dimension("history", total)], Array.from({ length: total }, () => random.integer(vocabulary))),
  });
  for (const [name, tensor] of Object.entries(result)) builder.output(name, tensor);
}

/** Logits on a coarse grid, so that many are equal, or normal numbers; some rows forbid tokens with -infinity. */
function sampleCase(rows: number, vocabulary: number, kind: "normal" | "ties" | "masked"): ConformanceCase {
  return conformanceCase(`sample ${rows}×${vocabulary}, ${kind}`, 2e-6, (draft) => {
    const extent = draft.dimension("rows", rows);
    const values = draft.random.normals(rows * vocabulary, 3).map((value, index) => {
      if (kind === "ties") return Math.round(value);
      return kind === "masked" && index % vocabulary !== 0 && index % 3 !== 0 ? -Infinity : value;
    });
    sampleRows(draft, draft.floats("logits", [extent, vocabulary], values), extent, rows);
  }, { splittable: rows > 1 });
}

/** Sampling: tokens are equal, log-probabilities close. */
export const sampleCases: readonly ConformanceCase[] = [
  sampleCase(1, 1, "normal"),
  sampleCase(0, 10, "normal"),
  sampleCase(9, 7, "ties"),
  sampleCase(27, 300, "normal"),
  sampleCase(18, 301, "ties"),
  sampleCase(9, 500, "masked"),
  sampleCase(9, 20011, "normal"),
];
