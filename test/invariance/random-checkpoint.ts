import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeSafetensors, type SafetensorsTensor } from "@polywen/formats";
import { f32ToBf16 } from "@polywen/tensor";

/** Odd sizes on purpose: no width but the head's is a multiple of a vector register. */
const config = {
  model_type: "qwen2",
  architectures: ["Qwen2ForCausalLM"],
  vocab_size: 1009,
  hidden_size: 96,
  intermediate_size: 211,
  num_hidden_layers: 3,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  hidden_act: "silu",
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  use_sliding_window: true,
  sliding_window: 37,
  max_window_layers: 2,
  tie_word_embeddings: false,
} as const;

/** Writes a Qwen2 folder with weights drawn from a fixed seed: grouped heads, biases, one windowed layer, a byte tokenizer. */
export async function writeRandomCheckpoint(folder: string, dtype: "F32" | "BF16"): Promise<void> {
  await writeFile(join(folder, "config.json"), JSON.stringify({ ...config, torch_dtype: dtype === "F32" ? "float32" : "bfloat16" }));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(byteTokenizer()));
  await writeSafetensors(join(folder, "model.safetensors"), randomTensors(dtype));
}

function tensorShapes(): Record<string, number[]> {
  const { hidden_size: hidden, intermediate_size: inner, vocab_size: vocabulary, num_hidden_layers: layers } = config;
  const keys = (hidden / config.num_attention_heads) * config.num_key_value_heads;
  const shapes: Record<string, number[]> = {
    "model.embed_tokens.weight": [vocabulary, hidden],
    "model.norm.weight": [hidden],
    "lm_head.weight": [vocabulary, hidden],
  };
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `model.layers.${layer}`;
    for (const norm of ["input_layernorm", "post_attention_layernorm"]) shapes[`${prefix}.${norm}.weight`] = [hidden];
    for (const [name, out] of [["q_proj", hidden], ["k_proj", keys], ["v_proj", keys]] as const) {
      shapes[`${prefix}.self_attn.${name}.weight`] = [out, hidden];
      shapes[`${prefix}.self_attn.${name}.bias`] = [out];
    }
    shapes[`${prefix}.self_attn.o_proj.weight`] = [hidden, hidden];
    for (const name of ["gate_proj", "up_proj"]) shapes[`${prefix}.mlp.${name}.weight`] = [inner, hidden];
    shapes[`${prefix}.mlp.down_proj.weight`] = [hidden, inner];
  }
  return shapes;
}

function randomTensors(dtype: "F32" | "BF16"): SafetensorsTensor[] {
  const random = generator(20);
  return Object.entries(tensorShapes()).map(([name, shape]) => {
    const centre = name.endsWith("norm.weight") ? 1 : 0;
    const values = Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => centre + (random() - 0.5) * 0.7);
    return { name, dtype, shape, data: dtype === "F32" ? values : Uint16Array.from(values, f32ToBf16) };
  });
}

/** Uniform numbers in [0, 1) from a linear congruence modulo 2^32. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Byte-level BPE without merges: a token a byte. */
function byteTokenizer(): object {
  const printable = [...range(33, 126), ...range(161, 172), ...range(174, 255)];
  const vocabulary: Record<string, number> = {};
  let shifted = 256;
  for (let byte = 0; byte < 256; byte++) vocabulary[String.fromCharCode(printable.includes(byte) ? byte : shifted++)] = byte;
  return {
    version: "1.0",
    added_tokens: [],
    normalizer: { type: "NFC" },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: true },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    post_processor: null,
    model: { type: "BPE", vocab: vocabulary, merges: [] },
  };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
