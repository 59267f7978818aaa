"""Writes src/goldens/*.json: what Pillow and transformers make of small seeded images.

    python packages/vision/scripts/make-goldens.py

Made with Python 3.11, pillow 13.0.0 (libjpeg-turbo 3.2.0, libwebp 1.6.0), numpy 2.4.6, transformers 5.23.0.
"""
import base64
import hashlib
import io
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps
from transformers.image_transforms import convert_to_rgb
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

OUT = os.path.join(os.path.dirname(__file__), "..", "src", "goldens")


def noise(width, height, channels, seed):
    """A linear congruential generator that the tests repeat: full-range noise shows every rounding and every clip."""
    state, out = seed, np.empty(width * height * channels, np.uint8)
    for i in range(out.size):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = state >> 24
    return out.reshape(height, width, channels)


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def resize_goldens():
    sizes = [(1, 1, 56, 56), (2, 1, 5, 3), (3, 5, 56, 84), (7, 7, 7, 7), (13, 9, 1, 1), (13, 9, 13, 4), (13, 9, 20, 9), (28, 28, 56, 56),
             (31, 17, 97, 3), (64, 48, 63, 47), (100, 3, 28, 84), (101, 67, 84, 56), (199, 1, 420, 28), (255, 256, 112, 140),
             (300, 211, 29, 31), (500, 30, 504, 28), (640, 427, 56, 28), (1000, 700, 1008, 700), (1, 400, 28, 300),
             (12, 68, 11, 36), (12, 14, 11, 12), (12, 15, 11, 12), (40, 90, 33, 76), (40, 91, 33, 76)]
    cases = []
    for seed, (w, h, to_w, to_h) in enumerate(sizes, 1):
        out = np.array(Image.fromarray(noise(w, h, 3, seed)).resize((to_w, to_h), Image.Resampling.BICUBIC))
        cases.append({"seed": seed, "from": [w, h], "to": [to_w, to_h], "sha256": sha256(out)})
    tiny = noise(3, 2, 3, 99)
    out = np.array(Image.fromarray(tiny).resize((5, 4), Image.Resampling.BICUBIC))
    return {"cases": cases, "tiny": {"pixels": tiny.ravel().tolist(), "from": [3, 2], "to": [5, 4], "resized": out.ravel().tolist()}}


def smart_resize_goldens():
    rng = np.random.default_rng(5)
    cases = []
    for _ in range(300):
        factor = int(rng.choice([28, 32, 14]))
        low = int(rng.choice([1, 4, 16])) * factor * factor
        high = low * int(rng.choice([1, 6, 300]))
        w, h = (int(v) for v in np.exp(rng.uniform(0, 8, 2)).astype(int) + 1)
        if rng.random() < 0.3:  # quotients that end in .5
            w, h = w // 2 * factor + factor // 2, h // 2 * factor + factor // 2
        if max(w, h) / min(w, h) > 200:
            continue
        to_h, to_w = smart_resize(h, w, factor, low, high)
        cases.append([w, h, factor, low, high, to_w, to_h])
    return cases


