import type sharp from "sharp";
import type { Sharp } from "sharp";

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

/** A GIF of `frames` frames of `width` × `height` of which only the first pixel is there. */
export function gif(width: number, height: number, frames: number): Buffer {
  const header = Buffer.from("GIF89a____\x80\0\0\0\0\0\xff\xff\xff", "latin1");
  header.writeUInt16LE(width, 6);
  header.writeUInt16LE(height, 8);
  // Descriptor of a frame, then its LZW code: clear, index 0, end.
  const frame = Buffer.from("2c000000000000000000" + "0202440100", "hex");
  frame.writeUInt16LE(width, 5);
  frame.writeUInt16LE(height, 7);
  return Buffer.concat([header, ...Array.from({ length: frames }, () => frame), Buffer.from(";")]);
}

/** A little-endian TIFF that announces `width` × `height` grey pixels in one strip of one byte. */
export function tiffBomb(width: number, height: number): Buffer {
  return Buffer.concat([tiffHeader(Buffer.alloc(4)), tiffDirectory(width, height, 0)]);
}

/** A TIFF of `count` pages of 8 × 8 grey pixels, which all of them share. */
export function tiffPages(count: number): Buffer {
  const header = tiffHeader(Buffer.alloc(64));
  const length = tiffDirectory(8, 8, 0).length;
  return Buffer.concat([header, ...Array.from({ length: count }, (_, page) => tiffDirectory(8, 8, page < count - 1 ? header.length + (page + 1) * length : 0))]);
}

/** The header, the pixels at byte 8, and behind them the first directory. */
function tiffHeader(pixels: Buffer): Buffer {
  const header = Buffer.from("II*\0____", "latin1");
  header.writeUInt32LE(8 + pixels.length, 4);
  return Buffer.concat([header, pixels]);
}

function tiffDirectory(width: number, height: number, next: number): Buffer {
  const entries: readonly (readonly [tag: number, value: number])[] = [[256, width], [257, height], [258, 8], [259, 1], [262, 1], [273, 8], [277, 1], [278, height], [279, height === 8 ? 64 : 1]];
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length);
  entries.forEach(([tag, value], index) => {
    const at = 2 + index * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(4, at + 2);
    directory.writeUInt32LE(1, at + 4);
    directory.writeUInt32LE(value, at + 8);
  });
  directory.writeUInt32LE(next, directory.length - 4);
  return directory;
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
