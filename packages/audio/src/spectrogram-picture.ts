import type { LogMel } from "./log-mel.ts";

/** 8-bit RGB pixels, rows from top to bottom. */
export interface SpectrogramPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Pixels of a mel band and of a frame, frames of a strip (15 seconds of 10 ms), and pixels between strips. */
const bandHeight = 2;
const framesOfStrip = 1500;
const gap = 4;
const gapColour = [255, 255, 255] as const;

/** From silence to the loudest: black, violet, red, yellow, nearly white; each is brighter than the one before. */
const colours: readonly (readonly [number, number, number])[] = [[0, 0, 8], [72, 20, 108], [186, 54, 85], [249, 150, 28], [252, 255, 190]];

/**
 * Draws log-mel features: time from left to right, in strips of 15 seconds below each other, low bands at the bottom, brightness from the
 * smallest to the largest value.
 */
export function spectrogramPicture({ inputFeatures, mels, frames }: Pick<LogMel, "inputFeatures" | "mels" | "frames">): SpectrogramPicture {
  const strips = Math.ceil(frames / framesOfStrip);
  const width = Math.min(frames, framesOfStrip);
  const stripHeight = mels * bandHeight;
  const height = strips * (stripHeight + gap) - gap;
  const data = new Uint8Array(width * height * 3);
  for (let to = 0; to < data.length; to += 3) data.set(gapColour, to);
  const [lowest, range] = rangeOf(inputFeatures.subarray(0, frames * mels));
  for (let frame = 0; frame < frames; frame++) {
    const top = Math.floor(frame / framesOfStrip) * (stripHeight + gap);
    for (let y = 0; y < stripHeight; y++) {
      const band = mels - 1 - Math.floor(y / bandHeight);
      const value = (inputFeatures[frame * mels + band]! - lowest) / range;
      data.set(colourOf(value), ((top + y) * width + (frame % framesOfStrip)) * 3);
    }
  }
  return { data, width, height };
}

function rangeOf(values: Float32Array): [lowest: number, range: number] {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of values) {
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  return [lowest, highest > lowest ? highest - lowest : 1];
}

function colourOf(value: number): number[] {
  const place = value * (colours.length - 1);
  const index = Math.min(Math.floor(place), colours.length - 2);
  const [from, to] = [colours[index]!, colours[index + 1]!];
  return from.map((level, channel) => Math.round(level + (to[channel]! - level) * (place - index)));
}
