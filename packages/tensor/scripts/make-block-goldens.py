"""Writes src/goldens/blocks.json: stored blocks of every quantised format, and what the gguf package dequantises them to
(numpy those that GGUF does not have).

    python make-block-goldens.py ../src/goldens/blocks.json

For each format: blocks that the package quantised from normal numbers (where it can), blocks of random bytes with
ordinary scales, and blocks of random bytes with extreme ones: zeros of both signs, the smallest subnormals, the largest
numbers, infinity, NaN. Bytes and little-endian f32 values are in base64.
"""
import base64
import json
import sys

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants
from gguf.constants import GGML_QUANT_SIZES

random = np.random.default_rng(4)

# Byte offsets of f16 numbers in a block.
HALVES = {
    "q4_0": [0], "q4_1": [0, 2], "q5_0": [0], "q5_1": [0, 2], "q8_0": [0], "iq4_nl": [0], "mxfp4": [],
    "q2_k": [80, 82], "q3_k": [108], "q4_k": [0, 2], "q5_k": [0, 2], "q6_k": [208],
}
EXTREMES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x7BFF, 0xFBFF, 0x7C00, 0x7E00]


def random_blocks(count, size, halves, patterns):
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for row in range(count):
        for at, half in enumerate(halves):
            blocks[row, half : half + 2] = np.array([patterns[(row + 4 * at) % len(patterns)]], np.uint16).view(np.uint8)
    return blocks


def blocks_of(name):
    kind = Type[name.upper()]
    values, size = GGML_QUANT_SIZES[kind]
    parts = []
    try:
        parts.append(quants.quantize(random.standard_normal((1, 2 * values)).astype(np.float32), kind).reshape(2, size))
    except NotImplementedError:
        pass
    ordinary = random.standard_normal(2).astype(np.float16).view(np.uint16)
    parts.append(random_blocks(2, size, HALVES[name], ordinary))
    extreme = random_blocks(len(EXTREMES), size, HALVES[name], EXTREMES)
    if name == "mxfp4":
        extreme[:, 0] = [0, 1, 2, 3, 126, 127, 128, 254, 255]
    parts.append(extreme)
    return np.concatenate(parts), kind


def blocks_of_zero_points():
    """q4_z: scale, zero point, nibbles as in q4_0; exact but for one subtraction."""
    zeros = np.array([0, 8, 15, 16], np.float16).view(np.uint16)
    ordinary = random_blocks(4, 20, [0], random.standard_normal(2).astype(np.float16).view(np.uint16))
    ordinary[:, 2:4] = zeros.view(np.uint8).reshape(-1, 2)
    blocks = np.concatenate([ordinary, random_blocks(len(EXTREMES), 20, [0, 2], EXTREMES)])
    scale, zero = (blocks[:, at : at + 2].copy().view(np.float16).astype(np.float32) for at in (0, 2))
    codes = np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1).astype(np.float32)
    return blocks, scale * codes - scale * zero


def encoded(array):
    return base64.b64encode(array.tobytes()).decode()


goldens = {}
with np.errstate(all="ignore"):
    for name in HALVES:
        blocks, kind = blocks_of(name)
        goldens[name] = {"bytes": encoded(blocks), "values": encoded(quants.dequantize(blocks, kind).astype("<f4"))}
    blocks, values = blocks_of_zero_points()
    goldens["q4_z"] = {"bytes": encoded(blocks), "values": encoded(values.astype("<f4"))}
with open(sys.argv[1], "w") as file:
    file.write(json.dumps(goldens).replace('"values"', '\n"values"').replace("}, ", "},\n") + "\n")
