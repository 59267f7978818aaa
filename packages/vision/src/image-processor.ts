import type { ImageProcessorConfig } from "@polywen/formats";
import { LimitExceededError, UnsupportedError } from "@polywen/tensor";
import { decodeImage, type ImageSource } from "./decode-image.ts";
import { limitsOf, type ImageOptions } from "./image-limits.ts";
import { patchify, type ImagePatches } from "./patchify.ts";
import { resizeBicubic } from "./resize-bicubic.ts";
import { smartResize, type ImageSize } from "./smart-resize.ts";

/** An image ready for the vision tower. */
export interface PreprocessedImage extends ImagePatches {
  /** Size in pixels before and after resizing. */
  readonly originalSize: ImageSize;
  readonly size: ImageSize;
}

/** Pillow's number of the bicubic filter. */
const bicubic = 3;

/** Far beyond what models use; bounds the memory of a hostile configuration, together with `maxResizedPixels`. */
const maxFactor = 256;
const maxFrames = 8;

/**
 * Decodes, resizes, normalises and cuts an image as the Qwen2-VL image processor of transformers (the one on Pillow) does; the
 * values are equal in float32. Every field of `config` is used or refused.
 * Throws what `decodeImage` throws, UnsupportedError for a configuration that is not covered, and LimitExceededError for an
 * aspect ratio over 200 or a resized image over `limits.maxResizedPixels`.
 */
export async function preprocessImage(source: ImageSource, config: ImageProcessorConfig, options: ImageOptions = {}): Promise<PreprocessedImage> {
  requireSupported(config);
  const image = await decodeImage(source, options);
  const size = targetSize(image, config);
  const limit = limitsOf(options).maxResizedPixels;
  const received = size.width * size.height;
  if (received > limit) throw new LimitExceededError({ what: "Width × height after resizing", limit, received, unit: "pixels" });
  const resized = await resizeBicubic(image, size.width, size.height, options.signal);
  const patches = await patchify(resized, config, levelValues(config), options.signal);
  return { ...patches, originalSize: { width: image.width, height: image.height }, size };
}

/** The size an image is brought to; without `doResize`, its own. */
function targetSize({ width, height }: ImageSize, config: ImageProcessorConfig): ImageSize {
  if (!config.doResize) return { width, height };
  const { minPixels, maxPixels } = config;
  return smartResize({ width, height }, { factor: config.patchSize * config.mergeSize, minPixels, maxPixels });
}

/**
 * What each 8-bit level becomes, `[3, 256]`: rescaled in float64 and rounded to float32, then `(value - mean) / std` in float32,
 * step by step as `image_transforms.rescale` and `normalize` of transformers do.
 */
export function levelValues(config: Pick<ImageProcessorConfig, "doRescale" | "rescaleFactor" | "doNormalize" | "imageMean" | "imageStd">): Float32Array {
  const values = new Float32Array(3 * 256);
  for (let channel = 0; channel < 3; channel++) {
    const mean = Math.fround(config.imageMean[channel]!);
    const deviation = Math.fround(config.imageStd[channel]!);
    for (let level = 0; level < 256; level++) {
      const rescaled = Math.fround(config.doRescale ? level * config.rescaleFactor : level);
      values[channel * 256 + level] = config.doNormalize ? Math.fround(rescaled - mean) / deviation : rescaled;
    }
  }
  return values;
}

/** Throws UnsupportedError for a configuration that is not covered. */
export function requireSupported(config: ImageProcessorConfig): void {
  const refuse = (feature: string): never => {
    throw new UnsupportedError({ feature: `An image processor with ${feature}` });
  };
  if (!config.doConvertRgb) refuse("do_convert_rgb false");
  if (config.doResize && config.resample !== bicubic) refuse(`resample ${config.resample} (bicubic is ${bicubic})`);
  if (config.patchSize * config.mergeSize > maxFactor) refuse(`patches of ${config.patchSize} × ${config.mergeSize} pixels`);
  if (config.temporalPatchSize > maxFrames) refuse(`${config.temporalPatchSize} frames in a patch`);
}
