import { InvalidFileError, TextList, UnsupportedError } from "@polywen/tensor";
import type { JsonObject } from "../json-file.ts";
import { jsonPointer } from "../json-pointer.ts";
import type { TensorEntry } from "../safetensors-header.ts";
import { GgufFields } from "./gguf-fields.ts";
import type { GgufValue } from "./gguf-value.ts";

/** `model_type` of config.json for each architecture that can be converted. */
const modelTypes: Readonly<Record<string, string>> = {
  llama: "llama", qwen2: "qwen2", qwen3: "qwen3", qwen2moe: "qwen2_moe", qwen3moe: "qwen3_moe",
  // Text models of vision-language models. For text alone their three position axes are one, and they are what they were made from.
  qwen2vl: "qwen2", qwen3vl: "qwen3", qwen3vlmoe: "qwen3_moe",
};

/** What a config is made from. */
export interface GgufConfigSource {
  /** Of the errors. */
  readonly file: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** By the names of the file; only which there are and their shapes matter. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The values of `rope_freqs.weight`, by which the rotary frequencies are divided. */
  readonly frequencyDivisors?: readonly number[] | undefined;
}

/** `general.architecture`. Throws `UnsupportedError` for those that cannot be converted. */
export function ggufArchitecture({ file, metadata }: Pick<GgufConfigSource, "file" | "metadata">): string {
  const architecture = metadata.get("general.architecture");
  // The first files of this kind do not say their type.
  const type = metadata.get("general.type") ?? (architecture === "clip" ? "mmproj" : "model");
  const hint = type === "mmproj" ? { hint: "This is what a model sees or hears with: load the model itself, and give this file as its mmproj." } : {};
  if (type !== "model") throw new UnsupportedError({ feature: `${file}: a GGUF file of the type ${String(type)}`, supported: ["model"] }, hint);
  if (typeof architecture !== "string") throw new InvalidFileError({ file, problem: "the name of an architecture is expected", pointer: jsonPointer(["general.architecture"]) });
  if (Object.hasOwn(modelTypes, architecture)) return architecture;
  throw new UnsupportedError({ feature: `${file}: the architecture "${architecture}"`, supported: Object.keys(modelTypes) });
}

/**
 * The config.json that the model of a GGUF file would have in the layout of Hugging Face. Metadata do not say everything:
 * a missing `output.weight` means a tied head, biases and dense layers are known by their tensors.
 * Throws `InvalidFileError`, and `UnsupportedError` for architectures, scalings and hyperparameters that are not known.
 */
export function configFromGguf(source: GgufConfigSource): JsonObject {
  const { file, metadata, tensors } = source;
  const architecture = ggufArchitecture(source);
  const fields = new GgufFields(metadata, architecture, file);
  const layers = fields.integer("block_count");
  const hiddenSize = fields.integer("embedding_length");
  const heads = fields.integer("attention.head_count");
  const headWidth = fields.optionalInteger("attention.key_length") ?? hiddenSize / heads;
  fields.only("attention.value_length", headWidth);
  fields.only("rope.dimension_count", headWidth);
  fields.only("attention.causal", true);
  fields.ignore("tensor_data_layout", "rope.scaling.finetuned", "attention.layer_norm_epsilon");
  // Read with the projector of the pictures, without which they mean nothing.
  if (architecture.includes("vl")) fields.ignore("rope.dimension_sections", "n_deepstack_layers");
  const vocabularySize = vocabularyOf(source, fields);
  const has = (name: string): boolean => tensors.has(name);
  const config = {
    model_type: modelTypes[architecture]!,
    vocab_size: vocabularySize,
    hidden_size: hiddenSize,
    intermediate_size: fields.integer("feed_forward_length"),
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: fields.optionalInteger("attention.head_count_kv") ?? heads,
    head_dim: headWidth,
    rms_norm_eps: fields.positive("attention.layer_norm_rms_epsilon"),
    tie_word_embeddings: !has("output.weight"),
    attention_bias: has("blk.0.attn_q.bias"),
    mlp_bias: has("blk.0.ffn_up.bias"),
    eos_token_id: endTokens(source, vocabularySize),
    ...ropeConfig(source, fields),
    ...expertConfig(source, fields, architecture, layers),
  };
  fields.refuseOthers();
  return config;
}

function vocabularyOf({ file, metadata, tensors }: GgufConfigSource, fields: GgufFields): number {
  const tokens = metadata.get("tokenizer.ggml.tokens");
  if (!(tokens instanceof TextList) || tokens.length === 0) throw new InvalidFileError({ file, problem: "a list of tokens is expected", pointer: jsonPointer(["tokenizer.ggml.tokens"]) });
  const rows = tensors.get("token_embd.weight")?.shape[0];
  const announced = fields.optionalInteger("vocab_size");
  for (const [what, count] of [["token_embd.weight", rows], ["the key vocab_size", announced]] as const) {
    if (count === undefined || count === tokens.length) continue;
    throw new InvalidFileError({ file, problem: `there are ${tokens.length} tokens, but ${what} says ${count}`, pointer: jsonPointer(["tokenizer.ggml.tokens"]) });
  }
  return tokens.length;
}

