#!/usr/bin/env python3
"""evaluate.py --data DIR --work DIR --model FOLDER [--out FILE]: measures a checkpoint on what training never saw.

Digits are the hashed tenth of MNIST, recordings are takes 0 to 4 of each speaker (the official test part), scenes use
wordings and colour-shape pairs that no lesson contains, and all draws come from another seed. Results are fractions with their counts."""
import argparse
import json
import os
import re
import time

import numpy as np
from PIL import Image

import pictures
import sounds
import wording
from lessons import Lessons
from reader import Reader

SEED = 777


class Test:
    def __init__(self, data, work, reader):
        self.reader, self.lessons = reader, Lessons(data, work, held_out=True)
        self.rng = np.random.default_rng(SEED)
        images, labels, test = pictures.read_digits(data)
        self.digits = [(Image.fromarray(images[i]), int(labels[i])) for i in np.flatnonzero(test)]
        self.clips = [(sounds.features(sounds.log_power(wave)), digit, speaker)
                      for digit, speaker, take, wave in sounds.read_recordings(data) if take < sounds.TEST_TAKES]
        self.wrong = []

    def question(self, topic, sentences=None):
        sentences = sentences or wording.TRAIN[topic] + wording.HELD_OUT[topic]
        return sentences[self.rng.integers(len(sentences))]

    def right(self, parts, words, all_words):
        """The answer names exactly these of the words in question."""
        text = self.reader.ask(parts)
        found = {w for w in re.findall(r"[a-z]+", text.lower()) if w in all_words}
        good = found == set(words)
        if not good:
            self.wrong.append((" ".join(p if isinstance(p, str) else f"<{p[0]}>" for p in parts), " ".join(words), text))
        return good

    def refuses(self, parts):
        text = self.reader.ask(parts)
        if not text.startswith("I can't tell"):
            self.wrong.append((" ".join(p if isinstance(p, str) else f"<{p[0]}>" for p in parts), "refusal", text))
        return text.startswith("I can't tell")

    def arranged(self, picture, recording, question):
        return self.lessons.arrange(self.rng, picture, recording, question)

    # -- the measures -------------------------------------------------------------------------------------------------
    def written(self, sentences=wording.TRAIN["written"]):
        return [self.right(self.arranged(image, None, self.question("written", sentences)), [wording.DIGITS[d]], wording.DIGITS)
                for image, d in self.digits]

    def written_reworded(self):
        return self.written(wording.HELD_OUT["written"])

    def written_mixed(self):
        return self.written(wording.TRAIN["written"] + wording.HELD_OUT["written"])

    def spoken(self, clips=None):
        return [self.right(self.arranged(None, mel, self.question("spoken")), [wording.DIGITS[d]], wording.DIGITS)
                for mel, d, _ in clips or self.clips]

    def same(self, n=100):
        out = []
        for i in range(2 * n):
            mel, heard, _ = self.clips[i % len(self.clips)]
            fitting = [(p, d) for p, d in self.digits if (d == heard) == (i < n)]
            image, _ = fitting[self.rng.integers(len(fitting))]
            out.append(self.right(self.arranged(image, mel, self.question("same")), ["yes" if i < n else "no"], ["yes", "no"]))
        return out

    def scene(self, topic, n=150):
        words = {"count": ["one", "two", "three"], "colour": wording.COLOURS, "shape": wording.SHAPES,
                 "what-side": wording.COLOURS + wording.SHAPES, "where": ["left", "right"]}[topic]
        out = []
        for _ in range(n):
            picture, question, answer = self.lessons.scene(self.rng, topic)
            truth = [w for w in re.findall(r"[a-z]+", answer.lower()) if w in words]
            out.append(self.right(self.arranged(picture, None, question), truth, words))
        return out

    def blank(self, n=120):
        out = []
        for _ in range(n):
            topic, gaps = self.lessons.any_topic(self.rng, "blank")
            topic = "written" if topic == "same" else topic
            out.append(self.refuses(self.arranged(pictures.blank_picture(self.rng), None, self.lessons.ask(self.rng, topic, **gaps))))
        return out

    def silent(self, n=120):
        return [self.refuses(self.arranged(None, sounds.silence(self.rng, 200), self.question(str(self.rng.choice(["spoken", "listen"])))))
                for _ in range(n)]

    def swapped(self, n=50):
        """The very same words, first with one medium and then with another: both answers are right."""
        out = []
        for topic, media in (("written", [(("image", p), d) for p, d in self.digits]), ("spoken", [(("audio", m), d) for m, d, _ in self.clips])):
            for _ in range(n):
                first, second = (media[i] for i in self.rng.permutation(len(media))[:2])
                question = self.question(topic)
                if first[1] != second[1]:
                    out.append(all([self.right([medium, question], [wording.DIGITS[d]], wording.DIGITS) for medium, d in (first, second)]))
        return out


def measure(test, names):
    out = {}
    for name in names:
        started = time.time()
        results = test.scene(name.split("/")[1]) if name.startswith("scene/") else getattr(test, name)()
        out[name] = {"accuracy": round(float(np.mean(results)), 4), "right": int(np.sum(results)), "of": len(results)}
        print(f"{name}: {out[name]['right']}/{out[name]['of']} = {out[name]['accuracy']:.3f} ({time.time() - started:.0f} s)", flush=True)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--out")
    parser.add_argument("--only", nargs="*", help="measures to take; all by default")
    options = parser.parse_args()
    test = Test(options.data, options.work, Reader(options.model))
    results = measure(test, options.only or ["written", "written_reworded", "written_mixed", "spoken", "same", "scene/count", "scene/colour", "scene/shape", "scene/what-side",
                                             "scene/where", "blank", "silent", "swapped"])
    for question, truth, text in test.wrong[:40]:
        print(f"  wrong: {question!r} wanted {truth!r} got {text!r}")
    if options.out:
        known = {}
        if os.path.exists(options.out):
            with open(options.out, encoding="utf-8") as file:
                known = json.load(file)
        known.setdefault("measures", {}).update(results)
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
