import type { TensorSpec } from "@polywen/tensor";
import type { TextModel } from "../../text-model.ts";
import { createDecoder } from "../decoder/create-decoder.ts";
import { attend, gatedMlp, linear, norm, rotate, splitHeads, type DecoderStep } from "../decoder/decoder-step.ts";
import type { LlamaConfig } from "./llama-config.ts";

/** The Llama decoder, of which Mistral is a setting. Weights carry the names of `LlamaForCausalLM`. */
export function createLlamaModel(config: LlamaConfig): TextModel {
  return createDecoder(config, {
    name: "llama",
    layer(step, input, index) {
      const prefix = `model.layers.${index}`;
      const hidden = step.builder.add(input, attention(step, config, norm(step, input, `${prefix}.input_layernorm`), index));
      const normed = norm(step, hidden, `${prefix}.post_attention_layernorm`);
      return step.builder.add(hidden, gatedMlp(step, normed, `${prefix}.mlp`, config.intermediateSize, { bias: config.mlpBias }));
    },
  });
}

/** All four projections have biases, or none. */
function attention(step: DecoderStep, config: LlamaConfig, input: TensorSpec, layer: number): TensorSpec {
  const prefix = `model.layers.${layer}.self_attn`;
  const bias = config.attentionBias;
  const heads = (name: string, count: number): TensorSpec => splitHeads(step, linear(step, input, `${prefix}.${name}`, count * config.headWidth, { bias }), count);
  const query = rotate(step, heads("q_proj", config.heads));
  const key = rotate(step, heads("k_proj", config.keyHeads));
  const attended = attend(step, { query, key, value: heads("v_proj", config.keyHeads) }, layer);
  return linear(step, attended, `${prefix}.o_proj`, config.hiddenSize, { bias });
}
