"""Writes src/goldens/chained.json: Ogg files of several streams one after the other, and what soundfile hears in each of them by itself, channels
averaged, resampled by soxr to the rate of the first.

    python packages/audio/scripts/make-chained-goldens.py

Made with Python 3.11, soundfile 0.14.0 (libsndfile 1.2.2), soxr 1.1.0, numpy 2.4.6. Encoders of other versions write other bytes.
"""
import base64
import io
import json
import pathlib

import numpy as np
import soundfile as sf
import soxr

STEP = 17  # every which sample is kept


def chirps(seconds, rate, channels, low):
    time = np.arange(round(seconds * rate)) / rate
    return np.stack([0.4 * np.sin(2 * np.pi * (low * (c + 1) + 900 * time) * time) for c in range(channels)], axis=1)


FILES = {
    "vorbis-rates.ogg": [(0.1, 16000, 2, "VORBIS"), (0.14, 22050, 1, "VORBIS")],
    "opus-channels.opus": [(0.1, 48000, 1, "OPUS"), (0.12, 48000, 2, "OPUS"), (0.06, 24000, 1, "OPUS")],
    "mixed.ogg": [(0.1, 16000, 1, "OPUS"), (0.1, 44100, 1, "VORBIS")],
}
cases = {}
for name, links in FILES.items():
    parts, heard, rate = [], [], links[0][1]
    for index, (seconds, link_rate, channels, subtype) in enumerate(links):
        out = io.BytesIO()
        sf.write(out, chirps(seconds, link_rate, channels, 200 + 150 * index), link_rate, format="OGG", subtype=subtype)
        parts.append(out.getvalue())
        samples, read_rate = sf.read(io.BytesIO(out.getvalue()), dtype="float32", always_2d=True)
        assert read_rate == link_rate
        mono = samples.mean(axis=1)
        heard.append(mono if link_rate == rate else soxr.resample(mono, link_rate, rate, quality="HQ"))
    lengths = [len(samples) for samples in heard]
    whole = np.concatenate(heard)
    values = [round(float(value), 6) for value in whole[::STEP]]
    cases[name] = dict(file=base64.b64encode(b"".join(parts)).decode(), sampleRate=rate, lengths=lengths, step=STEP, values=values)
target = pathlib.Path(__file__).parents[1] / "src/goldens/chained.json"
target.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
print({name: (len(case["file"]), case["lengths"]) for name, case in cases.items()})
