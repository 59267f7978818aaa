"""Writes tiny random checkpoints of the architectures that listen, with what transformers makes of recordings in ../fixtures/media.

    python make-audio-fixtures.py ../fixtures        (torch 2.13.0, transformers 5.23.0, soundfile 0.14.0, float32, eager attention)
"""
import json
import pathlib
import sys

import numpy
import soundfile
import torch
from safetensors.torch import save_file
from transformers import (GenerationConfig, Qwen2AudioConfig, Qwen2AudioForConditionalGeneration, WhisperConfig, WhisperFeatureExtractor,
                          WhisperForConditionalGeneration)

SECONDS = 2  # of the window, 30 in published checkpoints
AUDIO = 263
CLIPS = ["spoken-2-theo.wav", "spoken-1-george.wav"]


def randomise(model, seed, dtype):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_((noise * (0.3 if parameter.ndim == 1 else 0.15) + (1.0 if parameter.ndim == 1 else 0.0)).to(dtype))


def clips(media, names):
    return [soundfile.read(media / name, dtype="float32")[0] for name in names]


def features_of(sounds, seconds):
    """Sounds beyond the window are cut."""
    extractor = WhisperFeatureExtractor(feature_size=20, chunk_length=seconds, return_attention_mask=True)
    return extractor(sounds, sampling_rate=16000, return_tensors="pt", padding="max_length", return_attention_mask=True)


def round7(rows):
    return [[float(f"{value:.7g}") for value in row] for row in rows.tolist()]


def write(target, seconds, config, tensors, expected, added):
    extractor = dict(feature_extractor_type="WhisperFeatureExtractor", feature_size=20, sampling_rate=16000, hop_length=160, n_fft=400,
                     chunk_length=seconds, n_samples=seconds * 16000, nb_max_frames=seconds * 100, padding_side="right", padding_value=0.0)
    target.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    (target / "config.json").write_text(json.dumps(config, indent=1))
    (target / "preprocessor_config.json").write_text(json.dumps(extractor, indent=1))
    (target / "tokenizer.json").write_text(json.dumps(tokenizer(added)))
    (target / "expected.json").write_text(json.dumps(expected))


def whisper(media, target):
    config = WhisperConfig(vocab_size=300, num_mel_bins=20, d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=48, decoder_layers=1,
                           decoder_attention_heads=4, decoder_ffn_dim=48, max_source_positions=SECONDS * 50, max_target_positions=8, pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=0, attn_implementation="eager")
    model = WhisperForConditionalGeneration(config).eval()
    randomise(model, 1, torch.float16)
    inputs = features_of(clips(media, CLIPS[:1]), SECONDS)
    with torch.no_grad():
        rows = model.model.encoder(inputs["input_features"]).last_hidden_state[0]
    tensors = {key: value.half().contiguous() for key, value in model.state_dict().items() if ".encoder." in key}
    fields = {key: value for key, value in config.to_dict().items() if value is not None}
    chosen = [0, 1, 17, 18, 50, 99]
    write(target, SECONDS, fields, tensors, dict(audio=CLIPS[0], rows=chosen, features=round7(rows[chosen]), count=len(rows)), [])


def qwen2_audio(seconds, text, audio, seed):
    """A model, its configuration and its tensors, the last two as they are published."""
    text = dict(model_type="qwen2", vocab_size=272, num_hidden_layers=2, max_position_embeddings=4096 if seconds > 2 else 256, rms_norm_eps=1e-5,
                rope_parameters=dict(rope_type="default", rope_theta=1e4), bos_token_id=None, eos_token_id=None, **text)
    audio = dict(audio, num_mel_bins=20, max_source_positions=seconds * 50)
    config = Qwen2AudioConfig(audio_config=audio, text_config=text, audio_token_index=AUDIO, attn_implementation="eager")
    model = Qwen2AudioForConditionalGeneration(config).eval()
    randomise(model, seed, torch.bfloat16)
    # As published: names of transformers 4, and a text configuration without what equals the class defaults.
    renamed = {}
    for key, value in model.state_dict().items():
        name = key.removeprefix("model.") if "lm_head" not in key else "language_model.lm_head.weight"
        renamed[name.replace("language_model.", "language_model.model.", 1) if name.startswith("language_model.") and "lm_head" not in name else name] = value.bfloat16().contiguous()
    kept = {key: value for key, value in text.items() if key not in ("rope_parameters", "bos_token_id", "eos_token_id")}
    fields = dict(architectures=["Qwen2AudioForConditionalGeneration"], model_type="qwen2_audio", audio_token_index=AUDIO, vocab_size=272,
                  audio_config=audio, text_config={**kept, "rope_theta": 1e4}, torch_dtype="bfloat16")
    return model, fields, renamed


