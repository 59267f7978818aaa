import { MPEGDecoder } from "mpg123-decoder";
import type { MediaBytes } from "@polywen/cross-modal";
import { blockOf, type SoundStream } from "./sound-stream.ts";

/** Bytes for one call of the decoder. No MPEG layer makes more than 48 samples of a byte. */
const CHUNK_BYTES = 16_384;

/** Decodes MPEG audio (layers I to III) from `offset`. Silence that an encoder added at both ends, and said so, is left out. Mono comes as two equal channels. */
export async function* decodeMp3({ bytes, name }: MediaBytes, offset: number): SoundStream {
  const decoder = new MPEGDecoder();
  await decoder.ready;
  try {
    for (let at = offset; at < bytes.length; at += CHUNK_BYTES) {
      const decoded = decoder.decode(bytes.subarray(at, at + CHUNK_BYTES));
      if (decoded.samplesDecoded > 0 || decoded.errors.length > 0) yield blockOf(decoded, name);
    }
  } finally {
    decoder.free();
  }
}
