import type { Backend } from "../backend.ts";
import { PolywenError } from "../errors/polywen-error.ts";
import { PAGE_ROWS } from "../operations.ts";
import type { TensorSpec } from "../program.ts";
import { CaseDraft } from "./case-draft.ts";
import type { PreparedCase } from "./prepared-case.ts";
import { runCase } from "./run-case.ts";
import { sampleRows } from "./sample-cases.ts";

/** Inputs of a run that every backend must refuse with a typed error instead of computing garbage. */
export interface RefusalCase {
  readonly name: string;
  /** The `code` of the error. */
  readonly code: "INDEX_OUT_OF_RANGE" | "NUMERICAL" | "ARGUMENT_INVALID";
  prepare(): PreparedCase;
}

/** Runs a case; returns the code of the error that a backend answers with, or what else happened. */
export async function runRefusal(backend: Backend, refusalCase: RefusalCase): Promise<string> {
  try {
    await runCase(backend, refusalCase.prepare());
    return "no error";
  } catch (error) {
    return PolywenError.isInstance(error) ? error.code : String(error);
  }
}

function embedding(draft: CaseDraft): void {
  const rows = draft.dimension("rows", 3);
  const index = draft.integers("index", [rows], [-1, 1, -1]);
  const operands = { ids: draft.integers("ids", [rows], [0, 0, 4]), table: draft.weight("table", [5, 4]) };
  draft.builder.output("output", draft.builder.embedding({ ...operands, media: { rows: draft.resource("media", "f32", [2, 4], false), index } }));
}

function gather(draft: CaseDraft): void {
  const indices = draft.integers("indices", [draft.dimension("rows", 2), 2], [0, 3, -1, 2]);
  draft.builder.output("output", draft.builder.gather(draft.floats("source", [draft.dimension("n", 4), 2]), indices));
}

function rotary(draft: CaseDraft): void {
  const rows = draft.dimension("rows", 2);
  const frequencies = draft.floats("frequencies", [draft.dimension("sets", 2), 2]);
  const operands = { input: draft.floats("input", [rows, 1, 4]), positions: draft.integers("positions", [rows, 1], [0, 1]), axes: [0, 0] };
  draft.builder.output("output", draft.builder.rotary({ ...operands, frequencies, set: draft.integers("set", [rows], [0, 1]) }));
}

function store(draft: CaseDraft): void {
  const rows = draft.dimension("rows", 2);
  draft.builder.store(draft.floats("input", [rows, 4]), draft.resource("target", "bf16", [3, 4], false), draft.integers("slots", [rows], [2, -1]));
}

function packedAttention(draft: CaseDraft): void {
  const rows = draft.dimension("rows", 2);
  const keys = draft.floats("keys", [draft.dimension("keys", 6), 1, 4]);
  const spans = draft.integers("spans", [rows, 2], [0, 6, 2, 2]);
  draft.builder.output("output", draft.builder.attention({ query: draft.floats("query", [rows, 2, 4]), source: { kind: "packed", keys, values: keys }, spans, scale: 1 }));
}

function pagedAttention(draft: CaseDraft): void {
  const rows = draft.dimension("rows", 2);
  const source = {
    kind: "paged" as const,
    keys: draft.resource("keys", "f32", [3 * PAGE_ROWS, 1, 4], true),
    values: draft.resource("values", "f32", [3 * PAGE_ROWS, 1, 4], true),
    sequence: draft.integers("sequence", [rows], [1, 0]),
    pageSpans: draft.integers("pageSpans", [draft.dimension("sequences", 2), 2], [0, 1, 1, 3]),
    pages: draft.integers("pages", [draft.dimension("pages", 3)], [1, 2, 0]),
  };
  const spans = draft.integers("spans", [rows, 2], [0, 32, 3, 16]);
  draft.builder.output("output", draft.builder.attention({ query: draft.floats("query", [rows, 2, 4]), source, spans, scale: 1 }));
}

