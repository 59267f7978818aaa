import { OggVorbisDecoder } from "@wasm-audio-decoders/ogg-vorbis";
import type { OggStream } from "./ogg-streams.ts";
import { blockOf, type SoundStream } from "./sound-stream.ts";

/** Decodes a Vorbis stream, page by page: at most 255 packets of 4,096 samples for each channel at a time. */
export async function* decodeVorbis({ pages }: OggStream, file: string): SoundStream {
  const decoder = new OggVorbisDecoder();
  await decoder.ready;
  try {
    for await (const page of pages) {
      const decoded = await decoder.decode(page.bytes);
      if (decoded.samplesDecoded > 0 || decoded.errors.length > 0) yield blockOf(decoded, file);
    }
    // The decoder's parser holds back the last page until it knows that it is whole.
    const rest = await decoder.flush();
    if (rest.samplesDecoded > 0 || rest.errors.length > 0) yield blockOf(rest, file);
  } finally {
    decoder.free();
  }
}
