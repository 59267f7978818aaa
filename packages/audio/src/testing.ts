import { readFileSync } from "node:fs";

/** For tests: the 16-bit samples of `scripts/make-goldens.py`. */
export function seededSound(count: number, seed: number): Int16Array {
  let state = seed;
  return Int16Array.from({ length: count }, (_, index) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    if (Math.floor(index / 1600) % 5 === 4) return 0;
    return (Math.floor((index * index) / 64) % 8192) - 4096 + ((state >>> 24) - 128) * 8;
  });
}

/** For tests: a file that `scripts/make-goldens.py` wrote. */
export function readGoldens<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`goldens/${name}.json`, import.meta.url), "utf8")) as T;
}

/** What `wavFile` puts into a header; each field can be a lie. */
export interface WavFields {
  readonly tag?: number;
  readonly channels?: number;
  readonly sampleRate?: number;
  readonly bits?: number;
  readonly blockLength?: number;
  readonly dataLength?: number;
}

/** For tests: a WAV file written by hand, 16-bit mono of 16 kHz unless told otherwise. */
export function wavFile(data: Uint8Array, fields: WavFields = {}): Buffer {
  const { tag = 1, channels = 1, sampleRate = 16_000, bits = 16 } = fields;
  const blockLength = fields.blockLength ?? (channels * bits) / 8;
  const header = Buffer.from("RIFF____WAVEfmt ____________________data____");
  header.writeUInt32LE(36 + data.length, 4);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(tag, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE((sampleRate * blockLength) % 2 ** 32, 28);
  header.writeUInt16LE(blockLength % 2 ** 16, 32);
  header.writeUInt16LE(bits, 34);
  header.writeUInt32LE(fields.dataLength ?? data.length, 40);
  return Buffer.concat([header, data]);
}
