"""An encoder by itself, on real media: transformers (float32, eager attention) and, if there is a graph, onnxruntime against Polywen.

    python compare-encoder.py FOLDER MEDIUM… [--onnx FILE] [--backend cpu|reference] [--threads 2] [--json FILE]

FOLDER is a checkpoint of DINOv2 in the layout of Hugging Face; a graph of it is made by bench/make-encoder-onnx.py. Both get the very
pixels that Polywen preprocessed; these are compared with those of transformers' image processor on Pillow. Exit status 1 if features differ by
more than TOLERANCE, or pixels at all. Build the packages first.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import numpy as np
from safetensors.numpy import load_file

MAIN = pathlib.Path(__file__).resolve().parents[2] / "packages" / "cli" / "dist" / "main.js"
TOLERANCE = 1e-3


def polywen(folder, medium, arguments):
    with tempfile.TemporaryDirectory() as scratch:
        files = [os.path.join(scratch, name) for name in ("in.json", "out.safetensors")]
        pathlib.Path(files[0]).write_text(json.dumps({"ids": [], "images": [os.path.abspath(medium)], "audios": [], "maxTokens": 0}))
        command = ["node", str(MAIN), "logits", folder, "--input", files[0], "--output", files[1], "--backend", arguments.backend]
        subprocess.run(command + ([] if arguments.backend == "reference" else ["--threads", str(arguments.threads)]), check=True, stdout=subprocess.DEVNULL)
        return load_file(files[1])


def picture(patches, processor, patch):
    """Patches [n, 3 · patch²] as a picture [1, 3, height, width]."""
    height, width = processor["crop_size"]["height"], processor["crop_size"]["width"]
    rows = patches.reshape(height // patch, width // patch, 3, patch, patch)
    return np.ascontiguousarray(rows.transpose(2, 0, 3, 1, 4).reshape(1, 3, height, width))


def by_transformers(folder):
    try:
        import torch
        from transformers import Dinov2Model
    except ImportError:
        return None
    model = Dinov2Model.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.no_grad():
        return lambda pixels: model(torch.from_numpy(pixels)).last_hidden_state[0].detach().numpy()


def pixels_by_pillow(medium, processor):
    try:
        from PIL import Image, ImageOps
        from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
    except ImportError:
        return None
    image = ImageOps.exif_transpose(Image.open(medium)).convert("RGB")
    return BitImageProcessorPil(**{key: value for key, value in processor.items() if key != "image_processor_type"})(image, return_tensors="np")["pixel_values"]


def by_onnxruntime(file, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(None, {"pixel_values": pixels})[0][0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("media", nargs="+")
    parser.add_argument("--onnx")
    parser.add_argument("--backend", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    config, processor = (json.loads((pathlib.Path(arguments.folder) / name).read_text()) for name in ("config.json", "preprocessor_config.json"))
    peers = {"transformers": by_transformers(arguments.folder), "onnxruntime": by_onnxruntime(arguments.onnx, arguments.threads) if arguments.onnx else None}
    results = []
    for medium in arguments.media:
        ours = polywen(arguments.folder, medium, arguments)
        pixels = picture(ours["pixel_values"], processor, config["patch_size"])
        result = {"medium": os.path.basename(medium), "rows": len(ours["image_features"]), "largest": float(np.abs(ours["image_features"]).max())}
        expected = pixels_by_pillow(medium, processor)
        if expected is not None:
            result["pixels"] = float(np.abs(expected - pixels).max())
        for name, peer in peers.items():
            if peer is not None:
                result[name] = float(np.abs(peer(pixels) - ours["image_features"]).max())
        print(json.dumps(result), flush=True)
        results.append(result)
    worst = {key: max(result.get(key, 0.0) for result in results) for key in ("pixels", "transformers", "onnxruntime")}
    print(json.dumps({"media": len(results), "worst": worst}))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({"results": results, "worst": worst}, indent=1))
    sys.exit(int(worst["pixels"] > 0 or max(worst["transformers"], worst["onnxruntime"]) > TOLERANCE))


if __name__ == "__main__":
    main()
