import type { MediaSource } from "@polywen/cross-modal";
import { throwIfAborted } from "@polywen/tensor";
import { ImageFile } from "./image-file.ts";
import { limitsOf, requireSize, type ImageOptions } from "./image-limits.ts";
import { rgbFromPixels, type RawPixels, type RgbImage } from "./rgb-image.ts";

/** An image as callers hand it in. */
export type ImageSource = MediaSource | RawPixels;

/**
 * Decodes an image to 8-bit RGB with the pixels that Pillow yields (`exif_transpose`, transparency over white, `convert("RGB")`):
 * of an animation the first frame; EXIF orientation applied; colour profiles ignored; CMYK by Pillow's formula.
 * Of 16-bit channels the upper byte is kept. Pillow does so for colour; 16-bit grey it clips at 255, which whitens nearly every
 * such image, so that one difference is deliberate. AVIF is within one level at full chroma; halved chroma is interpolated
 * by another filter than Pillow's.
 *
 * Throws what `readMediaSource` throws; UnsupportedError for other formats (SVG and HEIC among them), colour spaces and depths;
 * LimitExceededError; InvalidFileError for damaged and truncated files, with the byte offset where the container says it; and
 * InvalidArgumentError for raw pixels that do not fit.
 */
export async function decodeImage(source: ImageSource, options: ImageOptions = {}): Promise<RgbImage> {
  throwIfAborted(options.signal, "Decoding an image");
  if (isRawPixels(source)) {
    requireSize(source, "the raw pixels", limitsOf(options));
    return rgbFromPixels(source);
  }
  const file = await ImageFile.open(source, options);
  return file.decodePage(0);
}

/** True for decoded pixels, false for everything that has to be read. */
export function isRawPixels(source: ImageSource): source is RawPixels {
  return typeof source === "object" && source !== null && "data" in source && "width" in source;
}
