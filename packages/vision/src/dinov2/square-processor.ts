import { z } from "zod";
import { parseWith, readJsonObject } from "@polywen/formats";
import { LimitExceededError, UnsupportedError } from "@polywen/tensor";
import { decodeImage, type ImageSource } from "../decode-image.ts";
import { limitsOf, type ImageOptions } from "../image-limits.ts";
import { levelValues } from "../image-processor.ts";
import { patchify, type ImagePatches } from "../patchify.ts";
import { resizeBicubic } from "../resize-bicubic.ts";
import type { RgbImage } from "../rgb-image.ts";

/** How a picture becomes a normalised crop, as `BitImageProcessor` publishes it. */
export interface SquareProcessorConfig {
  /** Length that the shorter side is brought to; the other follows. */
  readonly shortestEdge: number;
  /** What is cut from the middle. */
  readonly crop: { readonly width: number; readonly height: number };
  readonly rescaleFactor: number;
  readonly imageMean: readonly [number, number, number];
  readonly imageStd: readonly [number, number, number];
}

const length = z.int().min(1).max(4096);
const channels = z.tuple([z.number(), z.number(), z.number()]);
const schema = z.looseObject({
  image_processor_type: z.string().max(64).default("BitImageProcessor"),
  size: z.union([z.looseObject({ shortest_edge: length }), z.looseObject({ height: length, width: length })]).default({ shortest_edge: 256 }),
  crop_size: z.looseObject({ height: length, width: length }).default({ height: 224, width: 224 }),
  do_resize: z.literal(true).default(true),
  do_center_crop: z.literal(true).default(true),
  do_rescale: z.literal(true).default(true),
  do_normalize: z.literal(true).default(true),
  resample: z.literal(3, { error: "bicubic, 3, is expected" }).default(3),
  rescale_factor: z.number().positive().default(1 / 255),
  image_mean: channels.default([0.485, 0.456, 0.406]),
  image_std: channels.default([0.229, 0.224, 0.225]),
});

/** Reads preprocessor_config.json of an encoder whose pictures are cropped. Missing fields have the values of DINOv2. Throws as `readJsonObject` does, and `UnsupportedError`. */
export async function readSquareProcessor(file: string): Promise<SquareProcessorConfig> {
  const fields = parseWith(schema, await readJsonObject(file, "config"), file);
  const type = fields.image_processor_type.replace(/(Fast|Pil)$/, "");
  if (type !== "BitImageProcessor") throw new UnsupportedError({ feature: `${file}: the class ${type}`, supported: ["BitImageProcessor"] });
  const { size } = fields;
  if (!("shortest_edge" in size)) throw new UnsupportedError({ feature: `${file}: resizing to a height and a width`, supported: ["shortest_edge"] });
  return { shortestEdge: size["shortest_edge"] as number, crop: fields.crop_size, rescaleFactor: fields.rescale_factor, imageMean: fields.image_mean, imageStd: fields.image_std };
}

/**
 * Decodes a picture, brings its shorter side to the length of `config` with Pillow's bicubic filter, cuts out the middle,
 * padded with black where the picture is smaller, and returns normalised patches, row by row.
 * Throws what `decodeImage` throws, and LimitExceededError for pictures whose long side would become too long.
 */
export async function cropPatches(source: ImageSource, config: SquareProcessorConfig, patchSize: number, options: ImageOptions = {}): Promise<ImagePatches> {
  const image = await decodeImage(source, options);
  const shorter = Math.min(image.width, image.height);
  const side = (pixels: number): number => Math.floor((config.shortestEdge * pixels) / shorter);
  const [width, height] = [side(image.width), side(image.height)];
  const limit = limitsOf(options).maxResizedPixels;
  if (width * height > limit) throw new LimitExceededError({ what: "Width × height after resizing", limit, received: width * height, unit: "pixels" });
  const resized = await resizeBicubic(image, width, height, options.signal);
  const levels = levelValues({ doRescale: true, doNormalize: true, ...config });
  return patchify(cropMiddle(resized, config.crop), { patchSize, temporalPatchSize: 1, mergeSize: 1 }, levels, options.signal);
}

/** The middle of a picture; where it is smaller than the crop, black lies around it. */
function cropMiddle(image: RgbImage, { width, height }: SquareProcessorConfig["crop"]): RgbImage {
  const data = new Uint8Array(width * height * 3);
  const [left, top] = [Math.floor((image.width - width) / 2), Math.floor((image.height - height) / 2)];
  const [first, last] = [Math.max(left, 0), Math.min(left + width, image.width)];
  for (let y = Math.max(top, 0); y < Math.min(top + height, image.height); y++) {
    data.set(image.data.subarray((y * image.width + first) * 3, (y * image.width + last) * 3), ((y - top) * width + first - left) * 3);
  }
  return { data, width, height };
}
