import type { Connector, PreparedMedium } from "@polywen/cross-modal";
import type { ProgramBuilder, Sizes, TensorSpec, WeightData } from "@polywen/tensor";
import type { PatchGrid } from "../patchify.ts";
import type { VisionConfig } from "./vision-config.ts";

/** A vision tower with its merger: what encoders of pictures and of videos are made from. */
export interface VisionTower<Config extends VisionConfig = VisionConfig> {
  readonly config: Config;
  /** Rows that the merger makes of each square of patches: see `TextModel.mediaLevels`. */
  readonly levels: number;
  /** Appends the tower; declares the dimension `patches` and the inputs; returns features [patches, width] in the order of the preprocessor, those of earlier layers behind. */
  build(builder: ProgramBuilder, capacities: Sizes): TensorSpec | readonly TensorSpec[];
  /** What the inputs hold that depend on the grid alone; `pixelValues` come from the preprocessor. */
  gridInputs(grid: PatchGrid): PreparedMedium["inputs"];
  /** Features to rows of the text model. */
  readonly merger: Omit<Connector, "naming">;
  /** Weights that are computed, not stored. */
  readonly derived: ReadonlyMap<string, WeightData>;
}
