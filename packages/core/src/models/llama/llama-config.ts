import { z } from "zod";
import { parseWith, type JsonObject } from "@polywen/formats";
import { parseWindows } from "../decoder/attention-windows.ts";
import { parseDecoderConfig, type DecoderConfig, type DecoderPlace } from "../decoder/decoder-config.ts";

/** What a Llama decoder is: config.json of `llama` or `mistral`. */
export interface LlamaConfig extends DecoderConfig {
  /** Whether q, k, v and o have biases. */
  readonly attentionBias: boolean;
  /** Whether the three layers of the MLP have biases. */
  readonly mlpBias: boolean;
}

const llamaDefaults = { vocab_size: 32_000, hidden_size: 4096, intermediate_size: 11_008, num_hidden_layers: 32, num_attention_heads: 32, max_position_embeddings: 2048 };
const mistralDefaults = { ...llamaDefaults, intermediate_size: 14_336, num_key_value_heads: 8, max_position_embeddings: 131_072, sliding_window: 4096 };

const schema = z.looseObject({ attention_bias: z.boolean().default(false), mlp_bias: z.boolean().default(false) });

/** Reads and checks the fields of a Llama decoder. A `sliding_window` holds for all layers that `layer_types` does not exempt. */
export function parseLlamaConfig(config: JsonObject, place: DecoderPlace): LlamaConfig {
  return parse(config, place, llamaDefaults);
}

/** The same decoder under Mistral's defaults, a window among them: null switches it off. */
export function parseMistralConfig(config: JsonObject, place: DecoderPlace): LlamaConfig {
  return parse(config, place, mistralDefaults);
}

function parse(config: JsonObject, place: DecoderPlace, defaults: typeof llamaDefaults): LlamaConfig {
  const decoder = parseDecoderConfig(config, place, defaults);
  const { attention_bias: attentionBias, mlp_bias: mlpBias } = parseWith(schema, config, place.file, place.pointer ?? []);
  const windows = parseWindows({ ...defaults, ...config }, place, decoder.layers, ({ sliding_window }) => sliding_window ?? undefined, () => true);
  return { ...decoder, windows, attentionBias, mlpBias };
}