function experts(draft: CaseDraft): void {
  const rows = draft.dimension("rows", 2);
  const [gate, up, down] = ["gate", "up", "down"].map((name) => draft.weight(name, [3, 4, 4])) as [TensorSpec, TensorSpec, TensorSpec];
  const chosen = draft.integers("experts", [rows, 2], [0, 2, 1, 1]);
  draft.builder.output("output", draft.builder.experts({ input: draft.floats("input", [rows, 4]), experts: chosen, weights: draft.floats("weights", [rows, 2]), gate, up, down }));
}

/** Two rows, of which the second has a history of four tokens. */
function sample(draft: CaseDraft): void {
  const rows = draft.dimension("rows", 2);
  sampleRows(draft, draft.floats("logits", [rows, 3]), rows, 2, [{ temperature: 0 }]);
}

/** A valid program in which the input `tensor` is replaced by `values`. */
function refusal(write: (draft: CaseDraft) => void, tensor: string, values: readonly number[], code: RefusalCase["code"] = "INDEX_OUT_OF_RANGE"): RefusalCase {
  const name = `${write.name}: ${tensor} ${values.join(" ")}`;
  const prepare = (): PreparedCase => {
    const draft = new CaseDraft(name);
    write(draft);
    const prepared = draft.finish();
    return { ...prepared, runs: prepared.runs.map((run) => ({ ...run, inputs: { ...run.inputs, [tensor]: values } })) };
  };
  return { name, code, prepare };
}

const parameters = [0, 0, 1, 0, 1, 0];

/** Every index out of range on either side, and numbers that sampling cannot use. */
export const refusalCases: readonly RefusalCase[] = [
  refusal(embedding, "ids", [0, 0, 5]),
  refusal(embedding, "ids", [-1, 0, 0]),
  refusal(embedding, "index", [-1, 2, -1]),
  refusal(embedding, "index", [-2, 1, -1]),
  refusal(gather, "indices", [0, 4, -1, 2]),
  refusal(gather, "indices", [0, 3, -2, 2]),
  refusal(rotary, "set", [0, 2]),
  refusal(rotary, "set", [-1, 0]),
  refusal(store, "slots", [3, -1]),
  refusal(store, "slots", [0, -2]),
  refusal(packedAttention, "spans", [0, 7, 2, 2]),
  refusal(packedAttention, "spans", [-1, 3, 2, 2]),
  refusal(packedAttention, "spans", [4, 3, 2, 2]),
  refusal(pagedAttention, "spans", [0, 33, 3, 16]),
  refusal(pagedAttention, "spans", [0, 32, 3, 17]),
  refusal(pagedAttention, "sequence", [2, 0]),
  refusal(pagedAttention, "sequence", [1, -1]),
  refusal(pagedAttention, "pageSpans", [0, 1, 1, 4]),
  refusal(pagedAttention, "pageSpans", [0, 1, -1, 3]),
  refusal(pagedAttention, "pageSpans", [1, 0, 1, 3]),
  refusal(pagedAttention, "pages", [1, 3, 0]),
  refusal(pagedAttention, "pages", [-1, 2, 0]),
  refusal(experts, "experts", [0, 2, 3, 1]),
  refusal(experts, "experts", [0, -1, 1, 1]),
  refusal(sample, "history", [0, 3, 1, 1]),
  refusal(sample, "history", [0, -1, 1, 1]),
  refusal(sample, "historySpans", [0, 0, 0, 5]),
  refusal(sample, "historySpans", [-1, 0, 0, 4]),
  refusal(sample, "logits", [0, 1, 2, 3, Number.NaN, 4], "NUMERICAL"),
  refusal(sample, "logits", [0, 1, 2, 3, Infinity, 4], "NUMERICAL"),
  refusal(sample, "logits", [-Infinity, -Infinity, -Infinity, 3, 4, 5], "NUMERICAL"),
  ...[[-1, 0, 1, 0, 1, 0], [1, 1.5, 1, 0, 1, 0], [1, 0, 1.5, 0, 1, 0], [1, 0, 1, -1, 1, 0], [1, 0, 1, 0, 0, 0], [1, 0, 1, 0, 1, 21], [Number.NaN, 0, 1, 0, 1, 0]].map((row) =>
    refusal(sample, "parameters", [...parameters, ...row], "ARGUMENT_INVALID"),
  ),
];
