import { describe, expect, it } from "vitest";
import type { Logits, MediumTrace } from "polywen";
import { logitsTensors } from "./logits-tensors.ts";

const text: Logits = {
  ids: Int32Array.of(7, 8),
  logits: Float32Array.of(1, 2, 3, 4, 5, 6),
  vocabularySize: 3,
  greedy: Int32Array.of(2),
  positions: Int32Array.of(0, 1),
  positionAxes: 1,
  media: [],
};

const image = (first: number, rows: number): MediumTrace => ({
  modality: "image",
  rows,
  sizes: { patches: 2 * rows },
  inputs: { pixelValues: Float32Array.from({ length: 6 * rows }, (_, index) => first + index) },
  features: Float32Array.from({ length: 2 * rows }, (_, index) => first + 100 + index),
  deeper: [],
});

const audio = (frames: readonly (readonly number[])[], features: readonly number[]): MediumTrace => ({
  modality: "audio",
  rows: features.length / 2,
  sizes: { frames: frames.length },
  inputs: { inputFeatures: Float32Array.from(frames.flat()) },
  features: Float32Array.from(features),
  deeper: [],
});

const written = (logits: Logits): Record<string, { shape: readonly number[]; data: number[] }> =>
  Object.fromEntries(logitsTensors(logits).map(({ name, shape, data }) => [name, { shape, data: Array.from(data as Float32Array) }]));

describe("logitsTensors", () => {
  it("writes ids, logits and greedy of a text, but no positions of one axis", () => {
    expect(written(text)).toEqual({
      ids: { shape: [2], data: [7, 8] },
      logits: { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] },
      greedy: { shape: [1], data: [2] },
    });
  });

  it("writes three-axis positions axis by axis", () => {
    const { positions } = written({ ...text, positions: Int32Array.of(0, 0, 0, 1, 2, 3), positionAxes: 3 });
    expect(positions).toEqual({ shape: [3, 2], data: [0, 1, 0, 2, 0, 3] });
  });

  it("puts the pictures of a prompt one after the other", () => {
    const result = written({ ...text, media: [image(0, 1), audio([[1, 2]], [3, 4]), image(50, 2)] });
    expect(result["pixel_values"]).toEqual({ shape: [6, 3], data: [0, 1, 2, 3, 4, 5, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61] });
    expect(result["image_features"]).toEqual({ shape: [3, 2], data: [100, 101, 150, 151, 152, 153] });
  });

  it("writes log-mel features band by band, padded to the longest clip", () => {
    const result = written({ ...text, media: [audio([[1, 2], [3, 4], [5, 6]], [1, 2]), audio([[7, 8]], [3, 4, 5, 6])] });
    expect(result["input_features"]).toEqual({ shape: [2, 2, 3], data: [1, 3, 5, 2, 4, 6, 7, 0, 0, 8, 0, 0] });
    expect(result["audio_features"]).toEqual({ shape: [3, 2], data: [1, 2, 3, 4, 5, 6] });
  });
});
