"""What gated cross-attention on a Qwen2 decoder must give, by PyTorch alone.

    python make-cross-attention.py > cross-attention.json

The blocks are written out here after their equations and stand before layers of transformers' Qwen2 model; where Mllama's
and Idefics' own blocks say the same, they are asked as well and must agree. Weights come from a formula of name and index,
so that no file holds them. Needs torch and transformers (5.23).
"""
import json
import sys

import numpy as np
import torch
from torch import nn
from transformers import IdeficsConfig, Qwen2Config, Qwen2ForCausalLM
from transformers.models.idefics.modeling_idefics import IdeficsGatedCrossAttentionLayer
from transformers.models.mllama.configuration_mllama import MllamaTextConfig
from transformers.models.mllama.modeling_mllama import MllamaCrossAttentionDecoderLayer

EPSILON = 1e-6
FIELDS = dict(vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4,
              num_key_value_heads=2, tie_word_embeddings=True, max_position_embeddings=128, rms_norm_eps=EPSILON)
NAME = "model.cross_layers.{}.series"


def by_formula(name, shape):
    seed = sum(ord(letter) for letter in name) % 97
    count = int(np.prod(shape))
    return torch.from_numpy((np.sin(seed + np.arange(count) * 1.7) / 3).astype(np.float32).reshape(shape))


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + EPSILON) * self.weight


class Attention(nn.Module):
    def __init__(self, hidden, heads, key_heads, width):
        super().__init__()
        self.heads, self.key_heads, self.width = heads, key_heads, width
        self.q_proj = nn.Linear(hidden, heads * width, bias=False)
        self.k_proj = nn.Linear(hidden, key_heads * width, bias=False)
        self.v_proj = nn.Linear(hidden, key_heads * width, bias=False)
        self.o_proj = nn.Linear(heads * width, hidden, bias=False)
        self.q_norm, self.k_norm = Norm(width), Norm(width)

    def forward(self, x, media, seen):
        q = self.q_norm(self.q_proj(x).view(len(x), self.heads, self.width))
        k = self.k_norm(self.k_proj(media).view(len(media), self.key_heads, self.width))
        v = self.v_proj(media).view(len(media), self.key_heads, self.width)
        k, v = (t.repeat_interleave(self.heads // self.key_heads, 1) for t in (k, v))
        scores = torch.einsum("thd,mhd->htm", q, k) / self.width**0.5
        weights = scores.masked_fill(~seen, -torch.inf).softmax(-1).masked_fill(~seen, 0)
        return self.o_proj(torch.einsum("htm,mhd->thd", weights, v).flatten(1))


class Mlp(nn.Module):
    def __init__(self, hidden, inner):
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(hidden, inner, bias=False), nn.Linear(hidden, inner, bias=False)
        self.down_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x):
        return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, hidden, heads, key_heads, width, inner, gates):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = Norm(hidden), Norm(hidden)
        self.cross_attn, self.mlp = Attention(hidden, heads, key_heads, width), Mlp(hidden, inner) if inner else None
        self.attn_gate = nn.Parameter(torch.zeros(gates))
        self.mlp_gate = nn.Parameter(torch.zeros(gates)) if inner else None

    def forward(self, x, media, seen):
        row = seen.any(-1, keepdim=True)
        x = x + torch.where(row, torch.tanh(self.attn_gate) * self.cross_attn(self.input_layernorm(x), media, seen), torch.zeros(()))
        if self.mlp is None:
            return x
        return x + torch.where(row, torch.tanh(self.mlp_gate) * self.mlp(self.post_attention_layernorm(x)), torch.zeros(()))


def fill(module, prefix):
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            full = f"{prefix}{name}"
            parameter.copy_(by_formula(full, parameter.shape))
            if name.endswith("_gate"):
                parameter.mul_(3)


def seen_by(rows, items, attend):
    """items: (first row that comes after it, media rows). Media at one place are seen together."""
    total = sum(count for _, count in items)
    mask, begin = torch.zeros(rows, total, dtype=torch.bool), 0
    for place, count in items:
        later = [other for other, _ in items if other > place]
        end = min(later, default=rows) if attend == "latest" else rows
        mask[place:end, begin:begin + count] = True
        begin += count
    return mask


