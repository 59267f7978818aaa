import { PAGE_ROWS } from "../operations.ts";
import type { TensorSpec } from "../program.ts";
import type { Extent } from "../shape.ts";
import type { CaseDraft } from "./case-draft.ts";
import { conformanceCase, type ConformanceCase } from "./conformance-case.ts";
import { pagedLayout } from "./paged-layout.ts";
import { sampleRows } from "./sample-cases.ts";

const HEADS = 4;
const KEY_HEADS = 2;
const HEAD_WIDTH = 16;
const WIDTH = HEADS * HEAD_WIDTH;

/** Two decoder layers with a head and sampling: several sequences in one batch, all layouts of the seam at once. */
function decoderCase(dtype: "f32" | "bf16", tolerance: number): ConformanceCase {
  return conformanceCase(`decoder of two layers, ${dtype} pages`, tolerance, (draft) => {
    const { builder, random } = draft;
    const layout = pagedLayout(random, [{ past: 0, added: 19 }, { past: 0, added: 4 }, { past: 0, added: 9 }]);
    const count = layout.sequence.length;
    const rows = draft.dimension("rows", count);
    const ids = draft.integers("ids", [rows], layout.sequence.map(() => random.integer(50)));
    const table = draft.weight("table", [50, WIDTH], { dtype: "bf16" });
    const batch: Batch = {
      rows,
      positions: draft.integers("positions", [rows, 1], layout.positions),
      slots: draft.integers("slots", [rows], layout.slots),
      spans: draft.integers("spans", [rows, 2], layout.spans),
      sequence: draft.integers("sequence", [rows], layout.sequence),
      pageSpans: draft.integers("pageSpans", [draft.dimension("sequences", 3), 2], layout.pageSpans),
      pages: draft.integers("pages", [draft.dimension("pages", layout.pages.length)], layout.pages),
      frequencies: draft.weight("frequencies", [HEAD_WIDTH / 2], { values: Array.from({ length: HEAD_WIDTH / 2 }, (_, i) => 10000 ** ((-2 * i) / HEAD_WIDTH)) }),
    };
    let hidden = builder.embedding({ ids, table });
    for (const layer of [0, 1]) {
      const cache = ["keys", "values"].map((kind) => draft.resource(`${layer}.${kind}`, dtype, [layout.pageCount * PAGE_ROWS, KEY_HEADS, HEAD_WIDTH], true));
      hidden = builder.add(hidden, attentionBlock(draft, `${layer}.attention`, hidden, cache as [TensorSpec, TensorSpec], batch));
      hidden = builder.add(hidden, feedForward(draft, `${layer}.mlp`, hidden));
    }
    const logits = builder.linear(norm(draft, "norm", hidden), table);
    // One bf16 rounding that falls the other way may change a token, so only exact pages are sampled from.
    if (dtype === "f32") sampleRows(draft, logits, rows, count, [{ temperature: 0 }, { temperature: 0.8, topK: 10, repetitionPenalty: 1.2 }]);
    builder.output("logits", logits);
    // A decode step: one more token of the first two sequences.
    draft.thenRun({ sizes: { rows: 2 }, inputs: { sequence: [1, 0], positions: [4, 19], slots: [layout.slotOf(1, 4), layout.slotOf(0, 19)], spans: [0, 5, 0, 20] } });
  }, { splittable: true });
}

interface Batch extends Readonly<Record<"positions" | "slots" | "spans" | "sequence" | "pageSpans" | "pages" | "frequencies", TensorSpec>> {
  readonly rows: Extent;
}

