"""Recordings: spoken digits of people and of synthetic voices, silence; log-mel features as the model's processor computes them."""
import glob
import hashlib
import io
import os
import subprocess
import zipfile

import numpy as np
import soundfile
import soxr

import wording

RATE = 16000
SPEAKERS = ["george", "jackson", "nicolas", "theo"]
TEST_TAKES = 5          # takes 0 to 4 of each speaker and digit are the official test part
FLOOR = -10.0           # log10 of the smallest power that the features know
SPEEDS = [0.78, 0.85, 0.92, 1.0, 1.08, 1.17, 1.27]      # playing faster raises pitch and formants as well


def to_rate(wave, rate):
    return wave if rate == RATE else soxr.resample(wave, rate, RATE, quality="HQ")


def read_recordings(folder):
    """(digit, speaker, take, float32 wave at 16 kHz) of every file of the Free Spoken Digit Dataset."""
    out = []
    with zipfile.ZipFile(os.path.join(folder, "spoken-digits-4-speakers.zip")) as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".wav")):
            digit, speaker, take = os.path.basename(name)[:-4].split("_")
            wave, rate = soundfile.read(io.BytesIO(archive.read(name)), dtype="float32")
            out.append((int(digit), speaker, int(take), to_rate(wave, rate)))
    return out


def synthesise(folder):
    """(digit, voice, take, wave) spoken by espeak-ng and flite; the files stay in `folder`."""
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(7)
    accents = ["en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc"]
    variants = ["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "klatt", "klatt2", "klatt4", "adam", "anika",
                "belinda", "boris", "david", "edward", "gustave", "iven2", "john", "linda", "max", "michel", "miguel", "paul", "quincy",
                "rob", "robert", "steph", "steph2", "travis", "zac", "Alex", "Alicia", "Andrea", "Annie", "Denis", "Diogo", "Gene", "Hugo",
                "Jacky", "Lee", "Marco", "Michael", "Mike"]
    out = []
    for index in range(150):
        accent, variant = str(rng.choice(accents)), variants[index % len(variants)]
        for digit, word in enumerate(wording.DIGITS):
            path = os.path.join(folder, f"espeak-{index}-{digit}.wav")
            speed, pitch = rng.integers(110, 230), rng.integers(20, 85)
            run(["espeak-ng", "-v", f"{accent}+{variant}", "-s", str(speed), "-p", str(pitch), "-w", path, word + str(rng.choice(["", ".", "!", "?"]))])
            out.append((digit, f"espeak-{variant}", index, path))
    for index in range(40):
        voice = ["kal", "kal16", "awb", "rms", "slt"][index % 5]
        for digit, word in enumerate(wording.DIGITS):
            path = os.path.join(folder, f"flite-{index}-{digit}.wav")
            run(["flite", "-voice", voice, "--setf", f"duration_stretch={rng.uniform(0.75, 1.4):.2f}", "--setf",
                 f"int_f0_target_mean={rng.uniform(85, 200):.0f}", "-t", word, "-o", path])
            out.append((digit, f"flite-{voice}", index, path))
    read = lambda path: to_rate(*soundfile.read(path, dtype="float32"))     # noqa: E731
    return [(digit, voice, take, trim(read(path))) for digit, voice, take, path in out]


def run(command):
    if not os.path.exists(command[-2] if command[-2].endswith(".wav") else command[-1]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def trim(wave, level=0.02):
    loud = np.flatnonzero(np.abs(wave) > level * np.abs(wave).max())
    return wave[max(0, loud[0] - 800): loud[-1] + 1600]


def filters(bins=201, bands=128):
    """Slaney's mel filters, as librosa makes them."""
    hertz = lambda m: np.where(m < 15, 200 * m / 3, 1000 * np.exp((np.maximum(m, 15) - 15) * np.log(6.4) / 27))     # noqa: E731
    edges = hertz(np.linspace(0, 15 + 27 * np.log(8) / np.log(6.4), bands + 2))
    f = np.linspace(0, RATE / 2, bins)[None]
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.maximum(0, np.minimum((f - lower) / (centre - lower), (upper - f) / (upper - centre))) * 2 / (upper - lower)


FILTERS = filters()
WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)


def log_power(wave):
    """[128, frames]: log10 of the mel power, before clamping; 10 ms a frame, the clip followed by silence."""
    frames = -(-len(wave) // 160)
    padded = np.pad(np.asarray(wave, np.float64), (0, 160 * frames + 400 - len(wave)))
    padded = np.pad(padded, (200, 0), mode="reflect")
    pieces = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:frames]
    power = np.abs(np.fft.rfft(pieces * WINDOW, axis=1)) ** 2
    return np.log10(np.maximum(FILTERS @ power.T, 1e-10)).astype(np.float32)


