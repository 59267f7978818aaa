import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
// oxlint-disable-next-line import/default -- CommonJS: its exports are the default.
import wavefile from "wavefile";
import { decodeAudio, type AudioSource } from "./decode-audio.ts";
import { readGoldens, seededSound, wavFile, type WavFields } from "./testing.ts";

interface Golden {
  readonly file: string;
  readonly sampleRate: number;
  readonly samples: string;
}

const goldens = readGoldens<Readonly<Record<string, Golden>>>("decode-audio");
const fileOf = (name: string): Buffer => Buffer.from(goldens[name]!.file, "base64");
const bytesOf = (samples: Float32Array): string => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString("base64");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "polywen-audio-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("decodeAudio, against soundfile", () => {
  it.each(Object.keys(goldens))("%s: equal samples", async (name) => {
    const sound = await decodeAudio(fileOf(name));
    expect(sound.sampleRate).toBe(goldens[name]!.sampleRate);
    expect(bytesOf(sound.samples)).toBe(goldens[name]!.samples);
  });

  it.each([32, 64])("averages six channels of %i-bit floats, at 48 kHz", async (bits) => {
    const frames = 48_001;
    const values = Float32Array.from({ length: 6 * frames }, (_, index) => Math.sin(index * index) * 10 ** -(index % 40));
    const file = wavFile(new Uint8Array(bits === 32 ? values.buffer : Float64Array.from(values).buffer), { tag: 3, channels: 6, sampleRate: 48_000, bits });
    const { samples, sampleRate } = await decodeAudio(file);
    const library = new wavefile.WaveFile(file).getSamples(true, Float64Array);
    const mean = Float32Array.from({ length: frames }, (_, frame) => library.subarray(6 * frame, 6 * frame + 6).reduce((sum, value) => Math.fround(sum + value), 0) / 6);
    expect(sampleRate).toBe(48_000);
    expect(samples).toEqual(mean);
  });

  it("decodes long files piece by piece", async () => {
    const samples = seededSound(200_001, 4);
    const sound = await decodeAudio(wavFile(new Uint8Array(samples.buffer)));
    expect(sound.samples).toEqual(Float32Array.from(samples, (sample) => sample / 32_768));
  });
});

