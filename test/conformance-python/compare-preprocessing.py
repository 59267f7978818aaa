"""Decoding and preprocessing of real image files: Pillow and transformers' image processor (the one on Pillow) against Polywen.

    python compare-preprocessing.py FOLDER… [--limit 2000] [--json FILE]

Every image file below the folders is decoded by both and preprocessed with the published settings of Qwen2-VL and Qwen2.5-VL
(patches of 14) and of Qwen3-VL (patches of 16). Counted are grids and values that differ; files that one of the two refuses are listed with both
reasons. Exit status 1 if a grid differs, or values do for a reason that is not known and named (REASONS). Build the packages first.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import numpy as np
from PIL import Image, ImageOps
from transformers.image_transforms import convert_to_rgb
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

HERE = pathlib.Path(__file__).resolve().parent
ENDINGS = {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".gif", ".tif", ".tiff"}
CLIP = dict(image_mean=[0.48145466, 0.4578275, 0.40821073], image_std=[0.26862954, 0.26130258, 0.27577711])
# Upper bounds are lower than the published ones, so that a large file is also shrunk.
CONFIGS = {
    "patches of 14": dict(patch_size=14, merge_size=2, temporal_patch_size=2, min_pixels=3136, max_pixels=1280 * 28 * 28, **CLIP),
    "patches of 16": dict(patch_size=16, merge_size=2, temporal_patch_size=2, min_pixels=65536, max_pixels=1280 * 32 * 32, image_mean=[0.5] * 3, image_std=[0.5] * 3),
}
# Why pixels may differ, by format and mode as Pillow names them.
REASONS = {
    ("PNG", "I;16"): "16-bit grey: Polywen keeps the upper byte, Pillow clips at 255",
    ("PNG", "I"): "16-bit grey: Polywen keeps the upper byte, Pillow clips at 255",
    ("TIFF", "I;16"): "16-bit grey: Polywen keeps the upper byte, Pillow clips at 255",
    ("TIFF", "I;16B"): "16-bit grey: Polywen keeps the upper byte, Pillow clips at 255",
    ("AVIF", "RGB"): "AVIF: libheif and libavif convert and interpolate chroma differently",
    ("AVIF", "RGBA"): "AVIF: libheif and libavif convert and interpolate chroma differently",
}


TURNED_ELSEWHERE = "orientation that stands in a text chunk of ImageMagick, which only Pillow reads"
PREMULTIPLIED = "premultiplied transparency: Pillow divides 16-bit levels, rounds, and multiplies again"


def polywen_config(fields):
    camel = lambda key: "".join(part.title() if at else part for at, part in enumerate(key.split("_")))
    always = dict(type="Qwen2VLImageProcessor", doConvertRgb=True, doResize=True, resample=3, doRescale=True, rescaleFactor=1 / 255, doNormalize=True)
    return {**always, **{camel(key): value for key, value in fields.items()}}


class Polywen:
    """Polywen in a Node process of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen(["node", str(HERE / "preprocess-worker.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def preprocess(self, path):
        values = {name: str(self.folder / f"{index}.f32") for index, name in enumerate(CONFIGS)}
        configs = {name: polywen_config(fields) for name, fields in CONFIGS.items()}
        pixels = self.folder / "pixels"
        self.process.stdin.write(json.dumps(dict(path=str(path), pixels=str(pixels), configs=configs, values=values)) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            return answer
        width, height = answer["size"]
        answer["pixels"] = np.fromfile(pixels, np.uint8).reshape(height, width, 3)
        answer["values"] = {name: np.fromfile(file, "<f4") for name, file in values.items()}
        return answer


def pillow(path):
    """What transformers makes of a file; its kind is that before any conversion, and there may be a reason for a difference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image.open(path)
        kind = (image.format, image.mode)
        orientation = image.getexif().get(0x112, 1)
        reason = REASONS.get(kind)
        if orientation != 1 and "Raw profile type exif" in image.info:
            reason = TURNED_ELSEWHERE
        if image.format == "TIFF" and 1 in image.tag_v2.get(338, ()):
            reason = PREMULTIPLIED
        image = ImageOps.exif_transpose(image)
        rgb = Image.fromarray(convert_to_rgb(image, return_numpy=True))
        outputs = {name: Qwen2VLImageProcessorPil(**fields)(images=[rgb], return_tensors="np") for name, fields in CONFIGS.items()}
    return kind, orientation, reason, np.array(rgb), outputs


def compare(path, polywen):
    ours = polywen.preprocess(path)
    try:
        kind, orientation, reason, pixels, outputs = pillow(path)
    except Exception as error:  # Pillow raises many kinds for bad files
        return dict(status="both refuse" if "error" in ours else "Pillow refuses", pillow=f"{type(error).__name__}: {error}", polywen=ours.get("error"))
    row = dict(kind=" ".join(kind), orientation=orientation, size=list(pixels.shape[1::-1]))
    if "error" in ours:
        return dict(row, status="Polywen refuses", polywen=ours["error"])
    if ours["pixels"].shape != pixels.shape:
        return dict(row, status="sizes differ", polywen=ours["size"])
    apart = np.abs(ours["pixels"].astype(int) - pixels)
    row.update(differing=int((apart > 0).sum()), levels=int(pixels.size), largest=int(apart.max()), reason=reason)
    row["grids"] = all(ours["grids"][name] == out["image_grid_thw"][0].tolist() for name, out in outputs.items())
    row["patches"] = all(np.array_equal(ours["values"][name], out["pixel_values"].ravel()) for name, out in outputs.items())
    row["status"] = "grids differ" if not row["grids"] else "equal" if row["differing"] == 0 and row["patches"] else "pixels differ"
    return row


def report(rows):
    print(f"{len(rows)} files")
    for status, count in collections.Counter(row["status"] for row in rows.values()).most_common():
        print(f"  {count:5d}  {status}")
    print("\nequal, by kind:")
    kinds = collections.Counter(row["kind"] + ("" if row["orientation"] in (0, 1) else " turned") for row in rows.values() if row["status"] == "equal")
    print("  " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    for name, row in rows.items():
        if row["status"] == "pixels differ":
            print(f"  {name}: {row['kind']}, {row['differing']} of {row['levels']} levels, at most by {row['largest']}: {row['reason'] or 'UNKNOWN'}")
        elif row["status"] not in ("equal", "both refuse"):
            print(f"  {name}: {row['status']}; {row.get('kind')}; Pillow: {row.get('pillow')}; Polywen: {row.get('polywen')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--limit", type=int, default=2000, help="files at most")
    parser.add_argument("--json", type=pathlib.Path, help="write all rows")
    options = parser.parse_args()
    files = sorted(path for folder in options.folders for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())[: options.limit]
    with tempfile.TemporaryDirectory() as folder:
        polywen = Polywen(pathlib.Path(folder))
        rows = {str(path): compare(path, polywen) for path in files}
    report(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    sys.exit(any(row["status"] in ("grids differ", "sizes differ") or row["status"] == "pixels differ" and not row["reason"] for row in rows.values()))


if __name__ == "__main__":
    main()
