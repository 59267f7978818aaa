"""Pictures: handwritten digits (MNIST), drawn scenes, blank pictures. All are uint8 [84, 84, 3]."""
import gzip
import hashlib
import math
import os
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import wording

SIDE = 84
TEST_SHARE = 10     # one digit in ten, by the hash of its pixels, is kept for the test

RGB = {"red": (220, 30, 30), "green": (30, 160, 50), "blue": (35, 70, 215), "yellow": (240, 215, 30), "purple": (140, 40, 170),
       "orange": (245, 130, 20)}


def read_digits(folder):
    """(images [n, 28, 28], labels [n], is_test [n]) of the IDX files."""
    with gzip.open(os.path.join(folder, "mnist-9000", "images-idx3-ubyte.gz")) as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(os.path.join(folder, "mnist-9000", "labels-idx1-ubyte.gz")) as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    test = np.array([int.from_bytes(hashlib.sha256(i.tobytes()).digest()[:4], "big") % TEST_SHARE == 0 for i in images])
    return images, labels.astype(np.int64), test


def fit(image):
    """What the processor does to a square picture."""
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def digit_picture(rng, image):
    """One handwritten digit, moved, turned, recoloured."""
    canvas = 28 if rng.random() < 0.75 else int(rng.integers(26, 57))
    pen = Image.fromarray(image)
    angle, scale = math.radians(rng.uniform(-13, 13)), rng.uniform(0.84, 1.16)
    shear, (dx, dy) = rng.uniform(-0.15, 0.15), rng.uniform(-2, 2, 2) * canvas / 28
    c, s, m = math.cos(angle) / scale, math.sin(angle) / scale, canvas / 2
    a, b, d, e = c + s * shear, s, -s + c * shear, c
    pen = pen.transform((canvas, canvas), Image.Transform.AFFINE,
                        (a, b, 14 - a * (m + dx) - b * (m + dy), d, e, 14 - d * (m + dx) - e * (m + dy)), Image.Resampling.BICUBIC)
    if rng.random() < 0.25:
        pen = pen.resize((canvas * 2, canvas * 2), Image.Resampling.BICUBIC)
        pen = pen.filter(ImageFilter.MaxFilter(3) if rng.random() < 0.5 else ImageFilter.MinFilter(3))
    ink = fit(pen)[..., None].astype(np.float32) / 255
    return paint(rng, ink)


def paint(rng, ink):
    """Ink (0..1) in a colour on a ground: mostly white on black as in MNIST, also dark on light and coloured."""
    style = rng.random()
    if style < 0.7:
        pen, ground = np.full(3, 255.0), np.zeros(3)
    elif style < 0.88:
        pen, ground = np.full(3, rng.uniform(0, 60)), np.full(3, rng.uniform(200, 255))
    else:
        while True:
            pen, ground = rng.uniform(0, 255, 3), rng.uniform(0, 255, 3)
            if abs(float((pen - ground) @ (0.3, 0.6, 0.1))) > 90:
                break
    return noisy(rng, ground + (pen - ground) * ink, 0.25, 14)


