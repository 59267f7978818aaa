import { LimitExceededError } from "@polywen/tensor";
import type { NetworkAccess } from "@polywen/cross-modal";

/** What an image or an animation may cost. Checked before the memory is taken. */
export interface ImageLimits {
  /** Size of the encoded file in bytes; default 64 MiB. */
  readonly maxBytes: number;
  /** Width × height of the decoded image, of an animation those of a frame; default 40 million. */
  readonly maxPixels: number;
  /** Width and height each; default 32,768. */
  readonly maxSide: number;
  /** Frames of an animation that is read as a video; default 768, what the publishers of Qwen-VL take of a video. */
  readonly maxFrames: number;
  /** Width × height × frames of an animation that is read as a video; default 128 million. */
  readonly maxVideoPixels: number;
  /** Width × height after resizing for the model; default 16,777,216, the largest bound that published models have. */
  readonly maxResizedPixels: number;
}

/** The limits that hold where a caller sets none. */
export const defaultImageLimits: ImageLimits = {
  maxBytes: 64 * 2 ** 20,
  maxPixels: 40_000_000,
  maxSide: 32_768,
  maxFrames: 768,
  maxVideoPixels: 128_000_000,
  maxResizedPixels: 2 ** 24,
};

/** Limits to change, what may be fetched, and what stops the work. */
export interface ImageOptions {
  readonly limits?: Partial<ImageLimits> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default: nothing. */
  readonly network?: NetworkAccess | undefined;
}

/** The limits of a call. */
export function limitsOf({ limits }: ImageOptions): ImageLimits {
  return { ...defaultImageLimits, ...limits };
}

/** Throws LimitExceededError if one image, or one frame, is too large. */
export function requireSize({ width, height }: { readonly width: number; readonly height: number }, file: string, limits: ImageLimits): void {
  const side = Math.max(width, height);
  if (side > limits.maxSide) throw new LimitExceededError({ what: "The longer side", limit: limits.maxSide, received: side, unit: "pixels", file });
  requireAtMost("Width × height", width * height, limits.maxPixels, file);
}

/** Throws LimitExceededError if an animation has too many frames, or too many pixels in all of them. */
export function requireFrames(frames: number, pixels: number, file: string, limits: ImageLimits): void {
  if (frames > limits.maxFrames) throw new LimitExceededError({ what: "The number of frames", limit: limits.maxFrames, received: frames, file });
  requireAtMost("Width × height × frames", pixels, limits.maxVideoPixels, file);
}

function requireAtMost(what: string, received: number, limit: number, file: string): void {
  if (received > limit) throw new LimitExceededError({ what, limit, received, unit: "pixels", file });
}
