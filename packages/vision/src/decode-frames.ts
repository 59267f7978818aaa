import { throwIfAborted } from "@polywen/tensor";
import { decodeImage, isRawPixels, type ImageSource } from "./decode-image.ts";
import { ImageFile } from "./image-file.ts";
import { limitsOf, requireFrames, type ImageOptions } from "./image-limits.ts";
import type { RgbImage } from "./rgb-image.ts";

/** The frames of an animation in their order. */
export interface ImageFrames {
  /** At least one; of an animation all have one size. */
  readonly frames: readonly RgbImage[];
  /** Milliseconds for which each frame is shown; undefined where the file does not say, as for the pages of a TIFF. */
  readonly durations: readonly number[] | undefined;
}

/**
 * Decodes all frames of an animated GIF or WebP, or all pages of a TIFF, each as `decodeImage` decodes one; an image that does not
 * move, animated PNG among them, is one frame. Frames are whole pictures: what a file stores as a change is applied.
 * Throws what `decodeImage` throws, and LimitExceededError for more than `maxFrames` frames or `maxVideoPixels` pixels in all, before they are decoded.
 */
export async function decodeFrames(source: ImageSource, options: ImageOptions = {}): Promise<ImageFrames> {
  throwIfAborted(options.signal, "Decoding an animation");
  if (isRawPixels(source)) return { frames: [await decodeImage(source, options)], durations: undefined };
  const file = await ImageFile.open(source, options);
  const { width, height, delay } = file.header;
  const durations = delay?.length === file.pages ? delay : undefined;
  if (file.pages === 1) return { frames: [await file.decodePage(0)], durations };
  if (file.format === "TIFF") return { frames: await decodePages(file, options), durations: undefined };
  requireFrames(file.pages, width * height * file.pages, file.name, limitsOf(options));
  const all = await file.decodeAllPages();
  return { frames: cut(all, file.pages), durations };
}

/** Pages of a TIFF have sizes, orientations and colour spaces of their own. */
async function decodePages(file: ImageFile, options: ImageOptions): Promise<RgbImage[]> {
  const limits = limitsOf(options);
  const frames: RgbImage[] = [];
  let pixels = 0;
  requireFrames(file.pages, 0, file.name, limits);
  for (let page = 0; page < file.pages; page++) {
    const frame = await file.decodePage(page);
    pixels += frame.width * frame.height;
    requireFrames(file.pages, pixels, file.name, limits);
    frames.push(frame);
  }
  return frames;
}

/** Frames that lie below each other, as pictures of their own over the same memory. */
function cut({ data, width, height }: RgbImage, count: number): RgbImage[] {
  const frameHeight = height / count;
  const length = width * frameHeight * 3;
  return Array.from({ length: count }, (_, index) => ({ data: data.subarray(index * length, (index + 1) * length), width, height: frameHeight }));
}
