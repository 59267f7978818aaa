"""A model in float32 by transformers, from a folder or from a GGUF file whose blocks it decodes itself."""
import pathlib

import torch
import transformers


def load(path, attention="sdpa"):
    path = pathlib.Path(path)
    place = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name} if path.suffix == ".gguf" else {"pretrained_model_name_or_path": path}
    return transformers.AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32, attn_implementation=attention).eval()
