import type { TextModel, WeightNaming } from "@polywen/core";
import { defineModality, type ModalityDefinition } from "@polywen/cross-modal";
import type { ImageProcessorConfig } from "@polywen/formats";
import { imageEncoder, type VisionTower } from "@polywen/vision";
import { requireEqual, type ConfigPlace } from "./config-place.ts";
import type { MediaOptions, NativeModality } from "./family.ts";

/** What a vision tower is put together with. */
export interface VisionParts {
  /** `vision_config`, and under which name the width of its output stands there. */
  readonly place: ConfigPlace;
  readonly outputWidth: "out_hidden_size" | "hidden_size";
  readonly tower: VisionTower;
  readonly text: Pick<TextModel, "hiddenSize">;
  readonly processor: ImageProcessorConfig;
  readonly naming: WeightNaming;
  readonly media: MediaOptions;
  /** See `NativeModality`. */
  readonly placeholder: number;
  readonly before: string;
  readonly after: string;
}

/** Pictures through a tower. Throws `InvalidFileError` where tower, text model and image processor do not fit each other. */
export function imageModality(parts: VisionParts): NativeModality {
  const { place, outputWidth, tower, text, processor, naming, media, placeholder, before, after } = parts;
  const { config } = tower;
  requireEqual(place, outputWidth, config.outputWidth, "the hidden size of the text model", text.hiddenSize);
  requireEqual(place, "patch_size", config.patchSize, "patch_size of the image processor", processor.patchSize);
  requireEqual(place, "temporal_patch_size", config.temporalPatchSize, "temporal_patch_size of the image processor", processor.temporalPatchSize);
  requireEqual(place, "spatial_merge_size", config.mergeSize, "merge_size of the image processor", processor.mergeSize);
  const { definition } = defineModality({
    name: "image",
    encoder: imageEncoder(tower, { processor, naming, ...(media.image === undefined ? {} : { limits: media.image }) }),
    connector: { ...tower.merger, naming },
  });
  return { definition: definition as ModalityDefinition<unknown>, placeholder, before, after };
}
