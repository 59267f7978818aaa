import type { ImageProcessorConfig } from "@polywen/formats";
import type { ImagePatches } from "../patchify.ts";
import type { RgbImage } from "../rgb-image.ts";

/** Lines between patches, and thicker ones around the squares that become one row of the prompt. */
const patchLine = 1;
const unitLine = 2;
const patchColour = [96, 96, 96] as const;
const unitColour = [255, 196, 0] as const;

/** Small pictures are enlarged by whole factors to about this width. */
const comfortableWidth = 700;
const maxZoom = 8;

/**
 * Draws what the vision tower reads: the levels are recovered from the normalised patches themselves. Grey lines part patches, yellow
 * ones the merged squares. Of a video the first frame is drawn.
 */
export function patchPicture({ pixelValues, grid }: ImagePatches, config: ImageProcessorConfig): RgbImage {
  const { patchSize, mergeSize, temporalPatchSize } = config;
  const zoom = Math.min(maxZoom, Math.max(1, Math.floor(comfortableWidth / (grid.w * patchSize))));
  const xs = positions(grid.w, mergeSize, patchSize * zoom);
  const ys = positions(grid.h, mergeSize, patchSize * zoom);
  const width = xs.at(-1)!;
  const height = ys.at(-1)!;
  const data = new Uint8Array(width * height * 3);
  drawLines(data, width, height, xs, ys, mergeSize, patchSize * zoom);
  const area = patchSize * patchSize;
  const rowLength = 3 * temporalPatchSize * area;
  for (let row = 0; row < grid.h * grid.w; row++) {
    const { x, y } = placeOf(row, grid.w, mergeSize);
    for (let pixel = 0; pixel < area * zoom * zoom; pixel++) {
      const [px, py] = [pixel % (patchSize * zoom), Math.floor(pixel / (patchSize * zoom))];
      const from = row * rowLength + Math.floor(py / zoom) * patchSize + Math.floor(px / zoom);
      const to = ((ys[y]! + py) * width + xs[x]! + px) * 3;
      for (let channel = 0; channel < 3; channel++) data[to + channel] = levelOf(pixelValues[from + channel * temporalPatchSize * area]!, channel, config);
    }
  }
  return { data, width, height };
}

/** Where each patch begins along one side, and where the picture ends. */
function positions(count: number, mergeSize: number, length: number): number[] {
  const begins = [unitLine];
  for (let index = 1; index <= count; index++) begins.push(begins.at(-1)! + length + (index % mergeSize === 0 ? unitLine : patchLine));
  return begins;
}

/** Column and row of a patch: patches are stored merged square by merged square. */
function placeOf(row: number, columns: number, mergeSize: number): { x: number; y: number } {
  const inSquare = row % (mergeSize * mergeSize);
  const square = (row - inSquare) / (mergeSize * mergeSize);
  const squares = columns / mergeSize;
  return { x: (square % squares) * mergeSize + (inSquare % mergeSize), y: Math.floor(square / squares) * mergeSize + Math.floor(inSquare / mergeSize) };
}

/** Fills everything with the line that is seen there once the patches are drawn over it. */
function drawLines(data: Uint8Array, width: number, height: number, xs: readonly number[], ys: readonly number[], mergeSize: number, length: number): void {
  const columns = thickLines(width, xs, mergeSize, length);
  const rows = thickLines(height, ys, mergeSize, length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) data.set(rows[y]! + columns[x]! > 0 ? unitColour : patchColour, to);
  }
}

/** For each place along a side: 1 in a line around a square. */
function thickLines(total: number, begins: readonly number[], mergeSize: number, length: number): Uint8Array {
  const thick = new Uint8Array(total).fill(1, 0, unitLine);
  for (let index = mergeSize; index < begins.length; index += mergeSize) thick.fill(1, begins[index - 1]! + length, begins[index]!);
  return thick;
}

function levelOf(value: number, channel: number, { doNormalize, doRescale, imageMean, imageStd, rescaleFactor }: ImageProcessorConfig): number {
  const rescaled = doNormalize ? value * imageStd[channel]! + imageMean[channel]! : value;
  return Math.min(255, Math.max(0, Math.round(doRescale ? rescaled / rescaleFactor : rescaled)));
}
