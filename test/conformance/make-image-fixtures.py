"""Writes what Pillow and transformers' image processor (the one on Pillow) make of the files of a folder.

    python make-image-fixtures.py ../fixtures/images        (transformers 5.23.0, pillow 13.0.0, numpy 2.4.6)

For each file: its size upright, the SHA-256 of its pixels as 8-bit RGB, and for each of two processors the grid and the SHA-256 of the normalised patches.
"""
import hashlib
import importlib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "conformance-python"))
parity = importlib.import_module("compare-preprocessing")


def sha256(array):
    return hashlib.sha256(array.tobytes()).hexdigest()


def describe(path):
    _, _, _, pixels, outputs = parity.pillow(path)
    processors = {name: dict(grid=out["image_grid_thw"][0].tolist(), sha256=sha256(out["pixel_values"].astype("<f4"))) for name, out in outputs.items()}
    return dict(size=list(pixels.shape[1::-1]), sha256=sha256(pixels), processors=processors)


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    rows = {path.name: describe(path) for path in sorted(folder.iterdir()) if path.suffix in parity.ENDINGS}
    configs = {name: parity.polywen_config(fields) for name, fields in parity.CONFIGS.items()}
    (folder / "expected.json").write_text(json.dumps(dict(configs=configs, files=rows), indent=1) + "\n")
