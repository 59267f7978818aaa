"""What connectors must give, by PyTorch alone.

    python make-connectors.py > connectors.json

The perceiver is written out after Flamingo's equations; transformers' Idefics has a resampler with the same attention but
other norms and activations, so that only ours is asked. The pixel shuffle is that of transformers' Idefics3. Weights and
features come from a formula of name and index, so that no file holds them. Needs torch and transformers (5.23).
"""
import json
import sys
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
from transformers.models.idefics3.modeling_idefics3 import Idefics3Connector


def by_formula(name, *shape):
    seed = sum(ord(letter) for letter in name) % 97
    return torch.from_numpy((np.sin(seed + np.arange(int(np.prod(shape))) * 1.7) / 3).astype(np.float32).reshape(shape))


def linear(x, name, out, bias=False):
    return nn.functional.linear(x, by_formula(f"{name}.weight", out, x.shape[-1]), by_formula(f"{name}.bias", out) if bias else None)


def layer_norm(x, name):
    return nn.functional.layer_norm(x, x.shape[-1:], by_formula(f"{name}.weight", x.shape[-1]), by_formula(f"{name}.bias", x.shape[-1]), 1e-5)


def perceiver(features, latents, depth, heads, width, hidden):
    rows = by_formula("perceiver.latents", latents, features.shape[1])
    for layer in range(depth):
        prefix = f"perceiver.layers.{layer}"
        own, media = layer_norm(rows, f"{prefix}.0.norm_latents"), layer_norm(features, f"{prefix}.0.norm_media")
        context = torch.cat([media, own])
        project = lambda x, name: linear(x, f"{prefix}.0.{name}", heads * width).view(len(x), heads, width).transpose(0, 1)
        q, k, v = project(own, "to_q"), project(context, "to_k"), project(context, "to_v")
        attended = (q @ k.transpose(1, 2) / width**0.5).softmax(-1) @ v
        rows = rows + linear(attended.transpose(0, 1).flatten(1), f"{prefix}.0.to_out", features.shape[1])
        inner = nn.functional.gelu(linear(layer_norm(rows, f"{prefix}.1.0"), f"{prefix}.1.1", 4 * features.shape[1]))
        rows = rows + linear(inner, f"{prefix}.1.3", features.shape[1])
    normed = layer_norm(rows, "perceiver.norm")
    return normed if hidden == features.shape[1] else linear(normed, "connector", hidden, bias=True)


def pixel_shuffle(features, grid, factor, hidden):
    frames, height, width = grid
    squares = []
    for frame in features.view(frames, height * width, -1):
        # Theirs takes square pictures only: one is cut out of each strip of a wider one.
        side = min(height, width)
        rows = frame.view(height, width, -1)
        strips = [rows[:, x:x + side] for x in range(0, width, side)]
        made = [Idefics3Connector.pixel_shuffle(SimpleNamespace(), strip.reshape(1, side * side, -1), factor)[0].view(side // factor, side // factor, -1) for strip in strips]
        squares.append(torch.cat(made, 1).flatten(0, 1))
    return linear(torch.cat(squares), "connector", hidden, bias=True)


def main():
    rounded = lambda rows: [[float(f"{value:.7g}") for value in row] for row in rows]
    cases = []
    for kind, width, hidden, rows, options in [
        ("perceiver", 12, 12, 1, dict(latents=3, depth=1, heads=2, headWidth=4)),
        ("perceiver", 12, 10, 9, dict(latents=4, depth=2, heads=3, headWidth=5)),
        ("perceiver", 8, 6, 70, dict(latents=5, depth=3, heads=1, headWidth=8)),
        ("pixel-shuffle", 3, 6, 16, dict(factor=2, grid=[1, 4, 4])),
        ("pixel-shuffle", 2, 5, 4 * 8 * 2, dict(factor=2, grid=[2, 4, 8])),
        ("pixel-shuffle", 2, 5, 9, dict(factor=3, grid=[1, 3, 3])),
    ]:
        features = by_formula("features", rows, width) * 3
        if kind == "perceiver":
            made = perceiver(features, options["latents"], options["depth"], options["heads"], options["headWidth"], hidden)
        else:
            made = pixel_shuffle(features, options["grid"], options["factor"], hidden)
        cases.append(dict(kind=kind, width=width, hiddenSize=hidden, featureRows=rows, options=options, rows=rounded(made.tolist())))
    json.dump(cases, sys.stdout)


if __name__ == "__main__":
    main()
