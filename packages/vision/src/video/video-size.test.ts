import { expect, test } from "vitest";
import { qwen2VideoSize, qwen3VideoSize } from "./video-size.ts";

const published = { qwen2: { factor: 28, minPixels: 128 * 28 ** 2, maxPixels: 768 * 28 ** 2 }, qwen3: { factor: 32, minPixels: 4096, maxPixels: 25_165_824 } };

/** `smart_resize` of the two video processors of transformers 5.23, under the bounds that `cap_pixels_per_frame` gives. */
test.each([
  { size: [640, 360], frames: 8, qwen2: [644, 364], qwen3: [640, 352] },
  { size: [1920, 1080], frames: 16, qwen2: [1008, 560], qwen3: [1152, 640] },
  { size: [1920, 1080], frames: 768, qwen2: [644, 336], qwen3: [224, 128] },
  { size: [100, 30], frames: 2, qwen2: [588, 196], qwen3: [96, 32] },
  { size: [28, 28], frames: 5, qwen2: [336, 336], qwen3: [32, 32] },
  { size: [641, 353], frames: 301, qwen2: [644, 364], qwen3: [384, 192] },
])("$frames frames of $size", ({ size: [width, height], frames, qwen2, qwen3 }) => {
  const size = { width: width!, height: height! };
  expect(Object.values(qwen2VideoSize(size, frames, published.qwen2))).toEqual(qwen2);
  expect(Object.values(qwen3VideoSize(size, frames, published.qwen3))).toEqual(qwen3);
});

test("Qwen3-VL enlarges frames that are smaller than a block, and videos below the lower bound, counting an odd frame twice", () => {
  expect(qwen3VideoSize({ width: 300, height: 20 }, 3, published.qwen3)).toEqual({ width: 480, height: 32 });
  expect(qwen3VideoSize({ width: 50, height: 40 }, 5, { ...published.qwen3, minPixels: 90_000 })).toEqual({ width: 160, height: 128 });
});
