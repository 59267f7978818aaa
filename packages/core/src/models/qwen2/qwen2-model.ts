import type { TensorSpec } from "@polywen/tensor";
import type { TextModel } from "../../text-model.ts";
import { createDecoder } from "../decoder/create-decoder.ts";
import { attend, gatedMlp, linear, norm, rotate, splitHeads, type DecoderStep } from "../decoder/decoder-step.ts";
import type { Qwen2Config } from "./qwen2-config.ts";

/**
 * The Qwen2 and Qwen2.5 decoder, also the text part of Qwen2-VL, Qwen2-Audio and the Qwen2.5-Omni thinker.
 * Weights carry the names of `Qwen2ForCausalLM`; `prefixes` are put before them until one is found.
 */
export function createQwen2Model(config: Qwen2Config, prefixes?: readonly string[]): TextModel {
  return createDecoder(config, {
    name: "qwen2",
    prefixes,
    layer(step, input, index) {
      const prefix = `model.layers.${index}`;
      const hidden = step.builder.add(input, qwen2Attention(step, norm(step, input, `${prefix}.input_layernorm`), index));
      return step.builder.add(hidden, gatedMlp(step, norm(step, hidden, `${prefix}.post_attention_layernorm`), `${prefix}.mlp`, config.intermediateSize));
    },
  });
}

/** Queries, keys and values have biases, the output has none. */
export function qwen2Attention(step: DecoderStep, input: TensorSpec, layer: number): TensorSpec {
  const { config } = step;
  const prefix = `model.layers.${layer}.self_attn`;
  const heads = (name: string, count: number): TensorSpec => splitHeads(step, linear(step, input, `${prefix}.${name}`, count * config.headWidth, { bias: true }), count);
  const query = rotate(step, heads("q_proj", config.heads));
  const key = rotate(step, heads("k_proj", config.keyHeads));
  const attended = attend(step, { query, key, value: heads("v_proj", config.keyHeads) }, layer);
  return linear(step, attended, `${prefix}.o_proj`, config.hiddenSize);
}
