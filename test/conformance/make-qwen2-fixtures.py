"""Writes tiny random Qwen2 checkpoints with the logits and greedy tokens that transformers computes for them.

    python make-qwen2-fixtures.py ../fixtures/qwen2        (torch 2.13.0, transformers 5.23.0, float32, eager attention)
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

VOCABULARY = 263
BASE = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=53, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=4096, rms_norm_eps=1e-6, bos_token_id=None, eos_token_id=None)
VARIANTS = {
    "plain": dict(rope_parameters=dict(rope_type="default", rope_theta=1e6)),
    "tied-yarn": dict(tie_word_embeddings=True, rope_parameters=dict(rope_type="yarn", rope_theta=1e4, factor=4.0, original_max_position_embeddings=64)),
    "linear-window": dict(use_sliding_window=True, sliding_window=9, max_window_layers=1, num_key_value_heads=1,
                          rope_parameters=dict(rope_type="linear", rope_theta=1e4, factor=2.5)),
    "dynamic-head-width": dict(head_dim=12, max_position_embeddings=24, rope_parameters=dict(rope_type="dynamic", rope_theta=1e5, factor=3.0)),
}


def published(config, dtype):
    """config.json in the older spelling that most checkpoints have."""
    fields = {key: value for key, value in config.to_dict().items() if value is not None and key not in ("layer_types", "dtype", "rope_parameters")}
    rope = dict(config.rope_parameters)
    return {**fields, "rope_theta": rope.pop("rope_theta"), "rope_scaling": None if rope["rope_type"] == "default" else rope, "torch_dtype": dtype}


def make(name, changes, folder, seed):
    torch.manual_seed(seed)
    config = Qwen2Config(**{**BASE, **changes})
    model = Qwen2ForCausalLM(config).eval()
    dtype = torch.bfloat16 if seed % 2 else torch.float32
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_((torch.randn_like(parameter) * (0.3 if parameter.ndim == 1 else 0.15) + (1.0 if parameter.ndim == 1 else 0.0)).to(dtype))
    config._attn_implementation = "eager"
    model.set_attn_implementation("eager")
    tensors = {key: value.to(dtype).contiguous() for key, value in model.state_dict().items() if not (config.tie_word_embeddings and key == "lm_head.weight")}
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    (target / "config.json").write_text(json.dumps({**published(config, str(dtype).removeprefix("torch.")), "architectures": ["Qwen2ForCausalLM"]}, indent=1))
    (target / "tokenizer.json").write_text(json.dumps(tokenizer()))
    ids = torch.randint(0, VOCABULARY, (1, 40))
    with torch.no_grad():
        logits = model(ids, use_cache=False).logits[0]
        for module in model.modules():
            if hasattr(module, "original_inv_freq"):
                module.inv_freq, module.max_seq_len_cached = module.original_inv_freq.clone(), module.original_max_seq_len
        greedy = model.generate(ids, generation_config=GenerationConfig(max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0))
    round7 = lambda row: [float(f"{value:.7g}") for value in row.tolist()]
    rows = [0, 1, 8, 9, 23, 39]
    case = dict(ids=ids[0].tolist(), rows=rows, logits=[round7(logits[row]) for row in rows], greedy=greedy[0, 40:].tolist(), std=logits.std().item())
    (target / "expected.json").write_text(json.dumps(case))


def tokenizer():
    """A byte-level tokenizer must cover all bytes to load; these ids are never used as text."""
    alphabet = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    others = [chr(256 + n) for n, _ in enumerate(b for b in range(256) if b not in alphabet)]
    vocab = {char: index for index, char in enumerate([chr(b) for b in alphabet] + others)}
    return dict(version="1.0", added_tokens=[], normalizer=dict(type="NFC"), post_processor=None, decoder=dict(type="ByteLevel"),
                pre_tokenizer=dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=True),
                model=dict(type="BPE", vocab=vocab, merges=[]))


if __name__ == "__main__":
    for number, (variant, changes) in enumerate(VARIANTS.items()):
        make(variant, changes, pathlib.Path(sys.argv[1]), number)
