import type { TextModel, WeightNaming } from "@polywen/core";
import { defineModality, type ModalityDefinition } from "@polywen/cross-modal";
import { readVideoProcessorConfig, type ImageProcessorConfig } from "@polywen/formats";
import { imageEncoder, videoEncoder, type VideoEncoderOptions, type VisionTower } from "@polywen/vision";
import { requireEqual, type ConfigPlace } from "./config-place.ts";
import type { MediaOptions, NativeModality } from "./family.ts";

/** What a vision tower is put together with. */
export interface VisionParts {
  /** `vision_config`, and under which name the width of its output stands there. */
  readonly place: ConfigPlace;
  readonly outputWidth: "out_hidden_size" | "hidden_size";
  readonly tower: VisionTower;
  readonly text: Pick<TextModel, "hiddenSize">;
  readonly naming: WeightNaming;
  readonly media: MediaOptions;
  /** Special tokens around a medium. */
  readonly before: string;
  readonly after: string;
  readonly video: VideoRules;
}

/** How a family reads videos. */
export interface VideoRules {
  readonly size: VideoEncoderOptions["size"];
  /** Whether each step of a video follows its time as text; else positions tell the time. */
  readonly timestamps: boolean;
  /** Bounds, in blocks of pixels that become one row, where the folder has none for videos. */
  readonly minBlocks: number;
  readonly maxBlocks: number;
}

/** Placeholders of pictures and of videos; a checkpoint that has none for videos does not offer them. */
export interface VisionPlaceholders {
  readonly image: number;
  readonly video: number | undefined;
}

/** Pictures and videos through one tower. Throws `InvalidFileError` where tower, text model and processors do not fit each other. */
export async function visionModalities(parts: VisionParts, processor: ImageProcessorConfig, placeholders: VisionPlaceholders): Promise<readonly NativeModality[]> {
  requireEqual(parts.place, parts.outputWidth, parts.tower.config.outputWidth, "the hidden size of the text model", parts.text.hiddenSize);
  const image = imageModality(parts, processor, placeholders.image);
  return placeholders.video === undefined ? [image] : [image, videoModality(parts, await videoProcessor(parts, processor), placeholders.video)];
}

function imageModality(parts: VisionParts, processor: ImageProcessorConfig, placeholder: number): NativeModality {
  const { tower, naming, media, before, after } = parts;
  requireProcessor(parts, "image", processor);
  const { definition } = defineModality({ name: "image", encoder: imageEncoder(tower, { processor, naming, limits: media.image }), connector: { ...tower.merger, naming } });
  return { definition: definition as ModalityDefinition<unknown>, placeholder, before, after };
}

function videoModality(parts: VisionParts, processor: ImageProcessorConfig, placeholder: number): NativeModality {
  const { tower, naming, media, before, after, video } = parts;
  requireProcessor(parts, "video", processor);
  const timestamps = video.timestamps ? { before, after } : undefined;
  const encoder = videoEncoder(tower, { processor, naming, size: video.size, timestamps, limits: media.image });
  const { definition } = defineModality({ name: "video", encoder, connector: { ...tower.merger, naming } });
  const around = video.timestamps ? { before: "", after: "" } : { before, after };
  return { definition: definition as ModalityDefinition<unknown>, placeholder, ...around, sharedWith: "image" };
}

/** Folders without a processor for videos have frames preprocessed as pictures are, to bounds of the family's own. */
async function videoProcessor({ place: { folder }, tower: { config }, video }: VisionParts, image: ImageProcessorConfig): Promise<ImageProcessorConfig> {
  const block = (config.patchSize * config.mergeSize) ** 2;
  const bounds = { minPixels: video.minBlocks * block, maxPixels: video.maxBlocks * block };
  const { videoPreprocessorConfig: path } = folder.files;
  return (path === undefined ? undefined : await readVideoProcessorConfig(path, bounds)) ?? { ...image, ...bounds };
}

function requireProcessor({ place, tower: { config } }: VisionParts, kind: string, processor: ImageProcessorConfig): void {
  requireEqual(place, "patch_size", config.patchSize, `patch_size of the ${kind} processor`, processor.patchSize);
  requireEqual(place, "temporal_patch_size", config.temporalPatchSize, `temporal_patch_size of the ${kind} processor`, processor.temporalPatchSize);
  requireEqual(place, "spatial_merge_size", config.mergeSize, `merge_size of the ${kind} processor`, processor.mergeSize);
}
