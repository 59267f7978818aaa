import type { WeightNaming } from "@polywen/core";
import type { PreparedMedium, ProgramEncoder } from "@polywen/cross-modal";
import type { ImageProcessorConfig } from "@polywen/formats";
import type { ImageSource } from "../decode-image.ts";
import type { ImageOptions } from "../image-limits.ts";
import { preprocessImage } from "../image-processor.ts";
import type { ImagePatches } from "../patchify.ts";
import type { VisionTower } from "./vision-tower.ts";

/** What an encoder needs beside its tower. */
export interface ImageEncoderOptions {
  readonly processor: ImageProcessorConfig;
  readonly naming: WeightNaming;
  /** Limits for decoding. */
  readonly limits?: ImageOptions["limits"];
}

/** A tower that reads pictures. */
export function imageEncoder(tower: VisionTower, { processor, naming, limits }: ImageEncoderOptions): ProgramEncoder<ImageSource> {
  return {
    ...towerProgram(tower, naming),
    prepare: async (source, { signal, network }) => preparePatches(tower, await preprocessImage(source, processor, { signal, network, limits })),
  };
}

/** What encoders of one tower have in common, whatever they read. */
export function towerProgram(tower: VisionTower, naming: WeightNaming): Omit<ProgramEncoder<never>, "prepare"> {
  return { kind: "program", dimensions: ["patches"], naming, derived: tower.derived, build: tower.build };
}

/** Sizes and inputs of a run for patches in the order of the preprocessor. */
export function preparePatches({ config: { mergeSize }, gridInputs }: VisionTower, { grid, pixelValues }: ImagePatches): PreparedMedium {
  const patches = grid.t * grid.h * grid.w;
  return {
    rows: patches / mergeSize ** 2,
    grid: [grid.t, grid.h / mergeSize, grid.w / mergeSize],
    sizes: { patches },
    inputs: { pixelValues, ...gridInputs(grid) },
  };
}
