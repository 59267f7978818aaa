import { describe, expect, it } from "vitest";
import { outputOf } from "../conformance/run-draft.ts";

describe("store", () => {
  const storeThenRead = (slots: number[], dtype: "f32" | "bf16" = "f32"): Promise<number[]> =>
    outputOf((draft) => {
      const rows = draft.dimension("rows", slots.length);
      const target = draft.resource("target", dtype, [3, 1], false);
      draft.builder.store(draft.floats("input", [rows, 1], [1.1, 2.2, 3.3]), target, draft.integers("slots", [rows], slots));
      const ids = draft.integers("ids", [3], [0, 0, 0]);
      const index = draft.integers("index", [3], [0, 1, 2]);
      return draft.builder.embedding({ ids, table: draft.weight("table", [1, 1]), media: { rows: target, index } });
    });

  it("writes rows to slots and skips -1; untouched slots are zero", async () => {
    expect(await storeThenRead([2, -1, 0])).toEqual([3.3, 0, 1.1].map(Math.fround));
  });

  it("lets the later of two rows win", async () => {
    expect(await storeThenRead([1, 1, 1])).toEqual([0, Math.fround(3.3), 0]);
  });

  it("rounds to bf16", async () => {
    expect(await storeThenRead([0, 1, 2], "bf16")).toEqual([1.1015625, 2.203125, 3.296875]);
  });

  it.each([-2, 3])("refuses slot %i", async (slot) => {
    await expect(storeThenRead([0, slot, -1])).rejects.toMatchObject({ code: "INDEX_OUT_OF_RANGE", facts: { tensor: "slots", row: 1, value: slot, limit: 3 } });
  });
});
