import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** For tests: the noise of `scripts/make-goldens.py`, interleaved levels of `count` bytes. */
export function seededNoise(count: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

/** For tests: a file that `scripts/make-goldens.py` wrote. */
export function readGoldens<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`goldens/${name}.json`, import.meta.url), "utf8")) as T;
}

/** For tests: a file, and the pixels that Pillow reads of it, red, green and blue of each, in base64. */
export interface DecodedGolden {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly rgb: string;
}

/** For tests: the SHA-256 of an array's bytes, in hexadecimal. */
export function sha256(array: Uint8Array | Float32Array): string {
  return createHash("sha256").update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)).digest("hex");
}

/** For tests: a GIF of `frames` frames of which only the first pixel is stored. */
export function animatedGif(width: number, height: number, frames: number): Buffer {
  const header = Buffer.from("GIF89a____\x80\0\0\0\0\0\xff\xff\xff", "latin1");
  // Descriptor of a frame, then its LZW code: clear, index 0, end.
  const frame = Buffer.from(`2c000000000000000000${"0202440100"}`, "hex");
  for (const [bytes, at] of [[header, 6], [frame, 5]] as const) {
    bytes.writeUInt16LE(width, at);
    bytes.writeUInt16LE(height, at + 2);
  }
  return Buffer.concat([header, ...Array.from({ length: frames }, () => frame), Buffer.from(";")]);
}

/** For tests: a grey TIFF of `count` pages that share their pixels; the last one may announce another width. */
export function tiffOfPages(width: number, height: number, count: number, lastWidth: number = width): Buffer {
  const pixels = Buffer.alloc(8 + width * height);
  pixels.write("II*\0", "latin1");
  pixels.writeUInt32LE(pixels.length, 4);
  const pages = Array.from({ length: count }, (_, index) => {
    const tags = [[256, index === count - 1 ? lastWidth : width], [257, height], [258, 8], [259, 1], [262, 1], [273, 8], [277, 1], [278, height], [279, width * height]] as const;
    const page = Buffer.alloc(2 + tags.length * 12 + 4);
    page.writeUInt16LE(tags.length);
    tags.forEach(([tag, value], at) => {
      page.writeUInt16LE(tag, 2 + at * 12);
      page.writeUInt16LE(4, 4 + at * 12);
      page.writeUInt32LE(1, 6 + at * 12);
      page.writeUInt32LE(value, 10 + at * 12);
    });
    if (index < count - 1) page.writeUInt32LE(pixels.length + (index + 1) * page.length, page.length - 4);
    return page;
  });
  return Buffer.concat([pixels, ...pages]);
}
