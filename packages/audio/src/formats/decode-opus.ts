import { OpusDecoder } from "opus-decoder";
import { InvalidFileError } from "@polywen/tensor";
import type { OggStream } from "./ogg-streams.ts";
import { blockOf, type SoundStream } from "./sound-stream.ts";

/** The rate of all counts in an Opus file. */
export const CLOCK_RATE = 48_000;
/** Rates that Opus decodes to. */
const sampleRates = [8000, 12_000, 16_000, 24_000, CLOCK_RATE] as const;
/** The longest packet, 120 ms. */
const MAX_PACKET_TICKS = 5760;

/** What an identification header says (RFC 7845 §5.1). */
interface OpusHead {
  readonly channels: number;
  /** What the recording had, or the next rate above that Opus decodes to. */
  readonly sampleRate: (typeof sampleRates)[number];
  /** Ticks of the clock at the beginning that only settle the decoder. */
  readonly preSkip: number;
  readonly streams: number;
  readonly coupled: number;
  readonly mapping: readonly number[];
  /** Factor for all samples. */
  readonly gain: number;
}

/** Decodes an Opus stream, page by page, at the rate of the recording as libsndfile does. The last page says where the sound ends. */
export async function* decodeOpus({ head: identification, pages }: OggStream, file: string): SoundStream {
  const head = readOpusHead(identification, file);
  const { sampleRate, channels, streams: streamCount, coupled: coupledStreamCount, mapping } = head;
  const decoder = new OpusDecoder({ sampleRate, channels, streamCount, coupledStreamCount, channelMappingTable: [...mapping] });
  await decoder.ready;
  const ticks = CLOCK_RATE / sampleRate;
  try {
    // The identification header and the tags.
    let [headers, total] = [2, 0];
    let begin: bigint | undefined;
    for await (const { packets, granule, last, offset } of pages) {
      const sound = packets.slice(headers);
      headers = Math.max(headers - packets.length, 0);
      if (sound.length === 0) continue;
      const decoded = blockOf(decoder.decodeFrames([...sound]), file);
      const count = decoded.channels[0]!.length;
      total += count;
      // A stream may begin late on its clock: what counts is the distance to its first page. If that is the last one, it begins at 0.
      begin ??= last ? 0n : granule - BigInt(total * ticks);
      const surplus = last ? surplusTicks(total * ticks, granule - begin, sound.length, file, offset) / ticks : 0;
      const skipped = Math.min(Math.max(head.preSkip / ticks - (total - count), 0), count);
      const kept = decoded.channels.map((channel) => channel.subarray(Math.round(skipped), Math.max(Math.round(count - surplus), Math.round(skipped))));
      if (head.gain !== 1) for (const channel of kept) for (let index = 0; index < channel.length; index++) channel[index]! *= head.gain;
      yield { channels: kept, sampleRate };
    }
  } finally {
    decoder.free();
  }
}

/** Ticks of the last page after the end of the sound. */
function surplusTicks(decoded: number, declared: bigint, packets: number, file: string, offset: number): number {
  const surplus = BigInt(decoded) - declared;
  if (surplus >= 0n && surplus <= BigInt(packets * MAX_PACKET_TICKS) && declared >= 0n) return Number(surplus);
  throw new InvalidFileError({ file, problem: `the last page counts ${declared / 48n} ms where there are ${Math.round(decoded / 48)}`, offset });
}

function readOpusHead(packet: Uint8Array, file: string): OpusHead {
  const refuse = (problem: string): never => {
    throw new InvalidFileError({ file, problem, offset: 0 });
  };
  if (packet.length < 19 || packet[8]! > 15) refuse("the header of the Opus stream is damaged");
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const channels = packet[9]!;
  const recorded = view.getUint32(12, true);
  const sampleRate = recorded === 0 ? CLOCK_RATE : (sampleRates.find((rate) => rate >= recorded) ?? CLOCK_RATE);
  const fields = { channels, sampleRate, preSkip: view.getUint16(10, true), gain: 10 ** (view.getInt16(16, true) / 256 / 20) };
  if (channels === 0) refuse("there are no channels");
  if (packet[18] === 0) return channels > 2 ? refuse(`${channels} channels need a mapping`) : { ...fields, streams: 1, coupled: channels - 1, mapping: [0, 1].slice(0, channels) };
  const [streams = 0, coupled = 0, ...mapping] = packet.subarray(19, 21 + channels);
  const known = (index: number): boolean => index === 255 || index < streams + coupled;
  if (streams === 0 || coupled > streams || mapping.length !== channels || !mapping.every(known)) refuse("the mapping of the channels is damaged");
  return { ...fields, streams, coupled, mapping };
}
