import { z } from "zod";
import { parseWith, type JsonObject } from "@polywen/formats";
import { parseWindows, switchedWindow } from "../decoder/attention-windows.ts";
import { parseDecoderConfig, type DecoderConfig, type DecoderPlace } from "../decoder/decoder-config.ts";
import { parseSparseConfig, type SparseConfig } from "../decoder/sparse-layers.ts";

/** What a Qwen3-MoE decoder is: config.json of `qwen3_moe`. */
export interface Qwen3MoeConfig extends DecoderConfig, SparseConfig {
  /** Whether q, k, v and o have biases. */
  readonly attentionBias: boolean;
}

const defaults = { vocab_size: 151_936, hidden_size: 2048, intermediate_size: 6144, num_hidden_layers: 24, num_attention_heads: 32, num_key_value_heads: 4, max_position_embeddings: 32_768 };
const sparseDefaults = { num_experts: 128, num_experts_per_tok: 8, moe_intermediate_size: 768 };

const schema = z.looseObject({
  attention_bias: z.boolean().default(false),
  shared_expert_intermediate_size: z.literal(0, { error: "this family has no shared expert" }).nullish(),
});

/** Reads and checks the fields of a Qwen3-MoE decoder. A window holds for all layers that `layer_types` does not exempt. */
export function parseQwen3MoeConfig(config: JsonObject, place: DecoderPlace): Qwen3MoeConfig {
  const decoder = parseDecoderConfig(config, place, defaults);
  const { attention_bias: attentionBias } = parseWith(schema, config, place.file, place.pointer ?? []);
  const windows = parseWindows(config, place, decoder.layers, switchedWindow, () => true);
  return { ...decoder, ...parseSparseConfig(config, place, decoder.layers, sparseDefaults), windows, attentionBias };
}
