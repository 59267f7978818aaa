import { FLACDecoder } from "@wasm-audio-decoders/flac";
import CodecParser, { type CodecFrame } from "codec-parser";
import type { MediaBytes } from "@polywen/cross-modal";
import { InvalidFileError } from "@polywen/tensor";
import { blockOf, type SoundBlock, type SoundStream } from "./sound-stream.ts";

const CHUNK_BYTES = 65_536;
/** Samples of all channels for one call of the decoder, unless a single frame has more. */
const BATCH_SAMPLES = 65_536;

/** What the block STREAMINFO says. */
export interface FlacInfo {
  readonly sampleRate: number;
  readonly channels: number;
  /** Samples of each channel; 0 if the encoder did not know. */
  readonly totalSamples: number;
  /** Where the frames begin. */
  readonly offset: number;
}

/** Walks the metadata blocks from `offset`, where "fLaC" stands. Throws InvalidFileError. */
export function readFlacInfo({ bytes, name: file }: MediaBytes, offset: number): FlacInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (offset + 42 > bytes.length || (bytes[offset + 4]! & 127) !== 0) throw new InvalidFileError({ file, problem: "the block STREAMINFO is missing", offset: offset + 4 });
  // 20 bits of rate, 3 of channels, 5 of sample size, 36 of length.
  const packed = view.getBigUint64(offset + 18);
  let at = offset + 4;
  for (let last = false; !last; ) {
    if (at + 4 > bytes.length) throw new InvalidFileError({ file, problem: "the metadata do not end", offset: at });
    last = bytes[at]! >= 128;
    at += 4 + (view.getUint32(at) & 0xffffff);
  }
  return { sampleRate: Number(packed >> 44n), channels: Number((packed >> 41n) & 7n) + 1, totalSamples: Number(packed & 0xfffffffffn), offset: at };
}

/** Decodes FLAC. The samples of a frame are counted before it is decoded. Throws InvalidFileError if there are fewer or more than the file says. */
export async function* decodeFlac(medium: MediaBytes, info: FlacInfo): SoundStream {
  const { bytes, name: file } = medium;
  const decoder = new FLACDecoder();
  await decoder.ready;
  try {
    const parser = new CodecParser<CodecFrame>("audio/flac", { enableFrameCRC32: false });
    let total = 0;
    for (let at = info.offset; at < bytes.length + CHUNK_BYTES; at += CHUNK_BYTES) {
      const frames = at < bytes.length ? parser.parseChunk(bytes.subarray(at, at + CHUNK_BYTES)) : parser.flush();
      for (const batch of batches(frames as Generator<CodecFrame>)) {
        total += batch.samples;
        if (info.totalSamples > 0 && total > info.totalSamples) throw new InvalidFileError({ file, problem: `it should have ${info.totalSamples} samples and has more` });
        const decoded = await decoder.decodeFrames(batch.frames);
        yield exact(blockOf(decoded, file), decoded.bitDepth);
      }
    }
    if (total < info.totalSamples) throw new InvalidFileError({ file, problem: `it should have ${info.totalSamples} samples and ends after ${total}`, offset: bytes.length });
  } finally {
    decoder.free();
  }
}

/** The decoder divides by the largest value of a sample, and everybody else by its full scale, one more. */
function exact(block: SoundBlock, bits: number): SoundBlock {
  const scale = 2 ** (bits - 1);
  for (const channel of block.channels) for (let index = 0; index < channel.length; index++) channel[index] = Math.round(channel[index]! * (scale - 1)) / scale;
  return block;
}

function* batches(frames: Generator<CodecFrame>): Generator<{ readonly frames: Uint8Array[]; readonly samples: number }> {
  let [batch, samples, size]: [Uint8Array[], number, number] = [[], 0, 0];
  for (const { data, header, samples: count } of frames) {
    batch.push(data);
    samples += count;
    size += count * header.channels;
    if (size < BATCH_SAMPLES) continue;
    yield { frames: batch, samples };
    [batch, samples, size] = [[], 0, 0];
  }
  if (batch.length > 0) yield { frames: batch, samples };
}
