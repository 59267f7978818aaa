"""Writes src/goldens/tokenizer.json: tiny byte-level BPE tokenizers and the ids that Hugging Face `tokenizers` gives for nasty strings.

Usage: python packages/tokenizer/scripts/make-goldens.py      (needs the packages `tokenizers` and nothing else)
"""

import json
import random
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")

CORPUS = [
    "The quick brown fox jumps over the lazy dog, and the dog doesn't mind; it's what they're used to.",
    "def main(argument):\n    return [value ** 2 for value in range(argument)]\n",
    "In 1999 there were 1234567 reasons, and in 2024 there are more than 98765.",
    "Falsches Üben von Xylophonmusik quält jeden größeren Zwerg. Où est l'été ?",
    "敏捷的棕色狐狸跳过了懒狗。 今天天气很好。", "すばやい茶色の狐", "Съешь же ещё этих мягких французских булок", "😀 😃 👩‍👩‍👧 🇩🇪",
    "    indented\n\t\ttabs\r\nwindows lines\r\n\r\n", "x = {'a': 1, \"b\": [2, 3]};  // comment",
] * 4

ADDED = [
    AddedToken("<|endoftext|>", special=True, normalized=False),
    AddedToken("<|im_start|>", special=True, normalized=False),
    AddedToken("<|im_end|>", special=True, normalized=False),
    AddedToken("<|im_end|><|x|>", special=True, normalized=False),
    AddedToken("<think>", special=False, normalized=False),
    AddedToken("</think>", special=False, normalized=False),
    AddedToken("<mask>", special=True, normalized=False, lstrip=True),
    AddedToken("<tail>", special=True, normalized=False, rstrip=True),
    AddedToken("word", special=False, normalized=False, single_word=True),
    AddedToken("caf\u1e17!", special=False, normalized=True),
]

TEXTS = [
    "", " ", "  ", "\n", "\n\n", " \n ", "\r\n", "\r\n\r\n  x", "\t", "\t\tx", "   x", "x   ", "x \n y", "x\n\n\n   y\n", " \u00a0 x", "\u3000x\u3000",
    "a\u0085b", "\ufeffa", "a\ufeff b", "\u200bx", "\x1c\x1d x", "a\u180eb", "\x00", "a\x00b", "\x7f\x80", "Hello world", "Hello, world!",
    "it's IT'S we'LL they'Re I'm 'D 'tis x'\u017fa", "''s", "'", "don\u2019t", "123", "1234567890", "12 345,678.90", "\u0661\u0662\u0663", "\u00bd\u2167x9",
    "\u00e9", "e\u0301", "e\u0301\u0301", "\u1e9b\u0323", "\u212b", "\u2126", "\ufb01", "\uac00", "\u1100\u1161", "a\u0323\u0307", "a\u0307\u0323", "\u0301abc", "\u0315\u0300\u05ae\u0300",
    "\u0928\u093f", "\u0e01\u0e33", "\u0e40\u0e01\u0e47", "\ud55c\uad6d\uc5b4", "\u6f22\u5b57", "\U0002f80a", "\U0001d4b3\U0001d4b4", "\U0001f600", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea",
    "\U0001f44d\U0001f3fd", "\U0010ffff", "\ue000", "\ufffd", "<|im_end|>", "x<|im_end|>y", " <|im_start|> ", "<|im_end|><|x|>", "<|im_end|><|x|", "<|im_end", "<<|im_end|>>",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<think>\n\n</think>\n\n", "a  <mask>  b", "a  <tail>  b", "<mask><tail>  <mask>", "\u00a0<mask>", "<tail>\u00a0\n<mask> x",
    "word", "a word b", "sword words word", "word_ word. \u00e9word word\u0301", "caf\u1e17!", "cafe\u0304\u0301!", "x cafe\u0304\u0301!y", "<|IM_END|>", "<|im_\u200bend|>", "< think >",
    "def f(x):\n    return x\n", "{\"a\": [1, 2.5, null]}", "...", "!!!\n\n", "a!\n!b", "?!\r\n\r\nx", "\\n\\t", "https://example.org/a?b=c&d=%20#e", "a" * 300, " " * 300, "ab" * 150, "\n" * 50, "1" * 50, "!" * 100,
    "\u0301" * 40, "a" + "\u0323\u0301" * 30, "The quick brown fox jumps over the lazy dog.", "Falsches \u00dcben", "\u0421\u044a\u0435\u0448\u044c", "\u4eca\u5929", "value ** 2",
]

