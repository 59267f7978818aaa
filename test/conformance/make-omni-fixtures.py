"""Writes a tiny random thinker of Qwen2.5-Omni as it is published, and what transformers computes for prompts with many media in it.

    python make-omni-fixtures.py ../fixtures/omni     (torch 2.13.0, transformers 5.23.0, pillow 13.0.0, float32, eager attention)

Media are the formulas of make-vision-fixtures.py. The sounds last from a tenth of a second to 65 seconds, with lengths on either side of
the 30 seconds at which other models cut; the pictures are up to 200 times as wide as high, which is as far as transformers goes. Weights
can be stored in 16 bits of either kind, so that make-mmproj-fixtures.py can write the same model as two GGUF files.
"""
import importlib
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import Qwen2_5OmniThinkerConfig, Qwen2_5OmniThinkerForConditionalGeneration

vision = importlib.import_module("make-vision-fixtures")

TOKENS = ["<|vision_bos|>", "<|vision_eos|>", "<|IMAGE|>", "<|VIDEO|>", "<|audio_bos|>", "<|audio_eos|>", "<|AUDIO|>"]
SPECIAL = {text: 260 + number for number, text in enumerate(TOKENS)}
VOCABULARY = 268
PROCESSOR = dict(patch_size=4, temporal_patch_size=2, merge_size=2, min_pixels=64, max_pixels=14400, resample=3, do_convert_rgb=True,
                 image_mean=[0.48145466, 0.4578275, 0.40821073], image_std=[0.26862954, 0.26130258, 0.27577711])
SOUND = dict(feature_extractor_type="WhisperFeatureExtractor", feature_size=128, sampling_rate=16000, hop_length=160, n_fft=400,
             chunk_length=300, n_samples=4800000, nb_max_frames=30000, padding_side="right", padding_value=0.0, dither=0.0)
# What qwen_vl_utils says of videos, in squares of two patches.
VIDEO = dict(shortest_edge=128 * 64, longest_edge=768 * 64)

TEXT = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=4096, rms_norm_eps=1e-6, tie_word_embeddings=False, bos_token_id=None, eos_token_id=None, pad_token_id=None)
ROPE = dict(rope_type="default", rope_theta=1e6, mrope_section=[2, 1, 1])
TOWER = dict(depth=3, hidden_size=32, intermediate_size=40, out_hidden_size=32, num_heads=2, patch_size=4, spatial_merge_size=2, temporal_patch_size=2,
             window_size=112, fullatt_block_indexes=[1], in_channels=3)
EARS = dict(d_model=32, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=48, num_mel_bins=128, max_source_positions=1500, n_window=100, output_dim=32)
IDS = dict(audio_token_index=SPECIAL["<|AUDIO|>"], image_token_index=SPECIAL["<|IMAGE|>"], video_token_index=SPECIAL["<|VIDEO|>"],
           audio_start_token_id=SPECIAL["<|audio_bos|>"], audio_end_token_id=SPECIAL["<|audio_eos|>"], vision_start_token_id=SPECIAL["<|vision_bos|>"],
           vision_end_token_id=SPECIAL["<|vision_eos|>"], position_id_per_seconds=25, seconds_per_chunk=2, user_token_id=72)


def published(name):
    """Names of transformers 5 were regrouped; files have those of 4, below `thinker.`."""
    return "thinker." + name.replace("model.language_model.", "model.").replace("model.visual.", "visual.").replace("model.audio_tower.", "audio_tower.")


def make_checkpoint(target):
    config = Qwen2_5OmniThinkerConfig(text_config={**TEXT, "rope_parameters": ROPE}, vision_config=TOWER, audio_config=EARS, **IDS)
    torch.manual_seed(25)
    model = Qwen2_5OmniThinkerForConditionalGeneration._from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            scale = 0.3 if parameter.ndim == 1 else 0.05 if "patch_embed" in key else 0.15
            centre = 1.0 if parameter.ndim == 1 and key.endswith("weight") else 0.0
            value = (torch.randn_like(parameter) * scale + centre).to(torch.bfloat16).float()
            parameter.copy_(torch.where(value.abs() < 2**-10, 0, value))
    target.mkdir(parents=True, exist_ok=True)
    tensors = {published(key): value.to(torch.bfloat16).contiguous() for key, value in model.state_dict().items()}
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    text = {key: value for key, value in TEXT.items() if not key.endswith("token_id")}
    rope = dict(rope_theta=ROPE["rope_theta"], rope_scaling=dict(type="default", rope_type="default", mrope_section=ROPE["mrope_section"]))
    thinker = dict(model_type="qwen2_5_omni_thinker", text_config={**text, **rope}, vision_config=TOWER, audio_config=EARS, **IDS)
    (target / "config.json").write_text(json.dumps(dict(architectures=["Qwen2_5OmniModel"], model_type="qwen2_5_omni", thinker_config=thinker, torch_dtype="bfloat16"), indent=1))
    (target / "preprocessor_config.json").write_text(json.dumps(dict(image_processor_type="Qwen2VLImageProcessor", **PROCESSOR, **SOUND), indent=1))
    special = vision.SPECIAL
    vision.SPECIAL = SPECIAL
    (target / "tokenizer.json").write_text(json.dumps(vision.tokenizer()))
    vision.SPECIAL = special
    return model


seen = lambda medium: ["<|vision_bos|>", medium, "<|vision_eos|>"]
heard = lambda seconds: ["<|audio_bos|>", dict(kind="audio", samples=round(seconds * 16000)), "<|audio_eos|>"]


def prompts():
    picture, film = vision.picture, vision.film
    return {
        "pictures-and-sounds": ["Compare ", *heard(0.1), *seen(picture(60, 50, 1)), *seen(picture(33, 90, 2)), " with ", *heard(1), *heard(0.37), *seen(picture(150, 70, 3)), "?"],
        "as-wide-as-allowed": ["So thin: ", *seen(picture(300, 3, 4)), *seen(picture(2, 400, 5)), *seen(picture(700, 7, 6)), "!"],
        "videos-of-odd-length": [*seen(film(60, 40, 5, 2)), *heard(0.5), *seen(film(50, 50, 1, 2)), " and ", *seen(film(40, 60, 3, 1)), "."],
        "29.99 s": ["Listen: ", *heard(29.99), "What?"],
        "30.01 s": ["Listen: ", *heard(30.01), "What?"],
        "65 s": [*seen(picture(40, 40, 7)), *heard(65), *heard(0.1), "What?"],
    }


def refused():
    """As the test expects it: transformers takes 200 to 1, and no more."""
    try:
        vision.Qwen2VLImageProcessorPil(**PROCESSOR)(vision.Image.fromarray(vision.pixels(201, 1, 0)), return_tensors="pt")
    except ValueError:
        return
    raise AssertionError("a picture of 201 to 1 was taken")


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    refused()
    model = make_checkpoint(target)
    tokens = {"image": SPECIAL["<|IMAGE|>"], "video": SPECIAL["<|VIDEO|>"], "audio": SPECIAL["<|AUDIO|>"]}
    seconds_of = lambda frame, seconds: 0 if seconds is None else vision.long(frame * torch.tensor(seconds) * 25)
    results = {case: vision.judge(model, "omni", parts, SPECIAL, tokens, PROCESSOR, VIDEO, seconds_of) for case, parts in prompts().items()}
    (target / "expected.json").write_text(json.dumps(results) + "\n")
