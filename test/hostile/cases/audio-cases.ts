import { truncate, writeFile } from "node:fs/promises";
import { audio } from "polywen";
import { wavFile } from "../../../packages/audio/src/testing.ts";
import { failure, result, type HostileCase, type Outcome, type Place } from "../hostile-case.ts";
import { mediumCase } from "./model-calls.ts";

/** Where a WAV of `wavFile` keeps the number of channels, the block length and the samples. */
const at = { channels: 22, block: 32, samples: 44 };

function sounds(id: string, input: string, files: () => Readonly<Record<string, Uint8Array>>, outcome?: Outcome): HostileCase {
  return mediumCase(id, input, async () => files(), outcome, audio);
}

function sound(id: string, input: string, bytes: () => Uint8Array, outcome?: Outcome): HostileCase {
  return sounds(id, input, () => ({ "a.wav": bytes() }), outcome);
}

function invalid(place: Place, says?: string): Outcome {
  return failure("FILE_INVALID", { file: "a.wav", place, ...(says === undefined ? {} : { says }) });
}

function floats(...values: readonly number[]): Buffer {
  const samples = new Float32Array(16_000);
  samples.set(values);
  return wavFile(new Uint8Array(samples.buffer), { tag: 3, bits: 32 });
}

const second = new Uint8Array(32_000);

const headerCases: readonly HostileCase[] = [
  sound("71a", "0 samples", () => wavFile(new Uint8Array(0)), invalid("whole file", "no samples")),
  sound("71b", "1 sample", () => wavFile(new Uint8Array(2)), failure("ARGUMENT_INVALID")),
  sound("71c", "0 Hz", () => wavFile(second, { sampleRate: 0 }), invalid("whole file", "samples per second")),
  sound("71d", "1 Hz", () => wavFile(second, { sampleRate: 1 }), invalid("whole file", "samples per second")),
  sound("71e", "10 MHz", () => wavFile(second, { sampleRate: 10_000_000 }), failure("LIMIT_EXCEEDED", { file: "a.wav" })),
  sound("71f", "0 channels", () => wavFile(second, { channels: 0 }), invalid({ offset: at.channels })),
  sound("71g", "255 channels", () => wavFile(new Uint8Array(510 * 10), { channels: 255 }), failure("LIMIT_EXCEEDED", { file: "a.wav" })),
  sound("72a", "data length 0xFFFFFFFF, as a pipe leaves it", () => wavFile(second, { dataLength: 0xffffffff }), result("read to the end of the file")),
  sound("72b", "data length beyond the file", () => wavFile(second, { dataLength: 64_000 }), invalid({ offset: at.samples })),
  sound("72c", "a block length that does not fit the channels", () => wavFile(second, { blockLength: 3 }), invalid({ offset: at.block })),
  sounds("72d", "64-bit floats; A-law; µ-law; 24 bits", () => ({
    "float64.wav": wavFile(new Uint8Array(128_000), { tag: 3, bits: 64 }),
    "a-law.wav": wavFile(new Uint8Array(16_000), { tag: 6, bits: 8 }),
    "mu-law.wav": wavFile(new Uint8Array(16_000), { tag: 7, bits: 8 }),
    "24.wav": wavFile(new Uint8Array(48_000), { bits: 24 }),
  })),
  sound("72e", 'no chunk "fmt "', () => Buffer.concat([Buffer.from("RIFF\x24\0\0\0WAVEdata\x04\0\0\0\0\0\0\0", "latin1")]), invalid({ offset: 12 })),
  sound("72f", "a compressed WAV (ADPCM)", () => wavFile(second, { tag: 2 }), failure("UNSUPPORTED", { file: "a.wav", says: "coding 2" })),
];

const contentCases: readonly HostileCase[] = [
  {
    ...sounds("73a", "an MP3 of 256 MB of tags", () => ({ "a.mp3": Buffer.from("ID3\x04") }), failure("LIMIT_EXCEEDED", { file: "a.mp3" })),
    write: async (workspace) => {
      await writeFile(workspace.path("a.mp3"), "ID3\x04");
      await truncate(workspace.path("a.mp3"), 256 * 2 ** 20);
    },
  },
  sound("74a", "a WAV that ends in the middle of its samples", () => wavFile(second).subarray(0, 10_000), invalid({ offset: at.samples })),
  sound("74b", "text with the ending .wav", () => Buffer.from("not a sound"), invalid({ offset: 0 })),
  sound("75a", "a sample that is NaN", () => floats(0, 0, Number.NaN), invalid({ offset: at.samples + 8 }, "sample 2")),
  sound("75b", "an infinite sample", () => floats(Number.POSITIVE_INFINITY), invalid({ offset: at.samples }, "sample 0")),
  sounds("75c", "silence; full scale all the time; floats of 10^30", () => ({ "silence.wav": wavFile(second), "clipped.wav": wavFile(second.map((_, index) => (index % 2 === 0 ? 0xff : 0x7f))), "huge.wav": floats(1e30) })),
  {
    ...sounds("76", "ten hours of 8-bit sound at 1000 Hz", () => ({}), failure("LIMIT_EXCEEDED", { file: "a.wav", says: "36000 seconds" })),
    write: async (workspace) => {
      const length = 36_000_000;
      await writeFile(workspace.path("a.wav"), wavFile(new Uint8Array(0), { sampleRate: 1000, bits: 8, dataLength: length }));
      await truncate(workspace.path("a.wav"), at.samples + length);
    },
  },
];

/** Recordings: what the header says, and what the samples are. */
export const audioCases: readonly HostileCase[] = [...headerCases, ...contentCases];
