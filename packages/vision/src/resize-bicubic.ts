import { InvalidArgumentError } from "@polywen/tensor";
import type { RgbImage } from "./rgb-image.ts";
import { TimeSlices } from "@polywen/cross-modal";

/** Fixed-point weights, as in Pillow: 32 bits less 8 of the levels and 2 for sums that overshoot. */
const weightBits = 22;
const half = 1 << (weightBits - 1);

/** For each output position: where its input samples begin, how many there are, and their weights (`stride` places each). */
interface Taps {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Int32Array;
  readonly stride: number;
}

/**
 * Resizes an image with the bicubic filter (a = -0.5, widened when it shrinks), bit for bit as Pillow's
 * `Image.resize((width, height), Image.BICUBIC)`: `Resample.c`, 8 bits a channel. One pass works along rows and one along columns;
 * each rounds to 8 bits, so that their order matters; a pass that would keep the length is left out, and the image itself is
 * returned if both are.
 * Runs in slices. Throws InvalidArgumentError for a width or height that is not a positive integer, and AbortedError.
 */
export async function resizeBicubic(image: RgbImage, width: number, height: number, signal?: AbortSignal): Promise<RgbImage> {
  for (const [argument, value] of Object.entries({ width, height })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError({ argument, expected: "a positive integer", received: value });
  }
  const slices = new TimeSlices("Resizing an image", signal);
  if (columnsComeFirst(image, width, height)) return resizeRows(await resizeColumns(image, height, slices), width, slices);
  return resizeColumns(await resizeRows(image, width, slices), height, slices);
}

/** Since Pillow 13 (its pull request 9549) a height that shrinks much more than the width is done first; earlier, rows always were. */
function columnsComeFirst(image: RgbImage, width: number, height: number): boolean {
  const lostRows = image.height - height;
  return lostRows > 0 && lostRows > 2 * (image.width - width);
}

async function resizeRows(image: RgbImage, width: number, slices: TimeSlices): Promise<RgbImage> {
  if (width === image.width) return image;
  const taps = bicubicTaps(image.width, width);
  const out = new Uint8Array(width * image.height * 3);
  for (let y = 0; y < image.height; y++) {
    if (slices.over) await slices.next();
    resizeRow(image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3), out.subarray(y * width * 3, (y + 1) * width * 3), taps);
  }
  return { data: out, width, height: image.height };
}

function resizeRow(row: Uint8Array, out: Uint8Array, { starts, counts, weights, stride }: Taps): void {
  for (let x = 0; x < starts.length; x++) {
    let red = half;
    let green = half;
    let blue = half;
    let from = starts[x]! * 3;
    const end = x * stride + counts[x]!;
    for (let tap = x * stride; tap < end; tap++, from += 3) {
      const weight = weights[tap]!;
      red = (red + Math.imul(row[from]!, weight)) | 0;
      green = (green + Math.imul(row[from + 1]!, weight)) | 0;
      blue = (blue + Math.imul(row[from + 2]!, weight)) | 0;
    }
    out[x * 3] = clampToByte(red >> weightBits);
    out[x * 3 + 1] = clampToByte(green >> weightBits);
    out[x * 3 + 2] = clampToByte(blue >> weightBits);
  }
}

async function resizeColumns(image: RgbImage, height: number, slices: TimeSlices): Promise<RgbImage> {
  if (height === image.height) return image;
  const { starts, counts, weights, stride } = bicubicTaps(image.height, height);
  const length = image.width * 3;
  const out = new Uint8Array(length * height);
  const sums = new Int32Array(length);
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    for (let tap = 0; tap < counts[y]!; tap++) {
      if (slices.over) await slices.next();
      const at = (starts[y]! + tap) * length;
      addWeighted(sums, image.data.subarray(at, at + length), weights[y * stride + tap]!);
    }
    for (let index = 0; index < length; index++) out[y * length + index] = clampToByte(sums[index]! >> weightBits);
  }
  return { data: out, width: image.width, height };
}

function addWeighted(sums: Int32Array, levels: Uint8Array, weight: number): void {
  for (let index = 0; index < sums.length; index++) sums[index] = sums[index]! + Math.imul(levels[index]!, weight);
}

function clampToByte(level: number): number {
  return level < 0 ? 0 : level > 255 ? 255 : level;
}

/** `precompute_coeffs` and `normalize_coeffs_8bpc` of Pillow: positions truncate towards zero, weights round away from it. */
function bicubicTaps(inputLength: number, outputLength: number): Taps {
  const scale = inputLength / outputLength;
  const widening = Math.max(scale, 1);
  const support = 2 * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outputLength);
  const counts = new Int32Array(outputLength);
  const weights = new Int32Array(outputLength * stride);
  const exact = new Float64Array(stride);
  for (let position = 0; position < outputLength; position++) {
    const center = (position + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.trunc(center + support + 0.5), inputLength) - start;
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      exact[tap] = bicubic((tap + start - center + 0.5) * (1 / widening));
      sum += exact[tap]!;
    }
    for (let tap = 0; tap < count; tap++) {
      const weight = (sum === 0 ? exact[tap]! : exact[tap]! / sum) * 2 ** weightBits;
      weights[position * stride + tap] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    starts[position] = start;
    counts[position] = count;
  }
  return { starts, counts, weights, stride };
}

/** Keys' cubic convolution with a = -0.5, factored as Pillow does, so that the last bit agrees. */
function bicubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
