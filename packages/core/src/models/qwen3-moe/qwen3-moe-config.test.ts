import { expect, test } from "vitest";
import { parseQwen2MoeConfig } from "../qwen2-moe/qwen2-moe-config.ts";
import { parseQwen3MoeConfig } from "./qwen3-moe-config.ts";

const place = { file: "config.json" };
const base = { vocab_size: 100, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 4, num_attention_heads: 4, num_key_value_heads: 2, num_experts: 6, num_experts_per_tok: 2 };

test("layers have experts at every step, but for those that are listed", () => {
  expect(parseQwen3MoeConfig(base, place).sparse).toEqual([true, true, true, true]);
  expect(parseQwen3MoeConfig({ ...base, decoder_sparse_step: 2, mlp_only_layers: [3] }, place).sparse).toEqual([false, true, false, false]);
});

test("windows: every other layer of Qwen2-MoE, all of Qwen3-MoE", () => {
  const windowed = { ...base, use_sliding_window: true, sliding_window: 5, max_window_layers: 3 };
  expect(parseQwen2MoeConfig(windowed, place).windows).toEqual([5, undefined, 5, undefined]);
  expect(parseQwen3MoeConfig(windowed, place).windows).toEqual([5, 5, 5, 5]);
});

test("the number of experts has two names", () => {
  const { num_experts: experts, ...others } = base;
  expect(parseQwen3MoeConfig({ ...others, num_local_experts: experts }, place).experts).toBe(6);
});

test.each([
  [parseQwen3MoeConfig, { num_experts_per_tok: 7 }, "/num_experts_per_tok"],
  [parseQwen3MoeConfig, { shared_expert_intermediate_size: 8 }, "/shared_expert_intermediate_size"],
  [parseQwen3MoeConfig, { num_experts: 1e6 }, "/num_experts"],
  [parseQwen2MoeConfig, { qkv_bias: false }, "/qkv_bias"],
  [parseQwen2MoeConfig, { mlp_only_layers: [-1] }, "/mlp_only_layers/0"],
  [parseQwen2MoeConfig, { norm_topk_prob: "yes" }, "/norm_topk_prob"],
])("%o refuses %j at %s", (parse, fields, pointer) => {
  expect(() => parse({ ...base, ...fields } as never, place)).toThrow(expect.objectContaining({ code: "FILE_INVALID", facts: expect.objectContaining({ pointer }) }));
});
