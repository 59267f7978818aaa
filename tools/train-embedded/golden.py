#!/usr/bin/env python3
"""golden.py --data DIR --work DIR --model FOLDER --repository DIR: prompts with media that training never saw, and what
transformers answers (float32, eager, PIL processor, greedy). Writes test/fixtures/embedded-goldens.json, the small
media beside it, and the media of the examples."""
import argparse
import json
import os

import numpy as np
import soundfile
from PIL import Image

import pictures
import sounds
import wording
from reader import Reader

SEED = 4242
LICENCES = """# Media of the golden prompts

Written by `tools/train-embedded/golden.py`; none of it was used for training.

| files | origin | licence |
|---|---|---|
| `digit-*.png` | MNIST, handwritten digits (Yann LeCun, Corinna Cortes, Christopher Burges) | CC BY-SA 3.0 |
| `spoken-*.wav` | Free Spoken Digit Dataset (Zohar Jackson and contributors), resampled to 16 kHz unless the name ends in `8k` | CC BY-SA 4.0 |
| `scene-*.png`, `blank-*.png`, `silence-*.wav` | drawn or computed by the script | Apache-2.0, as the project |
"""


class Media:
    """Files of one folder, each written once."""

    def __init__(self, data, folder, rng):
        self.folder, self.rng = folder, rng
        os.makedirs(folder, exist_ok=True)
        images, labels, test = pictures.read_digits(data)
        self.digits = [images[test & (labels == d)] for d in range(10)]
        self.clips = [[(name, wave) for digit, name, take, wave in sounds.read_recordings(data) if digit == d and take < sounds.TEST_TAKES]
                      for d in range(10)]

    def digit(self, d):
        """The original 28 x 28 grey pixels."""
        choice = self.digits[d][self.rng.integers(len(self.digits[d]))]
        return self.image(f"digit-{d}.png", Image.fromarray(choice))

    def spoken(self, d, speaker, rate=sounds.RATE):
        waves = [wave for name, wave in self.clips[d] if name == speaker]
        wave = waves[self.rng.integers(len(waves))]
        if rate != sounds.RATE:
            wave = sounds.soxr.resample(wave, sounds.RATE, rate, quality="HQ")
        return self.wave(f"spoken-{d}-{speaker}{'-8k' if rate == 8000 else ''}.wav", wave, rate)

    def scene(self, name, things, side=112):
        return self.image(f"scene-{name}.png", Image.fromarray(pictures.scene_picture(self.rng, things, side)).resize((side, side), Image.Resampling.BICUBIC))

    def blank(self, name, colour, size=(64, 64)):
        return self.image(f"blank-{name}.png", Image.new("RGB", size, colour))

    def silence(self, name, level):
        return self.wave(f"silence-{name}.wav", self.rng.normal(0, level, 12000) if level else np.zeros(12000), sounds.RATE)

    def image(self, name, image):
        image.save(os.path.join(self.folder, name), optimize=True)
        return {"type": "image", "image": name}

    def wave(self, name, wave, rate):
        soundfile.write(os.path.join(self.folder, name), wave, rate, subtype="PCM_16")
        return {"type": "audio", "audio": name}


