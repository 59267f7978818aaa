"""Whisper's encoder on real speech: CTranslate2 (float32) against Polywen.

    python compare-whisper.py FOLDER CT2 FILE… [--backend cpu] [--threads 2]        (ctranslate2 4.8.5, soundfile 0.14.0, soxr 1.1.0, numpy)

FOLDER is a checkpoint in the layout of Hugging Face, CT2 the same weights in that of CTranslate2. `encoder` is the largest difference of the
rows of the sound for the very features that Polywen computed, `padding` that of the silence after it; `whole` is `encoder` from the file to the rows, where
CTranslate2 gets features that soundfile, soxr and NumPy made. Exit status 1 if `encoder` is over 1e-3, or `whole` where nothing was
resampled. Values reach 25, and float32 itself is good for 1e-3 in the worst of 768,000. Build the packages first.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import ctranslate2
import numpy as np
import soundfile
import soxr
from safetensors.numpy import load_file

CLI = pathlib.Path(__file__).parents[2] / "packages/cli/dist/main.js"
TOLERANCE = 1e-3


def mel_filters(bands):
    """Slaney's filters for 400 samples at 16 kHz."""
    breaks = lambda f: np.where(f < 1000, 3 * f / 200, 15 + 27 * np.log(np.maximum(f, 1e-9) / 1000) / np.log(6.4))
    hertz = lambda m: np.where(m < 15, 200 * m / 3, 1000 * np.exp((m - 15) * np.log(6.4) / 27))
    edges = hertz(np.linspace(0, breaks(np.float64(8000)), bands + 2))[:, None]
    bins = np.arange(201) * 40.0
    slopes = np.minimum((bins - edges[:-2]) / (edges[1:-1] - edges[:-2]), (edges[2:] - bins) / (edges[2:] - edges[1:-1]))
    return np.maximum(slopes, 0) * 2 / (edges[2:] - edges[:-2])


def log_mel(samples, bands):
    padded = np.pad(np.pad(samples[:480000], (0, max(0, 480000 - len(samples)))).astype(np.float64), 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:3000] * np.hanning(401)[:-1]
    values = np.log10(np.maximum(mel_filters(bands) @ (np.abs(np.fft.rfft(frames)) ** 2).T, 1e-10))
    return ((np.maximum(values, values.max() - 8) + 4) / 4).astype(np.float32)


def frames_of(samples, rate):
    return min(3000, -(-len(samples) * 100 // rate))


def polywen(folder, path, options):
    with tempfile.TemporaryDirectory() as scratch:
        request, answer = pathlib.Path(scratch) / "in.json", pathlib.Path(scratch) / "out.safetensors"
        request.write_text(json.dumps({"audios": [str(pathlib.Path(path).resolve())]}))
        subprocess.run(["node", CLI, "logits", folder, "--input", request, "--output", answer, "--backend", options.backend, "--threads", str(options.threads)], check=True)
        return load_file(answer)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("ct2")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--backend", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    model = ctranslate2.models.Whisper(options.ct2, device="cpu", compute_type="float32", intra_threads=options.threads)
    encode = lambda features: np.array(model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(features[None]))))[0]
    failed = False
    for path in options.files:
        ours = polywen(options.folder, path, options)
        features, rows = ours["input_features"][0], ours["audio_features"]
        data, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = data.mean(axis=1)
        wanted = log_mel(mono if rate == 16000 else soxr.resample(mono, rate, 16000, quality="HQ"), len(features))
        sound = -(-frames_of(mono, rate) // 2)
        largest = lambda peer, part: float(np.abs(peer[part] - rows[part]).max(initial=0))
        peer, through = encode(features), encode(wanted)
        result = dict(file=pathlib.Path(path).name, rate=rate, seconds=round(len(mono) / rate, 2), largest=float(np.abs(rows).max()), features=float(np.abs(wanted - features).max()),
                      encoder=largest(peer, slice(sound)), padding=largest(peer, slice(sound, None)), whole=largest(through, slice(sound)))
        failed |= result["encoder"] > TOLERANCE or (rate == 16000 and result["whole"] > TOLERANCE)
        print(json.dumps(result), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
