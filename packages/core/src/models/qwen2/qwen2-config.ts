import type { JsonObject } from "@polywen/formats";
import { parseWindows, switchedWindow } from "../decoder/attention-windows.ts";
import { parseDecoderConfig, type DecoderConfig, type DecoderPlace } from "../decoder/decoder-config.ts";

/** What a Qwen2 decoder is: config.json of `qwen2`, or the text part of a multimodal family. */
export type Qwen2Config = DecoderConfig;

const defaults = { vocab_size: 151_936, hidden_size: 4096, intermediate_size: 22_016, num_hidden_layers: 32, num_attention_heads: 32, max_position_embeddings: 32_768 };

/** Reads and checks the fields of a Qwen2 decoder. Without `layer_types`, layers from `max_window_layers` on have the window. */
export function parseQwen2Config(config: JsonObject, place: DecoderPlace): Qwen2Config {
  const decoder = parseDecoderConfig(config, place, defaults);
  const windows = parseWindows(config, place, decoder.layers, switchedWindow, (layer, { max_window_layers }) => layer >= max_window_layers);
  return { ...decoder, windows };
}