def noisy(rng, pixels, chance, most):
    if rng.random() < chance:
        pixels = pixels + rng.normal(0, rng.uniform(1, most), pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


# Shapes that no test asks for. They come in all colours, so that colours are learned apart from shapes.
DECOYS = ["bar", "blob", "cross", "half disc", "ring"]


@dataclass
class Thing:
    colour: str
    shape: str              # one of wording.SHAPES or of DECOYS
    x: float        # centre, 0..1
    y: float
    size: float     # radius, 0..1
    rgb: tuple | None = None    # a colour without a name in place of `colour` ...
    stripes: tuple | None = None    # ... striped with another one

    @property
    def side(self):
        return "left" if self.x < 0.5 else "right"

    @property
    def name(self):
        return f"{self.colour} {self.shape}"


def pick_things(rng, n, held_out=False):
    """n things, no colour and no shape twice, from left to right. held_out: at least one pair that training never shows."""
    while True:
        colours = rng.permutation(wording.COLOURS)[:n]
        shapes = rng.permutation(wording.SHAPES)[:n]
        pairs = list(zip(map(str, colours), map(str, shapes)))
        hidden = sum(p in wording.HELD_OUT_PAIRS for p in pairs)
        if (hidden > 0) == held_out:
            break
    if n == 1:
        places = [(rng.uniform(0.22, 0.78), rng.uniform(0.22, 0.78))]
        if abs(places[0][0] - 0.5) < 0.1:       # clearly left or clearly right
            places = [(places[0][0] + (0.12 if places[0][0] >= 0.5 else -0.12), places[0][1])]
    elif n == 2:
        places = [(rng.uniform(0.2, 0.33), rng.uniform(0.2, 0.8)), (rng.uniform(0.67, 0.8), rng.uniform(0.2, 0.8))]
    else:
        places = [(rng.uniform(0.16, 0.22), rng.uniform(0.2, 0.8)), (rng.uniform(0.47, 0.53), rng.uniform(0.2, 0.8)),
                  (rng.uniform(0.78, 0.84), rng.uniform(0.2, 0.8))]
    low, high = (0.15, 0.22) if n == 1 else (0.13, 0.19) if n == 2 else (0.12, 0.15)
    return [Thing(c, s, x, y, rng.uniform(low, high)) for (c, s), (x, y) in zip(pairs, places)]


def unname_colours(rng, things):
    """Gives the things any colours, so that shapes are learned apart from the colours' names; none looks like a hidden pair."""
    for thing in things:
        thing.rgb = unnamed_colour(rng, thing.shape)
        if rng.random() < 0.5:
            thing.stripes = unnamed_colour(rng, thing.shape)
    return things


def unnamed_colour(rng, shape):
    hidden = [RGB[c] for c, s in wording.HELD_OUT_PAIRS if s == shape]
    while True:
        rgb = rng.uniform(0, 255, 3)
        if rgb.max() > 90 and rgb.min() < 170 and np.ptp(rgb) > 40 and all(np.linalg.norm(rgb - h) > 90 for h in hidden):
            return tuple(rgb)


def swap_shapes(rng, things, chance):
    """Gives some things other shapes, each of them once."""
    decoys = list(rng.permutation(DECOYS))
    for thing in things:
        if rng.random() < chance:
            thing.shape = str(decoys.pop())
    return things


def outline(rng, shape):
    """(angles in degrees, radii) of the corners of a shape of radius 1; None for what has round sides."""
    if shape == "square":
        return [45, 135, 225, 315], [1.2] * 4
    if shape == "triangle":
        return [-90, 30, 150], [1.2] * 3
    if shape == "star":
        return [-90 + 36 * i for i in range(10)], [1.3, 0.55] * 5
    if shape == "bar":
        a = rng.uniform(10, 20)
        return [a, 180 - a, 180 + a, -a], [1.3] * 4
    if shape == "cross":
        a = rng.uniform(14, 20)
        return [q + d for q in (0, 90, 180, 270) for d in (-a, a, 45)], [1.25, 1.25, 1.8 * math.sin(math.radians(a))] * 4
    if shape == "blob":
        n = int(rng.integers(7, 10))
        return [(i + rng.uniform(-0.3, 0.3)) * 360 / n for i in range(n)], list(rng.uniform(0.5, 1.3, n))
    return None


def draw_thing(rng, draw, thing, scale):
    """The area of a thing, on a canvas of `scale` pixels of zeros."""
    x, y, r = thing.x * scale, thing.y * scale, thing.size * scale
    corners = outline(rng, thing.shape)
    turn = rng.uniform(-14, 14) if thing.shape in wording.SHAPES else rng.uniform(0, 360)
    if corners:
        angles = np.radians(np.array(corners[0]) + turn)
        draw.polygon([(x + r * k * math.cos(a), y + r * k * math.sin(a)) for a, k in zip(angles, corners[1])], fill=255)
    elif thing.shape == "half disc":
        draw.pieslice((x - 1.2 * r, y - 1.2 * r, x + 1.2 * r, y + 1.2 * r), turn, turn + 180, fill=255)
    else:
        draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
        if thing.shape == "ring":
            hole = r * rng.uniform(0.45, 0.65)
            draw.ellipse((x - hole, y - hole, x + hole, y + hole), fill=0)


def filling(rng, thing, scale):
    """What the area of a thing shows: its colour, or stripes of two colours without a name."""
    shade = lambda rgb: tuple(int(np.clip(v + rng.normal(0, 12), 0, 255)) for v in rgb)     # noqa: E731
    image = Image.new("RGB", (scale, scale), shade(thing.rgb or RGB[thing.colour]))
    if thing.stripes:
        angle, period = rng.uniform(0, math.pi), thing.size * scale * rng.uniform(0.4, 2)
        y, x = np.mgrid[:scale, :scale]
        band = (x * math.cos(angle) + y * math.sin(angle) + rng.uniform(0, period)) % period < period / 2
        image.paste(shade(thing.stripes), mask=Image.fromarray(band))
    return image


def scene_picture(rng, things, side=None):
    """Draws the things; `side` (pixels) is free, the processor makes 84 of it."""
    side = side or int(rng.integers(84, 200))
    scale = 3 * SIDE
    light = rng.random() < 0.7
    ground = rng.uniform(225, 255, 3) if light else rng.uniform(0, 40, 3)
    if rng.random() < 0.6:
        ground = np.full(3, 255.0 if light else 0.0)
    ground = tuple(int(v) for v in ground)
    image = Image.new("RGB", (scale, scale), ground)
    for thing in things:
        shape = Image.new("L", (scale, scale))
        draw_thing(rng, ImageDraw.Draw(shape), thing, scale)
        image.paste(filling(rng, thing, scale), mask=shape)
    image = image.resize((side, side), Image.Resampling.BOX if side <= SIDE else Image.Resampling.BILINEAR)
    return noisy(rng, fit(image).astype(np.float32), 0.25, 8)


def blank_picture(rng):
    """One grey or colour everywhere, often with faint noise."""
    kind = rng.random()
    ground = np.full(3, rng.choice([0.0, 255.0])) if kind < 0.3 else np.full(3, rng.uniform(0, 255)) if kind < 0.65 else rng.uniform(0, 255, 3)
    return noisy(rng, np.broadcast_to(ground, (SIDE, SIDE, 3)), 0.5, 10)
