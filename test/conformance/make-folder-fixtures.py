"""Writes tiny random checkpoints of each text architecture with the logits and greedy tokens that transformers computes for them.

    python make-folder-fixtures.py ../fixtures/folders [NAME…]        (torch 2.13.0, transformers 5.23.0, float32, eager attention)
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GenerationConfig, LlamaConfig, MistralConfig, Qwen2Config, Qwen2MoeConfig, Qwen3Config, Qwen3MoeConfig

VOCABULARY = 263
BASE = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=53, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=4096, rms_norm_eps=1e-6, bos_token_id=None, eos_token_id=None)
EXPERTS = dict(num_hidden_layers=2, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=24, decoder_sparse_step=1)
PLAIN = dict(rope_type="default", rope_theta=1e6)
LLAMA3 = dict(rope_type="llama3", rope_theta=5e4, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)

# Name: class of the configuration, its fields, whether the files are spelled as transformers 5 does. Odd places are stored as bfloat16.
MODELS = {
    "qwen2": (Qwen2Config, dict(rope_parameters=PLAIN), False),
    "qwen2-tied-yarn": (Qwen2Config, dict(tie_word_embeddings=True, rope_parameters=dict(rope_type="yarn", rope_theta=1e4, factor=4.0, original_max_position_embeddings=64)), False),
    "qwen2-linear-window": (Qwen2Config, dict(use_sliding_window=True, sliding_window=9, max_window_layers=1, num_key_value_heads=1,
                            rope_parameters=dict(rope_type="linear", rope_theta=1e4, factor=2.5)), False),
    "qwen2-dynamic-head-width": (Qwen2Config, dict(head_dim=12, max_position_embeddings=24, rope_parameters=dict(rope_type="dynamic", rope_theta=1e5, factor=3.0)), False),
    "llama-llama3": (LlamaConfig, dict(rope_parameters=LLAMA3), False),
    "llama-biases-tied": (LlamaConfig, dict(attention_bias=True, mlp_bias=True, tie_word_embeddings=True, head_dim=16, rope_parameters=LLAMA3), True),
    "mistral-window": (MistralConfig, dict(sliding_window=7, rope_parameters=PLAIN), False),
    "qwen3": (Qwen3Config, dict(head_dim=12, rope_parameters=PLAIN), True),
    "qwen3-window": (Qwen3Config, dict(head_dim=16, use_sliding_window=True, sliding_window=5, max_window_layers=2, rope_parameters=PLAIN), False),
    "qwen2_moe": (Qwen2MoeConfig, dict(**EXPERTS, norm_topk_prob=False, shared_expert_intermediate_size=40, rope_parameters=PLAIN), False),
    "qwen2_moe-dense-layer": (Qwen2MoeConfig, dict(**{**EXPERTS, "num_experts": 4}, norm_topk_prob=True, shared_expert_intermediate_size=20, mlp_only_layers=[0], rope_parameters=PLAIN), True),
    "qwen3_moe": (Qwen3MoeConfig, dict(**EXPERTS, norm_topk_prob=True, head_dim=16, rope_parameters=PLAIN), False),
    "qwen3_moe-yarn": (Qwen3MoeConfig, dict(**{**EXPERTS, "num_experts": 4}, norm_topk_prob=False, head_dim=16,
                       rope_parameters=dict(rope_type="yarn", rope_theta=1e4, factor=4.0, original_max_position_embeddings=64)), True),
}


def published(config, dtype, newest):
    """config.json, in the older spelling that most checkpoints have or in that of transformers 5."""
    fields = {key: value for key, value in config.to_dict().items() if value is not None}
    if newest:
        return {**fields, "dtype": dtype}
    fields = {key: value for key, value in fields.items() if key not in ("layer_types", "dtype", "rope_parameters")}
    rope = dict(config.rope_parameters)
    return {**fields, "rope_theta": rope.pop("rope_theta"), "rope_scaling": None if rope["rope_type"] == "default" else rope, "torch_dtype": dtype}


def stored(tensors, newest):
    """Experts as tensors of their own, as they were published before transformers 5 began to stack them."""
    if newest:
        return tensors
    separate = {}
    for key, value in tensors.items():
        before, found, name = key.partition(".mlp.experts.")
        if not found:
            separate[key] = value
        for expert, matrix in enumerate(value if found else []):
            parts = dict(zip(("gate_proj", "up_proj"), matrix.chunk(2))) if name == "gate_up_proj" else {name: matrix}
            separate.update({f"{before}.mlp.experts.{expert}.{part}.weight": rows.contiguous() for part, rows in parts.items()})
    return separate


def make(name, folder):
    kind, changes, newest = MODELS[name]
    seed = list(MODELS).index(name)
    torch.manual_seed(seed)
    config = kind(**{**BASE, **changes})
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    dtype = torch.bfloat16 if seed % 2 else torch.float32
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_((torch.randn_like(parameter) * (0.3 if parameter.ndim == 1 else 0.15) + (1.0 if parameter.ndim == 1 else 0.0)).to(dtype))
    tensors = {key: value.to(dtype).contiguous() for key, value in model.state_dict().items() if not (config.tie_word_embeddings and key == "lm_head.weight")}
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    save_file(stored(tensors, newest), target / "model.safetensors", metadata={"format": "pt"})
    (target / "config.json").write_text(json.dumps({**published(config, str(dtype).removeprefix("torch."), newest), "architectures": [type(model).__name__]}, indent=1))
    (target / "tokenizer.json").write_text(json.dumps(tokenizer()))
    ids = torch.randint(0, VOCABULARY, (1, 40))
    with torch.no_grad():
        logits = model(ids, use_cache=False).logits[0]
        for module in model.modules():
            if hasattr(module, "original_inv_freq"):
                module.inv_freq, module.max_seq_len_cached = module.original_inv_freq.clone(), module.original_max_seq_len
        greedy = continued(model, ids, config.rope_parameters["rope_type"])
    round7 = lambda row: [float(f"{value:.7g}") for value in row.tolist()]
    rows = [0, 1, 8, 9, 23, 39]
    case = dict(ids=ids[0].tolist(), rows=rows, logits=[round7(logits[row]) for row in rows], greedy=greedy, std=logits.std().item())
    (target / "expected.json").write_text(json.dumps(case))


def continued(model, ids, rope):
    """12 tokens, each from a pass over all before it: generation with a cache computes some models with experts differently."""
    if rope == "dynamic":  # frequencies are those of the length at which a key was cached
        return model.generate(ids, generation_config=GenerationConfig(max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0))[0, 40:].tolist()
    for _ in range(12):
        ids = torch.cat([ids, model(ids, use_cache=False).logits[:, -1].argmax(-1, keepdim=True)], 1)
    return ids[0, 40:].tolist()


def tokenizer():
    """A byte-level tokenizer must cover all bytes to load; these ids are never used as text."""
    alphabet = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    others = [chr(256 + n) for n, _ in enumerate(b for b in range(256) if b not in alphabet)]
    vocab = {char: index for index, char in enumerate([chr(b) for b in alphabet] + others)}
    return dict(version="1.0", added_tokens=[], normalizer=dict(type="NFC"), post_processor=None, decoder=dict(type="ByteLevel"),
                pre_tokenizer=dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=True),
                model=dict(type="BPE", vocab=vocab, merges=[]))


if __name__ == "__main__":
    for model_name in sys.argv[2:] or MODELS:
        make(model_name, pathlib.Path(sys.argv[1]))
