import { UnsupportedError } from "@polywen/tensor";
import { quoted } from "../json-pointer.ts";
import type { TensorEntry } from "../safetensors-header.ts";

/** Holds divisors of the rotary frequencies; it is no weight but a part of the configuration. */
export const frequencyDivisorsTensor = "rope_freqs.weight";

/** Names outside of layers. */
const modelNames: Readonly<Record<string, string>> = {
  "token_embd.weight": "model.embed_tokens.weight",
  "output_norm.weight": "model.norm.weight",
  "output.weight": "lm_head.weight",
};

/**
 * Parts of a layer: `blk.{i}.attn_q.weight` is `model.layers.{i}.self_attn.q_proj.weight`. The experts of a layer are one
 * tensor [experts, out, in], named like one expert without its number.
 */
const layerParts: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
  ffn_gate_inp: "mlp.gate",
  ffn_gate_exps: "mlp.experts.gate_proj",
  ffn_up_exps: "mlp.experts.up_proj",
  ffn_down_exps: "mlp.experts.down_proj",
  ffn_gate_inp_shexp: "mlp.shared_expert_gate",
  ffn_gate_shexp: "mlp.shared_expert.gate_proj",
  ffn_up_shexp: "mlp.shared_expert.up_proj",
  ffn_down_shexp: "mlp.shared_expert.down_proj",
};

/** What decides how rows are ordered. */
export interface HeadCounts {
  readonly heads: number;
  readonly keyHeads: number;
}

/**
 * The tensors of a GGUF file under the names of Hugging Face. `interleaved` is given for `llama`, whose query and key rows
 * llama.cpp reorders. Throws `UnsupportedError` for a tensor without a counterpart: a model that is computed without it is another one.
 */
export function renameGgufTensors(tensors: ReadonlyMap<string, TensorEntry>, interleaved: HeadCounts | undefined): Map<string, TensorEntry> {
  const renamed = new Map<string, TensorEntry>();
  for (const entry of tensors.values()) {
    if (entry.name === frequencyDivisorsTensor) continue;
    const name = huggingFaceName(entry);
    const heads = interleaved === undefined ? undefined : /\.q_proj\./.test(name) ? interleaved.heads : /\.k_proj\./.test(name) ? interleaved.keyHeads : undefined;
    // One row, stored as a vector.
    const shape = name.endsWith(".shared_expert_gate.weight") && entry.shape.length === 1 ? [1, ...entry.shape] : entry.shape;
    renamed.set(name, { ...entry, name, shape, ...(heads === undefined ? {} : { interleavedHeads: heads }) });
  }
  return renamed;
}

function huggingFaceName({ name, file }: TensorEntry): string {
  if (Object.hasOwn(modelNames, name)) return modelNames[name]!;
  const [, layer, part = "", kind] = /^blk\.(0|[1-9]\d{0,4})\.(\w+)\.(weight|bias)$/.exec(name) ?? [];
  if (Object.hasOwn(layerParts, part)) return `model.layers.${layer}.${layerParts[part]!}.${kind}`;
  throw new UnsupportedError({ feature: `${file}: the tensor ${quoted(name)}` }, { hint: "No architecture of this release has it, so that the model would be computed without it." });
}
