import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import type { MediaBytes } from "@polywen/cross-modal";

/** What a WAV file says about its samples, checked against its size. */
export interface WavLayout {
  readonly encoding: "integer" | "float" | "a-law" | "mu-law";
  /** Bits that one sample takes. */
  readonly bits: number;
  readonly channels: number;
  /** Samples per second and channel. */
  readonly sampleRate: number;
  /** Where the samples begin, in bytes. */
  readonly dataOffset: number;
  /** How many samples each channel has. */
  readonly frames: number;
}

/** Format tags of the chunk `fmt `, and the sample sizes that occur with each. */
const encodings: Readonly<Record<number, { encoding: WavLayout["encoding"]; bits: readonly number[] }>> = {
  1: { encoding: "integer", bits: [8, 16, 24, 32] },
  3: { encoding: "float", bits: [32, 64] },
  6: { encoding: "a-law", bits: [8] },
  7: { encoding: "mu-law", bits: [8] },
};

/** The tag WAVE_FORMAT_EXTENSIBLE: the tag proper begins a GUID, whose other bytes are always these. */
const extensible = 0xfffe;
const guidTail = "000000001000800000aa00389b71";

/** Programs that write to a pipe cannot know the length and put a huge one: the samples then go on to the end of the file. */
const leastUnknownLength = 0x7ffff000;

interface Chunk {
  readonly offset: number;
  readonly length: number;
}

/**
 * Walks the chunks of a RIFF/WAVE file without allocating. Every length is checked against the bytes that are there; the length in
 * the RIFF header is not used.
 * Throws InvalidFileError with the byte offset, and UnsupportedError for compressed samples and unusual sample sizes.
 */
export function readWavLayout({ bytes, name }: MediaBytes): WavLayout {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { format, data } = findChunks(view, name);
  const fields = readFormat(view, format, name);
  const blockLength = (fields.channels * fields.bits) / 8;
  return { ...fields, dataOffset: data.offset, frames: countFrames(view, data, blockLength, name) };
}

function findChunks(view: DataView, file: string): { format: Chunk; data: Chunk } {
  let format: Chunk | undefined;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const id = view.getUint32(at);
    const chunk: Chunk = { offset: at + 8, length: view.getUint32(at + 4, true) };
    if (id === 0x64617461 /* "data" */) {
      if (format === undefined) throw new InvalidFileError({ file, problem: 'the chunk "fmt " does not come before the samples', offset: at });
      return { format, data: chunk };
    }
    if (id === 0x666d7420 /* "fmt " */) format = chunk;
    at = chunk.offset + chunk.length + (chunk.length % 2);
  }
  throw new InvalidFileError({ file, problem: 'there is no chunk "data"', offset: view.byteLength });
}

function readFormat(view: DataView, { offset, length }: Chunk, file: string): Omit<WavLayout, "dataOffset" | "frames"> {
  if (length < 16 || offset + length > view.byteLength) {
    throw new InvalidFileError({ file, problem: `the chunk "fmt " has ${length} bytes`, offset });
  }
  const tag = readTag(view, offset, length, file);
  const channels = view.getUint16(offset + 2, true);
  const sampleRate = view.getUint32(offset + 4, true);
  const blockLength = view.getUint16(offset + 12, true);
  const bits = view.getUint16(offset + 14, true);
  const known = encodings[tag];
  if (known === undefined) {
    throw new UnsupportedError({ feature: `${file}: the WAV coding ${tag}`, supported: ["integers", "floats", "A-law", "µ-law"] });
  }
  if (channels === 0) throw new InvalidFileError({ file, problem: "there are no channels", offset: offset + 2 });
  if (!known.bits.includes(bits)) {
    throw new UnsupportedError({ feature: `${file}: ${known.encoding} samples of ${bits} bits`, supported: known.bits.map((size) => `${size} bits`) });
  }
  if (blockLength * 8 !== channels * bits) {
    throw new InvalidFileError({ file, problem: `${channels} channels of ${bits} bits do not make blocks of ${blockLength} bytes`, offset: offset + 12 });
  }
  return { encoding: known.encoding, bits, channels, sampleRate };
}

function readTag(view: DataView, offset: number, length: number, file: string): number {
  const tag = view.getUint16(offset, true);
  if (tag !== extensible) return tag;
  if (length < 40) throw new InvalidFileError({ file, problem: `the extensible chunk "fmt " has ${length} bytes`, offset });
  const tail = Buffer.from(view.buffer, view.byteOffset + offset + 26, 14).toString("hex");
  if (tail !== guidTail) throw new UnsupportedError({ feature: `${file}: the WAV coding of an unknown GUID` });
  return view.getUint16(offset + 24, true);
}

function countFrames(view: DataView, { offset, length }: Chunk, blockLength: number, file: string): number {
  const available = view.byteLength - offset;
  if (length >= leastUnknownLength) return Math.floor(available / blockLength);
  if (length > available) {
    throw new InvalidFileError({ file, problem: `the samples should take ${length} bytes and the file ends after ${available}`, offset });
  }
  if (length % blockLength !== 0) {
    throw new InvalidFileError({ file, problem: `${length} bytes of samples are no multiple of the block of ${blockLength} bytes`, offset });
  }
  return length / blockLength;
}
