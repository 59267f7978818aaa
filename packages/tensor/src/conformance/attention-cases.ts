import { PAGE_ROWS } from "../operations.ts";
import { conformanceCase, type ConformanceCase } from "./conformance-case.ts";
import { pagedLayout } from "./paged-layout.ts";

/** Rounding of f32 scores, exponentials and sums. */
const TOLERANCE = 3e-5;

interface AttentionShape {
  readonly heads: number;
  readonly keyHeads: number;
  readonly width: number;
}

/** What a row sees of packed keys; spans by row and numbers of rows and keys. */
const spanRules: Readonly<Record<string, (row: number, rows: number, keys: number) => readonly [number, number]>> = {
  all: (_row, _rows, keys) => [0, keys],
  causal: (row, rows, keys) => [0, Math.min(keys, row + 1 + Math.max(0, keys - rows))],
  window: (row, _rows, keys) => [Math.min(keys, Math.max(0, row - 4)), Math.min(keys, row + 1)],
  // Images of 5 keys side by side: segments.
  segments: (row, _rows, keys) => [Math.min(keys, Math.floor(row / 5) * 5), Math.min(keys, Math.floor(row / 5) * 5 + 5)],
  // Every third row has nothing to look at.
  sparse: (row, _rows, keys) => (row % 3 === 0 ? [row % (keys + 1), row % (keys + 1)] : [0, keys]),
  // One key at the far end: large offsets.
  last: (_row, _rows, keys) => [keys - 1, keys],
};

function packedCase(rule: string, rows: number, keyRows: number, { heads, keyHeads, width }: AttentionShape, keyScale = 1): ConformanceCase {
  const name = `packed attention, ${rule}, ${rows} rows, ${keyRows} keys, ${heads}/${keyHeads}×${width}${keyScale === 1 ? "" : `, scale ${keyScale}`}`;
  return conformanceCase(name, TOLERANCE, (draft) => {
    const rowExtent = draft.dimension("rows", rows);
    const keyExtent = draft.dimension("keys", keyRows);
    const keys = draft.floats("keys", [keyExtent, keyHeads, width], draft.random.normals(keyRows * keyHeads * width, keyScale));
    const values = draft.floats("values", [keyExtent, keyHeads, width]);
    const spans = Array.from({ length: rows }, (_, row) => spanRules[rule]!(row, rows, keyRows)).flat();
    const output = draft.builder.attention({
      query: draft.floats("query", [rowExtent, heads, width]),
      source: { kind: "packed", keys, values },
      spans: draft.integers("spans", [rowExtent, 2], spans),
      scale: 1 / Math.sqrt(width),
    });
    draft.builder.output("output", output);
  }, { splittable: rows > 1 });
}

interface PagedShape extends AttentionShape {
  readonly dtype: "f32" | "bf16";
  /** How many positions each sequence already holds and how many rows it adds in this run. */
  readonly sequences: readonly { readonly past: number; readonly added: number }[];
  /** Rows see at most this many positions. */
  readonly window?: number;
}

/** Stores the past of several sequences, then new rows of all of them, interleaved, which attend to their sequences. */
function pagedCase({ heads, keyHeads, width, dtype, sequences, window = Infinity }: PagedShape): ConformanceCase {
  const lengths = sequences.map(({ past, added }) => `${past}+${added}`).join(" ");
  const name = `paged attention ${dtype}, ${heads}/${keyHeads}×${width}, ${lengths}${window === Infinity ? "" : `, window ${window}`}`;
  return conformanceCase(name, TOLERANCE, (draft) => {
    const { builder } = draft;
    const layout = pagedLayout(draft.random, sequences, window);
    const cacheShape = [layout.pageCount * PAGE_ROWS, keyHeads, width];
    const keys = draft.resource("keys", dtype, cacheShape, true);
    const values = draft.resource("values", dtype, cacheShape, true);
    const past = draft.dimension("past", layout.pastSlots.length);
    const pastSlots = draft.integers("pastSlots", [past], layout.pastSlots);
    const rows = draft.dimension("rows", layout.sequence.length);
    const slots = draft.integers("slots", [rows], layout.slots);
    for (const target of [keys, values]) {
      builder.store(draft.floats(`past ${target.name}`, [past, keyHeads, width]), target, pastSlots);
      builder.store(draft.floats(`new ${target.name}`, [rows, keyHeads, width]), target, slots);
    }
    const source = {
      kind: "paged" as const,
      keys,
      values,
      sequence: draft.integers("sequence", [rows], layout.sequence),
      pageSpans: draft.integers("pageSpans", [draft.dimension("sequences", sequences.length), 2], layout.pageSpans),
      pages: draft.integers("pages", [draft.dimension("pages", layout.pages.length)], layout.pages),
    };
    const query = draft.floats("query", [rows, heads, width]);
    builder.output("output", builder.attention({ query, source, spans: draft.integers("spans", [rows, 2], layout.spans), scale: 1 / Math.sqrt(width) }));
  }, { splittable: sequences.reduce((sum, { added }) => sum + added, 0) > 1 });
}

const pagedShapes: readonly Omit<PagedShape, "dtype">[] = [
  { heads: 1, keyHeads: 1, width: 1, sequences: [{ past: 0, added: 1 }] },
  { heads: 4, keyHeads: 2, width: 16, sequences: [{ past: 0, added: 16 }] },
  { heads: 14, keyHeads: 2, width: 64, sequences: [{ past: 33, added: 3 }, { past: 0, added: 5 }, { past: 15, added: 1 }] },
  { heads: 6, keyHeads: 6, width: 20, sequences: [{ past: 300, added: 2 }, { past: 16, added: 17 }], window: 21 },
  { heads: 8, keyHeads: 1, width: 128, sequences: [{ past: 1100, added: 1 }, { past: 7, added: 2 }] },
  { heads: 2, keyHeads: 1, width: 8, sequences: [{ past: 5, added: 0 }] },
];

/** Attention over packed keys and over pages. */
export const attentionCases: readonly ConformanceCase[] = [
  packedCase("all", 1, 1, { heads: 1, keyHeads: 1, width: 1 }),
  packedCase("causal", 5, 5, { heads: 4, keyHeads: 2, width: 16 }),
  packedCase("causal", 3, 37, { heads: 14, keyHeads: 2, width: 64 }),
  packedCase("window", 19, 19, { heads: 6, keyHeads: 1, width: 33 }),
  packedCase("segments", 23, 23, { heads: 4, keyHeads: 4, width: 80 }),
  packedCase("all", 9, 700, { heads: 2, keyHeads: 2, width: 64 }),
  packedCase("all", 4, 50, { heads: 2, keyHeads: 1, width: 32 }, 30),
  packedCase("sparse", 8, 11, { heads: 4, keyHeads: 2, width: 8 }),
  packedCase("last", 3, 2000, { heads: 2, keyHeads: 1, width: 16 }),
  packedCase("all", 0, 6, { heads: 2, keyHeads: 2, width: 8 }),
  packedCase("all", 4, 0, { heads: 2, keyHeads: 2, width: 8 }),
  ...(["f32", "bf16"] as const).flatMap((dtype) => pagedShapes.map((shape) => pagedCase({ ...shape, dtype }))),
];
