import { describe, expect, it } from "vitest";
import { decodeAudio } from "../decode-audio.ts";
import { readGoldens } from "../testing.ts";

interface Golden {
  readonly file: string;
  readonly sampleRate: number;
  readonly length: number;
  readonly step: number;
  readonly values: readonly number[];
}

const goldens = readGoldens<Readonly<Record<string, Golden>>>("compressed");
const fileOf = (name: string): Buffer => Buffer.from(goldens[name]!.file, "base64");
const names = Object.keys(goldens);
const codesOfBadFiles = ["FILE_INVALID", "UNSUPPORTED", "LIMIT_EXCEEDED"];

describe("compressed sound", () => {
  it.each(names)("%s is what soundfile hears", async (name) => {
    const { sampleRate, length, step, values } = goldens[name]!;
    const sound = await decodeAudio(fileOf(name));
    expect([sound.sampleRate, sound.samples.length]).toEqual([sampleRate, length]);
    // Two builds of libopus differ by rounding; the others do not.
    const tolerance = name.endsWith(".opus") ? 1e-4 : 3e-6;
    for (const [index, value] of values.entries()) expect(Math.abs(sound.samples[index * step]! - value)).toBeLessThan(tolerance);
  });

  it.each(names)("%s can be cut to the sample", async (name) => {
    const { sampleRate } = goldens[name]!;
    const whole = (await decodeAudio(fileOf(name))).samples;
    const [first, last] = [Math.floor(whole.length / 3), Math.floor(whole.length / 2)];
    const part = await decodeAudio({ source: fileOf(name), from: first / sampleRate, to: last / sampleRate });
    expect(part.samples).toEqual(whole.subarray(first, last));
  });

  it.each(names)("%s is bounded while it is decoded, or cut", async (name) => {
    const { sampleRate } = goldens[name]!;
    const limits = { maxSeconds: 0.01 };
    await expect(decodeAudio(fileOf(name), { limits })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 0.01 } });
    expect((await decodeAudio(fileOf(name), { limits, overlong: "cut" })).samples.length).toBe(Math.ceil(0.01 * sampleRate));
    await expect(decodeAudio(fileOf(name), { limits: { maxChannels: 0 } })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    await expect(decodeAudio(fileOf(name), { limits: { maxSampleRate: 7999 } })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  it.each(names)("%s with an ID3 tag before it, and where a part begins after the end", async (name) => {
    const tag = Buffer.from("ID3\x04\0\0\0\0\x01\0".padEnd(10 + 128, "x"), "latin1");
    const sound = { source: name.endsWith(".mp3") || name.endsWith(".flac") ? Buffer.concat([tag, fileOf(name)]) : fileOf(name) };
    expect((await decodeAudio(sound)).samples.length).toBe(goldens[name]!.length);
    await expect(decodeAudio({ ...sound, from: 5 })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  it.each(names.filter((name) => !name.endsWith(".mp3")))("%s is refused wherever it is cut off", async (name) => {
    const whole = fileOf(name);
    for (let length = 1; length < whole.length; length += Math.ceil(whole.length / 40)) {
      await expect(decodeAudio(whole.subarray(0, length))).rejects.toSatisfy((error) => codesOfBadFiles.includes((error as { code: string }).code));
    }
  });

  it.each(names)("%s with flipped bytes is heard or refused", async (name) => {
    for (let at = 0; at < 120; at++) {
      const bytes = fileOf(name);
      bytes[(at * at) % bytes.length]! ^= 1 << (at % 8);
      await decodeAudio(bytes).catch((error: unknown) => expect(codesOfBadFiles).toContain((error as { code: string }).code));
    }
  });

  it("refuses a FLAC file that says it is longer or shorter than it is", async () => {
    for (const [change, says] of [[1, "ends after"], [-1, "has more"]] as const) {
      const bytes = fileOf("mono-16000.flac");
      bytes.writeUInt32BE(bytes.readUInt32BE(22) + change, 22);
      await expect(decodeAudio(bytes)).rejects.toMatchObject({ code: "FILE_INVALID", message: expect.stringContaining(says) });
    }
  });

  it("refuses an Opus stream whose last page counts absurdly", async () => {
    for (const name of ["mono-16000.opus", "surround-48000.opus"]) {
      const bytes = fileOf(name);
      const last = bytes.lastIndexOf("OggS");
      for (const granule of [2n ** 62n, -1n]) {
        bytes.writeBigInt64LE(granule, last + 6);
        await expect(decodeAudio(bytes)).rejects.toMatchObject({ code: "FILE_INVALID" });
      }
    }
  });

  it("stops when aborted", async () => {
    await expect(decodeAudio(fileOf("stereo-44100.mp3"), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  });
});
