import { OggVorbisDecoder } from "@wasm-audio-decoders/ogg-vorbis";
import type { MediaBytes } from "@polywen/cross-modal";
import { oggPages } from "./ogg-pages.ts";
import { blockOf, type SoundStream } from "./sound-stream.ts";

/** Decodes Ogg Vorbis, page by page: at most 255 packets of 4,096 samples for each channel at a time. */
export async function* decodeVorbis(medium: MediaBytes): SoundStream {
  const decoder = new OggVorbisDecoder();
  await decoder.ready;
  try {
    for (const page of oggPages(medium)) {
      const decoded = await decoder.decode(page.bytes);
      if (decoded.samplesDecoded > 0 || decoded.errors.length > 0) yield blockOf(decoded, medium.name);
    }
    // The decoder's parser holds back the last page until it knows that it is whole.
    const rest = await decoder.flush();
    if (rest.samplesDecoded > 0 || rest.errors.length > 0) yield blockOf(rest, medium.name);
  } finally {
    decoder.free();
  }
}

/** Samples per second, as the identification header on the first page says; 0 if the page is too short for it. */
export function vorbisRate({ bytes }: MediaBytes): number {
  const at = 27 + (bytes[26] ?? 0) + 12;
  return at + 4 <= bytes.length ? new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true) : 0;
}
