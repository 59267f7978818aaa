import { rm } from "node:fs/promises";
import { join } from "node:path";
import { InvalidFileError, NotFoundError, UnsupportedError } from "@polywen/tensor";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestFolder, failureOf, type TestFolder } from "../test-folder.ts";
import { openGguf, type GgufModel } from "./open-gguf.ts";
import { array, bool, f32, ggufBytes, raw32, text, texts, u32, type TestTensor } from "./test-gguf.ts";

let folder: TestFolder;
beforeEach(async () => void (folder = await createTestFolder()));
afterEach(() => folder.remove());

type Values = Readonly<Record<string, Buffer | undefined>>;

const tokens: Values = {
  "tokenizer.ggml.tokens": texts(["a", "b", "<|im_end|>", "<|endoftext|>", "<|eot_id|>"]),
  "tokenizer.ggml.eos_token_id": u32(2),
  "tokenizer.ggml.eot_token_id": u32(4),
};

/** The keys that converters write for every architecture. */
function keysOf(architecture: string, values: Values = {}): Values {
  const own = {
    block_count: u32(2), context_length: u32(128), embedding_length: u32(32), feed_forward_length: u32(48), "rope.freq_base": f32(5e5),
    "attention.head_count": u32(4), "attention.head_count_kv": u32(2), "attention.layer_norm_rms_epsilon": f32(2 ** -20), ...values,
  };
  return { "general.architecture": text(architecture), ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`${architecture}.${key}`, value])), ...tokens };
}

/** F32 tensors one after the other; dims in the order of the file. */
function file(values: Values, shapes: Readonly<Record<string, readonly number[]>>, data?: Buffer): Buffer {
  let offset = 0;
  const tensors: TestTensor[] = [];
  for (const [name, dims] of Object.entries(shapes)) {
    tensors.push({ name, dims, type: 0, offset });
    offset += Math.ceil((dims.reduce((product, length) => product * length, 4)) / 32) * 32;
  }
  const metadata = Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  const bytes = ggufBytes({ metadata, tensors, dataLength: offset });
  data?.copy(bytes, bytes.length - offset);
  return bytes;
}

const embedding = { "token_embd.weight": [32, 5] };
const open = async (bytes: Buffer): Promise<GgufModel> => openGguf(await folder.write("m.gguf", bytes));
const configOf = async (bytes: Buffer): Promise<unknown> => (await open(bytes)).config;

