import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import { z } from "zod";
import { isJsonObject, parseWith, readJsonObject, type JsonObject } from "./json-file.ts";
import { jsonPointer, quoted } from "./json-pointer.ts";
import type { ModelFolder } from "./model-folder.ts";

/** Bounds of width × height after resizing. */
export interface PixelBounds {
  readonly minPixels: number;
  readonly maxPixels: number;
}

/** How an image becomes normalised patches, as the `Qwen2VLImageProcessor` family publishes it. */
export interface ImageProcessorConfig extends PixelBounds {
  /** The class named in the file, for instance `Qwen2VLImageProcessor`, without the endings `Fast` and `Pil`. */
  readonly type: string;
  readonly doConvertRgb: boolean;
  readonly doResize: boolean;
  /** PIL's number of the filter: 2 bilinear, 3 bicubic. */
  readonly resample: number;
  readonly doRescale: boolean;
  /** Factor from 8-bit levels to the range of mean and deviation, 1/255 unless the file says otherwise. */
  readonly rescaleFactor: number;
  readonly doNormalize: boolean;
  /** Mean and standard deviation of red, green and blue after rescaling. */
  readonly imageMean: readonly [number, number, number];
  readonly imageStd: readonly [number, number, number];
  /** Pixels along one side of a patch. */
  readonly patchSize: number;
  /** Frames in a patch; a still image is repeated. */
  readonly temporalPatchSize: number;
  /** Patches along one side of the square that the merger joins. */
  readonly mergeSize: number;
}

/** How sound becomes a log-mel spectrogram, as `WhisperFeatureExtractor` publishes it. */
export interface FeatureExtractorConfig {
  /** Samples per second. */
  readonly samplingRate: number;
  /** Mel bands. */
  readonly featureSize: number;
  /** Samples of a transform, and samples from one transform to the next. */
  readonly fftSize: number;
  readonly hopLength: number;
  /** Seconds of a window; longer sound is cut, shorter sound is padded. */
  readonly chunkLength: number;
  readonly paddingValue: number;
  /** Standard deviation of noise added before the transform; 0 in published models. */
  readonly dither: number;
}

/** What a model's processor files say; undefined for a modality they do not describe. */
export interface PreprocessorConfig {
  readonly image: ImageProcessorConfig | undefined;
  readonly audio: FeatureExtractorConfig | undefined;
}

const videoProcessors: readonly string[] = ["Qwen2VLVideoProcessor", "Qwen3VLVideoProcessor"];
const imageProcessors: readonly string[] = ["Qwen2VLImageProcessor", "Qwen2_5_VLImageProcessor", "PaddleOCRVLImageProcessor"];
const featureExtractors: readonly string[] = ["WhisperFeatureExtractor"];

const flag = z.boolean("true or false is expected").nullish();
const number = z.number("a number is expected");
const positive = number.positive("a positive number is expected");
const size = z.int("a positive integer is expected").positive("a positive integer is expected");
const channels = z.tuple([number, number, number], "three numbers are expected");
const deviations = z.tuple([positive, positive, positive], "three positive numbers are expected");

const imageSchema = z.object({
  do_convert_rgb: flag,
  do_resize: flag,
  resample: z.int("an integer from 0 to 5 is expected").min(0).max(5).nullish(),
  do_rescale: flag,
  rescale_factor: positive.nullish(),
  do_normalize: flag,
  image_mean: channels,
  image_std: deviations,
  patch_size: size,
  temporal_patch_size: size,
  merge_size: size,
  min_pixels: size.nullish(),
  max_pixels: size.nullish(),
  size: z
    .object({ shortest_edge: size.nullish(), longest_edge: size.nullish(), min_pixels: size.nullish(), max_pixels: size.nullish() }, "an object is expected")
    .nullish(),
});

const audioSchema = z.object({
  sampling_rate: size.default(16_000),
  feature_size: size.default(80),
  n_fft: size.default(400),
  hop_length: size.default(160),
  chunk_length: size.default(30),
  padding_value: number.default(0),
  dither: number.nonnegative("a non-negative number is expected").default(0),
});

/**
 * Reads `preprocessor_config.json`, where the fields of all modalities lie side by side, or `processor_config.json`, where newer
 * files keep them under `image_processor` and `feature_extractor`. Pixel bounds stand in two places: `min_pixels` and
 * `max_pixels` win over `size.shortest_edge` and `size.longest_edge`, which for these processors are areas and not edges.
 * Missing fields have the defaults of the published classes.
 * Throws NotFoundError, LimitExceededError, FileAccessError, InvalidFileError with the JSON pointer of the field, and
 * UnsupportedError for processors of other classes.
 */