def processor_goldens():
    clip = {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
    half = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    drawn = [((61, 47), dict(patch_size=14, merge_size=2, temporal_patch_size=2, min_pixels=3136, max_pixels=12845056, **clip)),
             ((300, 211), dict(patch_size=14, merge_size=2, temporal_patch_size=2, min_pixels=4 * 784, max_pixels=24 * 784, **clip)),
             ((1, 1), dict(patch_size=14, merge_size=2, temporal_patch_size=2, min_pixels=3136, max_pixels=12845056, **clip)),
             ((90, 130), dict(patch_size=16, merge_size=2, temporal_patch_size=2, min_pixels=1024, max_pixels=9216, **half)),
             ((50, 40), dict(patch_size=4, merge_size=3, temporal_patch_size=1, min_pixels=144, max_pixels=2000, do_rescale=False, **clip)),
             ((56, 28), dict(patch_size=14, merge_size=2, temporal_patch_size=2, min_pixels=56, max_pixels=99999, do_normalize=False, **clip)),
             ((24, 16), dict(patch_size=4, merge_size=2, temporal_patch_size=2, min_pixels=64, max_pixels=99999, do_resize=False, **half))]
    cases = []
    for seed, ((w, h), config) in enumerate(drawn, 1):
        out = Qwen2VLImageProcessorPil(**config)(images=[Image.fromarray(noise(w, h, 3, seed))], return_tensors="np")
        values = out["pixel_values"].astype("<f4")
        cases.append({"seed": seed, "size": [w, h], "config": config, "grid": out["image_grid_thw"][0].tolist(), "sha256": sha256(values),
                      "start": [float(v) for v in values.ravel()[:4]]})
    return cases


def png16(array, colour_type):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    height, width = array.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def save(image, fmt, **options):
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def oriented(image, fmt, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    return save(image, fmt, exif=exif)


def picture():
    """19 x 13 pixels: a gradient with hard edges and some noise."""
    y, x = np.mgrid[0:13, 0:19]
    base = np.stack([x * 13, y * 19, (x * y) % 256], axis=-1).astype(np.int64)
    base[3:8, 5:11] = [250, 20, 90]
    return np.clip(base + noise(19, 13, 3, 7) // 16, 0, 255).astype(np.uint8)


def swapped_primaries():
    """sRGB with red and green exchanged: applied, it would change the pixels beyond doubt."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {bytes(profile[at:at + 4]): at for at in range(132, 132 + 12 * struct.unpack(">I", profile[128:132])[0], 12)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red + 4:red + 12], profile[green + 4:green + 12] = profile[green + 4:green + 12], profile[red + 4:red + 12]
    return bytes(profile)


def image_files():
    rgb = Image.fromarray(picture())
    grey, rgba = rgb.convert("L"), rgb.convert("RGBA")
    rgba.putalpha(Image.fromarray(noise(19, 13, 1, 3)[..., 0]))
    words = lambda channels: np.concatenate([noise(19, 13, channels, 11)[..., None], noise(19, 13, channels, 12)[..., None]], -1).view(">u2")[..., 0]
    files = {
        "rgb.png": save(rgb, "PNG"), "grey.png": save(grey, "PNG"), "bits.png": save(rgb.convert("1"), "PNG"),
        "palette.png": save(rgb.quantize(32), "PNG"), "palette-transparent.png": save(rgb.quantize(32), "PNG", transparency=5),
        "rgba.png": save(rgba, "PNG"), "palette-alpha.png": save(rgba.quantize(32), "PNG"),
        "grey-alpha.png": save(Image.merge("LA", (grey, rgba.getchannel("A"))), "PNG"),
        "rgb-transparent.png": save(rgb, "PNG", transparency=(250, 20, 90)), "grey-transparent.png": save(grey, "PNG", transparency=100),
        "rgb16.png": png16(words(3), 2), "rgba16.png": png16(words(4), 6), "grey-alpha16.png": png16(words(2), 4), "grey16.png": png16(words(1), 0),
        "profile.png": save(rgb, "PNG", icc_profile=swapped_primaries()), "orientation6.png": oriented(rgb, "PNG", 6),
        "palette.gif": save(rgb.quantize(32), "GIF"), "transparent.gif": save(rgb.quantize(32), "GIF", transparency=5),
        "animation.gif": save(rgb.quantize(32), "GIF", save_all=True, append_images=[ImageOps.invert(rgb).quantize(32)] * 3),
        "animation.webp": save(rgb, "WEBP", save_all=True, append_images=[ImageOps.invert(rgb)] * 3, lossless=True),
        "animation.png": save(rgb, "PNG", save_all=True, append_images=[ImageOps.invert(rgb)] * 3),
        "lossless.webp": save(rgba, "WEBP", lossless=True, exact=True), "lossy.webp": save(rgb, "WEBP", quality=80), "alpha.webp": save(rgba, "WEBP", quality=80),
        "rgb.tiff": save(rgb, "TIFF"), "lzw.tiff": save(rgb, "TIFF", compression="tiff_lzw"), "cmyk.tiff": save(rgb.convert("CMYK"), "TIFF"),
        "grey.jpg": save(grey, "JPEG", quality=80), "cmyk.jpg": save(rgb.convert("CMYK"), "JPEG", quality=90),
        "progressive.jpg": save(rgb, "JPEG", quality=80, progressive=True), "profile.jpg": save(rgb, "JPEG", quality=90, icc_profile=swapped_primaries()),
        "full-chroma.avif": save(rgb, "AVIF", quality=90, subsampling="4:4:4"),
    }
    for subsampling in (0, 1, 2):
        files[f"subsampling{subsampling}.jpg"] = save(rgb, "JPEG", quality=85, subsampling=subsampling)
    for orientation in range(1, 9):
        files[f"orientation{orientation}.jpg"] = oriented(rgb, "JPEG", orientation)
    return files


def animations():
    """Frames of which some are stored as changes; pages of other sizes and kinds."""
    rgb = Image.fromarray(picture())
    moved = [Image.fromarray(np.roll(picture(), shift, axis=1)) for shift in (0, 2, 5)]
    patched = [rgb.copy() for _ in range(4)]
    for index, frame in enumerate(patched):
        frame.paste((10 * index, 200, 90), (2 + 3 * index, 4, 8 + 3 * index, 9))
    sparse = [frame.quantize(16) for frame in moved]
    alpha = [Image.merge("RGBA", (*frame.split(), Image.fromarray(noise(19, 13, 1, 20 + index)[..., 0] & 128))) for index, frame in enumerate(moved)]
    gif = lambda frames, **options: save(frames[0], "GIF", save_all=True, append_images=frames[1:], **options)
    return {
        "moved.gif": gif([frame.quantize(32) for frame in moved], duration=[40, 120, 100], loop=0),
        "patched.gif": gif(patched, duration=50), "kept.gif": gif(patched, duration=50, disposal=1),
        "cleared.gif": gif(sparse, duration=50, disposal=2, transparency=3), "previous.gif": gif(sparse, duration=50, disposal=3, transparency=3),
        "moved.webp": save(moved[0], "WEBP", save_all=True, append_images=moved[1:], lossless=True, duration=[30, 60, 90]),
        "alpha.webp": save(alpha[0], "WEBP", save_all=True, append_images=alpha[1:], lossless=True, exact=True, duration=70),
        "pages.tiff": save(rgb, "TIFF", save_all=True, append_images=[rgb.resize((7, 9)), rgb.convert("L"), rgb.convert("CMYK"), rgb.quantize(8)]),
    }


def frame_goldens():
    cases = {}
    for name, data in animations().items():
        frames = []
        image = Image.open(io.BytesIO(data))
        durations = []
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            durations.append(image.info.get("duration"))
            rgb = convert_to_rgb(image.copy(), return_numpy=True)
            frames.append({"width": rgb.shape[1], "height": rgb.shape[0], "rgb": base64.b64encode(rgb.tobytes()).decode()})
        cases[name] = {"file": base64.b64encode(data).decode(), "frames": frames, **({} if name.endswith("tiff") else {"durations": durations})}
    return cases


def decode_goldens():
    cases = {}
    for name, data in image_files().items():
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        rgb = convert_to_rgb(image, return_numpy=True)
        cases[name] = {"file": base64.b64encode(data).decode(), "width": rgb.shape[1], "height": rgb.shape[0], "rgb": base64.b64encode(rgb.tobytes()).decode()}
    return cases


def main():
    os.makedirs(OUT, exist_ok=True)
    goldens = {"resize-bicubic": resize_goldens(), "smart-resize": smart_resize_goldens(), "image-processor": processor_goldens(), "decode-image": decode_goldens(),
               "decode-frames": frame_goldens()}
    for name, value in goldens.items():
        with open(os.path.join(OUT, f"{name}.json"), "w") as file:
            json.dump(value, file, separators=(",", ":"))
            file.write("\n")


main()
