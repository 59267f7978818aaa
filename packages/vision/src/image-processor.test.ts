import type { ImageProcessorConfig } from "@polywen/formats";
import { describe, expect, it } from "vitest";
import { preprocessImage } from "./image-processor.ts";
import { readGoldens, seededNoise, sha256 } from "./testing.ts";

interface Golden {
  readonly seed: number;
  readonly size: [number, number];
  readonly config: Record<string, unknown>;
  readonly grid: [number, number, number];
  readonly sha256: string;
  readonly start: number[];
}

const published: ImageProcessorConfig = {
  type: "Qwen2VLImageProcessor",
  doConvertRgb: true,
  doResize: true,
  resample: 3,
  doRescale: true,
  rescaleFactor: 1 / 255,
  doNormalize: true,
  imageMean: [0.48145466, 0.4578275, 0.40821073],
  imageStd: [0.26862954, 0.26130258, 0.27577711],
  patchSize: 14,
  temporalPatchSize: 2,
  mergeSize: 2,
  minPixels: 3136,
  maxPixels: 12_845_056,
};

/** `patch_size` of the golden becomes `patchSize`, as the formats package would read it. */
function configOf(fields: Record<string, unknown>): ImageProcessorConfig {
  const entries = Object.entries(fields).map(([key, value]) => [key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()), value]);
  return { ...published, ...(Object.fromEntries(entries) as Partial<ImageProcessorConfig>) };
}

describe("preprocessImage", () => {
  it.each(readGoldens<readonly Golden[]>("image-processor"))("equals transformers in every bit: $size, grid $grid", async (golden) => {
    const [width, height] = golden.size;
    const pixels = { data: seededNoise(width * height * 3, golden.seed), width, height, channels: 3 as const };
    const result = await preprocessImage(pixels, configOf(golden.config));
    expect(result.grid).toEqual({ t: golden.grid[0], h: golden.grid[1], w: golden.grid[2] });
    expect(Array.from(result.pixelValues.subarray(0, 4))).toEqual(golden.start);
    expect(sha256(result.pixelValues)).toBe(golden.sha256);
  });

  it("orders rows by merge block and content by channel, frame, y, x", async () => {
    const data = Uint8Array.from({ length: 8 * 4 * 3 }, (_, index) => index);
    const config = { ...published, doResize: false, doRescale: false, doNormalize: false, patchSize: 2 };
    const { pixelValues, grid } = await preprocessImage({ data, width: 8, height: 4, channels: 3 }, config);
    expect(grid).toEqual({ t: 1, h: 2, w: 4 });
    const row = (index: number): number[] => Array.from(pixelValues.subarray(index * 24, (index + 1) * 24));
    const red = [0, 3, 24, 27];
    expect(row(0)).toEqual([0, 0, 1, 1, 2, 2].flatMap((channel) => red.map((level) => level + channel)));
    expect([1, 2, 3, 4].map((index) => row(index)[0])).toEqual([6, 48, 54, 12]);
  });

  it("refuses fields that it would otherwise ignore", async () => {
    const pixel = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 as const };
    for (const change of [{ doConvertRgb: false }, { resample: 2 }, { patchSize: 1000 }, { temporalPatchSize: 1000 }]) {
      await expect(preprocessImage(pixel, { ...published, ...change })).rejects.toMatchObject({ code: "UNSUPPORTED" });
    }
    await expect(preprocessImage(pixel, { ...published, doResize: false })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  it("bounds what a configuration may ask for, and the aspect ratio", async () => {
    const pixels = { data: new Uint8Array(300 * 3), width: 300, height: 1, channels: 3 as const };
    await expect(preprocessImage(pixels, published)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    const square = { data: new Uint8Array(300 * 3), width: 20, height: 15, channels: 3 as const };
    const huge = { ...published, minPixels: 1e12, maxPixels: 1e13 };
    await expect(preprocessImage(square, huge)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 2 ** 24 } });
  });

  it("stops when aborted", async () => {
    const pixels = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 as const };
    await expect(preprocessImage(pixels, published, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  });
});
