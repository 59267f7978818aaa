import type { MediaBytes, TimeSlices } from "@polywen/cross-modal";
import { requireShape, type SoundRequest } from "../audio-limits.ts";
import { meanOf } from "../mix-down.ts";
import { ResamplingStream } from "../resampling-stream.ts";
import { CLOCK_RATE, decodeOpus } from "./decode-opus.ts";
import { decodeVorbis } from "./decode-vorbis.ts";
import { rawPages } from "./ogg-pages.ts";
import { OggReader, type OggStream } from "./ogg-streams.ts";
import type { OpenedSound, SoundStream } from "./sound-stream.ts";

/** Packets that end in a page, and samples of the longest packet of either codec. */
const MAX_PAGE_SAMPLES: number = 255 * 5760;
/** Pages in which the first sound must lie for its count to be believed; large pictures come before it. */
const MAX_HEADER_PAGES = 1024;

/** Opens an Ogg file: streams one after the other, as internet radio sends them, at the rate of the first. Throws what `OggReader` throws. */
export async function openOgg(medium: MediaBytes, request: SoundRequest, slices: TimeSlices): Promise<OpenedSound> {
  const reader = new OggReader(medium, slices);
  const first = (await reader.next())!;
  const sampleRate = first.codec === "Opus" ? CLOCK_RATE : vorbisRate(first.head);
  return { stream: decodeStreams(reader, first, request), declared: { frames: declaredSamples(medium, first.serial), sampleRate } };
}

async function* decodeStreams(reader: OggReader, first: OggStream, request: SoundRequest): SoundStream {
  let rate: number | undefined;
  for (let stream: OggStream | undefined = first; stream !== undefined; stream = await reader.next()) {
    let resampling: ResamplingStream | undefined;
    const decoded = stream.codec === "Opus" ? decodeOpus(stream, request.file) : decodeVorbis(stream, request.file);
    for await (const block of decoded) {
      rate ??= block.sampleRate;
      if (block.sampleRate === rate) {
        yield block;
        continue;
      }
      requireShape({ channels: block.channels.length, sampleRate: block.sampleRate }, request);
      resampling ??= new ResamplingStream(block.sampleRate, rate);
      for (const samples of resampling.push(meanOf(block.channels, request.file))) yield { channels: [samples], sampleRate: rate };
    }
    if (resampling !== undefined) for (const samples of resampling.end()) yield { channels: [samples], sampleRate: rate! };
  }
}

/**
 * How long the file says it is, on the clock of its codec: the count on its last page. A stream may begin late on that clock, as what is cut
 * from a programme does. 0 where it says nothing of use, or where another stream ends it.
 */
function declaredSamples(medium: MediaBytes, serial: number): number {
  const { bytes } = medium;
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf("OggS");
  if (at + 18 > bytes.length) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 18);
  if (view.getUint32(14, true) !== serial) return 0;
  let [begin, pages] = [0, 0];
  for (const page of rawPages(medium)) {
    if (page.serial === serial && page.granule > 0n) begin = Number(page.granule);
    if (begin > 0 || ++pages > MAX_HEADER_PAGES) break;
  }
  const samples = Number(view.getBigInt64(6, true)) - (begin > MAX_PAGE_SAMPLES ? begin : 0);
  return Number.isSafeInteger(samples) ? Math.max(samples, 0) : 0;
}

/** Samples per second, as the identification header says; 0 if it is too short. */
function vorbisRate(head: Uint8Array): number {
  return head.length < 16 ? 0 : new DataView(head.buffer, head.byteOffset, head.length).getUint32(12, true);
}
