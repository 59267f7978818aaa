import type { Metadata, Sharp, SharpOptions } from "sharp";
import { InvalidFileError, LimitExceededError, throwIfAborted, UnsupportedError } from "@polywen/tensor";
import { recogniseImage, type ImageFormat } from "./image-format.ts";
import { readMediaSource, type MediaBytes, type MediaSource } from "@polywen/cross-modal";
import { rgbFromCmyk, rgbFromPixels, type RawPixels, type RgbImage } from "./rgb-image.ts";

/** An image as callers hand it in. */
export type ImageSource = MediaSource | RawPixels;

/** What an image may cost. Checked before the memory is taken. */
export interface ImageLimits {
  /** Size of the encoded file in bytes; default 64 MiB. */
  readonly maxBytes: number;
  /** Width × height of the decoded image; default 40 million. */
  readonly maxPixels: number;
  /** Width and height each; default 32,768. */
  readonly maxSide: number;
  /** Width × height after resizing for the model; default 16,777,216, the largest bound that published models have. */
  readonly maxResizedPixels: number;
}

/** The limits that hold where a caller sets none. */
export const defaultImageLimits: ImageLimits = {
  maxBytes: 64 * 2 ** 20,
  maxPixels: 40_000_000,
  maxSide: 32_768,
  maxResizedPixels: 2 ** 24,
};

/** Limits to change, and what stops the work. */
export interface ImageOptions {
  readonly limits?: Partial<ImageLimits> | undefined;
  readonly signal?: AbortSignal | undefined;
}

const operation = "Decoding an image";

/** Colour spaces, as libvips names them, that have a defined way to RGB here. */
const colourSpaces: readonly string[] = ["b-w", "srgb", "rgb", "grey16", "rgb16", "cmyk"];

/**
 * Decodes an image to 8-bit RGB with the pixels that Pillow yields (`exif_transpose`, transparency over white, `convert("RGB")`):
 * of an animation the first frame; EXIF orientation applied; colour profiles ignored; CMYK by Pillow's formula.
 * Of 16-bit channels the upper byte is kept. Pillow does so for colour; 16-bit grey it clips at 255, which whitens nearly every
 * such image, so that one difference is deliberate. AVIF is within one level at full chroma; halved chroma is interpolated
 * by another filter than Pillow's.
 *
 * Throws what `readMediaSource` throws; UnsupportedError for other formats (SVG and HEIC among them), colour spaces and depths;
 * LimitExceededError; InvalidFileError for damaged and truncated files; InvalidArgumentError for raw pixels that do not fit.
 */
export async function decodeImage(source: ImageSource, options: ImageOptions = {}): Promise<RgbImage> {
  const { signal } = options;
  const limits: ImageLimits = { ...defaultImageLimits, ...options.limits };
  throwIfAborted(signal, operation);
  if (isRawPixels(source)) {
    requireSize(source, "the raw pixels", limits);
    return rgbFromPixels(source);
  }
  const medium = await readMediaSource(source, { what: "image", maxBytes: limits.maxBytes, signal });
  const format = recogniseImage(medium);
  const open = await loadSharp();
  const header = await untilAborted(readHeader(open, medium, format), signal);
  requireSize(header, medium.name, limits);
  requireColourSpace(header, medium.name);
  return untilAborted(decodePixels(open(medium.bytes, { ...openOptions, limitInputPixels: limits.maxPixels }), header, medium, format), signal);
}

function isRawPixels(source: ImageSource): source is RawPixels {
  return typeof source === "object" && source !== null && "data" in source && "width" in source;
}

/** Damage is an error, profiles are ignored, and the limits of the decoders themselves stay on. */
const openOptions: SharpOptions = { failOn: "error", ignoreIcc: true, pages: 1, unlimited: false };

type OpenImage = (bytes: Uint8Array, options: SharpOptions) => Sharp;

/** sharp is loaded when the first file is decoded, so that text and raw pixels work where it cannot be installed. */
async function loadSharp(): Promise<OpenImage> {
  try {
    const { default: sharp } = await import("sharp");
    return sharp;
  } catch (error) {
    throw new UnsupportedError(
      { feature: "Decoding image files without the package sharp" },
      { hint: "Install sharp for this platform, or pass raw pixels.", cause: error },
    );
  }
}

async function readHeader(open: OpenImage, medium: MediaBytes, format: ImageFormat): Promise<Metadata> {
  try {
    return await open(medium.bytes, { ...openOptions, limitInputPixels: false }).metadata();
  } catch (error) {
    throw damaged(medium, format, error);
  }
}

async function decodePixels(image: Sharp, header: Metadata, medium: MediaBytes, format: ImageFormat): Promise<RgbImage> {
  const isCmyk = header.space === "cmyk";
  const oriented = image.autoOrient();
  // Inks in and inks out: otherwise libvips would convert them by a colour profile of its own.
  const pipeline = isCmyk ? oriented.pipelineColourspace("cmyk").toColourspace("cmyk") : oriented.toColourspace("srgb");
  try {
    const { data, info } = await pipeline.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    if (isCmyk) return rgbFromCmyk(data, info.width, info.height);
    return rgbFromPixels({ data, width: info.width, height: info.height, channels: info.channels as RawPixels["channels"] });
  } catch (error) {
    throw damaged(medium, format, error);
  }
}

function damaged(medium: MediaBytes, format: ImageFormat, cause: unknown): InvalidFileError {
  return new InvalidFileError({ file: medium.name, problem: `the ${format} data is damaged, truncated or of a kind that cannot be decoded` }, { cause });
}

function requireSize({ width, height }: { width: number; height: number }, file: string, limits: ImageLimits): void {
  const side = Math.max(width, height);
  if (side > limits.maxSide) throw new LimitExceededError({ what: "The longer side", limit: limits.maxSide, received: side, unit: "pixels", file });
  if (width * height > limits.maxPixels) {
    throw new LimitExceededError({ what: "Width × height", limit: limits.maxPixels, received: width * height, unit: "pixels", file });
  }
}

function requireColourSpace(header: Metadata, file: string): void {
  const { space, depth } = header;
  const depthFits = depth === "uchar" || (depth === "ushort" && space !== "cmyk");
  if (!colourSpaces.includes(space)) throw new UnsupportedError({ feature: `${file}: the colour space ${space}`, supported: colourSpaces });
  if (!depthFits) throw new UnsupportedError({ feature: `${file}: channels of the type ${depth}`, supported: ["8 bits", "16 bits"] });
}

/** libvips cannot be interrupted: an abort returns at once, and the limits bound what still runs. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let stop = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
    throwIfAborted(signal, operation);
    return await work;
  } finally {
    signal.removeEventListener("abort", stop);
    work.catch(() => {});
  }
}