def logits(ids, media, items, attend, layers, inner, gates):
    model = Qwen2ForCausalLM(Qwen2Config(**FIELDS, attn_implementation="eager")).eval()
    fill(model, "")
    blocks = nn.ModuleDict()
    for layer in layers:
        block = Block(FIELDS["hidden_size"], 4, 2, 4, inner, gates)
        fill(block, NAME.format(layer) + ".")
        blocks[str(layer)] = block
        seen = seen_by(len(ids), items, attend)

        def before(_, arguments, block=block, seen=seen):
            return (block(arguments[0][0], media, seen)[None], *arguments[1:])
        model.model.layers[layer].register_forward_pre_hook(before)
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0]


def agree_with_mllama():
    torch.manual_seed(1)
    config = MllamaTextConfig(hidden_size=16, intermediate_size=24, num_attention_heads=4, num_key_value_heads=2, num_hidden_layers=1,
                              cross_attention_layers=[0], rms_norm_eps=EPSILON, attn_implementation="eager")
    theirs, ours = MllamaCrossAttentionDecoderLayer(config, 0).eval(), Block(16, 4, 2, 4, 24, 1)
    fill(ours, "block.")
    state = {name.replace("attn_gate", "cross_attn_attn_gate").replace("mlp_gate", "cross_attn_mlp_gate"): value for name, value in ours.state_dict().items()}
    theirs.load_state_dict(state)
    x, media = torch.randn(7, 16), torch.randn(9, 16)
    seen = seen_by(7, [(0, 4), (3, 5)], "latest")
    mask = torch.zeros(1, 1, 7, 9).masked_fill(~seen, torch.finfo(torch.float32).min)
    with torch.no_grad():
        expected = theirs(x[None], media[None], mask, None, None)[0]
        return float((ours(x, media, seen) - expected.view(7, 16)).abs().max())


def agree_with_idefics():
    torch.manual_seed(2)
    config = IdeficsConfig(hidden_size=16, intermediate_size=24, num_attention_heads=4, num_hidden_layers=1, rms_norm_eps=EPSILON, qk_layer_norms=True,
                           alpha_type="vector", vision_config={"embed_dim": 16}, attn_implementation="eager")
    theirs, ours = IdeficsGatedCrossAttentionLayer(config, 0).eval(), Block(16, 4, 4, 4, 24, (1, 1, 16))
    fill(ours, "block.")
    state = {name.replace("q_norm", "q_layer_norm").replace("k_norm", "k_layer_norm").replace("attn_gate", "alpha_cross_attn").replace("mlp_gate", "alpha_dense"): value
             for name, value in ours.state_dict().items()}
    theirs.load_state_dict(state, strict=False)
    x, media = torch.randn(7, 16), torch.randn(9, 16)
    # Rows that see nothing differ on purpose: Idefics masks their attention only, a row that sees nothing here stays as it is.
    seen = seen_by(7, [(0, 4), (3, 5)], "all-previous")
    mask = torch.zeros(1, 1, 7, 9).masked_fill(~seen, torch.finfo(torch.float32).min)
    with torch.no_grad():
        expected = theirs(x[None], image_attention_mask=mask, image_hidden_states=media[None], cross_attention_gate=torch.ones(1, 7))
        expected = expected[0] if isinstance(expected, tuple) else expected
        return float((ours(x, media, seen).view(7, 16) - expected.view(7, 16)).abs().max())


def main():
    agreement = {"mllama": agree_with_mllama(), "idefics": agree_with_idefics()}
    assert max(agreement.values()) < 1e-6, agreement
    ids = [(7 * i + 3) % 50 for i in range(23)]
    cases = []
    for attend, items, layers, inner, gates in [
        ("latest", [(0, 5)], [0, 2], 24, 1),
        ("latest", [(4, 5), (11, 20)], [1], 24, 1),
        ("latest", [(6, 3), (6, 4), (15, 2)], [0, 1, 2], 40, 16),
        ("all-previous", [(4, 5), (11, 20), (23, 6)], [0, 2], 24, 1),
        ("all-previous", [(9, 18)], [1], 0, 1),
    ]:
        media = by_formula("media", (sum(count for _, count in items), FIELDS["hidden_size"])) * 3
        values = logits(ids, media, items, attend, layers, inner, gates)
        cases.append(dict(attend=attend, items=items, layers=layers, intermediateSize=inner, gates=gates,
                          logits=[[float(f"{value:.7g}") for value in row] for row in values[3::5]]))
    json.dump(dict(fields={key: value for key, value in FIELDS.items()}, ids=ids, agreement=agreement, rows=list(range(3, len(ids), 5)), cases=cases), sys.stdout)


if __name__ == "__main__":
    main()
