"""Turns a GGUF of architecture qwen2 into a Hugging Face folder with bf16 weights.

    python dequantize.py model.gguf folder

The folder can be read by transformers and by Polywen, so that one can judge the other on the very same numbers.
"""
import argparse
import json
import math
import pathlib
import struct

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, dequantize
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

# tokenizer.ggml.token_type
CONTROL, USER_DEFINED, UNUSED = 3, 4, 5
QWEN2_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

LAYER_TENSORS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
TOP_TENSORS = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight", "output.weight": "lm_head.weight"}


class Gguf:
    """Keys and tensors of a GGUF file."""

    def __init__(self, path):
        reader = GGUFReader(path)
        self.fields = reader.fields
        self.tensors = {tensor.name: tensor for tensor in reader.tensors}

    def key(self, name, default=None):
        if name in self.fields:
            return self.fields[name].contents()
        return default

    def need(self, name):
        value = self.key(name)
        if value is None:
            raise SystemExit(f"The key {name} is missing.")
        return value

    def shape(self, name):
        """As safetensors has it: outermost first."""
        return [int(size) for size in reversed(self.tensors[name].shape)]

    def values(self, name, rows=slice(None)):
        tensor = self.tensors[name]
        return dequantize(tensor.data[rows], tensor.tensor_type).astype(np.float32, copy=False)

    def bits_per_weight(self, name):
        tensor = self.tensors[name]
        return 8 * tensor.n_bytes / tensor.n_elements


def single(value):
    """GGUF stores floats in 32 bits; JSON should say 1e-06, not 9.999999974752427e-07."""
    return float(str(np.float32(value)))


def head_is_embedding(file):
    """llama.cpp stores the one matrix of a tied model twice, in two precisions."""
    if "output.weight" not in file.tensors:
        return True
    rows = slice(0, 1024)
    head, embedding = file.values("output.weight", rows), file.values("token_embd.weight", rows)
    return np.linalg.norm(head - embedding) < 0.2 * np.linalg.norm(head)


def tensor_names(file, tied):
    """Name in the folder -> name in the file. Of a matrix stored twice, the more precise copy."""
    names = {}
    for source in file.tensors:
        if source in TOP_TENSORS:
            names[TOP_TENSORS[source]] = source
            continue
        block, layer, name, suffix = (source.split(".") + [""] * 4)[:4]
        if block != "blk" or name not in LAYER_TENSORS:
            raise SystemExit(f"The tensor {source} does not belong to a qwen2 model.")
        names[f"model.layers.{layer}.{LAYER_TENSORS[name]}.{suffix}"] = source
    if tied and "lm_head.weight" in names:
        names["model.embed_tokens.weight"] = max(("token_embd.weight", "output.weight"), key=file.bits_per_weight)
        del names["lm_head.weight"]
    return names