ALPHABET = [
    "a", "B", "the", "ing", " ", "  ", "\n", "\r\n", "\t", "'s", "'LL", "1", "42", "007", "\u00e9", "e\u0301", "\u00df", "\u0416", "\u6f22", "\u3042", "\U0001f600", "\u200d", "\ufe0f", "\u0301", "\u0323", "\u00a0", "\u2028",
    "\u0085", "\ufeff", "!", "?!", "...", "-", "_", "<", "|", ">", "<|im_end|>", "<|im_start|>", "<think>", "<mask>", "<tail>", "word", "caf\u1e17!", "\x00", "\U0002f80a", "\u0130", "\u01c5", "\u2167", "\u00bd", "\u0e33",
]


def train() -> dict:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(QWEN2), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens(ADDED)
    return json.loads(tokenizer.to_str())


def variants(qwen2: dict) -> dict:
    """The same vocabulary under the other pre-tokenizers and options."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    split = {"type": "Split", "pattern": {"Regex": LLAMA3}, "behavior": "Removed", "invert": True}
    begin = next(token["id"] for token in qwen2["added_tokens"] if token["content"] == "<|endoftext|>")
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [begin], "tokens": ["<|endoftext|>"]}},
    }
    llama3 = {
        **qwen2,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, {**byte_level, "use_regex": False}]},
        "post_processor": {"type": "Sequence", "processors": [byte_level, template]},
        "model": {**qwen2["model"], "ignore_merges": True},
    }
    digits = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {**byte_level, "use_regex": True}]}
    smollm = {**qwen2, "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]}, "pre_tokenizer": digits}
    gpt2 = {**qwen2, "normalizer": None, "pre_tokenizer": {**byte_level, "use_regex": True}}
    return {"qwen2": qwen2, "llama3": llama3, "smollm": smollm, "gpt2": gpt2}


def main() -> None:
    generator = random.Random(6)
    texts = TEXTS + ["".join(generator.choices(ALPHABET, k=generator.randint(2, 14))) for _ in range(250)]
    files = variants(train())
    cases = [{"text": text, "ids": {}} for text in texts]
    for name, file in files.items():
        tokenizer = Tokenizer.from_str(json.dumps(file))
        for case in cases:
            tokenizer.encode_special_tokens = False
            ids = tokenizer.encode(case["text"], add_special_tokens=False).ids
            with_added = tokenizer.encode(case["text"], add_special_tokens=True).ids
            tokenizer.encode_special_tokens = True
            plain = tokenizer.encode(case["text"], add_special_tokens=False).ids
            decoded = tokenizer.decode(ids, skip_special_tokens=False)
            skipped = tokenizer.decode(ids, skip_special_tokens=True)
            prefix = with_added[: len(with_added) - len(ids)]
            case["ids"][name] = {"special": ids, "plain": plain, "prefix": prefix, "decoded": decoded, "skipped": skipped}
            tokenizer.encode_special_tokens = False
    for case in cases:  # Most results equal the first tokenizer's: leave those out.
        first = case["ids"]["qwen2"]
        for name in list(case["ids"]):
            if name != "qwen2":
                case["ids"][name] = {key: value for key, value in case["ids"][name].items() if value != first[key]}
    shared = {"vocab": files["qwen2"]["model"]["vocab"], "merges": files["qwen2"]["model"]["merges"]}
    slim = {name: {**file, "model": {k: v for k, v in file["model"].items() if k not in shared}} for name, file in files.items()}
    path = Path(__file__).parent.parent / "src" / "goldens" / "tokenizer.json"
    path.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    head = json.dumps({"model": shared, "tokenizers": slim}, separators=(",", ":"))
    path.write_text(head[:-1] + ',\n"cases":[\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
