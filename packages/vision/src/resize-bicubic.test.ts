import { describe, expect, it } from "vitest";
import { resizeBicubic } from "./resize-bicubic.ts";
import { readGoldens, seededNoise, sha256 } from "./testing.ts";

interface Goldens {
  readonly cases: readonly { seed: number; from: [number, number]; to: [number, number]; sha256: string }[];
  readonly tiny: { pixels: number[]; from: [number, number]; to: [number, number]; resized: number[] };
}

const goldens = readGoldens<Goldens>("resize-bicubic");

describe("resizeBicubic", () => {
  it("gives the pixels that Pillow gives for a written-out image", async () => {
    const { pixels, from, to, resized } = goldens.tiny;
    const image = await resizeBicubic({ data: Uint8Array.from(pixels), width: from[0], height: from[1] }, to[0], to[1]);
    expect([...image.data]).toEqual(resized);
  });

  it.each(goldens.cases)("equals Pillow from $from to $to", async ({ seed, from: [width, height], to, sha256: expected }) => {
    const image = await resizeBicubic({ data: seededNoise(width * height * 3, seed), width, height }, to[0], to[1]);
    expect([image.width, image.height]).toEqual(to);
    expect(sha256(image.data)).toBe(expected);
  });

  it("lets timers run and stops when aborted", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 20);
    const image = { data: new Uint8Array(3000 * 3000 * 3), width: 3000, height: 3000 };
    await expect(resizeBicubic(image, 2800, 2800, controller.signal)).rejects.toMatchObject({ code: "ABORTED", cause: { message: "enough" } });
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses the width %s", async (width) => {
    await expect(resizeBicubic({ data: new Uint8Array(3), width: 1, height: 1 }, width, 1)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });
});
