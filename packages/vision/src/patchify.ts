import { InvalidArgumentError } from "@polywen/tensor";
import type { RgbImage } from "./rgb-image.ts";
import { TimeSlices } from "@polywen/cross-modal";
import type { ImageSize } from "./smart-resize.ts";

/** Size of an image or a video in patches: frames, rows, columns. */
export interface PatchGrid {
  readonly t: number;
  readonly h: number;
  readonly w: number;
}

/** Patches of one image, as the vision tower reads them. */
export interface ImagePatches {
  /** `[t * h * w, 3 * temporalPatchSize * patchSize * patchSize]`, row-major. */
  readonly pixelValues: Float32Array;
  readonly grid: PatchGrid;
}

/** How an image is cut. */
export interface PatchLayout {
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** Frames in a patch; a still image fills them all. */
  readonly temporalPatchSize: number;
  /** Side, in patches, of the blocks that the merger joins. */
  readonly mergeSize: number;
}

/**
 * Cuts an image into patches. Rows are ordered block by block (block row, block column, then row and column inside the
 * `mergeSize` × `mergeSize` block), so that the patches of a block are neighbours; the content of a row is ordered
 * (channel, frame, y, x). `levels` gives the value of each 8-bit level: `[3, 256]` for red, green, blue.
 * Runs in slices. Throws InvalidArgumentError if the sides are no multiples of patch size × merge size, and AbortedError.
 */
export async function patchify(image: RgbImage, layout: PatchLayout, levels: Float32Array, signal?: AbortSignal): Promise<ImagePatches> {
  requireWholeBlocks(image, layout);
  const grid: PatchGrid = { t: 1, h: image.height / layout.patchSize, w: image.width / layout.patchSize };
  const pixelValues = new Float32Array(grid.h * grid.w * patchLength(layout));
  await fillPatches(pixelValues, [image], layout, levels, new TimeSlices("Cutting an image into patches", signal));
  return { pixelValues, grid };
}

/** Values of one patch. */
export function patchLength({ temporalPatchSize, patchSize }: PatchLayout): number {
  return 3 * temporalPatchSize * patchSize * patchSize;
}

/** Throws InvalidArgumentError if the sides are no multiples of patch size × merge size. */
export function requireWholeBlocks(image: ImageSize, { patchSize, mergeSize }: PatchLayout): void {
  const factor = patchSize * mergeSize;
  for (const argument of ["width", "height"] as const) {
    if (image[argument] % factor !== 0 || image[argument] === 0) {
      throw new InvalidArgumentError({ argument, expected: `a multiple of ${factor} pixels`, received: image[argument] });
    }
  }
}

/** The patches of the frames, all of one size, that share patches; the last is repeated where there are fewer than a patch has. */
export async function fillPatches(target: Float32Array, frames: readonly RgbImage[], layout: PatchLayout, levels: Float32Array, slices: TimeSlices): Promise<void> {
  const { patchSize, mergeSize } = layout;
  const [rows, columns] = [frames[0]!.height / patchSize, frames[0]!.width / patchSize];
  const length = patchLength(layout);
  let start = 0;
  for (let blockY = 0; blockY < rows; blockY += mergeSize) {
    for (let blockX = 0; blockX < columns; blockX += mergeSize) {
      if (slices.over) await slices.next();
      for (let y = blockY; y < blockY + mergeSize; y++) {
        for (let x = blockX; x < blockX + mergeSize; x++, start += length) {
          fillPatch(target.subarray(start, start + length), frames, y * patchSize, x * patchSize, layout, levels);
        }
      }
    }
  }
}

function fillPatch(row: Float32Array, frames: readonly RgbImage[], top: number, left: number, layout: PatchLayout, levels: Float32Array): void {
  const { patchSize, temporalPatchSize } = layout;
  const area = patchSize * patchSize;
  for (let channel = 0; channel < 3; channel++) {
    const first = channel * temporalPatchSize * area;
    let to = first;
    for (const { data, width } of frames) {
      for (let y = 0; y < patchSize; y++) {
        let from = ((top + y) * width + left) * 3 + channel;
        for (let x = 0; x < patchSize; x++, to++, from += 3) row[to] = levels[channel * 256 + data[from]!]!;
      }
    }
    for (let frame = frames.length; frame < temporalPatchSize; frame++) row.copyWithin(first + frame * area, to - area, to);
  }
}
