"""Computes with NumPy alone what the custom modality must give: media rows, and the logits of the next token.

    python make-golden.py ../../packages/polywen/models/tiny > golden.json

Nothing of Polywen is used: the safetensors file is parsed here, and the Qwen2 decoder is written out.
"""
import json
import struct
import sys

import numpy as np

FRAME, STACK, SEED = 8, 2, 7


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        raw = data[begin:end]
        if entry["dtype"] == "BF16":
            values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(raw, {"F32": "<f4", "F16": "<f2"}[entry["dtype"]]).astype(np.float32)
        tensors[name.removeprefix("thinker.")] = values.reshape(entry["shape"]).astype(np.float64)
    return tensors


def mulberry32(state):
    def step():
        nonlocal state
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        mixed = ((state ^ (state >> 15)) * (1 | state)) & 0xFFFFFFFF
        mixed = (((mixed + ((mixed ^ (mixed >> 7)) * (61 | mixed))) & 0xFFFFFFFF) ^ mixed) & 0xFFFFFFFF
        return (mixed ^ (mixed >> 14)) / 2**32
    return step


def media_rows(samples, hidden):
    random = mulberry32(SEED)
    draw = lambda *shape: np.array([np.float32((random() - 0.5) * 0.2) for _ in range(int(np.prod(shape)))], np.float64).reshape(shape)
    weight, bias = draw(hidden, STACK * FRAME), draw(hidden)
    values = ((samples - samples.mean()) / samples.std()).astype(np.float32).astype(np.float64)
    rows = len(values) // FRAME // STACK
    return values[:rows * STACK * FRAME].reshape(rows, STACK * FRAME) @ weight.T + bias


def rms_norm(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def rotate(x, theta):
    rows, _, width = x.shape
    angles = np.arange(rows)[:, None] * theta ** (-np.arange(0, width, 2) / width)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    a, b = x[..., :width // 2], x[..., width // 2:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def decode(x, weights, config):
    """Text and media in time share one position axis, so M-RoPE is ordinary rotary embedding here."""
    heads, key_heads = config["num_attention_heads"], config["num_key_value_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    rope = config.get("rope_parameters") or config
    causal = np.triu(np.full((len(x), len(x)), -np.inf), 1)
    for layer in range(config["num_hidden_layers"]):
        w = lambda name: weights[f"model.layers.{layer}.{name}"]
        a = rms_norm(x, w("input_layernorm.weight"), config["rms_norm_eps"])
        project = lambda name, n: (a @ w(f"self_attn.{name}.weight").T + w(f"self_attn.{name}.bias")).reshape(len(x), n, width)
        q, k = rotate(project("q_proj", heads), rope["rope_theta"]), rotate(project("k_proj", key_heads), rope["rope_theta"])
        k, v = (np.repeat(t, heads // key_heads, 1) for t in (k, project("v_proj", key_heads)))
        scores = np.einsum("rhd,chd->hrc", q, k) / np.sqrt(width) + causal
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        attended = np.einsum("hrc,chd->rhd", scores / scores.sum(-1, keepdims=True), v).reshape(len(x), -1)
        x = x + attended @ w("self_attn.o_proj.weight").T
        b = rms_norm(x, w("post_attention_layernorm.weight"), config["rms_norm_eps"])
        gate = b @ w("mlp.gate_proj.weight").T
        x = x + (gate / (1 + np.exp(-gate)) * (b @ w("mlp.up_proj.weight").T)) @ w("mlp.down_proj.weight").T
    last = rms_norm(x[-1], weights["model.norm.weight"], config["rms_norm_eps"])
    return weights.get("lm_head.weight", weights["model.embed_tokens.weight"]) @ last


def main(folder):
    with open(f"{folder}/config.json", encoding="utf-8") as file:
        config = json.load(file)
    config = config.get("thinker_config", config)["text_config"]
    weights = read_safetensors(f"{folder}/model.safetensors")
    samples = np.array([np.sin(i / 5) + 0.1 * np.cos(i) for i in range(100)])
    rows = media_rows(samples, config["hidden_size"])
    before, after = [5, 17, 42], [8, 99, 300]
    table = weights["model.embed_tokens.weight"]
    logits = decode(np.concatenate([table[before], rows, table[after]]), weights, config)
    rounded = lambda values: [float(f"{value:.7g}") for value in values]
    json.dump({"samples": samples.tolist(), "before": before, "after": after, "rows": [rounded(row) for row in rows], "logits": rounded(logits)}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
