import { writeFile } from "node:fs/promises";
import { writeSafetensors, type SafetensorsTensor } from "@polywen/formats";
import type { Workspace } from "./hostile-case.ts";

const hiddenSize = 16;
const intermediateSize = 32;
const addedTokens = ["<|im_start|>", "<|im_end|>", "<|image_pad|>"];
const vocabularySize = 256 + addedTokens.length;

/** `config.json` of the base model: a Qwen2 of one layer and two heads. */
export const baseConfig = {
  model_type: "qwen2",
  vocab_size: vocabularySize,
  hidden_size: hiddenSize,
  intermediate_size: intermediateSize,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 256,
  tie_word_embeddings: true,
  eos_token_id: 257,
};

/** `tokenizer.json` of the base model: the bytes and nothing else, cut by GPT-2's pattern. */
export const baseTokenizer = {
  added_tokens: addedTokens.map((content, index) => ({ id: 256 + index, content, special: true, lstrip: false, rstrip: false, single_word: false, normalized: false })),
  normalizer: null as unknown,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true } as unknown,
  decoder: { type: "ByteLevel" },
  model: { type: "BPE", vocab: Object.fromEntries(byteCharacters().map((character, id) => [character, id])), merges: [] },
};

/** The template of the base model: ChatML. */
export const baseTemplate =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/** Files of the base model; a case that needs a fault writes over one. */
export async function writeBaseModel(workspace: Workspace): Promise<void> {
  await writeJson(workspace, "config.json", baseConfig);
  await writeJson(workspace, "tokenizer.json", baseTokenizer);
  await writeJson(workspace, "tokenizer_config.json", { chat_template: baseTemplate });
  await writeSafetensors(workspace.path("model.safetensors"), baseTensors());
}

/** Writes one JSON file. */
export async function writeJson(workspace: Workspace, name: string, value: unknown): Promise<void> {
  await writeFile(workspace.path(name), JSON.stringify(value));
}

/** The weights that `baseConfig` asks for, some repeatable small numbers. */
export function baseTensors(): SafetensorsTensor[] {
  const layer = "model.layers.0";
  const shapes: Record<string, number[]> = {
    "model.embed_tokens.weight": [vocabularySize, hiddenSize],
    [`${layer}.input_layernorm.weight`]: [hiddenSize],
    [`${layer}.self_attn.q_proj.weight`]: [hiddenSize, hiddenSize],
    [`${layer}.self_attn.q_proj.bias`]: [hiddenSize],
    [`${layer}.self_attn.k_proj.weight`]: [hiddenSize / 2, hiddenSize],
    [`${layer}.self_attn.k_proj.bias`]: [hiddenSize / 2],
    [`${layer}.self_attn.v_proj.weight`]: [hiddenSize / 2, hiddenSize],
    [`${layer}.self_attn.v_proj.bias`]: [hiddenSize / 2],
    [`${layer}.self_attn.o_proj.weight`]: [hiddenSize, hiddenSize],
    [`${layer}.post_attention_layernorm.weight`]: [hiddenSize],
    [`${layer}.mlp.gate_proj.weight`]: [intermediateSize, hiddenSize],
    [`${layer}.mlp.up_proj.weight`]: [intermediateSize, hiddenSize],
    [`${layer}.mlp.down_proj.weight`]: [hiddenSize, intermediateSize],
    "model.norm.weight": [hiddenSize],
  };
  return Object.entries(shapes).map(([name, shape]) => ({ name, dtype: "F32", shape, data: smallNumbers(shape) }));
}

function smallNumbers(shape: readonly number[]): Float32Array {
  const count = shape.reduce((product, length) => product * length, 1);
  return Float32Array.from({ length: count }, (_, index) => Math.sin(index + 1) / 4);
}

/** The alphabet in which GPT-2 writes the 256 bytes: printable ones as they are, the others from U+0100 on. */
function byteCharacters(): string[] {
  const printable = (byte: number): boolean => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}
