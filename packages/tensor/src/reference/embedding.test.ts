import { describe, expect, it } from "vitest";
import { IndexOutOfRangeError } from "../errors/errors.ts";
import { outputOf } from "../conformance/run-draft.ts";

const table = [1, 2, 3, 4, 5, 6];

const embed = (ids: number[]): Promise<number[]> =>
  outputOf((draft) => {
    const rows = draft.dimension("rows", ids.length);
    return draft.builder.embedding({ ids: draft.integers("ids", [rows], ids), table: draft.weight("table", [3, 2], { values: table }) });
  });

describe("embedding", () => {
  it("looks rows up", async () => {
    expect(await embed([2, 0, 2])).toEqual([5, 6, 1, 2, 5, 6]);
    expect(await embed([])).toEqual([]);
  });

  it("takes media rows where an index is given and does not read those ids", async () => {
    const output = await outputOf((draft) => {
      const rows = draft.dimension("rows", 3);
      const media = draft.resource("media", "bf16", [2, 2], false);
      draft.builder.store(draft.floats("features", [1, 2], [0.5, 1.00390625]), media, draft.integers("slots", [1], [1]));
      const ids = draft.integers("ids", [rows], [1, 999, 0]);
      const index = draft.integers("index", [rows], [-1, 1, -1]);
      return draft.builder.embedding({ ids, table: draft.weight("table", [3, 2], { values: table }), media: { rows: media, index } });
    });
    expect(output).toEqual([3, 4, 0.5, 1, 1, 2]);
  });

  it.each([-1, 3])("refuses the id %i", async (id) => {
    await expect(embed([0, id])).rejects.toThrowError(IndexOutOfRangeError);
    await expect(embed([0, id])).rejects.toMatchObject({ code: "INDEX_OUT_OF_RANGE", facts: { operation: "embedding", tensor: "ids", row: 1, value: id, limit: 3 } });
  });
});

describe("gather", () => {
  const gather = (indices: number[], taps: number, combine: "concatenate" | "mean"): Promise<number[]> =>
    outputOf((draft) => {
      const source = draft.floats("source", [draft.dimension("n", 3), 2], table);
      const out = draft.dimension("out", indices.length / taps);
      return draft.builder.gather(source, draft.integers("indices", [out, taps], indices), combine);
    });

  it("puts taps side by side, zeros for -1", async () => {
    expect(await gather([2, -1, 0, 1], 2, "concatenate")).toEqual([5, 6, 0, 0, 1, 2, 3, 4]);
  });

  it("averages taps, zeros counting", async () => {
    expect(await gather([0, 2, -1, 1], 2, "mean")).toEqual([3, 4, 1.5, 2]);
  });

  it.each([-2, 3])("refuses the index %i", async (index) => {
    await expect(gather([index], 1, "concatenate")).rejects.toThrowError(IndexOutOfRangeError);
  });
});
