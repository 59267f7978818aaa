import type { PixelBounds } from "@polywen/formats";
import { roundHalfToEven, smartResize, type ImageSize } from "../smart-resize.ts";

/** What a family makes of the size of frames: `factor` is patch size × merge size, the bounds are those of its video processor. */
export type VideoSizeRule = (size: ImageSize, frames: number, bounds: PixelBounds & { readonly factor: number }) => ImageSize;

/** Tokens of a context, and the share of it, that `qwen_vl_utils` lets a video of Qwen2-VL and Qwen2.5-VL take. */
const CONTEXT_TOKENS = 128_000;
const CONTEXT_SHARE = 0.9;

/** Blocks of a frame that `qwen_vl_utils` allows a video of Qwen3-VL. */
const FRAME_BLOCKS = 768;

/** Frames that share a patch in all published models. */
const FRAMES_PER_PATCH = 2;

/** Bounds of one frame, of which long videos get no more than an even share of the context (`vision_process.py` of `qwen_vl_utils`). */
export const qwen2VideoSize: VideoSizeRule = (size, frames, { factor, minPixels, maxPixels }) => {
  const total = Math.floor(CONTEXT_TOKENS * factor ** 2 * CONTEXT_SHARE);
  const most = Math.max(Math.min(maxPixels, Math.floor((total * FRAMES_PER_PATCH) / frames)), Math.floor(minPixels * 1.05));
  return smartResize(size, { factor, minPixels, maxPixels: most });
};

/** Bounds of all frames together, of which no frame takes more than 768 blocks; frames smaller than a block are first enlarged. */
export const qwen3VideoSize: VideoSizeRule = (size, frames, { factor, minPixels, maxPixels }) => {
  const given = Math.max(frames, FRAMES_PER_PATCH);
  const frame = Math.max(Math.min(FRAME_BLOCKS * factor ** 2, Math.floor(maxPixels / given)), Math.floor(minPixels * 1.05));
  const scale = Math.max(1, factor / size.height, factor / size.width);
  const enlarged = { width: Math.trunc(size.width * scale), height: Math.trunc(size.height * scale) };
  return smartResize(enlarged, { factor, minPixels, maxPixels: frame * given, frames: { given, counted: roundHalfToEven(given / FRAMES_PER_PATCH) * FRAMES_PER_PATCH } });
};
