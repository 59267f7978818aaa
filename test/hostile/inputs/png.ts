import { crc32, deflateSync } from "node:zlib";

/** What a PNG says of itself; each field can be a lie. */
export interface PngFields {
  readonly width: number;
  readonly height: number;
  /** Bits of a channel; default 8. */
  readonly depth?: 1 | 8 | 16;
  /** 0 grey, 2 RGB (default), 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colour?: 0 | 2 | 3 | 4 | 6;
  /** Rows with their filter byte, not yet compressed. Default: as many zero bytes as the fields ask for. */
  readonly rows?: Uint8Array;
  /** Chunks before the data: palette, profile, animation. */
  readonly chunks?: readonly Buffer[];
  /** Chunks after the data. */
  readonly after?: readonly Buffer[];
}

const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;

/** A PNG file written by hand. */
export function png({ width, height, depth = 8, colour = 2, chunks = [], after = [], rows }: PngFields): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour], 8);
  const data = deflateSync(rows ?? Buffer.alloc((1 + Math.ceil((width * channels[colour] * depth) / 8)) * height));
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([signature, pngChunk("IHDR", header), ...chunks, pngChunk("IDAT", data), ...after, pngChunk("IEND", Buffer.alloc(0))]);
}

/** A chunk with its length and checksum. */
export function pngChunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), content]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(content.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** An animation of `frames` identical frames of 8 × 8 pixels (APNG). */
export function animatedPng(frames: number): Buffer {
  const size = 8;
  const control = (sequence: number): Buffer => {
    const content = Buffer.alloc(26);
    [sequence, size, size].forEach((value, index) => content.writeUInt32BE(value, 4 * index));
    content.writeUInt16BE(1, 20);
    content.writeUInt16BE(10, 22);
    return pngChunk("fcTL", content);
  };
  const animation = Buffer.alloc(8);
  animation.writeUInt32BE(frames, 0);
  const data = deflateSync(Buffer.alloc((1 + size * 3) * size));
  const rest = Array.from({ length: frames - 1 }, (_, index) => {
    const numbered = Buffer.concat([Buffer.alloc(4), data]);
    numbered.writeUInt32BE(2 * index + 2, 0);
    return Buffer.concat([control(2 * index + 1), pngChunk("fdAT", numbered)]);
  });
  return png({ width: size, height: size, chunks: [pngChunk("acTL", animation), control(0)], after: rest });
}
