import { describe, expect, it } from "vitest";
import { decodeImage } from "./decode-image.ts";
import { locateDamage } from "./image-damage.ts";
import type { ImageFormat } from "./image-format.ts";
import { readGoldens, seededNoise } from "./testing.ts";

const goldens = readGoldens<Readonly<Record<string, { readonly file: string }>>>("decode-image");
const fileOf = (name: string): Buffer => Buffer.from(goldens[name]!.file, "base64");
const examples: readonly (readonly [name: string, format: ImageFormat])[] = [
  ["rgb.png", "PNG"], ["animation.png", "PNG"], ["progressive.jpg", "JPEG"], ["orientation6.jpg", "JPEG"], ["cmyk.jpg", "JPEG"], ["lossy.webp", "WebP"],
  ["animation.webp", "WebP"], ["animation.gif", "GIF"], ["transparent.gif", "GIF"], ["lzw.tiff", "TIFF"], ["full-chroma.avif", "AVIF"],
];

describe("locateDamage", () => {
  it.each(examples)("finds nothing wrong with %s", (name, format) => {
    expect(locateDamage(fileOf(name), format)).toBeUndefined();
  });

  it.each(examples)("%s: says where a truncated file ends", (name, format) => {
    const whole = fileOf(name);
    for (let part = 2; part < 16; part++) {
      const length = Math.floor((whole.length * part) / 16);
      const damage = locateDamage(whole.subarray(0, length), format);
      // The directory of a TIFF lies behind its pixels: the pointer to it is what is wrong then. A GIF may end after any block.
      if (format === "TIFF") expect([4, length]).toContain(damage?.offset);
      else if (format !== "GIF" || damage !== undefined) expect(damage).toEqual({ offset: length, problem: expect.stringContaining("the file ends inside") });
    }
  });

  it("names the chunk whose checksum is wrong, a segment that cannot be, pixels beyond the end", async () => {
    const png = fileOf("rgb.png");
    png[45]! ^= 1;
    expect(locateDamage(png, "PNG")?.problem).toMatch(/the checksum of the chunk IDAT is wrong/);
    const jpeg = fileOf("grey.jpg");
    jpeg.writeUInt16BE(1, 4);
    expect(locateDamage(jpeg, "JPEG")).toEqual({ offset: 4, problem: "a segment of 1 bytes is impossible" });
    const tiff = fileOf("rgb.tiff");
    const strips = Array.from({ length: (tiff.length - 14) / 2 }, (_, index) => 10 + index * 2).find((at) => tiff.readUInt16LE(at) === 273 && tiff.readUInt16LE(at + 2) === 4)!;
    tiff.writeUInt32LE(0xffff, strips + 8);
    await expect(decodeImage(tiff)).rejects.toMatchObject({ facts: { problem: expect.stringContaining("pixels lie at byte 65535") } });
  });

  it("survives flipped bytes", () => {
    for (const [name, format] of examples) {
      const noise = seededNoise(400, name.length);
      for (let round = 0; round < 100; round++) {
        const bytes = fileOf(name);
        for (let flip = 0; flip < 4; flip++) bytes[(noise[round * 4 + flip]! * 256 + round * 7) % bytes.length]! ^= 1 << (flip * 2);
        const damage = locateDamage(bytes, format);
        if (damage !== undefined) expect(damage.offset).toBeLessThanOrEqual(bytes.length);
      }
    }
  });
});
