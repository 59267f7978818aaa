"""Writes src/goldens/operations.json: small inputs and what PyTorch and transformers make of them.

    python make-goldens.py ../src/goldens/operations.json
"""
import json
import sys

import torch
import torch.nn.functional as F
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

torch.manual_seed(20)


def rounded(tensor):
    """Nine digits hold an f32 exactly."""
    return [float(f"{value:.9g}") for value in tensor.float().flatten().tolist()]


def normal(*shape):
    """f32 numbers, computed with in float64."""
    return torch.randn(*shape).double()


def rows():
    x, weight, bias = normal(3, 10), normal(6, 10), normal(6)
    gain, shift = normal(10), normal(10)
    return {
        "input": rounded(x), "weight": rounded(weight), "bias": rounded(bias), "gain": rounded(gain), "shift": rounded(shift),
        "linear": rounded(F.linear(x, weight, bias)),
        "rmsNorm": rounded(F.rms_norm(x, (10,), gain, 1e-5)),
        "layerNorm": rounded(F.layer_norm(x, (10,), gain, shift, 1e-5)),
        "silu": rounded(F.silu(x)),
        "gelu": rounded(F.gelu(x)),
        "gelu-tanh": rounded(F.gelu(x, approximate="tanh")),
        "quick-gelu": rounded(x * torch.sigmoid(1.702 * x)),
    }


def rotary():
    positions = torch.tensor([0, 1, 7, 250, 3001])
    frequencies = (10000.0 ** (-torch.arange(0, 8, 2) / 8)).float()
    angles = positions.float()[:, None] * frequencies
    angles = torch.cat([angles, angles], -1).double()
    query = normal(1, 2, 5, 8)
    turned, _ = apply_rotary_pos_emb(query, query, angles.cos()[None], angles.sin()[None])
    by_row = lambda tensor: rounded(tensor[0].transpose(0, 1))
    return {"input": by_row(query), "positions": positions.tolist(), "frequencies": rounded(frequencies), "output": by_row(turned)}


def attention():
    query, keys, values = normal(1, 6, 5, 8), normal(1, 2, 9, 8), normal(1, 2, 9, 8)
    spans = [[0, 5], [0, 6], [3, 7], [2, 8], [0, 9]]
    mask = torch.tensor([[begin <= key < end for key in range(9)] for begin, end in spans])
    output = F.scaled_dot_product_attention(query, keys, values, attn_mask=mask, enable_gqa=True)
    by_row = lambda tensor: rounded(tensor[0].transpose(0, 1))
    return {"query": by_row(query), "keys": by_row(keys), "values": by_row(values), "spans": spans, "output": by_row(output)}


def sample():
    """Probabilities after transformers' processors, in the order in which `generate` applies them."""
    settings = [
        {},
        {"temperature": 0.6},
        {"temperature": 1.7, "topK": 6},
        {"topP": 0.7},
        {"minP": 0.2},
        {"repetitionPenalty": 1.8},
        {"temperature": 0.8, "topK": 12, "topP": 0.9, "minP": 0.05, "repetitionPenalty": 1.2},
        {"temperature": 2.5, "topP": 0.4, "repetitionPenalty": 0.7},
    ]
    cases = []
    for setting in settings:
        logits, history = normal(1, 24) * 2, torch.randint(0, 24, (1, 6))
        scores = logits.clone()
        if "repetitionPenalty" in setting:
            scores = RepetitionPenaltyLogitsProcessor(setting["repetitionPenalty"])(history, scores)
        for name, processor in [("temperature", TemperatureLogitsWarper), ("topK", TopKLogitsWarper), ("topP", TopPLogitsWarper), ("minP", MinPLogitsWarper)]:
            if name in setting:
                scores = processor(setting[name])(history, scores)
        probabilities = scores.softmax(-1)
        cases.append({"setting": setting, "logits": rounded(logits), "history": history[0].tolist(), "probabilities": rounded(probabilities)})
    return cases


goldens = {"rows": rows(), "rotary": rotary(), "attention": attention(), "sample": sample()}
with open(sys.argv[1], "w") as file:
    file.write(json.dumps(goldens).replace('"rotary"', '\n"rotary"').replace('"attention"', '\n"attention"').replace('"sample"', '\n"sample"').replace('{"setting"', '\n{"setting"') + "\n")