export async function readPreprocessorConfig(path: string): Promise<PreprocessorConfig> {
  return parsePreprocessor(await readJsonObject(path, "config"), path);
}

/** What is known of how a model takes media: from its file, or from what its format says instead. Throws as `readPreprocessorConfig` does. */
export async function readPreprocessor({ files, preprocessor, configPath }: Pick<ModelFolder, "files" | "preprocessor" | "configPath">): Promise<PreprocessorConfig> {
  if (preprocessor !== undefined) return parsePreprocessor(preprocessor, configPath);
  return files.preprocessorConfig === undefined ? { image: undefined, audio: undefined } : readPreprocessorConfig(files.preprocessorConfig);
}

function parsePreprocessor(file: JsonObject, path: string): PreprocessorConfig {
  const image = findPart(file, "image_processor", "image_processor_type");
  const audio = findPart(file, "feature_extractor", "feature_extractor_type");
  return {
    image: image && parseImageProcessor(image, path, imageProcessors, { minPixels: 56 * 56, maxPixels: 28 * 28 * 1280 }),
    audio: audio && parseFeatureExtractor(audio, path),
  };
}

/**
 * Reads `video_preprocessor_config.json`, or the part `video_processor` of `processor_config.json`; undefined if that has none. Whether
 * the bounds hold for a frame or for all frames together is for the model family to know; `defaults` stand in for missing ones.
 * Throws as `readPreprocessorConfig`.
 */
export async function readVideoProcessorConfig(path: string, defaults: PixelBounds): Promise<ImageProcessorConfig | undefined> {
  const part = findPart(await readJsonObject(path, "config"), "video_processor", "video_processor_type");
  return part && parseImageProcessor(part, path, videoProcessors, defaults);
}

/** The fields of one modality, the class that reads them, and where in the file they are. */
interface Part {
  readonly type: string;
  readonly fields: JsonObject;
  readonly pointer: readonly string[];
}

function findPart(file: JsonObject, key: string, typeField: string): Part | undefined {
  const nested = file[key];
  const fields = isJsonObject(nested) ? nested : file;
  const type = fields[typeField];
  if (typeof type !== "string") return undefined;
  return { type: type.replace(/(Fast|Pil)$/, ""), fields, pointer: fields === file ? [] : [key] };
}

function requireKnown(type: string, known: readonly string[], path: string): void {
  if (!known.includes(type)) throw new UnsupportedError({ feature: `${path}: the class ${quoted(type)}`, supported: known });
}

function parseImageProcessor(part: Part, path: string, known: readonly string[], defaults: PixelBounds): ImageProcessorConfig {
  requireKnown(part.type, known, path);
  const fields = parseWith(imageSchema, part.fields, path, part.pointer);
  const minPixels = fields.min_pixels ?? fields.size?.shortest_edge ?? fields.size?.min_pixels ?? defaults.minPixels;
  const maxPixels = fields.max_pixels ?? fields.size?.longest_edge ?? fields.size?.max_pixels ?? defaults.maxPixels;
  if (minPixels > maxPixels) {
    throw new InvalidFileError({ file: path, problem: `at least ${minPixels} and at most ${maxPixels} pixels contradict each other`, pointer: jsonPointer(part.pointer) });
  }
  return {
    type: part.type,
    doConvertRgb: fields.do_convert_rgb ?? true,
    doResize: fields.do_resize ?? true,
    resample: fields.resample ?? 3,
    doRescale: fields.do_rescale ?? true,
    rescaleFactor: fields.rescale_factor ?? 1 / 255,
    doNormalize: fields.do_normalize ?? true,
    imageMean: fields.image_mean,
    imageStd: fields.image_std,
    patchSize: fields.patch_size,
    temporalPatchSize: fields.temporal_patch_size,
    mergeSize: fields.merge_size,
    minPixels,
    maxPixels,
  };
}

function parseFeatureExtractor(part: Part, path: string): FeatureExtractorConfig {
  requireKnown(part.type, featureExtractors, path);
  const fields = parseWith(audioSchema, part.fields, path, part.pointer);
  return {
    samplingRate: fields.sampling_rate,
    featureSize: fields.feature_size,
    fftSize: fields.n_fft,
    hopLength: fields.hop_length,
    chunkLength: fields.chunk_length,
    paddingValue: fields.padding_value,
    dither: fields.dither,
  };
}
