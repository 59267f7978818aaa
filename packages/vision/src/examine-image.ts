import type { MediaSource } from "@polywen/cross-modal";
import type { ImageProcessorConfig } from "@polywen/formats";
import { ImageFile, orientationOf } from "./image-file.ts";
import type { ImageFormat } from "./image-format.ts";
import type { ImageOptions } from "./image-limits.ts";
import { preprocessImage, type PreprocessedImage } from "./image-processor.ts";
import { patchPicture } from "./picture/patch-picture.ts";
import type { RawPixels, RgbImage } from "./rgb-image.ts";

/** What becomes of an image file on its way to the vision tower. */
export interface ExaminedImage extends PreprocessedImage {
  readonly format: ImageFormat;
  /** Frames or pages of the file; the first one is what an image part shows. */
  readonly frames: number;
  /** The decoded image, upright, before it is resized. */
  readonly pixels: RawPixels;
  /** What happened, step by step, in words. */
  readonly changes: readonly string[];
  /** The resized image with the grid of patches; see `patchPicture`. */
  readonly picture: RgbImage;
}

/** Preprocesses an image file as `preprocessImage` does and says what happened to it. Throws as that does. */
export async function examineImage(source: MediaSource, config: ImageProcessorConfig, options: ImageOptions = {}): Promise<ExaminedImage> {
  const file = await ImageFile.open(source, options);
  const pixels: RawPixels = { ...(await file.decodePage(0)), channels: 3 };
  const image = await preprocessImage(pixels, config, options);
  return { ...image, pixels, format: file.format, frames: file.pages, changes: changesOf(file, image), picture: patchPicture(image, config) };
}

function changesOf({ header, pages, format }: ImageFile, { originalSize, size }: PreprocessedImage): string[] {
  const { hasAlpha, space, depth, hasProfile } = header;
  const orientation = orientationOf(header);
  const resized = originalSize.width !== size.width || originalSize.height !== size.height;
  const steps: readonly (readonly [happened: boolean, text: string])[] = [
    [pages > 1, `the first of ${pages} ${format === "TIFF" ? "pages" : "frames"} is taken`],
    [depth === "ushort", "16-bit channels are cut to their upper 8 bits"],
    [space === "cmyk", "inks (CMYK) become RGB by Pillow's formula"],
    [space === "b-w" || space === "grey16", "grey becomes RGB"],
    [hasProfile, "the colour profile is ignored"],
    [hasAlpha, "transparency, where there is any, is put over white"],
    [orientation > 1, `it is turned upright (orientation ${orientation})`],
    [resized, `it is resized from ${originalSize.width} × ${originalSize.height} to ${size.width} × ${size.height} (bicubic)`],
  ];
  return steps.filter(([happened]) => happened).map(([, text]) => text);
}
