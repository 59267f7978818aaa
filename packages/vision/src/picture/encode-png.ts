import { crc32, deflate } from "node:zlib";
import { promisify } from "node:util";
import type { RgbImage } from "../rgb-image.ts";

const compress = promisify(deflate);

/** Encodes an 8-bit RGB image as PNG. */
export async function encodePng({ data, width, height }: RgbImage): Promise<Uint8Array> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits a channel, colour type 2: RGB.
  header.set([8, 2], 8);
  const rowLength = 3 * width;
  const rows = Buffer.alloc((1 + rowLength) * height);
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * rowLength, (y + 1) * rowLength), y * (1 + rowLength) + 1);
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", await compress(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), content]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(content.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}
