import { describe, expect, it } from "vitest";
import { dividedBy, elementCount, flatExtent, formatShape, resolveExtent, sameExtent, sameShape, times, type Extent } from "./shape.ts";

const rows: Extent = { dimension: "rows", multiply: 1, divide: 1 };

describe("extents", () => {
  it("multiply, divide and reduce", () => {
    expect(times(3, 4)).toBe(12);
    expect(dividedBy(12, 4)).toBe(3);
    expect(dividedBy(times(rows, 6), 4)).toEqual({ dimension: "rows", multiply: 3, divide: 2 });
    expect(sameExtent(times(dividedBy(rows, 4), 4), rows)).toBe(true);
  });

  it("resolve under sizes", () => {
    expect(resolveExtent(7, {})).toBe(7);
    expect(resolveExtent(dividedBy(times(rows, 3), 2), { rows: 4 })).toBe(6);
    expect(resolveExtent(dividedBy(rows, 4), { rows: 6 })).toBe(1.5);
    expect(resolveExtent(rows, {})).toBeNaN();
  });

  it("are equal only under all sizes", () => {
    expect(sameExtent(rows, 4)).toBe(false);
    expect(sameExtent(rows, { dimension: "patches", multiply: 1, divide: 1 })).toBe(false);
    expect(sameExtent(rows, times(rows, 2))).toBe(false);
  });
});

describe("shapes", () => {
  it("count elements, compare, flatten and print", () => {
    expect(elementCount([rows, 3, 2], { rows: 5 })).toBe(30);
    expect(elementCount([], {})).toBe(1);
    expect(sameShape([rows, 3], [rows, 3])).toBe(true);
    expect(sameShape([rows, 3], [rows])).toBe(false);
    expect(flatExtent([rows, 3, 2])).toEqual({ dimension: "rows", multiply: 6, divide: 1 });
    expect(flatExtent([2, 3])).toBe(6);
    expect(flatExtent([rows, rows])).toBeUndefined();
    expect(formatShape([dividedBy(times(rows, 3), 4), 64])).toBe("[rows*3/4, 64]");
  });
});
