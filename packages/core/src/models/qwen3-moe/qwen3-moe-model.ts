import type { TextModel } from "../../text-model.ts";
import { createDecoder, type DecoderFamily } from "../decoder/create-decoder.ts";
import { gatedMlp, norm } from "../decoder/decoder-step.ts";
import { sparseMlp } from "../decoder/sparse-layers.ts";
import { qwen3Attention } from "../qwen3/qwen3-model.ts";
import type { Qwen3MoeConfig } from "./qwen3-moe-config.ts";

/** The Qwen3-MoE decoder, also the text part of Qwen3-VL-MoE: attention of Qwen3, and experts. Weights carry the names of `Qwen3MoeForCausalLM`, with one of `prefixes` before them. */
export function createQwen3MoeModel(config: Qwen3MoeConfig, options: Pick<DecoderFamily, "prefixes" | "mediaLevels"> = {}): TextModel {
  return createDecoder(config, {
    ...options,
    name: "qwen3_moe",
    layer(step, input, index) {
      const prefix = `model.layers.${index}`;
      const hidden = step.builder.add(input, qwen3Attention(step, norm(step, input, `${prefix}.input_layernorm`), index, config.attentionBias));
      const normed = norm(step, hidden, `${prefix}.post_attention_layernorm`);
      const mixed = config.sparse[index] ? sparseMlp(step, config, normed, `${prefix}.mlp`) : gatedMlp(step, normed, `${prefix}.mlp`, config.intermediateSize);
      return step.builder.add(hidden, mixed);
    },
  });
}
