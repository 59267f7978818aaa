import type { PatchGrid } from "../patchify.ts";

/** The order in which the tower processes patches, and what follows from it. */
export interface WindowOrder {
  /** [patches]: `order[i]` is the patch, in the preprocessor's order, that is processed as number i. */
  readonly order: Int32Array;
  /** [patches]: the inverse of `order`. */
  readonly restore: Int32Array;
  /** [patches, 2]: row and column of each processed patch in its frame. */
  readonly positions: Int32Array;
  /** [patches, 2]: the patches of its window. */
  readonly windowSpans: Int32Array;
  /** [patches, 2]: the patches of its frame. */
  readonly frameSpans: Int32Array;
}

/**
 * Sorts the patches of a picture window by window. A unit is a square of `mergeSize`² patches, which lie together in
 * the preprocessor's order; a window is a square of `windowUnits`² units from the top left, smaller at the edges.
 */
export function windowOrder(grid: PatchGrid, mergeSize: number, windowUnits: number): WindowOrder {
  const [height, width] = [grid.h / mergeSize, grid.w / mergeSize];
  const unitPatches = mergeSize * mergeSize;
  const framePatches = height * width * unitPatches;
  const total = grid.t * framePatches;
  const result = { order: new Int32Array(total), restore: new Int32Array(total), positions: new Int32Array(2 * total), windowSpans: new Int32Array(2 * total), frameSpans: new Int32Array(2 * total) };
  let next = 0;
  const visitUnit = (frame: number, y: number, x: number): void => {
    const first = frame * framePatches + (y * width + x) * unitPatches;
    for (let patch = 0; patch < unitPatches; patch++, next++) {
      result.order[next] = first + patch;
      result.restore[first + patch] = next;
      result.positions.set([y * mergeSize + Math.floor(patch / mergeSize), x * mergeSize + (patch % mergeSize)], 2 * next);
      result.frameSpans.set([frame * framePatches, (frame + 1) * framePatches], 2 * next);
    }
  };
  for (let frame = 0; frame < grid.t; frame++) {
    for (let top = 0; top < height; top += windowUnits) {
      for (let left = 0; left < width; left += windowUnits) {
        const begin = next;
        for (let y = top; y < Math.min(top + windowUnits, height); y++) {
          for (let x = left; x < Math.min(left + windowUnits, width); x++) visitUnit(frame, y, x);
        }
        for (let patch = begin; patch < next; patch++) result.windowSpans.set([begin, next], 2 * patch);
      }
    }
  }
  return result;
}

/** What towers without windows need: patches stay in the preprocessor's order. */
export function frameOrder(grid: PatchGrid, mergeSize: number): Pick<WindowOrder, "positions" | "frameSpans"> {
  const { positions, frameSpans } = windowOrder(grid, mergeSize, Infinity);
  return { positions, frameSpans };
}