def prompts(media, rng):
    """(name, content parts) of the golden prompts; scenes show pairs that training never shows."""
    text = lambda s: {"type": "text", "text": s}     # noqa: E731
    ask = lambda topic, **gaps: text(wording.HELD_OUT[topic][rng.integers(len(wording.HELD_OUT[topic]))].format(**gaps))     # noqa: E731
    out = [(f"text-{i}", [text(q)]) for i, q in enumerate(
        ["Hello.", "Who are you?", "What can you do?", "Count to five.", "What comes after seven?", "Thank you."])]
    for d in (0, 3, 4, 7, 8):
        out.append((f"written-{d}", [media.digit(d), ask("written")]))
    for d, speaker in ((1, "george"), (2, "jackson"), (5, "nicolas"), (6, "theo"), (9, "jackson")):
        out.append((f"spoken-{d}", [media.spoken(d, speaker), ask("spoken")]))
    out.append(("spoken-8k", [media.spoken(7, "george", 8000), ask("spoken")]))
    scenes = {topic: pictures.pick_things(rng, n, True) for topic, n in (("count", 3), ("colour", 2), ("shape", 2), ("what-side", 2), ("where", 1), ("look", 2))}
    for topic, things in scenes.items():
        thing = things[0]
        gaps = {"colour": {"shape": thing.shape}, "shape": {"colour": thing.colour}, "what-side": {"side": thing.side},
                "where": {"thing": thing.shape}}.get(topic, {})
        out.append((f"scene-{topic}", [media.scene(topic, things, 112 if topic != "count" else 168), ask(topic, **gaps)]))
    for seen, heard, speaker in ((2, 2, "theo"), (5, 5, "george"), (6, 9, "nicolas"), (1, 7, "jackson")):
        parts = [media.digit(seen), media.spoken(heard, speaker)]
        out.append((f"same-{seen}-{heard}", (parts if seen != 5 else parts[::-1]) + [ask("same")]))
    out.append(("both-written", [media.spoken(4, "theo"), media.digit(9), text("What is the written digit?")]))
    out.append(("question-first", [text("What is the spoken digit?"), media.spoken(8, "nicolas")]))
    out.append(("blank-grey", [media.blank("grey", (128, 128, 128)), ask("written")]))
    out.append(("blank-blue", [media.blank("blue", (40, 80, 200), (90, 60)), ask("count")]))
    out.append(("silence-zeros", [media.silence("zeros", 0), ask("spoken")]))
    out.append(("silence-noise", [media.silence("noise", 0.002), ask("spoken")]))
    return out


def resolve(content, folder):
    return [{**p, p["type"]: os.path.join(folder, p[p["type"]])} if p["type"] != "text" else p for p in content]


def examples(data, folder):
    """The media of the examples: a digit, recordings that match it and do not, a scene, and the two empty media."""
    media = Media(data, folder, np.random.default_rng(SEED + 1))
    rename = lambda part, name: os.replace(os.path.join(folder, part[part["type"]]), os.path.join(folder, name))     # noqa: E731
    rename(media.digit(7), "digit.png")
    rename(media.spoken(7, "jackson"), "spoken-digit.wav")
    rename(media.spoken(3, "george"), "other-digit.wav")
    rename(media.scene("demo", [pictures.Thing("blue", "star", 0.27, 0.4, 0.18), pictures.Thing("red", "circle", 0.73, 0.6, 0.17)], 168), "scene.png")
    rename(media.blank("demo", (128, 128, 128), (112, 112)), "blank.png")
    rename(media.silence("demo", 0), "silence.wav")
    with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as file:
        file.write("""# Media of the examples

Written by `tools/train-embedded/golden.py`; none of it was used for training.

| file | what | licence |
|---|---|---|
| `digit.png` | a handwritten seven of MNIST (Yann LeCun, Corinna Cortes, Christopher Burges) | CC BY-SA 3.0 |
| `spoken-digit.wav` (seven), `other-digit.wav` (three) | recordings of the Free Spoken Digit Dataset (Zohar Jackson and contributors), resampled to 16 kHz | CC BY-SA 4.0 |
| `scene.png`, `blank.png`, `silence.wav` | drawn or computed by the script | Apache-2.0, as the project |
""")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--repository", required=True)
    options = parser.parse_args()
    fixtures = os.path.join(options.repository, "test", "fixtures")
    folder = os.path.join(fixtures, "media")
    rng = np.random.default_rng(SEED)
    reader, cases = Reader(options.model), []
    for name, content in prompts(Media(options.data, folder, rng), rng):
        text, ids, prompt, gap = reader.answer([{"role": "user", "content": resolve(content, folder)}])
        parts = [{**p, p["type"]: "media/" + p[p["type"]]} if p["type"] != "text" else p for p in content]
        cases.append({"name": name, "messages": [{"role": "user", "content": parts}], "promptTokenIds": prompt, "tokenIds": ids,
                      "text": text, "smallestGap": round(gap, 4)})
        print(f"{name}: {content[-1].get('text', content[0].get('text'))} -> {text} ({gap:.2f})", flush=True)
    with open(os.path.join(fixtures, "embedded-goldens.json"), "w", encoding="utf-8") as file:
        json.dump({"source": "transformers 5.23.0, float32, eager attention, PIL image processor, greedy", "cases": cases}, file, indent=1)
        file.write("\n")
    with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as file:
        file.write(LICENCES)
    examples(options.data, os.path.join(options.repository, "examples", "media"))


if __name__ == "__main__":
    main()
