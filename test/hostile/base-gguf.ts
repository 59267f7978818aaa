import { ggufBytes, f32, i32s, text, texts, u32, type TestFile, type TestTensor } from "../../packages/formats/src/gguf/test-gguf.ts";
import { baseConfig, baseTensors, baseTokenizer } from "./base-model.ts";

/** Keys of a GGUF file and their values, as bytes; undefined leaves a key out. */
export type Metadata = Readonly<Record<string, Buffer | undefined>>;

/** GGUF's names of the parts of a layer and of what lies outside of them. */
const names: Readonly<Record<string, string>> = {
  "model.embed_tokens": "token_embd", "model.norm": "output_norm", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
  "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
  "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
};

const tokens = [...Object.keys(baseTokenizer.model.vocab), ...baseTokenizer.added_tokens.map(({ content }) => content)];

/** The metadata of the base model. */
export const baseMetadata: Metadata = {
  "general.architecture": text("qwen2"),
  "qwen2.block_count": u32(baseConfig.num_hidden_layers),
  "qwen2.context_length": u32(baseConfig.max_position_embeddings),
  "qwen2.embedding_length": u32(baseConfig.hidden_size),
  "qwen2.feed_forward_length": u32(baseConfig.intermediate_size),
  "qwen2.attention.head_count": u32(baseConfig.num_attention_heads),
  "qwen2.attention.head_count_kv": u32(baseConfig.num_key_value_heads),
  "qwen2.attention.layer_norm_rms_epsilon": f32(1e-6),
  "tokenizer.ggml.model": text("gpt2"),
  "tokenizer.ggml.pre": text("qwen2"),
  "tokenizer.ggml.tokens": texts(tokens),
  "tokenizer.ggml.token_type": i32s(tokens.map((_, id) => (id < 256 ? 1 : 3))),
  "tokenizer.ggml.merges": texts([]),
  "tokenizer.ggml.eos_token_id": u32(baseConfig.eos_token_id),
};

/** The bytes of a file with this metadata and these tensors. */
export function fileOf(metadata: Metadata, rest: Omit<TestFile, "metadata"> = {}): Buffer {
  return ggufBytes({ metadata: Object.entries(metadata).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])), ...rest });
}

/** The base model as a GGUF file, with changes to its metadata and to the table of its tensors. */
export function baseGguf(metadata: Metadata = {}, change: (tensors: TestTensor[]) => TestTensor[] = (tensors) => tensors): Buffer {
  const stored = baseTensors().map(({ name, shape, data }) => ({ name: ggufName(name), dims: [...shape].reverse(), data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) }));
  let end = 0;
  const tensors = stored.map(({ name, dims, data }): TestTensor => {
    const offset = end;
    end += Math.ceil(data.length / 32) * 32;
    return { name, dims, type: 0, offset };
  });
  const data = Buffer.concat(stored.flatMap(({ data }) => [data, Buffer.alloc((32 - (data.length % 32)) % 32)]));
  return Buffer.concat([fileOf({ ...baseMetadata, ...metadata }, { tensors: change(tensors) }), data]);
}

function ggufName(name: string): string {
  const { layer, part = "", kind } = /^(?:model\.layers\.(?<layer>\d+)\.)?(?<part>.*)\.(?<kind>weight|bias)$/.exec(name)!.groups!;
  return `${layer === undefined ? "" : `blk.${layer}.`}${names[part]}.${kind}`;
}
