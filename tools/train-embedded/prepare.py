#!/usr/bin/env python3
"""prepare.py --data DIR --work DIR: computes the log-mel bank of all training clips, once (a few minutes).

DIR holds `mnist-9000/` and `spoken-digits-4-speakers.zip`. espeak-ng and flite must be installed."""
import argparse
import os

import numpy as np

import sounds


def build_bank(clips, path):
    """One long array [frames, 128] in float16 and, for every variant of every clip, where it lies."""
    pieces, rows, at = [], [], 0
    for digit, voice, human, wave in clips:
        for speed, log in zip(sounds.SPEEDS, sounds.variants(wave)):
            pieces.append(log.T.astype(np.float16))
            rows.append((at, at + log.shape[1], digit, sounds.SPEAKERS.index(voice) if human else -1, speed == 1.0))
            at += log.shape[1]
    np.save(path + ".npy", np.concatenate(pieces))
    np.save(path + "-index.npy", np.array(rows, dtype=np.int64))
    print(f"{path}: {len(rows)} variants of {len(clips)} clips, {at / 6000:.0f} minutes", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    people = [c for c in sounds.read_recordings(options.data) if c[2] >= sounds.TEST_TAKES]
    build_bank([(digit, voice, True, wave) for digit, voice, _, wave in people], os.path.join(options.work, "people"))
    folder = os.path.join(options.work, "voices")
    build_bank([(digit, voice, False, wave) for digit, voice, _, wave in sounds.synthesise(folder)], os.path.join(options.work, "synthetic"))
    print("synthetic voices", sounds.fingerprint(folder))


if __name__ == "__main__":
    main()
