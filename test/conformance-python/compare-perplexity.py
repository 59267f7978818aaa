"""Perplexity of a model: transformers in float32 over dequantised weights against `polywen perplexity`.

    python compare-perplexity.py MODEL --file TEXT [--characters 32000] [--context 2048] [--threads 2] [--tolerance 0.003]

MODEL is a folder or a GGUF file, whose blocks transformers decodes itself; of a GGUF file the tokens are Polywen's, as transformers
makes another tokenizer of some. Exit status 1 if the tokens differ in number, or the perplexities by more than the tolerance.
Build the packages first.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import float32_model
import torch
import transformers

CLI = pathlib.Path(__file__).resolve().parents[2] / "packages/cli/dist/main.js"


def polywen(*words, text):
    return json.loads(subprocess.run(["node", str(CLI), *words, "--json"], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout)


def tokenise(model, text):
    if model.endswith(".gguf"):
        return polywen("tokenize", model, "-", text=text)["ids"]
    return transformers.AutoTokenizer.from_pretrained(model)(text, add_special_tokens=False)["input_ids"]


@torch.inference_mode()
def expected(path, text, context):
    """The sliding windows of transformers' guide, with a stride of half a window."""
    ids = tokenise(path, text)
    model = float32_model.load(path)
    total, scored = 0.0, 1
    for begin in range(0, len(ids), context // 2):
        end = min(begin + context, len(ids))
        logits = model(torch.tensor([ids[begin:end]]), use_cache=False).logits[0, scored - 1 - begin : -1]
        total += torch.nn.functional.cross_entropy(logits.double(), torch.tensor(ids[scored:end]), reduction="sum").item()
        scored = end
        if end == len(ids):
            break
    return torch.tensor(total / (len(ids) - 1), dtype=torch.float64).exp().item(), len(ids) - 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--file", required=True)
    parser.add_argument("--characters", type=int, default=32000)
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tolerance", type=float, default=0.003)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    text = pathlib.Path(options.file).read_text(encoding="utf-8")[: options.characters]
    ours = polywen("perplexity", options.model, "--file", "-", "--context", str(options.context), "--threads", str(options.threads), text=text)
    value, tokens = expected(options.model, text, options.context)
    difference = ours["perplexity"] / value - 1
    print(f"transformers {value:.4f} over {tokens} tokens, Polywen {ours['perplexity']:.4f} over {ours['tokens']}: {100 * difference:+.3f} %")
    sys.exit(0 if tokens == ours["tokens"] and abs(difference) <= options.tolerance else 1)


if __name__ == "__main__":
    main()
