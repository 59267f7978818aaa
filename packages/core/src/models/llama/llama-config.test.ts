import { expect, test } from "vitest";
import { parseLlamaConfig, parseMistralConfig } from "./llama-config.ts";

const place = { file: "config.json" };
const base = { vocab_size: 100, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2 };

test("biases and widths of heads are what the file says", () => {
  expect(parseLlamaConfig({ ...base, attention_bias: true, head_dim: 24 }, place)).toMatchObject({ attentionBias: true, mlpBias: false, headWidth: 24 });
  expect(parseLlamaConfig({ ...base, mlp_bias: true }, place)).toMatchObject({ attentionBias: false, mlpBias: true, headWidth: 8 });
});

test("windows: none for Llama unless the file has one, one for Mistral unless the file has none", () => {
  expect(parseLlamaConfig(base, place).windows).toEqual([undefined, undefined]);
  expect(parseLlamaConfig({ ...base, sliding_window: 7, layer_types: ["full_attention", "sliding_attention"] }, place).windows).toEqual([undefined, 7]);
  expect(parseMistralConfig(base, place).windows).toEqual([4096, 4096]);
  expect(parseMistralConfig({ ...base, sliding_window: null }, place).windows).toEqual([undefined, undefined]);
});

const llama3 = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 };

test.each([
  [{ rope_scaling: { ...llama3, factor: null } }, "/rope_scaling/factor"],
  [{ rope_parameters: { ...llama3, low_freq_factor: null } }, "/rope_parameters/low_freq_factor"],
  [{ rope_scaling: { ...llama3, high_freq_factor: 1 } }, "/rope_scaling/high_freq_factor"],
  [{ rope_scaling: { rope_type: "longrope", short_factor: [1, 1, 1, 1], long_factor: [1] } }, "/rope_scaling/long_factor"],
  [{ rope_scaling: { type: "linear" } }, "/rope_scaling/factor"],
  [{ partial_rotary_factor: 0.5 }, "/partial_rotary_factor"],
  [{ mlp_bias: "yes" }, "/mlp_bias"],
  [{ head_dim: 7 }, "/head_dim"],
])("%j is refused at %s", (fields, pointer) => {
  expect(() => parseLlamaConfig({ ...base, ...fields } as never, place)).toThrow(expect.objectContaining({ code: "FILE_INVALID", facts: expect.objectContaining({ pointer }) }));
});
