"""Perplexity of a model: transformers in float32 over dequantised weights against `polywen perplexity`.

    python compare-perplexity.py FOLDER MODEL --file TEXT [--characters 32000] [--context 2048] [--threads 2] [--tolerance 0.003]

FOLDER is a model folder for transformers, such as tools/dequantize makes of MODEL, a GGUF file (or the same folder).
Exit status 1 if the tokens differ in number, or the perplexities by more than the tolerance. Build the packages first.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import torch
import transformers

CLI = pathlib.Path(__file__).resolve().parents[2] / "packages/cli/dist/main.js"


@torch.inference_mode()
def expected(folder, text, context):
    """The sliding windows of transformers' guide, with a stride of half a window."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
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
    parser.add_argument("folder")
    parser.add_argument("model")
    parser.add_argument("--file", required=True)
    parser.add_argument("--characters", type=int, default=32000)
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tolerance", type=float, default=0.003)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    text = pathlib.Path(options.file).read_text(encoding="utf-8")[: options.characters]
    command = ["node", str(CLI), "perplexity", options.model, "--file", "-", "--context", str(options.context), "--threads", str(options.threads), "--json"]
    ours = json.loads(subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout)
    value, tokens = expected(options.folder, text, options.context)
    difference = ours["perplexity"] / value - 1
    print(f"transformers {value:.4f} over {tokens} tokens, Polywen {ours['perplexity']:.4f} over {ours['tokens']}: {100 * difference:+.3f} %")
    sys.exit(0 if tokens == ours["tokens"] and abs(difference) <= options.tolerance else 1)


if __name__ == "__main__":
    main()