describe("configFromGguf", () => {
  const shared = {
    vocab_size: 5, hidden_size: 32, intermediate_size: 48, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8,
    rms_norm_eps: 2 ** -20, max_position_embeddings: 128, rope_theta: 5e5, eos_token_id: [2, 4], tie_word_embeddings: true, attention_bias: false, mlp_bias: false,
  };

  it("converts qwen2 and qwen3", async () => {
    expect(await configOf(file(keysOf("qwen2"), { ...embedding, "output.weight": [32, 5], "blk.0.attn_q.bias": [32] }))).toEqual({ ...shared, model_type: "qwen2", tie_word_embeddings: false, attention_bias: true });
    const wide = { "attention.key_length": u32(16), "attention.value_length": u32(16), "rope.dimension_count": u32(16) };
    expect(await configOf(file(keysOf("qwen3", wide), embedding))).toEqual({ ...shared, model_type: "qwen3", head_dim: 16 });
  });

  it("takes defaults for what converters leave out", async () => {
    const values = keysOf("llama", { "attention.head_count_kv": undefined, "rope.freq_base": undefined, "attention.head_count": array(4, 2, raw32(4), raw32(4)) });
    expect(await configOf(file({ ...values, "tokenizer.ggml.eot_token_id": undefined }, embedding))).toEqual({ ...shared, model_type: "llama", num_key_value_heads: 4, rope_theta: 10_000, eos_token_id: [2] });
  });

  it("converts experts, also of files without their widths", async () => {
    const shapes = { ...embedding, "blk.1.ffn_gate_exps.weight": [32, 12, 6], "blk.1.ffn_up_shexp.weight": [32, 20] };
    const counts = { expert_count: u32(6), expert_used_count: u32(2) };
    const experts = { num_experts: 6, num_experts_per_tok: 2, moe_intermediate_size: 12, decoder_sparse_step: 1, mlp_only_layers: [0] };
    expect(await configOf(file(keysOf("qwen2moe", counts), shapes))).toEqual({ ...shared, ...experts, model_type: "qwen2_moe", norm_topk_prob: false, shared_expert_intermediate_size: 20 });
    expect(await configOf(file(keysOf("qwen3moe", { ...counts, expert_feed_forward_length: u32(12) }), shapes))).toEqual({ ...shared, ...experts, model_type: "qwen3_moe", norm_topk_prob: true });
  });

  it("converts the scalings of rotary frequencies", async () => {
    const scaling = async (values: Values, shapes = {}, data?: Buffer): Promise<unknown> => {
      const bytes = file(keysOf("llama", values), { ...shapes, ...embedding }, data);
      return ((await configOf(bytes)) as Record<string, unknown>)["rope_scaling"];
    };
    const factor = f32(4);
    expect(await scaling({ "rope.scaling.type": text("none") })).toBeUndefined();
    expect(await scaling({ "rope.scaling.type": text("linear"), "rope.scaling.factor": factor })).toEqual({ rope_type: "linear", factor: 4 });
    expect(await scaling({ "rope.scale_linear": factor })).toEqual({ rope_type: "linear", factor: 4 });
    expect(await scaling({ "rope.scaling.type": text("yarn"), "rope.scaling.factor": factor, "rope.scaling.original_context_length": u32(32), "rope.scaling.attn_factor": f32(0.5) })).toEqual(
      { rope_type: "yarn", factor: 4, original_max_position_embeddings: 32, beta_fast: 32, beta_slow: 1, attention_factor: 0.5 * (0.1 * Math.log(4) + 1) },
    );
    const divisors = Float32Array.of(1, 1, 2.5, 8);
    expect(await scaling({}, { "rope_freqs.weight": [4] }, Buffer.from(divisors.buffer))).toEqual(
      { rope_type: "longrope", short_factor: [1, 1, 2.5, 8], long_factor: [1, 1, 2.5, 8], original_max_position_embeddings: 128, attention_factor: 1 },
    );
    expect(await failureOf(scaling({}, { "rope_freqs.weight": [4] }, Buffer.alloc(16)))).toMatchObject({ facts: { pointer: "/rope_freqs.weight" } });
  });

  it.each<[string, Values, string]>([
    ["no architecture", { "general.architecture": undefined }, "/general.architecture"],
    ["block_count 0", { "qwen2.block_count": u32(0) }, "/qwen2.block_count"],
    ["head_count 0", { "qwen2.attention.head_count": u32(0) }, "/qwen2.attention.head_count"],
    ["no head_count", { "qwen2.attention.head_count": undefined }, "/qwen2.attention.head_count"],
    ["different heads by layer", { "qwen2.attention.head_count": array(4, 2, raw32(4), raw32(2)) }, "/qwen2.attention.head_count"],
    ["a rope base of 0", { "qwen2.rope.freq_base": f32(0) }, "/qwen2.rope.freq_base"],
    ["a rope base of NaN", { "qwen2.rope.freq_base": f32(Number.NaN) }, "/qwen2.rope.freq_base"],
    ["a length that is a text", { "qwen2.context_length": text("128") }, "/qwen2.context_length"],
    ["no tokens", { "tokenizer.ggml.tokens": undefined }, "/tokenizer.ggml.tokens"],
    ["another number of tokens than rows", { "tokenizer.ggml.tokens": texts(["a"]) }, "/tokenizer.ggml.tokens"],
    ["another number of tokens than vocab_size", { "qwen2.vocab_size": u32(9) }, "/tokenizer.ggml.tokens"],
    ["an end token that is none", { "tokenizer.ggml.eos_token_id": u32(5) }, "/tokenizer.ggml.eos_token_id"],
  ])("refuses %s", async (_, values, pointer) => {
    const error = await failureOf(open(file({ ...keysOf("qwen2"), ...values }, embedding)));
    expect(error).toBeInstanceOf(InvalidFileError);
    expect(error.facts).toMatchObject({ file: join(folder.path, "m.gguf"), pointer });
  });

  it.each<[string, string, Values]>([
    ["an unknown architecture", "mamba", {}],
    ["a projector", "qwen2", { "general.type": text("mmproj") }],
    ["an unknown hyperparameter", "qwen2", { "qwen2.logit_scale": f32(2) }],
    ["an unknown scaling", "qwen2", { "qwen2.rope.scaling.type": text("longrope") }],
    ["a partial rotation", "qwen2", { "qwen2.rope.dimension_count": u32(4) }],
    ["values of another width than keys", "qwen2", { "qwen2.attention.value_length": u32(4) }],
    ["an encoder", "qwen2", { "qwen2.attention.causal": bool(0) }],
    ["experts of llama", "llama", { "llama.expert_count": u32(8) }],
  ])("does not support %s", async (_, architecture, values) => {
    expect(await failureOf(open(file({ ...keysOf(architecture), ...values }, embedding)))).toBeInstanceOf(UnsupportedError);
  });
});

