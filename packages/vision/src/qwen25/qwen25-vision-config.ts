import { z } from "zod";
import { parseWith, refuseField, sizeSchema, type ConfigFields, type JsonObject } from "@polywen/formats";
import { commonFields, commonSizes, requireHeads, type VisionConfig } from "../tower/vision-config.ts";

/** The vision tower of Qwen2.5-VL and Qwen2.5-Omni. */
export interface Qwen25VisionConfig extends VisionConfig {
  /** Side of an attention window in pixels. */
  readonly windowSize: number;
  /** Layers that attend over the whole frame. */
  readonly fullAttentionLayers: readonly number[];
  /** Steps of the time axis of M-RoPE in one second of video. */
  readonly tokensPerSecond: number;
}

const schema = z.looseObject({
  ...commonFields(14),
  depth: sizeSchema(1024).default(32),
  hidden_size: sizeSchema(2 ** 16),
  intermediate_size: sizeSchema(2 ** 18),
  out_hidden_size: sizeSchema(2 ** 17),
  hidden_act: z.literal("silu", { error: "only silu is published for this tower" }).default("silu"),
  window_size: sizeSchema(4096).default(112),
  fullatt_block_indexes: z.array(z.int().min(0)).default([7, 15, 23, 31]),
  tokens_per_second: z.number().positive().max(100).default(4),
});

/** Reads `vision_config` of Qwen2.5-VL and Qwen2.5-Omni. */
export function parseQwen25VisionConfig(config: JsonObject, place: ConfigFields): Qwen25VisionConfig {
  const fields = parseWith(schema, config, place.file, place.pointer);
  requireHeads(place, fields.hidden_size, fields.num_heads);
  if (fields.window_size < fields.patch_size * fields.spatial_merge_size) refuseField(place, "window_size", "a window is smaller than one merged patch");
  return {
    ...commonSizes(fields),
    width: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    outputWidth: fields.out_hidden_size,
    windowSize: fields.window_size,
    fullAttentionLayers: fields.fullatt_block_indexes,
    tokensPerSecond: fields.tokens_per_second,
  };
}
