import { expect, test } from "vitest";
import { preprocessAudio } from "./audio-processor.ts";
import { audioWindows } from "./audio-windows.ts";
import { decodeAudio } from "./decode-audio.ts";
import { seededSound, wavFile } from "./testing.ts";

const sound = (seconds: number) => ({ samples: Float32Array.from({ length: Math.round(seconds * 8000) }, (_, index) => Math.sin(index)), sampleRate: 8000 });

test.each([
  [0.1, [0.1]],
  [30, [30]],
  [65, [30, 30, 5]],
  [90.5, [30, 30, 30, 0.5]],
])("%f seconds make windows of %j seconds that follow each other", async (seconds, expected) => {
  const whole = sound(seconds);
  const windows = await audioWindows(whole);
  expect(windows.map(({ samples }) => samples.length / 8000)).toEqual(expected);
  expect(Float32Array.from(windows.flatMap(({ samples }) => [...samples]))).toEqual(whole.samples);
});

test("windows may overlap, and be those of a part", async () => {
  const whole = sound(12);
  const windows = await audioWindows({ source: whole, from: 1, to: 11 }, { seconds: 4, overlap: 1 });
  expect(windows.map(({ samples }) => samples.length / 8000)).toEqual([4, 4, 4]);
  expect(windows[1]!.samples).toEqual((await decodeAudio({ source: whole, from: 4, to: 8 })).samples);
});

test("the features of a window are those of the same part of the recording", async () => {
  const config = { samplingRate: 16_000, featureSize: 80, fftSize: 400, hopLength: 160, chunkLength: 5, paddingValue: 0, dither: 0 };
  const source = wavFile(new Uint8Array(seededSound(65 * 11_025, 5).buffer), { sampleRate: 11_025 });
  const windows = await audioWindows(source, { seconds: 5 });
  expect(windows.length).toBe(13);
  for (const index of [0, 6, 12]) {
    const [window, part] = [await preprocessAudio(windows[index]!, config), await preprocessAudio({ source, from: 5 * index, to: 5 * index + 5 }, config)];
    expect(window).toEqual(part);
  }
});

test("bad options and recordings over the limit are refused", async () => {
  await expect(audioWindows(sound(1), { seconds: 0 })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  await expect(audioWindows(sound(1), { seconds: 1, overlap: 0.6 })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  await expect(audioWindows(sound(2), { limits: { maxSeconds: 1 } })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
});

test.each([{ from: -1 }, { from: Number.NaN }, { from: 2, to: 2 }, { from: 3, to: 1 }, { from: 9 }])("the part %j is refused", async (range) => {
  await expect(decodeAudio({ source: sound(3), ...range })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
});