describe("tensors", () => {
  it("have the names of Hugging Face, and say where heads are interleaved", async () => {
    const shapes = { ...embedding, "blk.1.attn_q.weight": [32, 32], "blk.1.attn_k.weight": [32, 16], "blk.1.attn_k.bias": [16], "blk.1.attn_v.weight": [32, 16], "output_norm.weight": [32] };
    const names = (model: GgufModel): unknown => [...model.checkpoint.tensors.values()].map(({ name, interleavedHeads }) => [name, interleavedHeads]);
    const layer = "model.layers.1.self_attn";
    const expected = (heads?: number, keyHeads?: number): unknown => [
      ["model.embed_tokens.weight", undefined], [`${layer}.q_proj.weight`, heads], [`${layer}.k_proj.weight`, keyHeads], [`${layer}.k_proj.bias`, keyHeads],
      [`${layer}.v_proj.weight`, undefined], ["model.norm.weight", undefined],
    ];
    expect(names(await open(file(keysOf("llama"), shapes)))).toEqual(expected(4, 2));
    expect(names(await open(file(keysOf("qwen2"), shapes)))).toEqual(expected());
  });

  it("of experts are stacked, and the gate of the shared one is a matrix", async () => {
    const shapes = { ...embedding, "blk.0.ffn_gate_exps.weight": [32, 12, 6], "blk.0.ffn_down_exps.weight": [12, 32, 6], "blk.0.ffn_gate_inp.weight": [32, 6], "blk.0.ffn_gate_inp_shexp.weight": [32] };
    const { checkpoint } = await open(file(keysOf("qwen2moe", { expert_count: u32(6), expert_used_count: u32(2) }), shapes));
    const shape = (name: string): unknown => checkpoint.entry(`model.layers.0.mlp.${name}.weight`).shape;
    expect([shape("experts.gate_proj"), shape("experts.down_proj"), shape("gate"), shape("shared_expert_gate")]).toEqual([[6, 12, 32], [6, 32, 12], [6, 32], [1, 32]]);
  });

  it.each(["blk.0.attn_qkv.weight", "blk.0.attn_q.scale", "blk.-1.attn_q.weight", "constructor", "blk.0.constructor.weight", "v.patch_embd.weight"])("without a counterpart are refused: %s", async (name) => {
    expect((await failureOf(open(file(keysOf("qwen2"), { ...embedding, [name]: [8] })))).message).toContain(name);
  });
});

describe("models in parts", () => {
  const keys = (index: number, count: number, total: number, values: Values = {}): Values => ({ ...values, "split.no": u32(index), "split.count": u32(count), "split.tensors.count": u32(total) });
  const name = (index: number): string => `m-0000${index + 1}-of-00002.gguf`;
  const parts = async (first: Values, second: Values, shapes: Readonly<Record<string, readonly number[]>> = { "output.weight": [32, 5] }): Promise<string> => {
    await folder.write(name(0), file(first, embedding));
    return folder.write(name(1), file(second, shapes));
  };
  const first = keys(0, 2, 2, keysOf("qwen2"));

  it("are read from any of them", async () => {
    const path = await parts(first, keys(1, 2, 2));
    for (const one of [path, join(folder.path, name(0))]) {
      const { config, checkpoint } = await openGguf(one);
      expect(config["tie_word_embeddings"]).toBe(false);
      expect([...checkpoint.tensors.values()].map((entry) => entry.file)).toEqual([join(folder.path, name(0)), join(folder.path, name(1))]);
    }
  });

  it("are refused if one is missing", async () => {
    const path = await parts(first, keys(1, 2, 2));
    await rm(path);
    const error = await failureOf(openGguf(join(folder.path, name(0))));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toMatchObject({ facts: { name: name(1) }, hint: expect.stringContaining("1 of 2") });
  });

  it.each<[string, Values, Readonly<Record<string, readonly number[]>>, string]>([
    ["another number", keys(0, 2, 2), { "output.weight": [32, 5] }, "/split.no"],
    ["another count", keys(1, 3, 2), { "output.weight": [32, 5] }, "/split.count"],
    ["no count", {}, { "output.weight": [32, 5] }, "/split.no"],
    ["too few tensors", keys(1, 2, 2), {}, "/split.tensors.count"],
    ["another total", keys(1, 2, 7), { "output.weight": [32, 5] }, "/split.tensors.count"],
  ])("are refused if one has %s", async (_, second, shapes, pointer) => {
    expect((await failureOf(openGguf(await parts(first, second, shapes)))).facts).toMatchObject({ pointer });
  });

  it("are refused if a tensor is in two, or the name hides that there are more", async () => {
    expect((await failureOf(openGguf(await parts(first, keys(1, 2, 2), embedding)))).message).toContain(`also in ${name(0)}`);
    expect((await failureOf(open(file(first, embedding)))).facts).toMatchObject({ pointer: "/split.count" });
    expect(await failureOf(openGguf(join(folder.path, "m-00001-of-99999.gguf")))).toBeInstanceOf(InvalidFileError);
  });
});
