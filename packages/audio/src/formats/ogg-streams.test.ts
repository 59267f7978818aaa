import { describe, expect, it } from "vitest";
import { decodeAudio } from "../decode-audio.ts";
import { resample } from "../resample.ts";
import { ResamplingStream } from "../resampling-stream.ts";
import { readGoldens, seededSound } from "../testing.ts";
import { PacketJoiner, rawPages } from "./ogg-pages.ts";

interface Golden {
  readonly file: string;
  readonly sampleRate: number;
  readonly lengths: readonly number[];
  readonly step: number;
  readonly values: readonly number[];
}

const goldens = readGoldens<Readonly<Record<string, Golden>>>("chained");
const names = Object.keys(goldens);
const single = readGoldens<Readonly<Record<string, { readonly file: string }>>>("compressed");
const fileOf = (name: string): Buffer => Buffer.from((goldens[name] ?? single[name])!.file, "base64");
const pagesOf = (bytes: Uint8Array): Buffer[] => [...rawPages({ bytes, name: "test" })].map((page) => Buffer.from(page.bytes));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** A page with one packet. */
function page(serial: number, flags: number, body: string | Uint8Array, granule = 0n): Buffer {
  const packet = Buffer.from(body as string, "latin1");
  const segments = [...Array<number>(Math.floor(packet.length / 255)).fill(255), packet.length % 255];
  const header = Buffer.alloc(27);
  header.write("OggS");
  header[5] = flags;
  header.writeBigInt64LE(granule, 6);
  header.writeUInt32LE(serial, 14);
  header.writeUInt8(segments.length, 26);
  return Buffer.concat([header, Buffer.from(segments), packet]);
}

describe("streams one after the other", () => {
  it.each(names)("%s is what soundfile hears in each of them, at the rate of the first", async (name) => {
    const { sampleRate, lengths, step, values } = goldens[name]!;
    const sound = await decodeAudio(fileOf(name));
    expect([sound.sampleRate, sound.samples.length]).toEqual([sampleRate, sum(lengths)]);
    const ends = lengths.flatMap((_, index) => [sum(lengths.slice(0, index)), sum(lengths.slice(0, index + 1))]);
    for (const [index, value] of values.entries()) {
      // soxr rings a little differently at abrupt ends.
      const isInside = ends.every((end) => Math.abs(index * step - end) > 20);
      expect(Math.abs(sound.samples[index * step]! - value)).toBeLessThan(isInside ? 1e-4 : 3e-3);
    }
  });

  it.each(names)("%s can be cut, across the border of two streams as well, and is bounded", async (name) => {
    const { sampleRate, lengths } = goldens[name]!;
    const whole = (await decodeAudio(fileOf(name))).samples;
    const [first, last] = [lengths[0]! - 300, lengths[0]! + 500];
    const part = await decodeAudio({ source: fileOf(name), from: first / sampleRate, to: last / sampleRate });
    expect(part.samples).toEqual(whole.subarray(first, last));
    const limits = { maxSeconds: last / sampleRate };
    await expect(decodeAudio(fileOf(name), { limits })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect((await decodeAudio(fileOf(name), { limits, overlong: "cut" })).samples).toEqual(whole.subarray(0, last));
  });

  it("are refused where one ends before its last page, or begins without its first", async () => {
    const pages = pagesOf(fileOf("opus-channels.opus"));
    const last = pages.findIndex((bytes) => (bytes[5]! & 4) !== 0);
    await expect(decodeAudio(Buffer.concat(pages.filter((_, index) => index !== last)))).rejects.toMatchObject({ code: "FILE_INVALID", message: expect.stringContaining("last page") });
    await expect(decodeAudio(Buffer.concat(pages.slice(1)))).rejects.toMatchObject({ code: "FILE_INVALID", message: expect.stringContaining("first page") });
  });

  it("are refused by name in another codec", async () => {
    await expect(decodeAudio(Buffer.concat([fileOf("opus-channels.opus"), page(1, 6, "\x7fFLAC")]))).rejects.toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining("Ogg FLAC") });
    await expect(decodeAudio(page(1, 6, "Speex   1.2"))).rejects.toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining("Ogg Speex"), hint: expect.stringContaining("ffmpeg") });
  });

  it("are counted", async () => {
    const short = fileOf("mono-16000.opus");
    const many = Buffer.concat([short, ...Array.from({ length: 66 }, (_, serial) => page(serial, 6, "OpusHead\x01\x01\0\0\0\0\0\0\0\0\0"))]);
    await expect(decodeAudio(many)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 64 } });
    const wide = Buffer.concat(Array.from({ length: 70 }, (_, serial) => page(serial, 2, "fishead")));
    await expect(decodeAudio(wide)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 64 } });
  });

  it("may begin late on their clock", async () => {
    const bytes = fileOf("stereo-24000.opus");
    const joiner = new PacketJoiner();
    const pages = [...rawPages({ bytes, name: "test" })].map((raw) => joiner.join(raw, "test"));
    const packets = pages.flatMap((each) => each.packets).slice(2);
    const begin = 480_000_000n;
    // A packet of 20 ms on each page.
    const sound = packets.map((packet, index) => page(7, index === packets.length - 1 ? 4 : 0, packet, begin + (index === packets.length - 1 ? pages.at(-1)!.granule : BigInt(960 * (index + 1)))));
    const heads = pages.flatMap((each) => each.packets).slice(0, 2);
    const late = Buffer.concat([page(7, 2, heads[0]!), page(7, 0, heads[1]!), ...sound]);
    expect(packets.length).toBeGreaterThan(5);
    expect(await decodeAudio(late)).toEqual(await decodeAudio(bytes));
  });
});

describe("streams side by side", () => {
  it.each(["stereo-22050.ogg", "stereo-24000.opus"])("only the first with sound is read: %s", async (name) => {
    const [head, ...rest] = pagesOf(fileOf(name));
    const [otherHead, ...others] = pagesOf(fileOf("mono-16000.opus"));
    const pages = [page(1, 2, "fishead\0"), page(2, 2, "\x80theora"), head!, otherHead!, page(2, 0, "video")];
    for (let index = 0; index < Math.max(rest.length, others.length); index++) pages.push(...others.slice(index, index + 1), ...rest.slice(index, index + 1));
    const file = Buffer.concat([...pages, page(2, 4, "end"), page(1, 4, "")]);
    expect(await decodeAudio(file)).toEqual(await decodeAudio(fileOf(name)));
  });
});

describe("ResamplingStream", () => {
  it.each([
    [44_100, 16_000],
    [8000, 48_000],
    [191_999, 1000],
  ])("gives what resample gives, from %i to %i Hz, however the sound comes", async (from, to) => {
    const samples = Float32Array.from(seededSound(4001, 3), (sample) => sample / 32_768);
    const whole = await resample({ samples, sampleRate: from }, to);
    for (const piece of [37, 4096, 20_000]) {
      const stream = new ResamplingStream(from, to);
      const made: number[] = [];
      for (let at = 0; at < samples.length; at += piece) for (const part of stream.push(samples.subarray(at, at + piece))) made.push(...part);
      for (const part of stream.end()) made.push(...part);
      expect(Float32Array.from(made)).toEqual(whole.samples);
    }
  });
});
