"""Writes the goldens of this folder with Python's safetensors and transformers: python make-goldens.py

expected.json holds dtype, shape and bytes (hexadecimal) of every tensor of python.safetensors as PyTorch sees them."""

import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, WhisperFeatureExtractor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

folder = pathlib.Path(__file__).parent
generator = torch.Generator().manual_seed(11)


def normal(*shape):
    return torch.randn(*shape, generator=generator)


tensors = {
    "model.embed_tokens.weight": normal(3, 5),
    "model.norm.weight": normal(5).to(torch.bfloat16),
    "half": normal(2, 1, 3).to(torch.float16),
    "double": normal(2).to(torch.float64),
    "positions": torch.tensor([[0, 1, -2147483648], [7, 8, 2147483647]], dtype=torch.int32),
    "long": torch.tensor([-1, 2**62]),
    "mask": torch.tensor([True, False, True]),
    "bytes": torch.arange(7, dtype=torch.uint8),
    "eight": normal(4).to(torch.float8_e4m3fn),
    "scalar": torch.tensor(1.5),
    "empty": torch.zeros(0, 4),
    "nothing": torch.zeros(2, 0, dtype=torch.bfloat16),
    "__proto__": normal(1),
    "名前/✓ \"quoted\"\n": normal(2),
}
save_file(tensors, folder / "python.safetensors", {"format": "pt", "note": "ünïcode"})
expected = {
    name: {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape),
           "hex": t.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes().hex() if t.numel() else ""}
    for name, t in tensors.items()
}
(folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")

image = Qwen2VLImageProcessorPil(min_pixels=3136, max_pixels=200_000)
audio = WhisperFeatureExtractor(feature_size=128, chunk_length=300, return_attention_mask=True)
(folder / "processor_config.json").write_text(json.dumps(
    {"feature_extractor": audio.to_dict(), "image_processor": image.to_dict(), "processor_class": "Qwen2_5OmniProcessor"}, indent=1) + "\n")
(folder / "generation_config.json").write_text(GenerationConfig(
    bos_token_id=151643, eos_token_id=[151645, 151643], pad_token_id=151643, do_sample=True, temperature=0.7, top_k=20,
    top_p=0.8, repetition_penalty=1.05, max_new_tokens=2048).to_json_string())
