import { z } from "zod";
import { parseWith, type JsonObject } from "@polywen/formats";
import { commonFields, requireHeads, towerSize, type VisionConfig, type VisionPlace } from "../tower/vision-config.ts";

const schema = z.looseObject({
  ...commonFields(14),
  depth: towerSize(1024).default(32),
  embed_dim: towerSize(2 ** 16).default(1280),
  mlp_ratio: z.number().positive().max(64).default(4),
  hidden_size: towerSize(2 ** 17).default(3584),
  hidden_act: z.literal("quick_gelu", { error: "only quick_gelu is published for this tower" }).default("quick_gelu"),
});

/** Reads `vision_config` of Qwen2-VL, where `hidden_size` is the width of the text model and `embed_dim` that of the tower. */
export function parseQwen2VisionConfig(config: JsonObject, place: VisionPlace): VisionConfig {
  const fields = parseWith(schema, config, place.file, place.pointer);
  requireHeads(place, fields.embed_dim, fields.num_heads);
  return {
    layers: fields.depth,
    width: fields.embed_dim,
    heads: fields.num_heads,
    intermediateSize: Math.floor(fields.embed_dim * fields.mlp_ratio),
    outputWidth: fields.hidden_size,
    channels: 3,
    patchSize: fields.patch_size,
    temporalPatchSize: fields.temporal_patch_size,
    mergeSize: fields.spatial_merge_size,
  };
}