def features(log):
    """The model's input from log10 power."""
    return ((np.maximum(log, log.max() - 8) + 4) / 4).astype(np.float32)


def variants(wave):
    """A clip at all playing speeds."""
    return [log_power(wave if s == 1 else soxr.resample(wave, RATE * s, RATE, quality="HQ")) for s in SPEEDS]


def augment(rng, log, most=200, plain=0.0):
    """Another voice, microphone and room from a clip's log power; at most `most` frames. `plain`: chance of no change."""
    if rng.random() < plain:
        return features(log[:, :most])
    log = warp(rng, log, most)
    pad = rng.integers(0, 20, 2) if rng.random() < 0.8 else rng.integers(0, most // 2, 2)
    room = max(0, most - log.shape[1])
    before = min(int(pad[0]), room)
    log = np.pad(log, ((0, 0), (before, min(int(pad[1]), room - before))), constant_values=FLOOR)
    tilt = np.interp(np.arange(128), [0, 32, 64, 96, 127], rng.normal(0, 0.25, 5)) if rng.random() < 0.7 else 0
    log = log + np.reshape(tilt, (-1, 1)) + rng.uniform(-1.8, 0.7)          # equaliser and loudness
    if rng.random() < 0.6:
        log = np.log10(10 ** log + noise_power(rng, log.shape[1], log.max() + rng.uniform(-5, -1.6)))
    log = np.maximum(log, FLOOR)
    if rng.random() < 0.25:                                                  # a narrow-band line
        log[int(rng.integers(70, 122)):] = log.min()
    x = features(log)
    for axis, widest in ((0, 20), (1, 9)):
        for _ in range(int(rng.integers(0, 3))):
            start = int(rng.integers(0, x.shape[axis]))
            x[(slice(None),) * axis + (slice(start, start + int(rng.integers(1, widest))),)] = x.mean()
    return x


def warp(rng, log, most):
    """Another tempo, another vocal tract (a smooth bend of the frequency axis), a cut edge."""
    start, stop = (rng.integers(0, 3, 2) if rng.random() < 0.5 else (0, 0))
    log = log[:, int(start): log.shape[1] - int(stop)]
    frames = int(np.clip(round(log.shape[1] * rng.uniform(0.72, 1.4)), 8, most))
    x = np.linspace(0, log.shape[1] - 1, frames)
    i = np.minimum(x.astype(int), log.shape[1] - 2)
    log = log[:, i] + (log[:, i + 1] - log[:, i]) * (x - i)
    y = np.arange(128) * rng.uniform(0.88, 1.13) + rng.uniform(-3, 3)
    y = np.clip(y, 0, 126.999)
    j = y.astype(int)
    return log[j] + (log[j + 1] - log[j]) * (y - j)[:, None]


def noise_power(rng, frames, level):
    """Mel power of a noise of any colour at a level (log10)."""
    colour = np.interp(np.arange(128), [0, 40, 80, 127], rng.normal(0, 0.6, 4))
    return 10 ** (level + colour)[:, None] * rng.exponential(1, (128, frames))


def silence(rng, most):
    """No voice: zeros, faint or clear noise, hum, a click. [128, frames] of the model's input."""
    frames = int(rng.integers(20, most + 1))
    log = np.full((128, frames), FLOOR)
    kind = rng.random()
    if kind > 0.3:
        log = np.log10(10 ** log + noise_power(rng, frames, rng.uniform(-8, 0.5)))
    if 0.5 < kind < 0.65:
        wave = np.zeros(frames * 160)
        for harmonic in range(1, int(rng.integers(2, 6))):
            wave += rng.uniform(0.001, 0.02) * np.sin(2 * np.pi * rng.choice([50, 60]) * harmonic * np.arange(len(wave)) / RATE)
        log = np.logaddexp(log * np.log(10), log_power(wave) * np.log(10)) / np.log(10)
    if 0.65 < kind < 0.75:
        wave = np.zeros(frames * 160)
        wave[rng.integers(0, len(wave))] = rng.uniform(0.05, 0.8)
        log = np.logaddexp(log * np.log(10), log_power(wave) * np.log(10)) / np.log(10)
    return features(np.maximum(log, FLOOR))


def fingerprint(folder):
    """Hash of the synthetic clips' names and sizes, for the record."""
    files = sorted(glob.glob(os.path.join(folder, "*.wav")))
    return hashlib.sha256("".join(f"{os.path.basename(f)}:{os.path.getsize(f)};" for f in files).encode()).hexdigest()[:16]
