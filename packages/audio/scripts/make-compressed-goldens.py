"""Writes src/goldens/compressed.json: small compressed files, and what soundfile hears in them, channels averaged.

    python packages/audio/scripts/make-compressed-goldens.py

Made with Python 3.11, soundfile 0.14.0 (libsndfile 1.2.2), numpy 2.4.6. Encoders of other versions write other bytes.
"""
import base64
import io
import json
import pathlib

import numpy as np
import soundfile as sf

STEP = 11  # every which sample is kept


def chirps(seconds, rate, channels):
    time = np.arange(round(seconds * rate)) / rate
    return np.stack([0.4 * np.sin(2 * np.pi * (200 * (c + 1) + 900 * time) * time) for c in range(channels)], axis=1)


FILES = {
    "mono-8000.mp3": (0.4, 8000, 1, "MP3", "MPEG_LAYER_III"),
    "stereo-44100.mp3": (0.2, 44100, 2, "MP3", "MPEG_LAYER_III"),
    "mono-16000.flac": (0.2, 16000, 1, "FLAC", "PCM_16"),
    "surround-48000.flac": (0.02, 48000, 6, "FLAC", "PCM_24"),
    "stereo-22050.ogg": (0.2, 22050, 2, "OGG", "VORBIS"),
    "mono-16000.opus": (0.3, 16000, 1, "OGG", "OPUS"),
    "stereo-24000.opus": (0.15, 24000, 2, "OGG", "OPUS"),
    "surround-48000.opus": (0.1, 48000, 6, "OGG", "OPUS"),
}
cases = {}
for name, (seconds, rate, channels, container, subtype) in FILES.items():
    out = io.BytesIO()
    sf.write(out, chirps(seconds, rate, channels), rate, format=container, subtype=subtype)
    heard, heard_rate = sf.read(io.BytesIO(out.getvalue()), dtype="float32", always_2d=True)
    values = [round(float(value), 6) for value in heard.mean(axis=1)[::STEP]]
    cases[name] = dict(file=base64.b64encode(out.getvalue()).decode(), sampleRate=heard_rate, length=len(heard), step=STEP, values=values)
target = pathlib.Path(__file__).parents[1] / "src/goldens/compressed.json"
target.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
print({name: (len(case["file"]), case["length"]) for name, case in cases.items()})
