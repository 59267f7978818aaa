import type { FeatureExtractorConfig } from "@polywen/formats";
import { describe, expect, it } from "vitest";
import { preprocessAudio } from "./audio-processor.ts";
import { logMelFeatures } from "./log-mel.ts";
import { seededSound } from "./testing.ts";

const published: FeatureExtractorConfig = {
  samplingRate: 16_000,
  featureSize: 128,
  fftSize: 400,
  hopLength: 160,
  chunkLength: 300,
  paddingValue: 0,
  dither: 0,
};

describe("preprocessAudio", () => {
  it.each([
    [8000, 50],
    [16_001, 101],
    [48_000, 300],
  ])("makes of %i samples %i frames", async (count, frames) => {
    const result = await preprocessAudio({ samples: seededSound(count, 1), sampleRate: 16_000 }, published);
    expect(result).toMatchObject({ frames, mels: 128, sampleCount: count, resampled: false });
  });

  it("resamples what has another rate", async () => {
    const result = await preprocessAudio({ samples: seededSound(44_100, 1), sampleRate: 44_100 }, published);
    expect(result).toMatchObject({ frames: 100, sampleCount: 16_000, resampled: true });
  });

  it("takes a sound over the window for an error, or cuts it as transformers does", async () => {
    const config = { ...published, chunkLength: 1 };
    const samples = seededSound(16_001, 2);
    await expect(preprocessAudio({ samples, sampleRate: 16_000 }, config)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 1 } });
    const cut = await preprocessAudio({ samples, sampleRate: 16_000 }, config, { overlong: "cut" });
    const first = Float32Array.from(samples.subarray(0, 16_000), (sample) => sample / 32_768);
    expect(cut.inputFeatures).toEqual((await logMelFeatures(first, config)).inputFeatures);
  });

  it("cuts after resampling what it could have cut before", async () => {
    const config = { ...published, chunkLength: 1 };
    const long = await preprocessAudio({ samples: seededSound(200_000, 2), sampleRate: 44_100 }, config, { overlong: "cut" });
    expect(long).toMatchObject({ frames: 100, sampleCount: 16_000 });
    const tight = await preprocessAudio({ samples: seededSound(44_100 + 500, 2), sampleRate: 44_100 }, config, { overlong: "cut" });
    expect(Math.max(...long.inputFeatures.map((value, index) => Math.abs(value - tight.inputFeatures[index]!)))).toBeLessThan(1e-3);
  });

  it("refuses fields that it would otherwise ignore", async () => {
    const sound = { samples: new Int16Array(800), sampleRate: 16_000 };
    for (const change of [{ samplingRate: 8000 }, { paddingValue: 1 }, { dither: 0.1 }, { featureSize: 1e6 }, { fftSize: 402 }, { fftSize: 1e8 }, { hopLength: 1 }, { hopLength: 401 }]) {
      await expect(preprocessAudio(sound, { ...published, ...change })).rejects.toMatchObject({ code: "UNSUPPORTED" });
    }
  });

  it("stops when aborted", async () => {
    const sound = { samples: new Int16Array(800), sampleRate: 16_000 };
    await expect(preprocessAudio(sound, published, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  });
});
