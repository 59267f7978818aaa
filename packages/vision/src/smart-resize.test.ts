import { describe, expect, it } from "vitest";
import { smartResize } from "./smart-resize.ts";
import { readGoldens } from "./testing.ts";

type Case = readonly [width: number, height: number, factor: number, minPixels: number, maxPixels: number, toWidth: number, toHeight: number];

const published = { factor: 28, minPixels: 3136, maxPixels: 12_845_056 };

describe("smartResize", () => {
  it("equals transformers on seeded sizes, halves among them", () => {
    const cases = readGoldens<readonly Case[]>("smart-resize");
    expect(cases.length).toBeGreaterThan(150);
    for (const [width, height, factor, minPixels, maxPixels, toWidth, toHeight] of cases) {
      expect(smartResize({ width, height }, { factor, minPixels, maxPixels })).toEqual({ width: toWidth, height: toHeight });
    }
  });

  it.each([
    [1, 1, 56, 56],
    [500, 30, 504, 28],
    [1000, 700, 1008, 700],
    [42, 70, 56, 56],
    [70, 14, 140, 28],
  ])("brings %i × %i to %i × %i with the published bounds", (width, height, toWidth, toHeight) => {
    expect(smartResize({ width, height }, published)).toEqual({ width: toWidth, height: toHeight });
  });

  it("refuses more than 200 to 1", () => {
    expect(smartResize({ width: 200, height: 1 }, published).height).toBe(28);
    expect(() => smartResize({ width: 1, height: 201 }, published)).toThrowError(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
  });
});
