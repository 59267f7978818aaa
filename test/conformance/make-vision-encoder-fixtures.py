"""Writes a tiny random DINOv2 checkpoint with what transformers makes of a picture in ../fixtures/media.

    python make-vision-encoder-fixtures.py ../fixtures        (torch 2.13.0, transformers 5.23.0, Pillow, float32, eager attention)

The crop is no square and has another number of patches than the table of positions, so that this is interpolated both ways.
"""
import json
import pathlib
import sys

import torch
from PIL import Image
from transformers import Dinov2Config, Dinov2Model
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

PROCESSOR = dict(image_processor_type="BitImageProcessor", do_resize=True, size=dict(shortest_edge=61), resample=3, do_center_crop=True, crop_size=dict(height=56, width=42),
                 do_rescale=True, rescale_factor=1 / 255, do_normalize=True, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225], do_convert_rgb=True)
PICTURE = "scene-count.png"


def main(fixtures):
    target = fixtures / "encoders" / "dinov2"
    target.mkdir(parents=True, exist_ok=True)
    config = Dinov2Config(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, mlp_ratio=2, image_size=42, patch_size=14, use_mask_token=False, attn_implementation="eager")
    model = Dinov2Model(config).eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_((noise * (0.3 if parameter.ndim == 1 else 0.15) + (1.0 if parameter.ndim == 1 else 0.0)).half())
    # In memory the class has other names than in files.
    model.half().save_pretrained(target)
    model.float()
    fields = {key: value for key, value in config.to_dict().items() if value is not None}
    (target / "config.json").write_text(json.dumps(fields, indent=1))
    (target / "preprocessor_config.json").write_text(json.dumps(PROCESSOR, indent=1))
    picture = Image.open(fixtures / "media" / PICTURE).convert("RGB")
    pixels = BitImageProcessorPil(**{key: value for key, value in PROCESSOR.items() if key != "image_processor_type"})(picture, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        rows = model(pixels).last_hidden_state[0]
    rounded = [[float(f"{value:.7g}") for value in row] for row in rows.tolist()]
    (target / "expected.json").write_text(json.dumps(dict(image=PICTURE, size=list(pixels.shape[2:]), features=rounded)))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
