"""Writes what transformers computes for a text on the tiny checkpoints: pooled states after the last norm, and perplexity
by the sliding windows of its guide "Perplexity of fixed-length models".

    python make-text-goldens.py ../fixtures        (torch 2.13.0, transformers 5.23.0, float32, eager attention)
"""
import json
import pathlib
import sys

import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoModelForCausalLM

VARIANTS = ["qwen2", "qwen2-tied-yarn", "qwen2-linear-window"]
TEXT = "Tea is made of leaves; coffee, of beans. Both keep one awake: 茶 und Kaffee!"
CONTEXTS = [7, 16, 33, 200]


@torch.no_grad()
def perplexity(model, ids, context):
    total, predicted, previous_end = 0.0, 0, 0
    for begin in range(0, len(ids), context // 2):
        end = min(begin + context, len(ids))
        window = torch.tensor([ids[begin:end]])
        labels = window.clone()
        labels[:, : end - begin - (end - previous_end)] = -100
        logits = model(window, use_cache=False).logits[0, :-1].double()
        total += torch.nn.functional.cross_entropy(logits, labels[0, 1:], ignore_index=-100, reduction="sum").item()
        predicted += int((labels[0, 1:] != -100).sum())
        previous_end = end
        if end == len(ids):
            break
    assert predicted == len(ids) - 1
    return torch.tensor(total / predicted, dtype=torch.float64).exp().item()


@torch.no_grad()
def golden(folder):
    # The vocabularies hold single bytes only: nothing is ever merged.
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    ids = [vocabulary[char] for piece, _ in ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(TEXT) for char in piece]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    states = model(torch.tensor([ids]), use_cache=False, output_hidden_states=True).hidden_states[-1][0]
    round7 = lambda row: [float(f"{value:.7g}") for value in row.tolist()]
    return dict(ids=ids, mean=round7(states.mean(0)), last=round7(states[-1]), perplexity={str(context): perplexity(model, ids, context) for context in CONTEXTS})


if __name__ == "__main__":
    fixtures = pathlib.Path(sys.argv[1])
    goldens = {variant: golden(fixtures / "folders" / variant) for variant in VARIANTS}
    (fixtures / "text-goldens.json").write_text(json.dumps(dict(text=TEXT, variants=goldens)) + "\n")