describe("decodeAudio, sources", () => {
  const bytes = fileOf("pcm_16.wav");
  const expected = goldens["pcm_16.wav"]!.samples;

  it("reads a path whatever its extension, URLs and a Blob", async () => {
    const path = join(folder, "sound.mp3");
    await writeFile(path, bytes);
    const data = `data:audio/mpeg;base64,${bytes.toString("base64").replace(/.{40}/g, "$&\n")}`;
    for (const source of [path, pathToFileURL(path), new Blob([bytes]), data, new URL(data)]) {
      expect(bytesOf((await decodeAudio(source)).samples)).toBe(expected);
    }
  });

  it("takes raw samples and averages their channels", async () => {
    const { samples } = await decodeAudio({ samples: Int16Array.of(-32_768, 0, 16_384, 8192), sampleRate: 8000, channels: 2 });
    expect([...samples]).toEqual([-0.5, 0.375]);
    const floats = await decodeAudio({ samples: Float32Array.of(0.25, -3), sampleRate: 8000 });
    expect([...floats.samples]).toEqual([0.25, -3]);
  });

  it.each([{ sampleRate: 0.5 }, { channels: 0 }, { channels: 3 }, { samples: [1, 2] as unknown as Float32Array }])("refuses raw samples with %o", async (change) => {
    const raw = { samples: new Float32Array(4), sampleRate: 16_000, ...change };
    await expect(decodeAudio(raw)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  it("refuses the network, values of other types, and what is not there", async () => {
    await expect(decodeAudio("https://example.com/a.wav")).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await expect(decodeAudio(join(folder, "missing.wav"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(decodeAudio(folder)).rejects.toMatchObject({ code: "FILE_INVALID" });
    await expect(decodeAudio(7 as unknown as AudioSource)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  it("is aborted before it starts and while it decodes", async () => {
    await expect(decodeAudio(bytes, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
    const long = { samples: new Int16Array(4_000_000), sampleRate: 16_000 };
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 1);
    await expect(decodeAudio(long, { signal: controller.signal })).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("decodeAudio, bad files", () => {
  const fourBytes = Uint8Array.of(1, 0, 2, 0);

  it.each<[string, WavFields, string]>([
    ["no channels", { channels: 0, blockLength: 2 }, "FILE_INVALID"],
    ["255 channels", { channels: 255, bits: 8, dataLength: 0 }, "FILE_INVALID"],
    ["0 Hz", { sampleRate: 0 }, "FILE_INVALID"],
    ["1 Hz", { sampleRate: 1 }, "FILE_INVALID"],
    ["10 MHz", { sampleRate: 10_000_000 }, "LIMIT_EXCEEDED"],
    ["an odd block", { blockLength: 3 }, "FILE_INVALID"],
    ["samples that are not there", { dataLength: 6 }, "FILE_INVALID"],
    ["half a sample", { dataLength: 3 }, "FILE_INVALID"],
    ["no samples", { dataLength: 0 }, "FILE_INVALID"],
    ["12 bits", { bits: 12, blockLength: 2 }, "UNSUPPORTED"],
    ["0 bits", { bits: 0, blockLength: 0 }, "UNSUPPORTED"],
    ["16-bit floats", { tag: 3 }, "UNSUPPORTED"],
    ["ADPCM", { tag: 2, bits: 4 }, "UNSUPPORTED"],
    ["an extensible header that is too short", { tag: 0xfffe }, "FILE_INVALID"],
  ])("%s: a typed error", async (_, fields, code) => {
    await expect(decodeAudio(wavFile(fourBytes, fields))).rejects.toMatchObject({ code });
  });

  it("counts channels before it decodes them", async () => {
    const file = wavFile(new Uint8Array(255), { channels: 255, bits: 8 });
    await expect(decodeAudio(file)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { received: 255 } });
  });

  it("reads one sample, and a file of unknown length to its end", async () => {
    expect([...(await decodeAudio(wavFile(Uint8Array.of(0, 64)))).samples]).toEqual([0.5]);
    for (const dataLength of [0xffffffff, 0x7ffff000]) {
      const { samples } = await decodeAudio(wavFile(Uint8Array.of(0, 64, 0, 32, 9), { dataLength }));
      expect([...samples]).toEqual([0.5, 0.25]);
    }
  });

  it("skips other chunks and does not believe the length of the whole", async () => {
    const file = wavFile(fourBytes);
    const list = Buffer.from("LIST\x05\0\0\0abcde\0", "latin1");
    const longer = Buffer.concat([file.subarray(0, 12), list, file.subarray(12)]);
    longer.writeUInt32LE(3, 4);
    expect((await decodeAudio(longer)).samples.length).toBe(2);
  });

  it("every truncation is an error, and so are headers that lack a chunk", async () => {
    const whole = fileOf("extensible-pcm_24.wav");
    for (let length = 0; length < whole.length; length++) {
      await expect(decodeAudio(whole.subarray(0, length))).rejects.toMatchObject({ code: "FILE_INVALID" });
    }
    const file = wavFile(fourBytes);
    await expect(decodeAudio(Buffer.concat([file.subarray(0, 12), file.subarray(36)]))).rejects.toMatchObject({ code: "FILE_INVALID", message: expect.stringContaining("fmt ") });
    await expect(decodeAudio(file.subarray(0, 36))).rejects.toMatchObject({ code: "FILE_INVALID", message: expect.stringContaining("data") });
  });

  it("survives flipped bytes in the header", async () => {
    for (const name of Object.keys(goldens)) {
      for (let at = 0; at < 80; at++) {
        const bytes = Buffer.from(fileOf(name));
        bytes[at % bytes.length]! ^= 1 << (at % 8);
        await decodeAudio(bytes).catch((error: unknown) => {
          expect(["FILE_INVALID", "UNSUPPORTED", "LIMIT_EXCEEDED"]).toContain((error as { code: string }).code);
        });
      }
    }
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses the sample %s and says where it is", async (value) => {
    const samples = new Float32Array(50_000);
    samples[40_000] = value;
    const file = wavFile(new Uint8Array(samples.buffer), { tag: 3, bits: 32 });
    await expect(decodeAudio(file)).rejects.toMatchObject({ code: "FILE_INVALID", message: expect.stringContaining("sample 40000") });
    await expect(decodeAudio({ samples, sampleRate: 16_000 })).rejects.toMatchObject({ code: "FILE_INVALID" });
  });

  it.each([
    ["Ogg with another codec", `OggS\0\x02${"\0".repeat(20)}\x01\x07fishead`],
    ["AAC", "\xff\xf1\x50\x80"],
    ["M4A", "\0\0\0\x20ftypM4A "],
    ["AIFF", "FORM\0\0\0\0AIFF"],
    ["RF64", "RF64\xff\xff\xff\xffWAVE"],
    ["WebM", "\x1a\x45\xdf\xa3"],
  ])("does not decode %s, and says so", async (format, head) => {
    await expect(decodeAudio(Buffer.from(head, "latin1"))).rejects.toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining(format), hint: expect.stringContaining("ffmpeg") });
  });

  it.each([
    ["an HTML page", "<!DOCTYPE html>"],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1"],
    ["unknown content", "RIFF\0\0\0\0WEBP"],
    ["empty", ""],
  ])("recognises %s", async (what, head) => {
    await expect(decodeAudio(Buffer.from(head))).rejects.toMatchObject({ code: "FILE_INVALID", message: expect.stringContaining(what) });
  });

  it("bounds bytes and duration, or cuts", async () => {
    const file = wavFile(new Uint8Array(4000));
    await expect(decodeAudio(file, { limits: { maxBytes: 4000 } })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    const limits = { maxSeconds: 0.1 };
    await expect(decodeAudio(file, { limits })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { received: 0.125, limit: 0.1 } });
    expect((await decodeAudio(file, { limits, overlong: "cut" })).samples.length).toBe(1600);
    // Ten hours in a megabyte or two need a low rate.
    const slow = wavFile(new Uint8Array(1_500_000), { sampleRate: 1000, bits: 8 });
    await expect(decodeAudio(slow)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });
});
