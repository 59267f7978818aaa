"""Computes with PyTorch alone what the encoder and the resampler of the series must give.

    python make-golden.py > golden.json

Weights come from a formula of name and index, so that no file holds them.
"""
import json
import sys

import numpy as np
import torch
from torch.nn import functional

PATCH, WIDTH, HEADS, LATENTS, RESAMPLER_HEADS, RESAMPLER_WIDTH, HIDDEN = 16, 32, 2, 8, 2, 16, 192


def by_formula(name, *shape):
    seed = sum(ord(letter) for letter in name) % 97
    return torch.from_numpy((np.sin(seed + np.arange(int(np.prod(shape))) * 1.7) / 3).astype(np.float32).reshape(shape))


def linear(x, name, out, bias=True):
    return functional.linear(x, by_formula(f"{name}.weight", out, x.shape[-1]), by_formula(f"{name}.bias", out) if bias else None)


def norm(x, name):
    return functional.layer_norm(x, x.shape[-1:], by_formula(f"{name}.weight", x.shape[-1]), by_formula(f"{name}.bias", x.shape[-1]), 1e-5)


def attend(q, k, v, heads):
    q, k, v = (t.view(len(t), heads, -1).transpose(0, 1)[None] for t in (q, k, v))
    return functional.scaled_dot_product_attention(q, k, v)[0].transpose(0, 1).flatten(1)


def encode(values):
    values = np.asarray(values, dtype=np.float64)
    mean, deviation, patches = values.mean(), values.std(), len(values) // PATCH
    rows = ((values[:patches * PATCH] - mean) / deviation).reshape(patches, PATCH)
    rows = np.concatenate([rows, np.full((patches, 1), mean), np.full((patches, 1), np.log(deviation))], 1)
    x = torch.from_numpy(rows.astype(np.float32))
    padded = functional.pad(x, (0, 0, 1, 1))
    hidden = functional.gelu(linear(torch.cat([padded[:-2], padded[1:-1], padded[2:]], 1), "encoder.convolution", WIDTH))
    return hidden + linear(attend(*(linear(hidden, f"encoder.{name}", WIDTH) for name in ("query", "key", "value")), HEADS), "encoder.output", WIDTH)


def resample(features):
    latents, prefix, inner = by_formula("perceiver.latents", LATENTS, WIDTH), "perceiver.layers.0", RESAMPLER_HEADS * RESAMPLER_WIDTH
    own, media = norm(latents, f"{prefix}.0.norm_latents"), norm(features, f"{prefix}.0.norm_media")
    context = torch.cat([media, own])
    plain = lambda x, name, out: linear(x, f"{prefix}.{name}", out, bias=False)
    attended = attend(plain(own, "0.to_q", inner), plain(context, "0.to_k", inner), plain(context, "0.to_v", inner), RESAMPLER_HEADS)
    latents = latents + plain(attended, "0.to_out", WIDTH)
    latents = latents + plain(functional.gelu(plain(norm(latents, f"{prefix}.1.0"), "1.1", 4 * WIDTH)), "1.3", WIDTH)
    return linear(norm(latents, "perceiver.norm"), "connector", HIDDEN)


def main():
    values = [float(np.sin(i / 9) * (1 + i / 500)) for i in range(300)]
    rows = resample(encode(values))
    json.dump(dict(values=values, rows=[[float(f"{value:.7g}") for value in row] for row in rows.tolist()]), sys.stdout)


if __name__ == "__main__":
    main()
