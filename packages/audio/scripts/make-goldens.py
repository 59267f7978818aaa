"""Writes src/goldens/*.json: what soundfile, soxr and transformers make of small seeded sounds.

    python packages/audio/scripts/make-goldens.py

Made with Python 3.11, soundfile 0.14.0, soxr 1.1.0, numpy 2.4.6, torch 2.13.0, transformers 5.23.0.
"""
import base64
import io
import json
import os
import tempfile

import numpy as np
import soundfile as sf
import soxr
from transformers import WhisperFeatureExtractor
from transformers.audio_utils import load_audio

OUT = os.path.join(os.path.dirname(__file__), "..", "src", "goldens")


def seeded_sound(count, seed):
    """16-bit samples in whole numbers, which the tests repeat: a rising sawtooth, noise, and a silent stretch in every five."""
    state, out = seed, np.zeros(count, np.int16)
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        if i // 1600 % 5 != 4:
            out[i] = i * i // 64 % 8192 - 4096 + ((state >> 24) - 128) * 8
    return out


def wav(samples, rate, subtype, container="WAV"):
    out = io.BytesIO()
    sf.write(out, samples, rate, subtype=subtype, format=container)
    return out.getvalue()


def decode_goldens():
    mono = seeded_sound(60, 1) / 8192
    many = lambda channels: np.stack([seeded_sound(60, channel + 2) / 8192 for channel in range(channels)], axis=1)
    files = {f"{subtype.lower()}.wav": wav(mono, 16000, subtype)
             for subtype in ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW"]}
    files["odd-length.wav"] = wav(mono[:59], 8000, "PCM_U8")
    files["loud.wav"] = wav(mono * 40, 22050, "FLOAT")
    for channels in (2, 3, 6):
        files[f"channels{channels}-pcm_16.wav"] = wav(many(channels), 44100, "PCM_16")
        files[f"channels{channels}-float.wav"] = wav(many(channels), 48000, "FLOAT")
    files["channels2-pcm_24.wav"] = wav(many(2), 44100, "PCM_24")
    for subtype in ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW"]:
        files[f"extensible-{subtype.lower()}.wav"] = wav(many(2), 16000, subtype, "WAVEX")
    cases = {}
    for name, data in files.items():
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            file.write(data)
            file.flush()
            rate = sf.info(file.name).samplerate
            mixed = np.asarray(load_audio(file.name, sampling_rate=rate, backend="soundfile"), "<f4")
        cases[name] = {"file": base64.b64encode(data).decode(), "sampleRate": rate, "samples": base64.b64encode(mixed.tobytes()).decode()}
    return cases


def log_mel_goldens():
    cases = []
    drawn = [(1, 128, 300), (201, 128, 300), (7777, 128, 300), (8000, 128, 300), (16001, 128, 300), (48000, 128, 300), (48000, 80, 30),
             (489123, 128, 300), (479999, 128, 30), (479850, 80, 30), (480000, 128, 30), (16000, 128, 1), (15920, 128, 1)]
    for seed, (count, mels, seconds) in enumerate(drawn, 1):
        extractor = WhisperFeatureExtractor(feature_size=mels, chunk_length=seconds, return_attention_mask=True)
        sound = seeded_sound(count, seed).astype(np.float32) / 32768
        out = extractor(sound, sampling_rate=16000, padding="max_length", return_attention_mask=True, return_tensors="np")
        frames = int(out["attention_mask"][0].sum())
        features = out["input_features"][0][:, :frames].astype(np.float64)
        picked = sorted({1, frames // 2, frames - 1} & set(range(frames)))
        cases.append({"seed": seed, "count": count, "mels": mels, "seconds": seconds, "frames": frames, "minimum": features.min(),
                      "maximum": features.max(), "means": [round(v, 5) for v in features.mean(axis=1)],
                      "deviations": [round(v, 5) for v in features.std(axis=1)],
                      "columns": {str(f): [round(v, 5) for v in features[:, f]] for f in picked}})
    return cases


def resample_goldens():
    cases = []
    for seed, (count, rate) in enumerate([(700, 44100), (300, 8000), (601, 48000), (300, 12345)], 1):
        steps = seeded_sound(count, seed) / 32768
        smooth = np.round(np.convolve(steps, np.hanning(24) / 12, "same"), 5).astype(np.float32)
        out = soxr.resample(smooth, rate, 16000, quality="HQ")
        cases.append({"rate": rate, "samples": [round(float(v), 5) for v in smooth], "length": int(np.ceil(count * 16000 / rate)),
                      "resampled": [round(float(v), 5) for v in out]})
    return cases


def main():
    os.makedirs(OUT, exist_ok=True)
    goldens = {"decode-audio": decode_goldens(), "log-mel": log_mel_goldens(), "resample": resample_goldens()}
    for name, value in goldens.items():
        with open(os.path.join(OUT, f"{name}.json"), "w") as file:
            json.dump(value, file, separators=(",", ":"))
            file.write("\n")


main()
