import libsamplerate from "@alexanderolsen/libsamplerate-js";
import { describe, expect, it } from "vitest";
import { resample } from "./resample.ts";
import { readGoldens, seededSound } from "./testing.ts";

interface Golden {
  readonly rate: number;
  readonly samples: readonly number[];
  readonly length: number;
  readonly resampled: readonly number[];
}

const floats = (count: number, seed: number): Float32Array => Float32Array.from(seededSound(count, seed), (sample) => sample / 32_768);

describe("resample", () => {
  it("leaves a sound of the wanted rate alone", async () => {
    const sound = { samples: floats(10, 1), sampleRate: 16_000 };
    expect(await resample(sound, 16_000)).toBe(sound);
  });

  it.each(readGoldens<readonly Golden[]>("resample"))("is near soxr from $rate Hz, with the length of librosa", async (golden) => {
    const { samples } = await resample({ samples: Float32Array.from(golden.samples), sampleRate: golden.rate }, 16_000);
    expect(samples.length).toBe(golden.length);
    for (const [index, expected] of golden.resampled.entries()) {
      // Both ring at the abrupt ends, each by its own kernel.
      const isInside = index >= 40 && index < golden.length - 40;
      expect(Math.abs(samples[index]! - expected)).toBeLessThan(isInside ? 5e-4 : 5e-3);
    }
  });

  it.each([8000, 22_050, 96_000])("keeps a tone where it was, from %i Hz", async (rate) => {
    const tone = (time: number): number => 0.5 * Math.sin(2 * Math.PI * 440 * time + 1);
    const { samples } = await resample({ samples: Float32Array.from({ length: rate / 2 }, (_, index) => tone(index / rate)), sampleRate: rate }, 16_000);
    expect(samples.length).toBe(8000);
    for (let index = 500; index < 7500; index++) expect(Math.abs(samples[index]! - tone(index / 16_000))).toBeLessThan(1e-5);
  });

  it.each([44_100, 8000, 12_345])("joins pieces to what the library makes of the whole, from %i Hz", async (rate) => {
    const samples = floats(rate - 1, 9);
    const converter = await libsamplerate.create(1, rate, 16_000, { converterType: libsamplerate.ConverterType.SRC_SINC_BEST_QUALITY });
    const whole = converter.simple(samples);
    converter.destroy();
    const pieces = (await resample({ samples, sampleRate: rate }, 16_000)).samples;
    expect(Math.abs(whole.length - pieces.length)).toBeLessThanOrEqual(1);
    for (const [index, sample] of whole.entries()) expect(Math.abs(sample - pieces[index]!)).toBeLessThan(1e-6);
  });

  it("handles sounds of one sample and rates without a common measure", async () => {
    expect((await resample({ samples: Float32Array.of(0.5), sampleRate: 48_000 }, 16_000)).samples.length).toBe(1);
    expect((await resample({ samples: floats(50, 1), sampleRate: 191_999 }, 16_000)).samples.length).toBe(5);
  });

  it("refuses rates out of range and stops when aborted", async () => {
    const samples = floats(400_000, 1);
    await expect(resample({ samples, sampleRate: 0 }, 16_000)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    await expect(resample({ samples, sampleRate: 48_000 }, 10_000_000)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    await expect(resample({ samples, sampleRate: 44_100 }, 16_000, controller.signal)).rejects.toMatchObject({ code: "ABORTED" });
  });
});
