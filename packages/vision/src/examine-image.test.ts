import type { ImageProcessorConfig } from "@polywen/formats";
import { describe, expect, it } from "vitest";
import { decodeImage } from "./decode-image.ts";
import { examineImage } from "./examine-image.ts";
import { preprocessImage } from "./image-processor.ts";
import { encodePng } from "./picture/encode-png.ts";
import { patchPicture } from "./picture/patch-picture.ts";
import { readGoldens, seededNoise } from "./testing.ts";

const goldens = readGoldens<Readonly<Record<string, { readonly file: string }>>>("decode-image");
const config: ImageProcessorConfig = {
  type: "Qwen2VLImageProcessor", doConvertRgb: true, doResize: true, resample: 3, doRescale: true, rescaleFactor: 1 / 255, doNormalize: true,
  imageMean: [0.48145466, 0.4578275, 0.40821073], imageStd: [0.26862954, 0.26130258, 0.27577711], patchSize: 14, temporalPatchSize: 2, mergeSize: 2, minPixels: 3136, maxPixels: 12_845_056,
};

const transparent = "transparency, where there is any, is put over white";

describe("examineImage", () => {
  it.each([
    ["rgb.png", []],
    ["orientation6.jpg", ["it is turned upright (orientation 6)"]],
    ["cmyk.jpg", ["inks (CMYK) become RGB by Pillow's formula"]],
    ["grey-alpha16.png", ["16-bit channels are cut to their upper 8 bits", "grey becomes RGB", transparent]],
    ["animation.gif", ["the first of 2 frames is taken", transparent]],
    ["profile.png", ["the colour profile is ignored"]],
  ])("%s: says what happens", async (name, steps) => {
    const { changes, grid, size, format } = await examineImage(Buffer.from(goldens[name]!.file, "base64"), config);
    expect(changes.slice(0, -1)).toEqual(steps);
    expect(changes.at(-1)).toMatch(/^it is resized from \d+ × \d+ to \d+ × \d+ \(bicubic\)$/);
    expect([grid.w * 14, grid.h * 14]).toEqual([size.width, size.height]);
    expect(name.toUpperCase()).toContain(format === "JPEG" ? "JPG" : format.toUpperCase());
  });
});

describe("patchPicture", () => {
  it("shows every pixel of the resized image between the lines, through a PNG and back", async () => {
    // 56 × 28 pixels stay as they are: 4 × 2 patches in two squares.
    const source = { data: seededNoise(56 * 28 * 3, 3), width: 56, height: 28, channels: 3 as const };
    const exact = { ...config, minPixels: 28 * 28 };
    const picture = patchPicture(await preprocessImage(source, exact), exact);
    const zoom = 8;
    expect([picture.width, picture.height]).toEqual([56 * zoom + 3 * 2 + 2, 28 * zoom + 2 * 2 + 1]);
    const decoded = await decodeImage(await encodePng(picture));
    expect(Buffer.compare(decoded.data, picture.data)).toBe(0);
    const place = (pixel: number): number => pixel * zoom + 2 + Math.floor(pixel / 28) * 3 + Math.floor((pixel % 28) / 14);
    for (let y = 0; y < 28; y++) {
      for (let x = 0; x < 56; x++) {
        const at = (place(y) * picture.width + place(x)) * 3;
        expect([...picture.data.subarray(at, at + 3)]).toEqual([...source.data.subarray((y * 56 + x) * 3, (y * 56 + x) * 3 + 3)]);
      }
    }
    const colourAt = (x: number, y: number): number[] => [...picture.data.subarray((y * picture.width + x) * 3, (y * picture.width + x) * 3 + 3)];
    expect([colourAt(0, 50), colourAt(place(27) + zoom, 50), colourAt(place(13) + zoom, 50)]).toEqual([[255, 196, 0], [255, 196, 0], [96, 96, 96]]);
  });
});
