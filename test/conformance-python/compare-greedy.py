"""Greedy continuations and logits of a model folder: transformers (float32, eager attention) against Polywen.

    python compare-greedy.py FOLDER [--backend cpu|reference] [--threads 2] [--prompts 10] [--tokens 32] [--kv f32|bf16] [--json FILE]

FOLDER may be "polywen/tiny", the embedded model. Where Polywen takes another token than transformers and the two best
logits of transformers are closer than TIE, the difference is excused and counted, and Polywen goes on from the token
that transformers took. Exit status 1 if anything else differs. Build the packages first.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
import numpy as np
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
TIE = 0.05
# Largest difference of a logit, as a share of the standard deviation of all.
LOGIT_TOLERANCE = {"f32": 2e-3, "bf16": 5e-2}
LOGIT_ROWS = 200

PROMPTS = {
    "code, Python": "def is_prime(n: int) -> bool:\n    \"\"\"Return whether n is a prime number.\"\"\"\n",
    "code, C": "#include <stdio.h>\n\nint main(void) {\n    for (int i = 0; i < 10; i++) {\n",
    "code, SQL": "-- The ten customers with the largest orders of 2024\nSELECT",
    "prose": "The old lighthouse stood at the end of the pier, and every evening its keeper",
    "prose, German": "Im Herbst fallen die Blätter von den Bäumen, und die Kinder",
    "Chinese": "机器学习是人工智能的一个分支，它的主要目标是",
    "numbers": "1, 1, 2, 3, 5, 8, 13, 21, 34, 55,",
    "JSON": "{\"name\": \"Ada\", \"born\": 1815, \"fields\": [\"mathematics\",",
    "chat": [{"role": "user", "content": "Explain in a few sentences how a hash table works."}],
    "chat, turns": [
        {"role": "system", "content": "You are a patient teacher."},
        {"role": "user", "content": "Name a prime number between 20 and 30."},
        {"role": "assistant", "content": "23."},
        {"role": "user", "content": "Why is it prime? Explain step by step. 😀"},
    ],
}
LONG_TEXT = (
    "A tokenizer splits text into pieces, and a language model predicts the next piece from all before it. "
    "function add(a, b) { return a + b; }  // 加法 \n| 12.5 | 3,000 | 0x7f |\nÆsop's fables end with a moral: "
) * 8


class Polywen:
    """Polywen in a Node process of its own."""

    def __init__(self, folder, options):
        command = ["node", str(HERE / "polywen-worker.mjs"), folder, options.backend, options.kv]
        if options.threads:
            command.append(str(options.threads))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self.info = self.receive()

    def receive(self):
        line = self.process.stdout.readline()
        if line == "":
            raise SystemExit("Polywen ended before it answered; see its message above.")
        return json.loads(line)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.receive()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Transformers:
    """The same folder in transformers."""

    def __init__(self, folder):
        kinds = {"qwen2_5_omni_thinker": "Qwen2_5OmniThinkerForConditionalGeneration"}
        model_type = json.loads((pathlib.Path(folder) / "config.json").read_text())["model_type"]
        kind = getattr(transformers, kinds.get(model_type, "AutoModelForCausalLM"))
        self.model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def text(self, prompt):
        if isinstance(prompt, str):
            return prompt
        return self.tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)

    def ids(self, text):
        return self.tokenizer(text, add_special_tokens=False).input_ids

    def continuation(self, ids, tokens):
        """Greedy tokens, and by how much each beat the second best."""
        out = self.model.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), max_new_tokens=tokens, do_sample=False,
            repetition_penalty=1.0, output_logits=True, return_dict_in_generate=True)
        best = [step[0].topk(2).values for step in out.logits]
        return out.sequences[0, len(ids):].tolist(), [float(two[0] - two[1]) for two in best]

    @torch.no_grad()
    def logits(self, ids):
        return self.model(input_ids=torch.tensor([ids])).logits[0].numpy()


def compare_prompt(name, text, judge, polywen, tokens):
    ids = judge.ids(text)
    expected, gaps = judge.continuation(ids, tokens)
    answer = polywen.ask({"prompt": text, "maxTokens": tokens})
    result = {"prompt": name, "promptTokens": len(ids), "tokens": len(expected), "ties": 0, "problem": None, "closest": min(gaps)}
    if answer["promptTokenIds"] != ids:
        return {**result, "problem": "the prompt is tokenised differently"}
    at, actual = 0, answer["tokenIds"]
    while actual != expected[at:]:
        # An end token may stand where the other goes on, so that one may be the beginning of the other.
        same = next((i for i, pair in enumerate(zip(actual, expected[at:])) if pair[0] != pair[1]), min(len(actual), len(expected) - at))
        at += same
        if at == len(expected) or gaps[at] >= TIE:
            return {**result, "problem": f"token {at} differs, transformers is ahead by {gaps[min(at, len(gaps) - 1)]:.3f}"}
        result["ties"] += 1
        at += 1
        if at == len(expected):
            break
        actual = polywen.ask({"ids": ids + expected[:at], "maxTokens": len(expected) - at})["tokenIds"]
    return result


def compare_logits(judge, polywen, tolerance):
    ids = judge.ids(LONG_TEXT)[:LOGIT_ROWS]
    expected = judge.logits(ids)
    with tempfile.NamedTemporaryFile(suffix=".f32") as file:
        polywen.ask({"ids": ids, "maxTokens": 0, "file": file.name})
        actual = np.fromfile(file.name, dtype="<f4").reshape(expected.shape)
    difference = np.abs(actual.astype(np.float64) - expected).max()
    deviation = float(expected.astype(np.float64).std())
    return {
        "rows": len(ids),
        "largestDifference": float(difference),
        "standardDeviation": deviation,
        "normalised": float(difference / deviation),
        "tolerance": tolerance,
        "sameTop1": float((actual.argmax(-1) == expected.argmax(-1)).mean()),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--backend", default="cpu", choices=["cpu", "reference"])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--prompts", type=int, default=len(PROMPTS), help="compare only the first of them")
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--kv", default="f32", choices=list(LOGIT_TOLERANCE), help="element type of Polywen's cache")
    parser.add_argument("--no-logits", action="store_true")
    parser.add_argument("--json", help="write the results to this file")
    options = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    if options.threads:
        torch.set_num_threads(options.threads)
    polywen = Polywen(options.folder, options)
    judge = Transformers(polywen.info["path"])
    rows = []
    for name, prompt in list(PROMPTS.items())[: options.prompts]:
        row = compare_prompt(name, judge.text(prompt), judge, polywen, options.tokens)
        rows.append(row)
        print(f"{'pass' if row['problem'] is None else 'FAIL'}  {name:<14} prompt {row['promptTokens']:3d}  tokens {row['tokens']:3d}  ties {row['ties']}  "
              f"closest call {row['closest']:.3f}  {row['problem'] or ''}", flush=True)
    logits = None if options.no_logits else compare_logits(judge, polywen, LOGIT_TOLERANCE[options.kv])
    polywen.close()
    failed = sum(row["problem"] is not None for row in rows)
    if logits is not None:
        good = logits["normalised"] <= logits["tolerance"]
        failed += not good
        print(f"{'pass' if good else 'FAIL'}  logits of {logits['rows']} rows: largest difference {logits['normalised']:.1e} of the standard deviation, "
              f"same top-1 {logits['sameTop1']:.3f}")
    summary = {
        "model": pathlib.Path(options.folder).name,
        "backend": polywen.info["backend"],
        "tier": polywen.info["device"].get("tier"),
        "cache": options.kv,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "tie": TIE,
        "compared": sum(row["tokens"] for row in rows),
        "ties": sum(row["ties"] for row in rows),
        "failed": failed,
        "prompts": rows,
        "logits": logits,
    }
    print(json.dumps({name: value for name, value in summary.items() if name != "prompts"}))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(summary, indent=2) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
