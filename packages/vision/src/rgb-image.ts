import { InvalidArgumentError } from "@polywen/tensor";

/**
 * An 8-bit colour image: `data` holds red, green, blue of each pixel, rows from top to bottom, `width * height * 3` bytes. It may share
 * its memory with raw pixels that a caller handed in, and is never written to.
 */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Decoded pixels as a caller may hand them in: 8 bits a channel, interleaved, rows from top to bottom without gaps.
 * Channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha (not premultiplied).
 */
export interface RawPixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

/**
 * Brings pixels to RGB as Pillow's `convert("RGB")` does. Transparency is composited over white, in the integer arithmetic of
 * Pillow's `Image.alpha_composite` (`AlphaComposite.c`), which is what the image processors of transformers call.
 * Throws InvalidArgumentError if sizes, channels and data do not fit each other.
 */
export function rgbFromPixels(pixels: RawPixels): RgbImage {
  const { data, width, height, channels } = pixels;
  requirePixels(pixels);
  if (channels === 3) return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height };
  const out = new Uint8Array(width * height * 3);
  const colours = channels < 3 ? 1 : 3;
  const hasAlpha = channels === 2 || channels === 4;
  for (let pixel = 0, from = 0, to = 0; pixel < width * height; pixel++, from += channels, to += 3) {
    const alpha = hasAlpha ? data[from + colours]! : 255;
    for (let channel = 0; channel < 3; channel++) {
      const level = data[from + (colours === 3 ? channel : 0)]!;
      out[to + channel] = hasAlpha ? overWhite(level, alpha) : level;
    }
  }
  return { data: out, width, height };
}

/** Brings ink levels (cyan, magenta, yellow, black; 255 is full) to RGB as Pillow does (`cmyk2rgb` in `Convert.c`). */
export function rgbFromCmyk(data: Uint8Array, width: number, height: number): RgbImage {
  const out = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < out.length; from += 4, to += 3) {
    const light = 255 - data[from + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      out[to + channel] = light - divideBy255(data[from + channel]! * light + 128);
    }
  }
  return { data: out, width, height };
}

/** Seven extra bits, as Pillow has them; over an opaque ground both weights are exact. */
function overWhite(level: number, alpha: number): number {
  const blended = (level * alpha + 255 * (255 - alpha)) << 7;
  return divideBy255(blended + (128 << 7)) >> 7;
}

function divideBy255(value: number): number {
  return ((value >> 8) + value) >> 8;
}

function requirePixels({ data, width, height, channels }: RawPixels): void {
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new InvalidArgumentError({ argument: "data", expected: "a Uint8Array or Uint8ClampedArray of 8-bit pixels", received: data });
  }
  for (const [argument, value] of Object.entries({ width, height })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError({ argument, expected: "a positive integer", received: value });
  }
  if (![1, 2, 3, 4].includes(channels)) {
    throw new InvalidArgumentError({ argument: "channels", expected: "1, 2, 3 or 4", received: channels });
  }
  if (data.length !== width * height * channels) {
    throw new InvalidArgumentError({ argument: "data", expected: `${width} × ${height} × ${channels} bytes`, received: data });
  }
}
