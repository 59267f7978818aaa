"""Writes GGUF files without weights, for compare-tokens.mjs.

    python make-vocabularies.py BYTE_LEVEL.gguf TEXT OUT_FOLDER        (needs `gguf` and `sentencepiece`)

One copy of the vocabulary of BYTE_LEVEL.gguf for every pre-tokenizer that Polywen knows (the vocabulary does not fit their rules,
which does not matter for comparing them), and SentencePiece models of BPE trained on TEXT with several options.
"""
import io
import pathlib
import sys

import gguf
import sentencepiece

PRE = (
    "default gpt-2 phi-2 mpt olmo exaone4 gigachat a.x-4.0 mellum trillion granite-docling jina-es jina-de jais smollm starcoder refact "
    "command-r codeshell exaone minerva-7b qwen2 deepseek-r1-qwen stablelm2 megrez hunyuan qwen35 dbrx smaug-bpe glm4 chatglm-bpe "
    "llama3 llama-v3 llama-bpe falcon3 pixtral lfm2 falcon deepseek-v3 hunyuan-dense gpt-4o llama4 tekken"
).split()


def write(path: pathlib.Path, fields: dict) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_uint32("llama.vocab_size", len(fields["tokens"]))
    for key in ("context_length", "embedding_length", "feed_forward_length", "block_count", "attention.head_count"):
        writer.add_uint32(f"llama.{key}", 32)
    writer.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
    writer.add_tokenizer_model(fields["model"])
    if "pre" in fields:
        writer.add_tokenizer_pre(fields["pre"])
    writer.add_token_list(fields["tokens"])
    writer.add_token_types(fields["types"])
    if "scores" in fields:
        writer.add_token_scores(fields["scores"])
    if "merges" in fields:
        writer.add_token_merges(fields["merges"])
    for key, value in fields.get("flags", {}).items():
        writer.add_bool(f"tokenizer.ggml.{key}", value)
    for key, value in fields.get("ids", {}).items():
        writer.add_uint32(f"tokenizer.ggml.{key}", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def byte_level(source: str, out: pathlib.Path) -> None:
    fields = {key: field.contents() for key, field in gguf.GGUFReader(source).fields.items() if key.startswith("tokenizer.ggml.")}
    base = {"model": "gpt2", "tokens": fields["tokenizer.ggml.tokens"], "types": fields["tokenizer.ggml.token_type"], "merges": fields["tokenizer.ggml.merges"]}
    base["ids"] = {key: fields[f"tokenizer.ggml.{key}"] for key in ("bos_token_id", "eos_token_id")}
    for pre in PRE:
        write(out / f"byte-level-{pre}.gguf", {**base, "pre": pre})
    write(out / "byte-level-none.gguf", base)


def sentence_pieces(text: str, out: pathlib.Path) -> None:
    variants = {
        "plain": ({}, {}),
        "no-prefix": ({"add_dummy_prefix": False}, {"add_space_prefix": False}),
        "wide": ({"split_by_whitespace": False, "vocab_size": 6000}, {}),
        "user-defined": ({"user_defined_symbols": ["<|im_end|>", "<think>", "\u2581\u2581", "\n\n"]}, {}),
        "digits": ({"split_digits": True, "character_coverage": 0.98}, {}),
    }
    for name, (options, flags) in variants.items():
        buffer = io.BytesIO()
        settings = {"vocab_size": 3000, "byte_fallback": True, "normalization_rule_name": "identity", "remove_extra_whitespaces": False, **options}
        sentencepiece.SentencePieceTrainer.train(input=text, model_type="bpe", model_writer=buffer, minloglevel=2, max_sentence_length=20000, **settings)
        model = sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())
        (out / f"sentence-piece-{name}.model").write_bytes(buffer.getvalue())
        types = []
        for token in range(model.vocab_size()):
            kind = 2 if model.is_unknown(token) else 3 if model.is_control(token) else 5 if model.is_unused(token) else 6 if model.is_byte(token) else 1
            types.append(4 if kind == 1 and model.id_to_piece(token) in options.get("user_defined_symbols", []) else kind)
        tokens = [model.id_to_piece(token).replace("\u2581", " ") if types[token] == 4 else model.id_to_piece(token) for token in range(model.vocab_size())]
        scores = [model.get_score(token) for token in range(model.vocab_size())]
        write(out / f"sentence-piece-{name}.gguf", {"model": "llama", "tokens": tokens, "types": types, "scores": scores, "flags": flags})


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    byte_level(sys.argv[1], folder)
    sentence_pieces(sys.argv[2], folder)
