import { z } from "zod";
import { parseWith, sizeSchema, type JsonObject } from "@polywen/formats";
import { parseWindows, switchedWindow } from "../decoder/attention-windows.ts";
import { parseDecoderConfig, type DecoderConfig, type DecoderPlace } from "../decoder/decoder-config.ts";
import { parseSparseConfig, type SparseConfig } from "../decoder/sparse-layers.ts";

/** What a Qwen2-MoE decoder is: config.json of `qwen2_moe`. */
export interface Qwen2MoeConfig extends DecoderConfig, SparseConfig {
  /** Width of the expert that every row has. */
  readonly sharedWidth: number;
}

const defaults = { vocab_size: 151_936, hidden_size: 2048, intermediate_size: 5632, num_hidden_layers: 24, num_attention_heads: 16, num_key_value_heads: 16, max_position_embeddings: 32_768 };
const sparseDefaults = { num_experts: 60, num_experts_per_tok: 4, moe_intermediate_size: 1408 };

const schema = z.looseObject({
  shared_expert_intermediate_size: sizeSchema(2 ** 19).default(5632),
  qkv_bias: z.literal(true, { error: "queries, keys and values have biases in this family" }).default(true),
});

/** Reads and checks the fields of a Qwen2-MoE decoder. Without `layer_types`, every other layer below `max_window_layers` has the window. */
export function parseQwen2MoeConfig(config: JsonObject, place: DecoderPlace): Qwen2MoeConfig {
  const decoder = parseDecoderConfig(config, place, defaults);
  const { shared_expert_intermediate_size: sharedWidth } = parseWith(schema, config, place.file, place.pointer ?? []);
  const windows = parseWindows(config, place, decoder.layers, switchedWindow, (layer, { max_window_layers }) => layer % 2 === 0 && layer < max_window_layers);
  return { ...decoder, ...parseSparseConfig(config, place, decoder.layers, sparseDefaults), windows, sharedWidth };
}
