import { TimeSlices } from "@polywen/cross-modal";
import type { ImageProcessorConfig } from "@polywen/formats";
import { InvalidArgumentError, LimitExceededError } from "@polywen/tensor";
import { decodeFrames } from "../decode-frames.ts";
import { decodeImage, type ImageSource } from "../decode-image.ts";
import { limitsOf, type ImageLimits, type ImageOptions } from "../image-limits.ts";
import { levelValues, requireSupported } from "../image-processor.ts";
import { fillPatches, patchLength, requireWholeBlocks, type ImagePatches } from "../patchify.ts";
import { resizeBicubic } from "../resize-bicubic.ts";
import type { RgbImage } from "../rgb-image.ts";
import type { ImageSize } from "../smart-resize.ts";
import type { VideoSizeRule } from "./video-size.ts";

/** A video as callers hand it in. */
export interface VideoInput {
  /** Its frames in order, all of one size; or one animated GIF or WebP. */
  readonly frames: readonly ImageSource[] | ImageSource;
  /** Frames in a second. Default: what an animation says, else 2, as published models expect. */
  readonly fps?: number | undefined;
}

/** How a video is preprocessed. Limits on images hold for each frame; all frames together may take as much memory as the largest image. */
export interface VideoOptions extends ImageOptions {
  readonly size: VideoSizeRule;
}

/** A video ready for the vision tower. */
export interface PreprocessedVideo extends ImagePatches {
  readonly fps: number;
  readonly frames: number;
}

const DEFAULT_FPS = 2;

/** Beyond these no position could tell the time. */
const SLOWEST_FPS: number = 1 / 3600;
const FASTEST_FPS = 1000;

/**
 * Decodes, resizes, normalises and cuts frames as the Qwen video processors of transformers do, with the resizing of Pillow. Frames
 * share patches; an odd last one is repeated. No more frames are in memory than share a patch.
 * Throws what `preprocessImage` throws for each frame, InvalidArgumentError for an empty list, frames of several sizes or a bad
 * `fps`, and LimitExceededError.
 */
export async function preprocessVideo(input: VideoInput, config: ImageProcessorConfig, options: VideoOptions): Promise<PreprocessedVideo> {
  requireSupported(config);
  const limits = limitsOf(options);
  const { count, fps, read } = await openFrames(input, options, limits);
  const first = await read(0);
  const size = targetSize(first, count, config, options.size);
  requireMemory(size, count, config, limits);
  requireWholeBlocks(size, config);
  const grid = { t: Math.ceil(count / config.temporalPatchSize), h: size.height / config.patchSize, w: size.width / config.patchSize };
  const valuesPerStep = grid.h * grid.w * patchLength(config);
  const pixelValues = new Float32Array(grid.t * valuesPerStep);
  const slices = new TimeSlices("Cutting a video into patches", options.signal);
  for (let step = 0; step < grid.t; step++) {
    const begin = step * config.temporalPatchSize;
    const resized: RgbImage[] = [];
    for (let frame = begin; frame < Math.min(begin + config.temporalPatchSize, count); frame++) {
      const decoded = frame === 0 ? first : await read(frame);
      requireSameSize(decoded, first, frame);
      resized.push(await resizeBicubic(decoded, size.width, size.height, options.signal));
    }
    await fillPatches(pixelValues.subarray(step * valuesPerStep, (step + 1) * valuesPerStep), resized, config, levelValues(config), slices);
  }
  return { pixelValues, grid, fps, frames: count };
}

interface Frames {
  readonly count: number;
  readonly fps: number;
  readonly read: (index: number) => Promise<RgbImage>;
}

/** Frames come from users and need not have passed a compiler. */
async function openFrames(input: VideoInput, options: ImageOptions, limits: ImageLimits): Promise<Frames> {
  const { frames, fps } = (input ?? {}) as VideoInput;
  if (fps !== undefined) requireFps(fps);
  if (!isList(frames)) {
    const animation = await decodeFrames(frames, options);
    return { count: animation.frames.length, fps: fps ?? requireFps(framesPerSecond(animation.durations)), read: async (index) => animation.frames[index]! };
  }
  if (frames.length === 0) throw new InvalidArgumentError({ argument: "video.frames", expected: "at least one picture", received: frames });
  if (frames.length > limits.maxFrames) throw new LimitExceededError({ what: "The number of frames", limit: limits.maxFrames, received: frames.length });
  return { count: frames.length, fps: fps ?? DEFAULT_FPS, read: (index) => decodeImage(frames[index]!, options) };
}

function requireFps(fps: number): number {
  if (typeof fps === "number" && fps >= SLOWEST_FPS && fps <= FASTEST_FPS) return fps;
  throw new InvalidArgumentError({ argument: "video.fps", expected: `a number from 1/3600 to ${FASTEST_FPS}`, received: fps });
}

function isList(frames: VideoInput["frames"]): frames is readonly ImageSource[] {
  return Array.isArray(frames);
}

function framesPerSecond(durations: readonly number[] | undefined): number {
  const milliseconds = (durations ?? []).reduce((sum, duration) => sum + duration, 0);
  return milliseconds > 0 ? (durations!.length * 1000) / milliseconds : DEFAULT_FPS;
}

/** A still image fills all frames of its patches. */
function requireMemory({ width, height }: ImageSize, count: number, { temporalPatchSize }: ImageProcessorConfig, { maxResizedPixels }: ImageLimits): void {
  const limit = maxResizedPixels * temporalPatchSize;
  const received = width * height * count;
  if (received > limit) throw new LimitExceededError({ what: "Width × height × frames after resizing", limit, received, unit: "pixels" }, { hint: "Choose fewer frames." });
}

function targetSize({ width, height }: ImageSize, frames: number, config: ImageProcessorConfig, rule: VideoSizeRule): ImageSize {
  if (!config.doResize) return { width, height };
  return rule({ width, height }, frames, { factor: config.patchSize * config.mergeSize, minPixels: config.minPixels, maxPixels: config.maxPixels });
}

function requireSameSize(frame: ImageSize, first: ImageSize, index: number): void {
  if (frame.width === first.width && frame.height === first.height) return;
  throw new InvalidArgumentError({ argument: `video.frames[${index}]`, expected: `${first.width} × ${first.height} pixels, as the first frame has`, received: `${frame.width} × ${frame.height}` });
}
