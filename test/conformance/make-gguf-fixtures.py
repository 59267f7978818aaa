"""Writes tiny random models as GGUF files with the logits and greedy tokens that transformers computes for their weights.

    python make-gguf-fixtures.py ../fixtures/gguf [NAME…]        (torch 2.13.0, transformers 5.23.0, gguf 0.19.0, float32, eager attention)

The gguf package quantises and writes; what it dequantises again are the weights that transformers computes with. Rows of
queries and keys of llama are permuted as convert_hf_to_gguf.py of llama.cpp does.
"""
import json
import pathlib
import sys

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from transformers import AutoModelForCausalLM, GenerationConfig, LlamaConfig, Qwen2Config, Qwen2MoeConfig, Qwen3Config, Qwen3MoeConfig

VOCABULARY = 263
BASE = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=256, rms_norm_eps=1e-5, bos_token_id=None, eos_token_id=None, tie_word_embeddings=False)
ROPE = dict(rope_type="default", rope_theta=1e4)
EXPERTS = dict(num_experts=6, num_experts_per_tok=2, moe_intermediate_size=32, decoder_sparse_step=1)
LLAMA3 = dict(rope_type="llama3", rope_theta=5e4, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
YARN = dict(rope_type="yarn", rope_theta=1e4, factor=4.0, original_max_position_embeddings=64)

# Name: architecture, configuration, types of the matrices (in turn).
MODELS = {
    "qwen2": ("qwen2", Qwen2Config(**BASE, rope_parameters=ROPE), ["Q8_0", "Q5_0", "Q4_0", "F16"]),
    "qwen2-yarn": ("qwen2", Qwen2Config(**{**BASE, "tie_word_embeddings": True}, rope_parameters=YARN), ["Q5_1", "BF16", "Q4_1", "F32"]),
    "llama": ("llama", LlamaConfig(**BASE, rope_parameters=LLAMA3), ["Q8_0", "F16", "Q5_1"]),
    "qwen3": ("qwen3", Qwen3Config(**BASE, head_dim=16, rope_parameters=ROPE), ["Q4_0", "Q8_0"]),
    "qwen2moe": ("qwen2moe", Qwen2MoeConfig(**BASE, **EXPERTS, norm_topk_prob=False, shared_expert_intermediate_size=64, rope_parameters=ROPE), ["Q8_0", "Q5_0"]),
    "qwen3moe": ("qwen3moe", Qwen3MoeConfig(**BASE, **EXPERTS, norm_topk_prob=True, head_dim=16, rope_parameters=ROPE), ["Q4_1", "Q8_0"]),
}

# Names of a layer in transformers and in GGUF.
PARTS = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "mlp.gate": "ffn_gate_inp", "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
    "mlp.shared_expert.gate_proj": "ffn_gate_shexp", "mlp.shared_expert.up_proj": "ffn_up_shexp", "mlp.shared_expert.down_proj": "ffn_down_shexp",
}
TOP = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}


def tensors_of(name, value):
    """GGUF names and arrays of one parameter of transformers; its fused experts are two tensors there."""
    if name in TOP:
        return [(TOP[name], value)]
    _, _, layer, part = name.split(".", 3)
    if part == "mlp.experts.gate_up_proj":
        gate, up = np.split(value, 2, axis=1)
        return [(f"blk.{layer}.ffn_gate_exps.weight", gate), (f"blk.{layer}.ffn_up_exps.weight", up)]
    if part == "mlp.experts.down_proj":
        return [(f"blk.{layer}.ffn_down_exps.weight", value)]
    part, kind = part.rsplit(".", 1)
    if part == "mlp.shared_expert_gate":
        value = value.reshape(-1)
    return [(f"blk.{layer}.{PARTS[part]}.{kind}", value)]


def permute(rows, heads):
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def unpermute(rows, heads):
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def write_metadata(writer, architecture, config):
    rope = config.rope_parameters
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(rope["rope_theta"])
    if getattr(config, "head_dim", None):
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if "moe" in architecture:
        writer.add_expert_count(config.num_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    if architecture == "qwen2moe":
        writer.add_expert_shared_feed_forward_length(config.shared_expert_intermediate_size)


def write_tokenizer(writer, more=("[PAD260, unused by u"[:19], *(f"[PAD{n}]" for n in range(261, VOCABULARY)))):
    """Bytes as byte-level BPE spells them, two tokens of a chat, two merged ones, and more that no text makes."""
    plain = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    tokens = [chr(b) for b in plain] + [chr(256 + n) for n in range(256 - len(plain))]
    tokens += ["<|im_start|>", "<|im_end|>", "ab", "abc", *more]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * 256 + [3] * 2 + [3 if token.startswith("<|") else 5 for token in tokens[258:]])
    writer.add_array("tokenizer.ggml.merges", ["a b", "ab c"])
    writer.add_eos_token_id(257)


def rope_divisors(model):
    """What llama.cpp stores of the scaling of Llama 3: by how much each frequency is divided."""
    width = model.config.hidden_size // model.config.num_attention_heads
    plain = model.config.rope_parameters["rope_theta"] ** (-torch.arange(0, width, 2).float() / width)
    return (plain / model.model.rotary_emb.inv_freq).numpy().astype(np.float32)


def make(name, folder):
    architecture, config, types = MODELS[name]
    torch.manual_seed(list(MODELS).index(name))
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    writer = gguf.GGUFWriter(str(folder / f"{name}.gguf"), architecture)
    write_metadata(writer, architecture, config)
    write_tokenizer(writer)
    if architecture == "llama":
        writer.add_tensor("rope_freqs.weight", rope_divisors(model))
    turn = 0
    for key, parameter in model.named_parameters():
        with torch.no_grad():
            parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.ndim == 1 else 0.2) + (1.0 if parameter.ndim == 1 else 0.0))
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(key.split(".")[-2]) if architecture == "llama" else None
        back = []
        for stored_name, value in tensors_of(key, parameter.detach().numpy()):
            value = permute(value, heads) if heads else value
            exact = value.ndim == 1 or "ffn_gate_inp" in stored_name
            kind = Type.F32 if exact else Type[types[turn % len(types)]]
            turn += 0 if exact else 1
            quantised = gguf.quantize(np.ascontiguousarray(value), kind)
            writer.add_tensor(stored_name, quantised, raw_dtype=kind)
            read = gguf.dequantize(quantised, kind).astype(np.float32).reshape(value.shape)
            back.append(unpermute(read, heads) if heads else read)
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(np.concatenate(back, axis=1) if len(back) > 1 else back[0]).reshape(parameter.shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    expect(name, model, folder)


def expect(name, model, folder):
    ids = torch.randint(0, 256, (1, 40))
    with torch.no_grad():
        logits = model(ids, use_cache=False).logits[0]
        greedy = model.generate(ids, generation_config=GenerationConfig(max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0))
    rows = [0, 1, 9, 39]
    round7 = lambda row: [float(f"{value:.7g}") for value in row.tolist()]
    case = dict(ids=ids[0].tolist(), rows=rows, logits=[round7(logits[row]) for row in rows], greedy=greedy[0, 40:].tolist(), std=logits.std().item())
    (folder / f"{name}.json").write_text(json.dumps(case))


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for model_name in sys.argv[2:] or MODELS:
        make(model_name, target)
