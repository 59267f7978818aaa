"""Mean Kullback-Leibler divergence of llama.cpp and of Polywen from float32 over the same dequantised weights.

    python kl-to-float32.py FILE.gguf DISTRIBUTIONS        (requirements of ../conformance-python)

DISTRIBUTIONS is what compare-tokens.mjs wrote for the same file. transformers decodes the blocks of the file and computes in float32.
Exit status 1 if Polywen's mean is the larger one.
"""
import json
import pathlib
import sys

import numpy as np
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "conformance-python"))
import float32_model


@torch.inference_mode()
def reference(model, ids, tokens):
    rows = model(torch.tensor([ids + tokens[:-1]]), use_cache=False).logits[0, len(ids) - 1 :]
    return torch.log_softmax(rows.double(), -1)


def divergence(expected, file):
    width = np.fromfile(file, dtype=np.float32).size // expected.shape[0]
    found = torch.from_numpy(np.fromfile(file, dtype=np.float32).reshape(-1, width)).double()
    # Some programs pad the vocabulary: what both know is compared, and each sums to one.
    width = min(width, expected.shape[1])
    expected, found = torch.log_softmax(expected[:, :width], -1), torch.log_softmax(found[:, :width], -1)
    return (expected.exp() * (expected - found)).sum(-1)


def main():
    file, distributions = sys.argv[1], pathlib.Path(sys.argv[2])
    model = float32_model.load(file, "eager")
    values = {"llama-cpp": [], "polywen": []}
    for index, case in enumerate(json.loads((distributions / "continuations.json").read_text())):
        expected = reference(model, case["ids"], case["tokens"])
        for name, all_values in values.items():
            all_values.append(divergence(expected, distributions / f"{name}-{index}.f32"))
    means = {name: torch.cat(rows).mean().item() for name, rows in values.items()}
    for name, mean in means.items():
        print(f"{name:10} mean KL {mean:.3e} nats, greatest {torch.cat(values[name]).max().item():.3e}")
    sys.exit(0 if means["polywen"] <= means["llama-cpp"] else 1)


if __name__ == "__main__":
    main()
