import type { PatchGrid } from "../patchify.ts";

/** Which four entries of a square table surround each patch, and how much each of them counts. */
export interface PositionTaps {
  /** Four arrays [patches]: entries of the table, row after row. */
  readonly entries: readonly Int32Array[];
  /** Four arrays [patches]: their weights, which sum to 1. */
  readonly weights: readonly Float32Array[];
}

/**
 * Stretches a table of `side` × `side` positions over a grid, corner on corner (`align_corners`), bilinearly. Patches are those of
 * `positions` [patches, 2], rows and columns. Computed in float32 steps like the reference.
 */
export function positionTaps(grid: PatchGrid, positions: Int32Array, side: number): PositionTaps {
  const [rows, columns] = [axisTaps(grid.h, side), axisTaps(grid.w, side)];
  const patches = positions.length / 2;
  const corners = [0, 1, 2, 3].map((corner) => ({ down: corner >> 1, right: corner & 1 }));
  return {
    entries: corners.map(({ down, right }) => Int32Array.from({ length: patches }, (_, patch) => rows.entries[down]![positions[2 * patch]!]! * side + columns.entries[right]![positions[2 * patch + 1]!]!)),
    weights: corners.map(({ down, right }) => Float32Array.from({ length: patches }, (_, patch) => rows.weights[down]![positions[2 * patch]!]! * columns.weights[right]![positions[2 * patch + 1]!]!)),
  };
}

/** The two entries around each of `length` places along a side, and their weights. */
function axisTaps(length: number, side: number): { readonly entries: readonly Int32Array[]; readonly weights: readonly Float32Array[] } {
  const places = Float32Array.from({ length }, (_, index) => (index * (side - 1)) / Math.max(length - 1, 1));
  const fractions = places.map((place) => place - Math.floor(place));
  return {
    entries: [0, 1].map((step) => Int32Array.from(places, (place) => Math.min(Math.floor(place) + step, side - 1))),
    weights: [fractions.map((fraction) => 1 - fraction), fractions],
  };
}
