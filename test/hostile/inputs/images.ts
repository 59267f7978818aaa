import type sharp from "sharp";
import type { Sharp } from "sharp";
import { tiffOfPages } from "../../../packages/vision/src/testing.ts";

const small = 56;

/** With the first picture: each case has a process of its own, and most have none. */
async function loadSharp(): Promise<typeof sharp> {
  return (await import("sharp")).default;
}

/** Colour bars as `sharp` encodes them: an image that nothing is wrong with, in any format it writes. */
export async function picture(format: "png" | "jpeg" | "webp" | "gif" | "tiff" | "avif", change: (bars: Sharp) => Sharp = (bars) => bars): Promise<Buffer> {
  const open = await loadSharp();
  const data = Buffer.from(Array.from({ length: small * small * 3 }, (_, index) => (index * 37) % 256));
  return change(open(data, { raw: { width: small, height: small, channels: 3 } })).toFormat(format).toBuffer();
}

/** A TIFF of 8 × 8 grey pixels that announces `width` × `height`. */
export function tiffBomb(width: number, height: number): Buffer {
  const file = tiffOfPages(8, 8, 1);
  const entries = file.readUInt32LE(4) + 2;
  [width, height].forEach((value, index) => file.writeUInt32LE(value, entries + 12 * index + 8));
  return file;
}

/** A good AVIF whose header announces another size (the box `ispe`). */
export async function avifBomb(width: number, height: number): Promise<Buffer> {
  const file = await picture("avif");
  const at = file.indexOf("ispe") + 8;
  file.writeUInt32BE(width, at);
  file.writeUInt32BE(height, at + 4);
  return file;
}

/** A lossless WebP that announces the largest size of the format, 16,383 × 16,383, and holds next to nothing. */
export function webpBomb(): Buffer {
  const file = Buffer.alloc(32);
  file.write("RIFF____WEBPVP8L", "latin1");
  file.writeUInt32LE(24, 4);
  file.writeUInt32LE(12, 16);
  file[20] = 0x2f;
  file.writeUInt32LE(0x3ffe + 0x3ffe * 2 ** 14, 21);
  return file;
}

/** An animated WebP of `count` frames of 8 × 8 pixels, which show the same, each for no time at all. */
export async function animatedWebp(count: number): Promise<Buffer> {
  const open = await loadSharp();
  const still = await open({ create: { width: 8, height: 8, channels: 3, background: "red" } }).webp({ lossless: true }).toBuffer();
  const picture = still.subarray(still.indexOf("VP8L"));
  // Place, size less one, duration and disposal of a frame.
  const frame = riffChunk("ANMF", Buffer.concat([Buffer.from("000000000000" + "070000070000" + "000000" + "02", "hex"), picture]));
  const header = riffChunk("VP8X", Buffer.from("02000000" + "070000070000", "hex"));
  const body = Buffer.concat([Buffer.from("WEBP"), header, riffChunk("ANIM", Buffer.alloc(6)), ...Array.from({ length: count }, () => frame)]);
  return riffChunk("RIFF", body);
}

function riffChunk(name: string, content: Buffer): Buffer {
  const chunk = Buffer.alloc(8 + content.length + (content.length % 2));
  chunk.write(name, "latin1");
  chunk.writeUInt32LE(content.length, 4);
  content.copy(chunk, 8);
  return chunk;
}

/** The first box of an ISO base media file of the brand `brand` (`heic`, `isom`, …). */
export function isoFile(brand: string): Buffer {
  const file = Buffer.alloc(64);
  file.writeUInt32BE(20, 0);
  file.write(`ftyp${brand}\0\0\0\0${brand}`, 4, "latin1");
  return file;
}
