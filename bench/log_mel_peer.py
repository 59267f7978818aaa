"""WhisperFeatureExtractor as log-mel.mjs measures it: a JSON request a line, a JSON answer a line.

    python log_mel_peer.py THREADS

{"samples": base64 of float32, "bands": n, "features": true}  ->  {"seconds": s, "features": base64 of float32 [bands, frames]}
"""
import base64
import json
import os
import sys
import time

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import numpy
import torch
import transformers


def main():
    torch.set_num_threads(int(sys.argv[1]))
    extractors = {}
    answer({"torch": torch.__version__, "transformers": transformers.__version__, "threads": torch.get_num_threads()})
    for line in sys.stdin:
        request = json.loads(line)
        bands = request["bands"]
        extractor = extractors.setdefault(bands, transformers.WhisperFeatureExtractor(feature_size=bands))
        samples = numpy.frombuffer(base64.b64decode(request["samples"]), numpy.float32)
        started = time.perf_counter()
        features = extractor(samples, sampling_rate=16000, return_tensors="np")["input_features"][0]
        seconds = time.perf_counter() - started
        answer({"seconds": seconds, **({"features": base64.b64encode(features.astype(numpy.float32).tobytes()).decode()} if request.get("features") else {})})


def answer(value):
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