def judge(model, seconds, ids, sounds):
    """Expanded ids, logits of all rows, and the greedy continuation."""
    inputs = features_of(sounds, seconds)
    frames = inputs["attention_mask"].sum(-1).tolist()
    counts = iter([((n - 1) // 2 + 1 - 2) // 2 + 1 for n in frames])
    expanded = torch.tensor([[t for i in ids for t in ([i] * next(counts) if i == AUDIO else [i])]])
    call = dict(input_features=inputs["input_features"], feature_attention_mask=inputs["attention_mask"], attention_mask=torch.ones_like(expanded))
    with torch.no_grad():
        logits = model(input_ids=expanded, use_cache=False, **call).logits[0]
    greedy = model.generate(input_ids=expanded, **call, generation_config=GenerationConfig(max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0))
    return expanded[0].tolist(), logits, greedy[0, expanded.shape[1]:].tolist()


ADDED = ["<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"]


def recordings(media, target):
    """Real speech in a window of two seconds."""
    text = dict(hidden_size=32, intermediate_size=53, num_attention_heads=4, num_key_value_heads=4)
    model, fields, tensors = qwen2_audio(SECONDS, text, dict(d_model=48, encoder_layers=2, encoder_attention_heads=3, encoder_ffn_dim=70), 2)
    ids = [5, 264, AUDIO, 265, 40, 41, 264, AUDIO, 265, 7]
    expanded, logits, greedy = judge(model, SECONDS, ids, clips(media, CLIPS))
    rows = [0, 3, 12, 20, len(logits) - 2, len(logits) - 1]
    expected = dict(ids=ids, audios=CLIPS, length=len(expanded), rows=rows, logits=round7(logits[rows]), greedy=greedy, std=logits.std().item())
    write(target, SECONDS, fields, tensors, expected, ADDED)


def lengths(target):
    """The published window of 30 seconds, with sounds that are shorter than it, about as long and longer."""
    text = dict(hidden_size=16, intermediate_size=24, num_attention_heads=2, num_key_value_heads=1)
    model, fields, tensors = qwen2_audio(30, text, dict(d_model=16, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=24), 3)
    formula = lambda seconds: ((numpy.arange(round(seconds * 16000)) * 37 % 1000) / 500 - 1).astype(numpy.float32)
    long = formula(65)
    cases = {"0.1 s and 1 s": [formula(0.1), formula(1)], "29.99 s": [formula(29.99)], "30.01 s, cut": [formula(30.01)],
             "65 s, in three windows": [long[:480000], long[480000:960000], long[960000:]]}
    results = {}
    for name, sounds in cases.items():
        ids = [5, 9, *[i for _ in sounds for i in (264, AUDIO, 265, 40)], 7]
        expanded, logits, greedy = judge(model, 30, ids, sounds)
        rows = sorted({0, len(logits) // 3, 2 * len(logits) // 3, len(logits) - 1})
        media = [dict(kind="audio", samples=len(long), windows=True)] if len(sounds) == 3 else [dict(kind="audio", samples=len(sound)) for sound in sounds]
        results[name] = dict(ids=ids, media=media, expanded=expanded, positions=list(range(len(expanded))),
                             rows=rows, logits=round7(logits[rows]), greedy=greedy, std=logits.std().item())
    write(target, 30, fields, tensors, results, ADDED)


def tokenizer(added):
    """A byte-level tokenizer must cover all bytes to load; these ids are never used as text."""
    alphabet = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    others = [chr(256 + n) for n, _ in enumerate(b for b in range(256) if b not in alphabet)]
    vocab = {char: index for index, char in enumerate([chr(b) for b in alphabet] + others)}
    tokens = [dict(id=AUDIO + n, content=text, special=True, single_word=False, lstrip=False, rstrip=False, normalized=False) for n, text in enumerate(added)]
    return dict(version="1.0", added_tokens=tokens, normalizer=dict(type="NFC"), post_processor=None, decoder=dict(type="ByteLevel"),
                pre_tokenizer=dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=True), model=dict(type="BPE", vocab=vocab, merges=[]))


if __name__ == "__main__":
    fixtures = pathlib.Path(sys.argv[1])
    whisper(fixtures / "media", fixtures / "sound/whisper")
    recordings(fixtures / "media", fixtures / "sound/qwen2_audio")
    lengths(fixtures / "sound/qwen2_audio_30s")
