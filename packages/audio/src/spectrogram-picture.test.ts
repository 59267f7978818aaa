import { expect, it } from "vitest";
import { spectrogramPicture } from "./spectrogram-picture.ts";

it("draws low bands at the bottom, loud ones bright, and 15 seconds in a strip", () => {
  const frames = 1600;
  const inputFeatures = new Float32Array(frames * 2).fill(-1);
  inputFeatures[0] = 1;
  inputFeatures[1599 * 2 + 1] = 1;
  const { data, width, height } = spectrogramPicture({ inputFeatures, mels: 2, frames });
  expect([width, height]).toEqual([1500, 4 + 4 + 4]);
  const colourAt = (x: number, y: number): number[] => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
  const [loud, silent, gap] = [[252, 255, 190], [0, 0, 8], [255, 255, 255]];
  expect([colourAt(0, 3), colourAt(0, 0), colourAt(1, 3)]).toEqual([loud, silent, silent]);
  expect([colourAt(99, 8), colourAt(99, 11), colourAt(100, 8), colourAt(5, 5)]).toEqual([loud, silent, gap, gap]);
});

it("survives silence", () => {
  const { data } = spectrogramPicture({ inputFeatures: new Float32Array(8), mels: 4, frames: 2 });
  expect([...data.subarray(0, 3)]).toEqual([0, 0, 8]);
});
