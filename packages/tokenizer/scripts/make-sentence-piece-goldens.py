"""Writes src/goldens/sentence-piece.json: small SentencePiece models of BPE, as GGUF metadata and as tokenizer.json, and what SentencePiece
and Hugging Face tokenizers make of nasty texts.

Usage: python packages/tokenizer/scripts/make-sentence-piece-goldens.py      (needs `sentencepiece` and `tokenizers`)
"""

import importlib.util
import io
import json
import random
from pathlib import Path

import sentencepiece
from tokenizers import Tokenizer

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("goldens", HERE / "make-goldens.py")
goldens = importlib.util.module_from_spec(spec)
spec.loader.exec_module(goldens)

SPACE = "\u2581"
VARIANTS = {
    "llama": ({}, {}),
    "no-prefix": ({"add_dummy_prefix": False}, {"add_space_prefix": False}),
    "across-words": ({"split_by_whitespace": False, "vocab_size": 620}, {}),
    "few-bytes": ({"byte_fallback": False, "character_coverage": 0.98, "vocab_size": 300}, {}),
    "one-space": ({"remove_extra_whitespaces": True}, {"remove_extra_whitespaces": True}),
    "user-defined": ({"user_defined_symbols": ["<|im_end|>", "word", "\n\n"]}, {}),
}
TYPES = [("is_unknown", 2), ("is_control", 3), ("is_unused", 5), ("is_byte", 6)]


def train(options: dict) -> sentencepiece.SentencePieceProcessor:
    buffer = io.BytesIO()
    settings = {"vocab_size": 480, "byte_fallback": True, "normalization_rule_name": "identity", "remove_extra_whitespaces": False, **options}
    sentences = iter([line for text in goldens.CORPUS for line in text.split("\n")])
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=sentences, model_type="bpe", model_writer=buffer, minloglevel=2, **settings)
    return sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())


def metadata(model: sentencepiece.SentencePieceProcessor, options: dict, flags: dict) -> dict:
    ids = range(model.vocab_size())
    types = [next((kind for test, kind in TYPES if getattr(model, test)(token)), 1) for token in ids]
    types = [4 if model.id_to_piece(token) in options.get("user_defined_symbols", []) else types[token] for token in ids]
    fields = {
        "model": "llama", "tokens": [model.id_to_piece(token) for token in ids], "token_type": types, "scores": [model.get_score(token) for token in ids],
        "bos_token_id": model.bos_id(), "eos_token_id": model.eos_id(), "unknown_token_id": model.unk_id(), **flags,
    }
    return {f"tokenizer.ggml.{key}": value for key, value in fields.items()}


def tokenizer_file(model: sentencepiece.SentencePieceProcessor) -> dict:
    """What transformers makes of a Llama 2 tokenizer.model: merges from the scores."""
    vocabulary = {model.id_to_piece(token): token for token in range(model.vocab_size())}
    merges = []
    for piece, token in vocabulary.items():
        local = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece)) if piece[:cut] in vocabulary and piece[cut:] in vocabulary]
        merges.extend((left, right, model.get_score(token)) for left, right in sorted(local, key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]])))
    merges.sort(key=lambda merge: -merge[2])
    added = [{"id": token, "content": model.id_to_piece(token), "special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False} for token in range(3)]
    template = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    return {
        "version": "1.0", "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": SPACE}, {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]},
        "pre_tokenizer": None,
        "post_processor": {"type": "TemplateProcessing", "single": template, "pair": [*template, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": SPACE}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "vocab": vocabulary, "merges": [f"{left} {right}" for left, right, _ in merges]},
    }


def changes(base: dict) -> dict:
    """The same model under the other steps that tokenizer.json knows; merged into the file by the test."""
    metaspace = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": True}
    split = {"type": "Split", "pattern": {"String": " "}, "invert": False}
    steps = [{"type": "NFKC"}, {"type": "Lowercase"}, {"type": "Strip", "strip_left": True, "strip_right": False}, {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]
    metaspace_decoder = {"type": "Sequence", "decoders": [{"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": True}, {"type": "ByteFallback"}, {"type": "Fuse"}]}
    model = {key: value for key, value in base["model"].items() if key not in ("vocab", "merges")}
    return {
        "llama": {},
        "metaspace": {"normalizer": None, "pre_tokenizer": metaspace, "decoder": metaspace_decoder},
        "metaspace-first": {"normalizer": None, "pre_tokenizer": {**metaspace, "prepend_scheme": "first", "split": False}},
        "metaspace-never": {"normalizer": None, "pre_tokenizer": {**metaspace, "prepend_scheme": "never"}},
        "steps": {"normalizer": {"type": "Sequence", "normalizers": steps}},
        "unknown": {"model": {**model, "byte_fallback": False}},
        "unknown-apart": {"model": {**model, "byte_fallback": False, "fuse_unk": False}},
        "vanishing": {"model": {**model, "byte_fallback": False, "unk_token": None}},
        "whole": {"model": {**model, "ignore_merges": True}, "normalizer": None, "pre_tokenizer": metaspace},
        **{f"split-{behavior}": {"normalizer": None, "pre_tokenizer": {**split, "behavior": behavior}} for behavior in ("MergedWithPrevious", "MergedWithNext", "Isolated", "Removed", "Contiguous")},
        "split-inverted": {"normalizer": None, "pre_tokenizer": {**split, "behavior": "Contiguous", "invert": True}},
    }


def main() -> None:
    generator = random.Random(8)
    texts = goldens.TEXTS + ["".join(generator.choices(goldens.ALPHABET, k=generator.randint(2, 14))) for _ in range(120)]
    texts = [text for text in texts if "\x00" not in text] + ["<s>", "</s>x", "<unk>", "a <s> b", SPACE, f"{SPACE}{SPACE}a {SPACE}b", "<0x0A>", "\n\n", "a\n\n\nb", "swords words"]
    models = {}
    for name, (options, flags) in VARIANTS.items():
        model = train(options)
        models[name] = {"metadata": metadata(model, options, flags), "ids": [model.encode(text) for text in texts], "decoded": [model.decode(model.encode(text)) for text in texts]}
        if name == "llama":
            base = tokenizer_file(model)
    files = {}
    for name, change in changes(base).items():
        file = {**base, **change, "model": {**base["model"], **change.get("model", {})}}
        tokenizer = Tokenizer.from_str(json.dumps(file))
        ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        files[name] = {"change": change, "ids": ids, "decoded": [tokenizer.decode(row, skip_special_tokens=False) for row in ids]}
    head = json.dumps({"texts": texts, "file": base}, separators=(",", ":"))[:-1]
    rows = lambda part: ",\n".join(f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}" for name, value in part.items())
    (HERE.parent / "src" / "goldens" / "sentence-piece.json").write_text(f'{head},\n"models":{{\n{rows(models)}\n}},\n"files":{{\n{rows(files)}\n}}}}\n')


if __name__ == "__main__":
    main()
