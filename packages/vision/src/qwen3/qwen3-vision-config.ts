import { z } from "zod";
import { parseWith, refuseField, sizeSchema, type ConfigFields, type JsonObject } from "@polywen/formats";
import { commonFields, commonSizes, requireHeads, type VisionConfig } from "../tower/vision-config.ts";

/** The vision tower of Qwen3-VL. */
export interface Qwen3VisionConfig extends VisionConfig {
  /** Side of the square table of learned positions. */
  readonly tableSide: number;
  /** Layers whose features reach the text model beside the last ones: number k of the list has merger number k. */
  readonly deepstackLayers: readonly number[];
}

const schema = z.looseObject({
  ...commonFields(16),
  depth: sizeSchema(1024).default(27),
  hidden_size: sizeSchema(2 ** 16).default(1152),
  intermediate_size: sizeSchema(2 ** 18).default(4304),
  out_hidden_size: sizeSchema(2 ** 17).default(3584),
  hidden_act: z.literal("gelu_pytorch_tanh", { error: "only gelu_pytorch_tanh is published for this tower" }).default("gelu_pytorch_tanh"),
  num_position_embeddings: sizeSchema(2 ** 20).default(2304),
  deepstack_visual_indexes: z.array(z.int().min(0)).max(64).default([8, 16, 24]),
});

/** Reads `vision_config` of Qwen3-VL. */
export function parseQwen3VisionConfig(config: JsonObject, place: ConfigFields): Qwen3VisionConfig {
  const fields = parseWith(schema, config, place.file, place.pointer);
  requireHeads(place, fields.hidden_size, fields.num_heads);
  const tableSide = Math.sqrt(fields.num_position_embeddings);
  if (!Number.isInteger(tableSide)) refuseField(place, "num_position_embeddings", `${fields.num_position_embeddings} positions do not form a square`);
  const deepstackLayers = fields.deepstack_visual_indexes;
  if (deepstackLayers.some((layer) => layer >= fields.depth)) refuseField(place, "deepstack_visual_indexes", `there are ${fields.depth} layers`);
  if (new Set(deepstackLayers).size < deepstackLayers.length) refuseField(place, "deepstack_visual_indexes", "a layer is listed twice");
  return {
    ...commonSizes(fields),
    width: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    outputWidth: fields.out_hidden_size,
    tableSide,
    deepstackLayers,
  };
}
