import { readFileSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import { openCheckpoint } from "@polywen/formats";
import { inspectModel, openTokenizer } from "polywen";
import { baseConfig, baseTokenizer, writeBaseModel } from "../../hostile/base-model.ts";
import { createWorkspace } from "../../hostile/workspace.ts";
import { safetensorsBytes } from "../../../packages/formats/src/test-folder.ts";
import { goldenTokenizerFile } from "../../../packages/tokenizer/src/test-tokenizers.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { mutateJson } from "../mutations/mutate-json.ts";
import { mutateSafetensors } from "../mutations/mutate-safetensors.ts";
import { useTokenizer } from "./use-tokenizer.ts";

const weightsFile = "model.safetensors";
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const writeFolder = (folder: string): Promise<void> => writeBaseModel(createWorkspace(folder));

/** The header of a safetensors file, and the reading of each tensor. */
export const safetensors: FuzzTarget = {
  name: "safetensors",
  fileName: weightsFile,
  seeds: () => [
    readFileSync(new URL("../../../packages/formats/src/goldens/python.safetensors", import.meta.url)),
    safetensorsBytes({ __metadata__: { format: "pt" }, a: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] }, b: { dtype: "BF16", shape: [4], data_offsets: [24, 32] }, c: { dtype: "F8_E4M3", shape: [0, 7], data_offsets: [32, 32] } }, 32),
  ],
  mutate: mutateSafetensors,
  prepare: async () => {},
  attempt: readAll,
};

async function readAll(folder: string): Promise<void> {
  const checkpoint = await openCheckpoint(folder);
  for (const name of checkpoint.tensors.keys()) await checkpoint.read(name);
}

/** The index of a checkpoint in shards. */
export const shardIndex: FuzzTarget = {
  name: "shard-index",
  fileName: `${weightsFile}.index.json`,
  seeds: () => [json({ metadata: { total_size: 24 }, weight_map: { a: "a.safetensors", b: "b.safetensors" } }), json({ weight_map: { a: "a.safetensors" } })],
  mutate: mutateJson,
  async prepare(folder) {
    for (const name of ["a", "b"]) await writeFile(`${folder}/${name}.safetensors`, safetensorsBytes({ [name]: { dtype: "F32", shape: [3], data_offsets: [0, 12] } }, 12));
    await copyFile(`${folder}/a.safetensors`, `${folder}/other.safetensors`);
  },
  attempt: readAll,
};

/** tokenizer.json: the tokenizer, and texts. */
export const tokenizer: FuzzTarget = {
  name: "tokenizer",
  fileName: "tokenizer.json",
  seeds: () => [json(baseTokenizer), ...["qwen2", "llama3", "smollm", "gpt2"].map((name) => json(goldenTokenizerFile(name))), json(characterTokenizer)],
  mutate: mutateJson,
  prepare: writeFolder,
  attempt: async (folder) => useTokenizer(await openTokenizer(folder)),
};

/** As converted from SentencePiece: characters, with bytes as a last resort. */
const characterTokenizer = {
  added_tokens: [{ id: 0, content: "<unk>", special: true }, { id: 1, content: "<s>", special: true }],
  normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: { String: " " }, content: "▁" }] },
  pre_tokenizer: null,
  post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }], pair: [], special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } } },
  decoder: { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "▁" }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 }] },
  model: {
    type: "BPE",
    unk_token: "<unk>",
    fuse_unk: true,
    byte_fallback: true,
    vocab: Object.fromEntries(["<unk>", "<s>", ...Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`), ..."▁abcdeinost", "▁a", "in"].map((token, id) => [token, id])),
    merges: ["▁ a", "i n"],
  },
};

/** config.json, of every family. */
export const config: FuzzTarget = {
  name: "config",
  fileName: "config.json",
  seeds: () => configs.map((fields) => json({ ...baseConfig, ...fields })),
  mutate: mutateJson,
  prepare: writeFolder,
  attempt: async (folder) => void (await inspectModel(folder)),
};

const experts = { num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 8, norm_topk_prob: true, decoder_sparse_step: 1, mlp_only_layers: [] };
const configs: readonly object[] = [
  { rope_theta: 1e6, use_sliding_window: true, sliding_window: 9, max_window_layers: 1 },
  { rope_scaling: { type: "yarn", factor: 4, original_max_position_embeddings: 64 } },
  { model_type: "llama", attention_bias: false, rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 } },
  { model_type: "llama", rope_scaling: { rope_type: "longrope", short_factor: [1, 1, 1, 1], long_factor: [2, 2, 2, 2], original_max_position_embeddings: 64 } },
  { model_type: "mistral", sliding_window: 16 },
  { model_type: "qwen3", head_dim: 8, rope_scaling: { rope_type: "dynamic", factor: 2 } },
  { model_type: "qwen2_moe", ...experts, shared_expert_intermediate_size: 16 },
  { model_type: "qwen3_moe", ...experts, head_dim: 8 },
];
