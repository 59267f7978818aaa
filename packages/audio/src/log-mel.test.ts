import { describe, expect, it } from "vitest";
import { logMelFeatures, type LogMelConfig } from "./log-mel.ts";
import { melFilters } from "./mel-filters.ts";
import { PowerSpectrum } from "./power-spectrum.ts";
import { readGoldens, seededSound } from "./testing.ts";

interface Golden {
  readonly seed: number;
  readonly count: number;
  readonly mels: number;
  readonly seconds: number;
  readonly frames: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly means: readonly number[];
  readonly deviations: readonly number[];
  readonly columns: Readonly<Record<string, readonly number[]>>;
}

const published: LogMelConfig = { samplingRate: 16_000, featureSize: 128, fftSize: 400, hopLength: 160, chunkLength: 300 };
const tolerance = 1e-4;

describe("logMelFeatures", () => {
  it.each(readGoldens<readonly Golden[]>("log-mel"))("equals transformers: $count samples, $mels mels, window $seconds s", async (golden) => {
    const samples = Float32Array.from(seededSound(golden.count, golden.seed), (sample) => sample / 32_768);
    const config = { ...published, featureSize: golden.mels, chunkLength: golden.seconds };
    const { inputFeatures, mels, frames, rows } = await logMelFeatures(samples, config);
    expect([mels, frames, rows, inputFeatures.length]).toEqual([golden.mels, golden.frames, golden.frames, golden.mels * golden.frames]);
    let [minimum, maximum] = [Infinity, -Infinity];
    for (let mel = 0; mel < mels; mel++) {
      const row = Float32Array.from({ length: frames }, (_, frame) => inputFeatures[frame * mels + mel]!);
      const mean = row.reduce((sum, value) => sum + value, 0) / frames;
      const deviation = Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / frames);
      [minimum, maximum] = row.reduce<[number, number]>(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [minimum, maximum]);
      expect(Math.abs(mean - golden.means[mel]!)).toBeLessThan(tolerance);
      expect(Math.abs(deviation - golden.deviations[mel]!)).toBeLessThan(tolerance);
      for (const [frame, column] of Object.entries(golden.columns)) expect(Math.abs(row[Number(frame)]! - column[mel]!)).toBeLessThan(tolerance);
    }
    expect(Math.abs(minimum - golden.minimum)).toBeLessThan(tolerance);
    expect(Math.abs(maximum - golden.maximum)).toBeLessThan(tolerance);
  });

  it("gives the frames of the padding on request: first those that reach back into the sound, then the floor", async () => {
    const sound = Float32Array.from({ length: 16_000 }, (_, index) => Math.sin(index * index));
    const config = { ...published, chunkLength: 2 };
    const { inputFeatures, frames } = await logMelFeatures(sound, config);
    const padded = await logMelFeatures(sound, config, { padded: true });
    expect(padded).toMatchObject({ frames: 100, rows: 200 });
    expect(padded.inputFeatures.subarray(0, frames * 128)).toEqual(inputFeatures);
    const [first, ...others] = Array.from({ length: 100 }, (_, index) => new Set(padded.inputFeatures.subarray((frames + index) * 128, (frames + index + 1) * 128)));
    expect(first!.size).toBeGreaterThan(1);
    expect(others.slice(1).every((values) => values.size === 1)).toBe(true);
  });

  it("gives the floor for silence", async () => {
    const { inputFeatures } = await logMelFeatures(new Float32Array(4000), published);
    expect(new Set(inputFeatures)).toEqual(new Set([-1.5]));
  });

  it("refuses no samples and more than the window, and stops when aborted", async () => {
    await expect(logMelFeatures(new Float32Array(0), published)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    await expect(logMelFeatures(new Float32Array(16_001), { ...published, chunkLength: 1 })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 10);
    await expect(logMelFeatures(new Float32Array(4_000_000), published, { signal: controller.signal })).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("PowerSpectrum", () => {
  it.each([2, 4, 6, 8, 12, 14, 30, 100, 400, 512, 1000])("equals the defining sum for N = %i", (size) => {
    const frame = Float64Array.from({ length: size }, (_, n) => Math.sin(n * n) + 0.3);
    const window = Float64Array.from({ length: size }, (_, n) => 1 + n / size);
    const power = new Float64Array(size / 2 + 1);
    new PowerSpectrum(window).compute(frame, 0, power);
    for (let k = 0; k <= size / 2; k++) {
      let [real, imaginary] = [0, 0];
      for (let n = 0; n < size; n++) {
        real += frame[n]! * window[n]! * Math.cos((2 * Math.PI * k * n) / size);
        imaginary -= frame[n]! * window[n]! * Math.sin((2 * Math.PI * k * n) / size);
      }
      expect(power[k]).toBeCloseTo(real * real + imaginary * imaginary, 8);
    }
  });
});

describe("melFilters", () => {
  it("has the area of Slaney's norm: every filter in the logarithmic part integrates to 2 over its band", () => {
    const { weights, bins, starts, ends } = melFilters(40, 4000, 16_000);
    for (let mel = 0; mel < 40; mel++) {
      const row = weights.subarray(mel * bins, (mel + 1) * bins);
      const area = row.reduce((sum, weight) => sum + weight, 0) * (16_000 / 4000);
      expect(area).toBeCloseTo(1, 2);
      expect(row.findIndex((weight) => weight > 0)).toBe(starts[mel]);
      expect(row.subarray(ends[mel]).every((weight) => weight === 0) && row[ends[mel]! - 1]! > 0).toBe(true);
    }
  });
});
