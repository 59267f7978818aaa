import { LimitExceededError } from "@polywen/tensor";

/** Width and height in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** What `smartResize` keeps to. */
export interface SmartResizeBounds {
  /** Width and height become multiples of this: patch size × merge size. */
  readonly factor: number;
  /** Bounds of width × height after resizing; with `frames`, of all frames together. */
  readonly minPixels: number;
  readonly maxPixels: number;
  /** How many frames share the bounds, and as how many they count. Default 1. */
  readonly frames?: { readonly given: number; readonly counted: number };
}

/** The longer side may be this many times the shorter one. */
export const maxAspectRatio = 200;

/**
 * The size that the Qwen vision towers see an image at: both sides rounded to multiples of the factor (halves to even), then scaled
 * to keep width × height within bounds (down with floor, but at least one factor; up with ceil), so that the aspect ratio nearly
 * stays. This is `smart_resize` of transformers' `image_processing_qwen2_vl.py`.
 * Throws LimitExceededError if one side is more than 200 times the other.
 */
export function smartResize({ width, height }: ImageSize, { factor, minPixels, maxPixels, frames = { given: 1, counted: 1 } }: SmartResizeBounds): ImageSize {
  const ratio = Math.max(width, height) / Math.min(width, height);
  if (ratio > maxAspectRatio) {
    throw new LimitExceededError({ what: "The ratio of the longer to the shorter side", limit: maxAspectRatio, received: ratio });
  }
  const rounded = { width: roundHalfToEven(width / factor) * factor, height: roundHalfToEven(height / factor) * factor };
  const pixels = frames.counted * rounded.width * rounded.height;
  if (pixels > maxPixels) {
    const shrink = Math.sqrt((frames.given * height * width) / maxPixels);
    const fit = (side: number): number => Math.max(factor, Math.floor(side / shrink / factor) * factor);
    return { width: fit(width), height: fit(height) };
  }
  if (pixels < minPixels) {
    const grow = Math.sqrt(minPixels / (frames.given * height * width));
    const fit = (side: number): number => Math.ceil((side * grow) / factor) * factor;
    return { width: fit(width), height: fit(height) };
  }
  return rounded;
}

/** Halves go to the even neighbour, as in Python. */
export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  return fraction > 0.5 || (fraction === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
