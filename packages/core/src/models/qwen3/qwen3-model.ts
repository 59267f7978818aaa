import type { TensorSpec } from "@polywen/tensor";
import type { TextModel } from "../../text-model.ts";
import { createDecoder, type DecoderFamily } from "../decoder/create-decoder.ts";
import { attend, gatedMlp, linear, norm, rotate, splitHeads, type DecoderStep } from "../decoder/decoder-step.ts";
import type { Qwen3Config } from "./qwen3-config.ts";

/** The dense Qwen3 decoder, also the text part of Qwen3-VL. Weights carry the names of `Qwen3ForCausalLM`, with one of `prefixes` before them. */
export function createQwen3Model(config: Qwen3Config, options: Pick<DecoderFamily, "prefixes" | "mediaLevels"> = {}): TextModel {
  return createDecoder(config, {
    ...options,
    name: "qwen3",
    layer(step, input, index) {
      const prefix = `model.layers.${index}`;
      const hidden = step.builder.add(input, qwen3Attention(step, norm(step, input, `${prefix}.input_layernorm`), index, config.attentionBias));
      return step.builder.add(hidden, gatedMlp(step, norm(step, hidden, `${prefix}.post_attention_layernorm`), `${prefix}.mlp`, config.intermediateSize));
    },
  });
}

/** Every head of queries and keys is normed before it is turned, all heads of a layer by the same weight. */
export function qwen3Attention(step: DecoderStep, input: TensorSpec, layer: number, bias: boolean): TensorSpec {
  const { config } = step;
  const prefix = `model.layers.${layer}.self_attn`;
  const heads = (name: string, count: number): TensorSpec => splitHeads(step, linear(step, input, `${prefix}.${name}`, count * config.headWidth, { bias }), count);
  const query = rotate(step, norm(step, heads("q_proj", config.heads), `${prefix}.q_norm`));
  const key = rotate(step, norm(step, heads("k_proj", config.keyHeads), `${prefix}.k_norm`));
  const attended = attend(step, { query, key, value: heads("v_proj", config.keyHeads) }, layer);
  return linear(step, attended, `${prefix}.o_proj`, config.hiddenSize, { bias });
}
