"""Hugging Face transformers as compare-transformers.mjs measures it: a JSON request a line, a JSON answer a line.

    python transformers_peer.py FOLDER THREADS DTYPE

{"ids": [[…], …], "generate": n}  ->  {"prefill": seconds, "decode": seconds, "tokens": [ids]}
{"bandwidth": true}               ->  {"bytesPerSecond": n}
"""
import inspect
import json
import os
import sys
import time

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
import transformers

SUM_BYTES = 1 << 29


def load(folder, dtype, attention):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        model_type = json.load(file)["model_type"]
    kind = "Qwen2_5OmniThinkerForConditionalGeneration" if model_type == "qwen2_5_omni_thinker" else "AutoModelForCausalLM"
    return getattr(transformers, kind).from_pretrained(folder, dtype=dtype, attn_implementation=attention).eval()


@torch.inference_mode()
def run(model, ids, generate):
    """Prefill up to the first token, then `generate` tokens more, one at a time with a cache."""
    last_row_only = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    started = time.perf_counter()
    out = model(input_ids=torch.tensor([ids]), use_cache=True, **last_row_only)
    token = out.logits[:, -1:].argmax(-1)
    tokens = [int(token)]
    first = time.perf_counter()
    for _ in range(generate):
        out = model(input_ids=token, past_key_values=out.past_key_values, use_cache=True)
        token = out.logits[:, -1:].argmax(-1)
        tokens.append(int(token))
    return {"prefill": first - started, "decode": time.perf_counter() - first, "tokens": tokens}


def best_attention(folder, dtype):
    """The faster of the two implementations on a prompt of the kind that is measured."""
    ids, seconds = [index % 97 for index in range(256)], {}
    model = load(folder, dtype, "sdpa")
    for attention in ("sdpa", "eager"):
        model.set_attn_implementation(attention)
        run(model, ids, 4)
        seconds[attention] = min(sum(run(model, ids, 16)[part] for part in ("prefill", "decode")) for _ in range(2))
    attention = min(seconds, key=seconds.get)
    model.set_attn_implementation(attention)
    return model, attention


def bandwidth(values):
    """Reading half a GiB with all threads: a lower bound of what the memory can do."""
    seconds = []
    for _ in range(4):
        started = time.perf_counter()
        values.sum()
        seconds.append(time.perf_counter() - started)
    return SUM_BYTES / min(seconds)


def main():
    folder, threads, dtype = sys.argv[1], int(sys.argv[2]), getattr(torch, sys.argv[3])
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(threads)
    model, attention = best_attention(folder, dtype)
    values = torch.ones(SUM_BYTES // 4)
    answer({"torch": torch.__version__, "transformers": transformers.__version__, "dtype": sys.argv[3], "attention": attention, "threads": torch.get_num_threads()})
    for line in sys.stdin:
        request = json.loads(line)
        answer({"bytesPerSecond": bandwidth(values)} if "bandwidth" in request else run(model, request["ids"], request["generate"]))


def answer(value):
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
