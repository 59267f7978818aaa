import { describe, expect, it } from "vitest";
import { decodeFrames } from "./decode-frames.ts";
import { animatedGif, readGoldens, tiffOfPages } from "./testing.ts";

interface Golden {
  readonly file: string;
  readonly frames: readonly { readonly width: number; readonly height: number; readonly rgb: string }[];
  readonly durations?: readonly number[];
}

const goldens = readGoldens<Readonly<Record<string, Golden>>>("decode-frames");
const fileOf = (name: string): Buffer => Buffer.from(goldens[name]!.file, "base64");

describe("decodeFrames, against Pillow", () => {
  it.each(Object.keys(goldens))("%s: equal frames and durations", async (name) => {
    const { frames, durations } = await decodeFrames(fileOf(name));
    expect(frames.map(({ width, height }) => [width, height])).toEqual(goldens[name]!.frames.map(({ width, height }) => [width, height]));
    for (const [index, { data }] of frames.entries()) expect(Buffer.from(data).toString("base64")).toBe(goldens[name]!.frames[index]!.rgb);
    expect(durations).toEqual(goldens[name]!.durations);
  });
});

describe("decodeFrames, limits", () => {
  it("takes a picture that does not move, and raw pixels, as one frame", async () => {
    const { frames } = await decodeFrames({ data: Uint8Array.of(1, 2, 3), width: 1, height: 1, channels: 3 });
    expect(frames.map(({ data }) => [...data])).toEqual([[1, 2, 3]]);
  });

  it("refuses too many frames, and too many pixels in all, before they are decoded", async () => {
    await expect(decodeFrames(animatedGif(8, 8, 10_000))).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 768, received: 10_000 } });
    await expect(decodeFrames(animatedGif(4000, 4000, 9))).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 128e6, received: 144e6 } });
    await expect(decodeFrames(tiffOfPages(8, 8, 1000))).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 768, received: 1000 } });
    await expect(decodeFrames(fileOf("moved.webp"), { limits: { maxFrames: 2 } })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { received: 3 } });
    await expect(decodeFrames(fileOf("moved.webp"), { limits: { maxVideoPixels: 740 } })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { received: 741 } });
    await expect(decodeFrames(fileOf("pages.tiff"), { limits: { maxVideoPixels: 1051 } })).resolves.toHaveProperty("frames.length", 5);
    await expect(decodeFrames(fileOf("pages.tiff"), { limits: { maxVideoPixels: 1050 } })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    await expect(decodeFrames(tiffOfPages(8, 8, 2, 40_000), { limits: {} })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { received: 40_000 } });
  });

  it.each(["moved.gif", "moved.webp", "pages.tiff"])("%s: truncations are errors that name a place, or whole frames less", async (name) => {
    const whole = fileOf(name);
    for (let part = 1; part < 16; part++) {
      const bytes = whole.subarray(0, Math.floor((whole.length * part) / 16));
      const result: unknown = await decodeFrames(bytes).then(({ frames }) => frames.map(({ data }) => Buffer.from(data).toString("base64")), (thrown: unknown) => thrown);
      if (Array.isArray(result)) expect(result).toEqual(goldens[name]!.frames.slice(0, result.length).map(({ rgb }) => rgb));
      else expect(result).toMatchObject({ code: "FILE_INVALID", facts: { offset: expect.any(Number) } });
    }
  });
});
