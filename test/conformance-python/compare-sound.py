"""Compares what Polywen hears in real sound files with soundfile, with the resampler that transformers uses, and with WhisperFeatureExtractor.

    python compare-sound.py FILE…            (soundfile 0.14.0, soxr 1.1.0, transformers 5.23.0; files of at most 30 seconds)

For each file: the largest difference of the decoded mono samples, of the samples at 16 kHz, of the log-mel features of the same
samples, and of the features through both resamplers.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import soundfile
import soxr
from transformers import WhisperFeatureExtractor

here = pathlib.Path(__file__).parent
extractor = WhisperFeatureExtractor(feature_size=128)


def largest(a, b):
    return float(np.abs(a.astype(np.float64) - b).max()) if a.shape == b.shape else f"shapes {a.shape} and {b.shape}"


def mel(samples, frames):
    return extractor(samples, sampling_rate=16000, return_tensors="np")["input_features"][0, :, :frames].T


def compare(path, facts, out):
    read = lambda name: np.fromfile(f"{out}.{name}", dtype=np.float32)
    data, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = data.mean(axis=1)[: 30 * rate]
    wanted = mono if rate == 16000 else soxr.resample(mono, rate, 16000, quality="HQ")
    ours, features = read("resampled"), read("mel").reshape(-1, 128)
    frames = facts["frames"]
    n = min(len(wanted), len(ours))
    return dict(file=pathlib.Path(path).name, rate=rate, channels=data.shape[1], seconds=round(len(mono) / rate, 2), samples=largest(mono, read("mono")),
                resampled=largest(wanted[:n], ours[:n]), mel=largest(mel(ours, frames), features), through=largest(mel(wanted, frames), features),
                mean_through=float(np.abs(mel(wanted, frames) - features).mean()), ms=[round(facts[key], 1) for key in ("decodeMs", "resampleMs", "melMs")])


with tempfile.TemporaryDirectory() as folder:
    lines = subprocess.run(["node", str(here / "sound-worker.mjs"), folder, *sys.argv[1:]], check=True, capture_output=True, text=True).stdout.splitlines()
    for index, (path, line) in enumerate(zip(sys.argv[1:], lines)):
        facts = json.loads(line)
        print(json.dumps({"file": path, **facts} if "error" in facts else compare(path, facts, f"{folder}/{index}")))
