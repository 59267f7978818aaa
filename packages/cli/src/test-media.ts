import { crc32, deflateSync } from "node:zlib";

/** A grey PNG with a brighter square in the middle. */
export function pngFile(size: number): Buffer {
  const rows = Buffer.alloc(size * (size + 1), 40);
  for (let y = 0; y < size; y++) {
    rows[y * (size + 1)] = 0;
    if (y > size / 4 && y < (size * 3) / 4) rows.fill(200, y * (size + 1) + 1 + size / 4, y * (size + 1) + 1 + (size * 3) / 4);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header[8] = 8;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, pngChunk("IHDR", header), pngChunk("IDAT", deflateSync(rows)), pngChunk("IEND", Buffer.alloc(0))]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/** A mono 16-bit WAV of 16 kHz with a tone of 440 Hz. */
export function wavFile(milliseconds: number): Buffer {
  const samples = 16 * milliseconds;
  const file = Buffer.alloc(44 + 2 * samples);
  file.write("RIFF", 0, "latin1");
  file.writeUInt32LE(36 + 2 * samples, 4);
  file.write("WAVEfmt ", 8, "latin1");
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(16_000, 24);
  file.writeUInt32LE(32_000, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36, "latin1");
  file.writeUInt32LE(2 * samples, 40);
  for (let index = 0; index < samples; index++) file.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 440 * index) / 16_000)), 44 + 2 * index);
  return file;
}
