import { z } from "zod";
import { parseWith, type JsonObject } from "@polywen/formats";
import { parseWindows, switchedWindow } from "../decoder/attention-windows.ts";
import { parseDecoderConfig, type DecoderConfig, type DecoderPlace } from "../decoder/decoder-config.ts";

/** What a dense Qwen3 decoder is: config.json of `qwen3`. */
export interface Qwen3Config extends DecoderConfig {
  /** Whether q, k, v and o have biases. */
  readonly attentionBias: boolean;
}

const defaults = { vocab_size: 151_936, hidden_size: 4096, intermediate_size: 22_016, num_hidden_layers: 32, num_attention_heads: 32, head_dim: 128, max_position_embeddings: 32_768 };

const schema = z.looseObject({ attention_bias: z.boolean().default(false) });

/** Reads and checks the fields of a Qwen3 decoder. Windows are those of Qwen2. */
export function parseQwen3Config(config: JsonObject, place: DecoderPlace): Qwen3Config {
  const decoder = parseDecoderConfig(config, place, defaults);
  const { attention_bias: attentionBias } = parseWith(schema, config, place.file, place.pointer ?? []);
  const windows = parseWindows(config, place, decoder.layers, switchedWindow, (layer, { max_window_layers }) => layer >= max_window_layers);
  return { ...decoder, windows, attentionBias };
}
