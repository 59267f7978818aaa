import { describe, expect, it } from "vitest";
import { SeededRandom } from "../conformance/seeded-random.ts";
import { IndexOutOfRangeError } from "../errors/errors.ts";
import { bf16ToF32, f32ToBf16 } from "../float-conversion.ts";
import { outputOf } from "../conformance/run-draft.ts";

interface Heads {
  readonly heads: number;
  readonly keyHeads: number;
  readonly width: number;
}

/** Attention by its formula with a mask over all keys, apart from the kernel's spans, slots and groups. */
function formula(query: number[], keys: number[], values: number[], sees: (row: number, key: number) => boolean, { heads, keyHeads, width }: Heads): number[] {
  const vector = (source: number[], row: number, count: number, head: number): number[] => source.slice((row * count + head) * width, (row * count + head + 1) * width);
  const rows = query.length / heads / width;
  const keyRows = keys.length / keyHeads / width;
  return Array.from({ length: rows * heads }, (_, place) => {
    const [row, head] = [Math.floor(place / heads), place % heads];
    const keyHead = Math.floor(head / (heads / keyHeads));
    const exponentials = Array.from({ length: keyRows }, (_, key) => {
      const product = vector(keys, key, keyHeads, keyHead).reduce((sum, component, i) => sum + component * vector(query, row, heads, head)[i]!, 0);
      return sees(row, key) ? Math.exp(product / Math.sqrt(width)) : 0;
    });
    const total = exponentials.reduce((sum, value) => sum + value, 0) || 1;
    return Array.from({ length: width }, (_, i) => exponentials.reduce((sum, weight, key) => sum + (weight / total) * vector(values, key, keyHeads, keyHead)[i]!, 0));
  }).flat();
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 5));
}

const random = new SeededRandom("attention");
const shape: Heads = { heads: 4, keyHeads: 2, width: 3 };
const query = random.normals(5 * 12).map(Math.fround);
const keys = random.normals(40 * 6).map(Math.fround);
const values = random.normals(40 * 6).map(Math.fround);

describe("packed attention", () => {
  const packed = (spans: readonly (readonly [number, number])[], keyRows = 7): Promise<number[]> =>
    outputOf((draft) => {
      const rows = draft.dimension("rows", spans.length);
      const n = draft.dimension("n", keyRows);
      const source = {
        kind: "packed" as const,
        keys: draft.floats("keys", [n, 2, 3], keys.slice(0, keyRows * 6)),
        values: draft.floats("values", [n, 2, 3], values.slice(0, keyRows * 6)),
      };
      const tensors = { query: draft.floats("query", [rows, 4, 3], query.slice(0, spans.length * 12)), spans: draft.integers("spans", [rows, 2], spans.flat()) };
      return draft.builder.attention({ ...tensors, source, scale: 1 / Math.sqrt(3) });
    });

  it("follows the formula; an empty span gives zeros", async () => {
    const spans = [[0, 7], [2, 5], [6, 7], [3, 3], [0, 1]] as const;
    const expected = formula(query, keys.slice(0, 42), values.slice(0, 42), (row, key) => key >= spans[row]![0] && key < spans[row]![1], shape);
    expectClose(await packed(spans), expected);
  });

  it("works without rows and without keys", async () => {
    expect(await packed([])).toEqual([]);
    expect(await packed([[0, 0]], 0)).toEqual(new Array(12).fill(0));
  });

  it.each([[0, 8], [-1, 3], [4, 3]] as const)("refuses the span %i to %i of 7 keys", async (begin, end) => {
    await expect(packed([[0, 1], [begin, end]])).rejects.toMatchObject({ code: "INDEX_OUT_OF_RANGE", facts: { operation: "attention", tensor: "spans", row: 1 } });
  });
});

describe("paged attention", () => {
  // Sequence 0 has 20 keys in pages 3 and 0, sequence 1 has 17 in pages 1 and 4; page 2 belongs to nobody.
  const lengths = [20, 17];
  const sequence = [1, 0, 0, 1, 0];
  const spans = [[0, 17], [0, 20], [15, 18], [16, 17], [5, 5]];
  const defaults = { pages: [3, 0, 1, 4], pageSpans: [0, 2, 2, 4], sequence, spans: spans.flat() };
  const slotOf = (of: number, position: number): number => defaults.pages[2 * of + Math.floor(position / 16)]! * 16 + (position % 16);
  const slots = lengths.flatMap((length, of) => Array.from({ length }, (_, position) => slotOf(of, position)));

  const paged = (dtype: "f32" | "bf16", changes: Partial<typeof defaults> = {}): Promise<number[]> =>
    outputOf((draft) => {
      const lists = { ...defaults, ...changes };
      const rows = draft.dimension("rows", 5);
      const written = draft.integers("slots", [37], slots);
      const cache = { keys: draft.resource("keys", dtype, [80, 2, 3], true), values: draft.resource("values", dtype, [80, 2, 3], true) };
      draft.builder.store(draft.floats("newKeys", [37, 2, 3], keys.slice(0, 37 * 6)), cache.keys, written);
      draft.builder.store(draft.floats("newValues", [37, 2, 3], values.slice(0, 37 * 6)), cache.values, written);
      const source = {
        kind: "paged" as const,
        ...cache,
        sequence: draft.integers("sequence", [rows], lists.sequence),
        pageSpans: draft.integers("pageSpans", [draft.dimension("sequences", 2), 2], lists.pageSpans),
        pages: draft.integers("pages", [draft.dimension("pages", 4)], lists.pages),
      };
      const tensors = { query: draft.floats("query", [rows, 4, 3], query), spans: draft.integers("spans", [rows, 2], lists.spans) };
      return draft.builder.attention({ ...tensors, source, scale: 1 / Math.sqrt(3) });
    });

  it.each(["f32", "bf16"] as const)("reads %s pages of interleaved sequences", async (dtype) => {
    const rounded = (list: number[]): number[] => list.slice(0, 37 * 6).map((value) => (dtype === "f32" ? value : bf16ToF32(f32ToBf16(value))));
    const sees = (row: number, key: number): boolean => {
      const of = key < 20 ? 0 : 1;
      const position = key - (of === 0 ? 0 : 20);
      return sequence[row] === of && position >= spans[row]![0]! && position < spans[row]![1]!;
    };
    expectClose(await paged(dtype), formula(query, rounded(keys), rounded(values), sees, shape));
  });

  it.each([
    ["sequence", { sequence: [1, 0, 2, 1, 0] }],
    ["pageSpans", { pageSpans: [0, 2, 2, 5] }],
    ["spans", { spans: [0, 33, ...defaults.spans.slice(2)] }],
    ["pages", { pages: [3, 0, 5, 4] }],
    ["pages", { pages: [-1, 0, 1, 4] }],
  ])("refuses wrong %s", async (tensor, changes) => {
    await expect(paged("f32", changes)).rejects.toThrowError(IndexOutOfRangeError);
    await expect(paged("f32", changes)).rejects.toMatchObject({ facts: { tensor } });
  });
});
