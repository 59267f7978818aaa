import { z } from "zod";
import { parseWith, sizeSchema, type ConfigFields, type JsonObject } from "@polywen/formats";
import { commonFields, commonSizes, requireHeads, type VisionConfig } from "../tower/vision-config.ts";

const schema = z.looseObject({
  ...commonFields(14),
  depth: sizeSchema(1024).default(32),
  embed_dim: sizeSchema(2 ** 16).default(1280),
  mlp_ratio: z.number().positive().max(64).default(4),
  hidden_size: sizeSchema(2 ** 17).default(3584),
  hidden_act: z.literal("quick_gelu", { error: "only quick_gelu is published for this tower" }).default("quick_gelu"),
});

/** Reads `vision_config` of Qwen2-VL, where `hidden_size` is the width of the text model and `embed_dim` that of the tower. */
export function parseQwen2VisionConfig(config: JsonObject, place: ConfigFields): VisionConfig {
  const fields = parseWith(schema, config, place.file, place.pointer);
  requireHeads(place, fields.embed_dim, fields.num_heads);
  return {
    ...commonSizes(fields),
    width: fields.embed_dim,
    intermediateSize: Math.floor(fields.embed_dim * fields.mlp_ratio),
    outputWidth: fields.hidden_size,
  };
}
