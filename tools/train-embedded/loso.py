#!/usr/bin/env python3
"""loso.py --data DIR --work DIR --out FILE [--speakers …]: how well a voice is understood that training never heard.

For each speaker the audio tower and the text backbone of the same configuration are trained from their seeds without one
recording of that speaker (the other three people and the synthetic voices remain), on hearing alone and for fewer steps than the
published model; then all 500 recordings of the speaker are asked for through the saved folder. Only these human recordings count."""
import argparse
import json
import os

import torch

import checkpoint
import sounds
import train
from evaluate import Test
from lessons import Lessons
from reader import Reader


def run(options, speaker):
    lessons = Lessons(options.data, options.work, without=speaker)
    path = os.path.join(options.work, f"loso-{speaker}")
    train.tower_phase("audio", lessons, path + "-audio.pt", options.audio_steps)
    model, tokenizer = train.joint_phase({"audio": path + "-audio.pt"}, lessons, path + "-joint.pt", options.joint_steps, kinds=Lessons.HEARING)
    checkpoint.save(model, tokenizer, path)
    test = Test(options.data, options.work, Reader(path))
    clips = [(sounds.features(sounds.log_power(wave)), digit, name)
             for digit, name, _, wave in sounds.read_recordings(options.data) if name == speaker]
    results = test.spoken(clips)
    return {"accuracy": sum(results) / len(results), "right": sum(results), "of": len(results),
            "audioSteps": options.audio_steps, "jointSteps": options.joint_steps}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--speakers", nargs="*", default=sounds.SPEAKERS)
    parser.add_argument("--audio-steps", type=int, default=2000)
    parser.add_argument("--joint-steps", type=int, default=400)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for speaker in options.speakers:
        result = run(options, speaker)
        print(speaker, result, flush=True)
        known = {}
        if os.path.exists(options.out):
            with open(options.out, encoding="utf-8") as file:
                known = json.load(file)
        known.setdefault("speakerLeftOut", {})[speaker] = result
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
