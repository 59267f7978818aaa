import type { TensorSpec } from "@polywen/tensor";
import type { TextModel } from "../../text-model.ts";
import { createDecoder } from "../decoder/create-decoder.ts";
import { gatedMlp, linear, norm, type DecoderStep } from "../decoder/decoder-step.ts";
import { expertWeights, sparseMlp } from "../decoder/sparse-layers.ts";
import { qwen2Attention } from "../qwen2/qwen2-model.ts";
import type { Qwen2MoeConfig } from "./qwen2-moe-config.ts";

/** The Qwen2-MoE decoder: attention of Qwen2, experts and one that every row has. Weights carry the names of `Qwen2MoeForCausalLM`. */
export function createQwen2MoeModel(config: Qwen2MoeConfig): TextModel {
  return createDecoder(config, {
    name: "qwen2_moe",
    layer(step, input, index) {
      const prefix = `model.layers.${index}`;
      const hidden = step.builder.add(input, qwen2Attention(step, norm(step, input, `${prefix}.input_layernorm`), index));
      const normed = norm(step, hidden, `${prefix}.post_attention_layernorm`);
      if (!config.sparse[index]) return step.builder.add(hidden, gatedMlp(step, normed, `${prefix}.mlp`, config.intermediateSize));
      const mixed = step.builder.add(sparseMlp(step, config, normed, `${prefix}.mlp`), sharedMlp(step, config, normed, `${prefix}.mlp`));
      return step.builder.add(hidden, mixed);
    },
  });
}

/** A single expert that every row chooses, with the weight that the sigmoid of its gate gives it. */
function sharedMlp(step: DecoderStep, config: Qwen2MoeConfig, input: TensorSpec, prefix: string): TensorSpec {
  const routed = step.builder.route(linear(step, input, `${prefix}.shared_expert_gate`, 1), { scoring: "sigmoid", count: 1, normalise: false });
  return step.builder.experts({ input, ...routed, ...expertWeights(step, `${prefix}.shared_expert`, 1, config.sharedWidth) });
}