function attentionBlock(draft: CaseDraft, name: string, hidden: TensorSpec, [keys, values]: readonly [TensorSpec, TensorSpec], batch: Batch): TensorSpec {
  const { builder } = draft;
  const normed = norm(draft, `${name}.norm`, hidden);
  const heads = (part: string, count: number): TensorSpec => {
    const width = count * HEAD_WIDTH;
    const weight = draft.weight(`${name}.${part}.weight`, [width, WIDTH], { dtype: "bf16" });
    const flat = builder.linear(normed, weight, draft.weight(`${name}.${part}.bias`, [width], { dtype: "bf16" }));
    return builder.reshape(flat, [batch.rows, count, HEAD_WIDTH]);
  };
  const turn = (input: TensorSpec): TensorSpec =>
    builder.rotary({ input, positions: batch.positions, frequencies: batch.frequencies, axes: Array.from({ length: HEAD_WIDTH / 2 }, () => 0) });
  const query = turn(heads("query", HEADS));
  builder.store(turn(heads("key", KEY_HEADS)), keys, batch.slots);
  builder.store(heads("value", KEY_HEADS), values, batch.slots);
  const { sequence, pageSpans, pages, spans } = batch;
  const attended = builder.attention({ query, source: { kind: "paged", keys, values, sequence, pageSpans, pages }, spans, scale: 1 / Math.sqrt(HEAD_WIDTH) });
  return builder.linear(builder.reshape(attended, [batch.rows, WIDTH]), draft.weight(`${name}.output`, [WIDTH, WIDTH], { dtype: "f16" }));
}

function feedForward(draft: CaseDraft, name: string, hidden: TensorSpec): TensorSpec {
  const { builder } = draft;
  const normed = norm(draft, `${name}.norm`, hidden);
  const expand = (part: string): TensorSpec => builder.linear(normed, draft.weight(`${name}.${part}`, [3 * WIDTH, WIDTH], { dtype: "bf16" }));
  return builder.linear(builder.swiglu(expand("gate"), expand("up")), draft.weight(`${name}.down`, [WIDTH, 3 * WIDTH]));
}

function norm(draft: CaseDraft, name: string, input: TensorSpec): TensorSpec {
  const values = draft.random.normals(WIDTH, 0.1).map((value) => 1 + value);
  return draft.builder.rmsNorm(input, draft.weight(name, [WIDTH], { values }), 1e-6);
}

/** An encoder as vision towers have it: patches in segments, layer norm, GELU, a merger of four rows into one and a projection. */
const encoderCase: ConformanceCase = conformanceCase("encoder with a merger of four", 1e-4, (draft) => {
  const { builder, random } = draft;
  const patches = draft.dimension("patches", 20);
  const merged = { dimension: "patches", multiply: 1, divide: 4 };
  const embedded = builder.linear(draft.floats("pixels", [patches, 27]), draft.weight("patch", [32, 27], { dtype: "bf16" }), draft.weight("patch.bias", [32]));
  const normed = builder.layerNorm(embedded, draft.weight("norm", [32]), draft.weight("norm.bias", [32]), 1e-6);
  const heads = (name: string): TensorSpec => builder.reshape(builder.linear(normed, draft.weight(name, [32, 32], { dtype: "f16" })), [patches, 2, 16]);
  const spans = draft.integers("spans", [patches, 2], Array.from({ length: 20 }, (_, row) => (row < 8 ? [0, 8] : [8, 20])).flat());
  const attended = builder.attention({ query: heads("query"), source: { kind: "packed", keys: heads("key"), values: heads("value") }, spans, scale: 0.25 });
  const sum = builder.add(embedded, builder.reshape(attended, [patches, 32]));
  const order = draft.integers("order", [merged, 4], random.permutation(20));
  const features = builder.activation("gelu", builder.linear(builder.gather(sum, order), draft.weight("merge", [40, 128])));
  builder.output("features", features);
  draft.thenRun({ sizes: { patches: 8 }, inputs: { order: random.permutation(8) } });
});

/** Whole small models: many operations, shared memory, state. */
export const modelCases: readonly ConformanceCase[] = [decoderCase("f32", 2e-4), decoderCase("bf16", 3e-2), encoderCase];