def bfloat16(values):
    """Rounds to nearest, ties to even."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def write_safetensors(path, file, names):
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, source in names.items():
        shape = file.shape(source)
        begin, end = end, end + 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for source in names.values():
            out.write(bfloat16(file.values(source)).tobytes())
    return end


def rope_scaling(file):
    kind = file.key("qwen2.rope.scaling.type", "none")
    if kind == "none":
        return None
    if kind not in ("linear", "yarn"):
        raise SystemExit(f"Rotary scaling of type {kind} is not known for qwen2.")
    factor = single(file.need("qwen2.rope.scaling.factor"))
    scaling = {"rope_type": kind, "factor": factor}
    if kind == "yarn":
        original = file.key("qwen2.rope.scaling.original_context_length")
        attention = file.key("qwen2.rope.scaling.attn_factor", 1.0)
        if original is not None:
            scaling["original_max_position_embeddings"] = int(original)
        # llama.cpp multiplies its factor with YaRN's own; in config.json attention_factor replaces it.
        if attention != 1.0:
            scaling["attention_factor"] = attention * (0.1 * math.log(factor) + 1)
        scaling["beta_fast"] = single(file.key("qwen2.rope.scaling.yarn_beta_fast", 32.0))
        scaling["beta_slow"] = single(file.key("qwen2.rope.scaling.yarn_beta_slow", 1.0))
    return scaling


def model_config(file, tied):
    context = int(file.need("qwen2.context_length"))
    heads = int(file.need("qwen2.attention.head_count"))
    width = int(file.need("qwen2.embedding_length"))
    key_length = int(file.key("qwen2.attention.key_length", width // heads))
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "vocab_size": file.shape("token_embd.weight")[0],
        "hidden_size": width,
        "intermediate_size": int(file.need("qwen2.feed_forward_length")),
        "num_hidden_layers": int(file.need("qwen2.block_count")),
        "num_attention_heads": heads,
        "num_key_value_heads": int(file.key("qwen2.attention.head_count_kv", heads)),
        **({} if key_length * heads == width else {"head_dim": key_length}),
        "hidden_act": "silu",
        "max_position_embeddings": context,
        "rms_norm_eps": single(file.need("qwen2.attention.layer_norm_rms_epsilon")),
        "rope_theta": single(file.key("qwen2.rope.freq_base", 10000.0)),
        "rope_scaling": rope_scaling(file),
        "use_sliding_window": False,
        "tie_word_embeddings": tied,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "use_cache": True,
        "bos_token_id": file.key("tokenizer.ggml.bos_token_id"),
        "eos_token_id": file.key("tokenizer.ggml.eos_token_id"),
        "torch_dtype": "bfloat16",
    }


def generation_config(file):
    """Greedy, as the file says nothing else. A chat model also ends at the end of a document."""
    tokens = file.need("tokenizer.ggml.tokens")
    ends = [file.need("tokenizer.ggml.eos_token_id")]
    if "<|endoftext|>" in tokens and (document_end := tokens.index("<|endoftext|>")) not in ends:
        ends.append(document_end)
    return {
        "bos_token_id": file.key("tokenizer.ggml.bos_token_id"),
        "eos_token_id": ends,
        "pad_token_id": file.key("tokenizer.ggml.padding_token_id"),
        "do_sample": False,
    }


def tokenizer(file):
    """The byte-level BPE of Qwen2. Rows that only pad the vocabulary get no token."""
    if (file.need("tokenizer.ggml.model"), file.key("tokenizer.ggml.pre")) != ("gpt2", "qwen2"):
        raise SystemExit("The tokenizer is not the byte-level BPE of Qwen2.")
    tokens, types = file.need("tokenizer.ggml.tokens"), file.need("tokenizer.ggml.token_type")
    added = [id for id, kind in enumerate(types) if kind in (CONTROL, USER_DEFINED)]
    plain = {token: id for id, (token, kind) in enumerate(zip(tokens, types)) if kind not in (CONTROL, USER_DEFINED, UNUSED)}
    if added != list(range(len(plain), len(plain) + len(added))):
        raise SystemExit("Special tokens are expected to follow the vocabulary without gaps.")
    merges = [tuple(merge.split(" ")) for merge in file.need("tokenizer.ggml.merges")]
    built = Tokenizer(models.BPE(vocab=plain, merges=merges, byte_fallback=False))
    built.normalizer = normalizers.NFC()
    built.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    built.decoder = decoders.ByteLevel()
    for id in added:
        built.add_tokens([AddedToken(tokens[id], special=types[id] == CONTROL, normalized=False)])
        if built.token_to_id(tokens[id]) != id:
            raise SystemExit(f"The special token {tokens[id]} cannot keep its id {id}.")
    return built


def tokenizer_config(file, context):
    tokens = file.need("tokenizer.ggml.tokens")
    padding = file.key("tokenizer.ggml.padding_token_id")
    template = file.key("tokenizer.chat_template")
    return {
        "tokenizer_class": "Qwen2Tokenizer",
        "add_prefix_space": False,
        "add_bos_token": False,
        "bos_token": None,
        "eos_token": tokens[file.need("tokenizer.ggml.eos_token_id")],
        "pad_token": None if padding is None else tokens[padding],
        "unk_token": None,
        "errors": "replace",
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": False,
        "model_max_length": context,
        **({} if template is None else {"chat_template": template}),
    }


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    arguments = argparse.ArgumentParser(description="Turns a GGUF of architecture qwen2 into a Hugging Face folder with bf16 weights.")
    arguments.add_argument("gguf")
    arguments.add_argument("folder", type=pathlib.Path)
    options = arguments.parse_args()
    file = Gguf(options.gguf)
    if file.key("general.architecture") != "qwen2":
        raise SystemExit(f"The architecture is {file.key('general.architecture')}, not qwen2.")
    tied = bool(head_is_embedding(file))
    config = model_config(file, tied)
    options.folder.mkdir(parents=True, exist_ok=True)
    write_json(options.folder / "config.json", config)
    write_json(options.folder / "generation_config.json", generation_config(file))
    write_json(options.folder / "tokenizer_config.json", tokenizer_config(file, config["max_position_embeddings"]))
    tokenizer(file).save(str(options.folder / "tokenizer.json"))
    names = tensor_names(file, tied)
    size = write_safetensors(options.folder / "model.safetensors", file, names)
    kinds = sorted({GGMLQuantizationType(file.tensors[source].tensor_type).name for source in names.values()})
    print(f"{options.folder}: {len(names)} tensors ({', '.join(kinds)} -> BF16), {size / 2**20:.0f} MiB, {'tied' if tied else 'separate'} head")


if __name__ == "__main__":
    main()
