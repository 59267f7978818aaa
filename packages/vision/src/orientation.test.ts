import { describe, expect, it } from "vitest";
import { crc32 } from "node:zlib";
import { decodeImage } from "./decode-image.ts";
import { turnUpright, xmpOrientation } from "./orientation.ts";
import { readGoldens, type DecodedGolden } from "./testing.ts";

const goldens = readGoldens<Readonly<Record<string, DecodedGolden>>>("decode-image");
// The files orientation1.jpg to orientation8.jpg store the same pixels.
const stored = goldens["orientation1.jpg"]!;
const pixels = { data: new Uint8Array(Buffer.from(stored.rgb, "base64")), width: stored.width, height: stored.height };

/** `rgb.png` with a chunk of XMP behind its header. */
function withXmp(xmp: string): Buffer {
  const png = Buffer.from(goldens["rgb.png"]!.file, "base64");
  const body = Buffer.from(`iTXtXML:com.adobe.xmp\0\0\0\0\0${xmp}`, "latin1");
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(body.length - 4, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([png.subarray(0, 33), frame.subarray(0, 4), body, frame.subarray(4), png.subarray(33)]);
}

describe("turnUpright", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("orientation %i: as Pillow turns it", async (orientation) => {
    const expected = goldens[`orientation${orientation}.jpg`]!;
    const { data, width, height } = await turnUpright(pixels, orientation);
    expect([width, height]).toEqual([expected.width, expected.height]);
    expect(Buffer.from(data).toString("base64")).toBe(expected.rgb);
  });
});

describe("an orientation in XMP", () => {
  it.each([
    ['<rdf:Description tiff:Orientation="6"/>', 6],
    ["<tiff:Orientation>8</tiff:Orientation>", 8],
    ['<rdf:Description tiff:Orientation="9"/>', 1],
    ["<x/>", 1],
  ])("%s", async (xmp, orientation) => {
    expect(xmpOrientation(xmp)).toBe(orientation);
    const { rgb, width, height } = goldens["rgb.png"]!;
    const upright = await turnUpright({ data: Buffer.from(rgb, "base64"), width, height }, orientation);
    const { data, ...size } = await decodeImage(withXmp(xmp));
    expect(size).toEqual({ width: upright.width, height: upright.height });
    expect(Buffer.compare(data, upright.data)).toBe(0);
  });
});
