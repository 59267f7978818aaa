import { z } from "zod";
import { parseWith, type JsonObject } from "@polywen/formats";
import { InvalidFileError } from "@polywen/tensor";

/** The vision tower of Qwen2.5-VL and Qwen2.5-Omni. */
export interface Qwen25VisionConfig {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly intermediateSize: number;
  /** Width of the text model. */
  readonly outputWidth: number;
  readonly channels: number;
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  /** Patches along one side of the square that becomes one row. */
  readonly mergeSize: number;
  /** Side of an attention window in pixels. */
  readonly windowSize: number;
  /** Layers that attend over the whole frame. */
  readonly fullAttentionLayers: readonly number[];
}

const size = (limit: number): z.ZodInt => z.int().min(1).max(limit);

const schema = z.looseObject({
  depth: size(1024).default(32),
  hidden_size: size(2 ** 16),
  num_heads: size(1024).default(16),
  intermediate_size: size(2 ** 18),
  out_hidden_size: size(2 ** 17),
  hidden_act: z.literal("silu", { error: "only silu is published for this tower" }).default("silu"),
  in_channels: z.literal(3).optional(),
  in_chans: z.literal(3).optional(),
  patch_size: size(256).default(14),
  temporal_patch_size: size(8).default(2),
  spatial_merge_size: size(8).default(2),
  window_size: size(4096).default(112),
  fullatt_block_indexes: z.array(z.int().min(0)).default([7, 15, 23, 31]),
});

/** Reads `vision_config`. `pointer` says where in the file it stands. */
export function parseQwen25VisionConfig(config: JsonObject, file: string, pointer: readonly string[]): Qwen25VisionConfig {
  const fields = parseWith(schema, config, file, pointer);
  const refuse = (field: string, problem: string): never => {
    throw new InvalidFileError({ file, problem, pointer: `/${[...pointer, field].join("/")}` });
  };
  if (fields.hidden_size % (4 * fields.num_heads) !== 0) refuse("num_heads", `${fields.hidden_size} values cannot be shared by ${fields.num_heads} heads whose width is a multiple of 4`);
  if (fields.window_size < fields.patch_size * fields.spatial_merge_size) refuse("window_size", "a window is smaller than one merged patch");
  return {
    layers: fields.depth,
    width: fields.hidden_size,
    heads: fields.num_heads,
    intermediateSize: fields.intermediate_size,
    outputWidth: fields.out_hidden_size,
    channels: 3,
    patchSize: fields.patch_size,
    temporalPatchSize: fields.temporal_patch_size,
    mergeSize: fields.spatial_merge_size,
    windowSize: fields.window_size,
    fullAttentionLayers: fields.fullatt_block_indexes,
  };
}