/** The tokens that end a text, a turn or a message. Which others do, the tokenizer knows by their texts. */
function endTokens({ file, metadata }: GgufConfigSource, vocabularySize: number): number[] {
  const keys = ["eos", "eot", "eom"].map((name) => `tokenizer.ggml.${name}_token_id`);
  return keys.flatMap((key) => {
    const id = metadata.get(key);
    if (id === undefined) return [];
    if (typeof id === "number" && id < vocabularySize) return [id];
    throw new InvalidFileError({ file, problem: `a token id below ${vocabularySize} is expected`, pointer: jsonPointer([key]) });
  });
}

/** Source of the formulas: llama.cpp, `llama-model.cpp` and `ggml_rope_yarn`. */
function ropeConfig({ frequencyDivisors }: GgufConfigSource, fields: GgufFields): JsonObject {
  const contextLength = fields.integer("context_length");
  const kind = fields.text("rope.scaling.type") ?? "none";
  const linear = fields.optionalPositive("rope.scale_linear");
  const factor = fields.optionalPositive("rope.scaling.factor") ?? linear ?? 1;
  const originalLength = fields.optionalInteger("rope.scaling.original_context_length") ?? contextLength;
  const attentionFactor = fields.optionalPositive("rope.scaling.attn_factor") ?? fields.optionalPositive("rope.scaling.yarn_attn_factor") ?? 1;
  const [betaFast, betaSlow] = [fields.optionalPositive("rope.scaling.yarn_beta_fast") ?? 32, fields.optionalPositive("rope.scaling.yarn_beta_slow") ?? 1];
  fields.only("rope.scaling.yarn_ext_factor", 1);
  fields.only("rope.scaling.yarn_log_multiplier", 0);
  if (!["none", "linear", "yarn"].includes(kind)) fields.only("rope.scaling.type", "none", "linear", "yarn");
  const shared = { max_position_embeddings: contextLength, rope_theta: fields.optionalPositive("rope.freq_base") ?? 10_000 };
  if (frequencyDivisors !== undefined) {
    if (kind === "yarn") fields.fail("rope.scaling.type", "YaRN and rope_freqs.weight exclude each other");
    // The scaling of Llama 3 comes as its result. Of the published kinds, longrope is the one that lists divisors.
    const divisors = frequencyDivisors.map((divisor) => divisor * (kind === "linear" ? factor : 1));
    return { ...shared, rope_scaling: { rope_type: "longrope", short_factor: divisors, long_factor: divisors, original_max_position_embeddings: originalLength, attention_factor: 1 } };
  }
  if (kind === "yarn") {
    const magnitude = factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
    return { ...shared, rope_scaling: { rope_type: "yarn", factor, original_max_position_embeddings: originalLength, beta_fast: betaFast, beta_slow: betaSlow, attention_factor: attentionFactor * magnitude } };
  }
  return kind === "linear" || linear !== undefined ? { ...shared, rope_scaling: { rope_type: "linear", factor } } : shared;
}

/** Fields of `qwen2_moe` and `qwen3_moe`; what older files leave out is known from the shapes of tensors. */
function expertConfig({ tensors, file }: GgufConfigSource, fields: GgufFields, architecture: string, layers: number): JsonObject {
  if (!architecture.endsWith("moe")) {
    fields.only("expert_count", 0);
    fields.only("expert_used_count", 0);
    return {};
  }
  const isSparse = (layer: number): boolean => tensors.has(`blk.${layer}.ffn_gate_exps.weight`);
  const layerNumbers = Array.from({ length: Math.min(layers, 4096) }, (_, layer) => layer);
  const sparse = layerNumbers.find(isSparse);
  if (sparse === undefined) throw new InvalidFileError({ file, problem: "no layer has experts", pointer: jsonPointer(["blk.0.ffn_gate_exps.weight"]) });
  const width = (name: string, axis: number): number | undefined => tensors.get(`blk.${sparse}.${name}.weight`)?.shape[axis];
  fields.only("expert_gating_func", 1);
  fields.only("expert_weights_scale", 0, 1);
  fields.only("expert_group_count", 0, 1);
  fields.only("expert_weights_norm", architecture !== "qwen2moe");
  fields.ignore("expert_group_used_count", "expert_shared_count");
  const shared = fields.optionalInteger("expert_shared_feed_forward_length") ?? width("ffn_up_shexp", 0);
  return {
    num_experts: fields.integer("expert_count"),
    num_experts_per_tok: fields.integer("expert_used_count"),
    moe_intermediate_size: fields.optionalInteger("expert_feed_forward_length") ?? width("ffn_gate_exps", 1) ?? 0,
    norm_topk_prob: architecture !== "qwen2moe",
    decoder_sparse_step: 1,
    mlp_only_layers: layerNumbers.filter((layer) => !isSparse(layer)),
    ...(architecture === "qwen2moe" ? { shared_expert_intermediate_size: shared ?? 0 } : {}),
  };
}
