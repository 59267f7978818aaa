import { expect, test } from "vitest";
import { parseQwen3Config } from "./qwen3-config.ts";

const place = { file: "config.json" };
const base = { vocab_size: 100, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 3, num_attention_heads: 4, num_key_value_heads: 2 };

test("heads are 128 wide unless the file says otherwise, whatever the hidden size", () => {
  expect(parseQwen3Config(base, place)).toMatchObject({ headWidth: 128, attentionBias: false });
  expect(parseQwen3Config({ ...base, head_dim: 16, attention_bias: true }, place)).toMatchObject({ headWidth: 16, attentionBias: true });
});

test("windows are those of Qwen2", () => {
  expect(parseQwen3Config({ ...base, use_sliding_window: true, sliding_window: 5, max_window_layers: 1 }, place).windows).toEqual([undefined, 5, 5]);
  expect(parseQwen3Config({ ...base, sliding_window: 5, max_window_layers: 1 }, place).windows).toEqual([undefined, undefined, undefined]);
});

test.each([
  [{ attention_bias: 1 }, "/attention_bias"],
  [{ num_key_value_heads: 3 }, "/num_key_value_heads"],
  [{ layer_types: ["full_attention"] }, "/layer_types"],
])("%j is refused at %s", (fields, pointer) => {
  expect(() => parseQwen3Config({ ...base, ...fields } as never, place)).toThrow(expect.objectContaining({ code: "FILE_INVALID", facts: expect.objectContaining({ pointer }) }));
});
