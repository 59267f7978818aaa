"""The configuration of the embedded model, and its folder in the standard Hugging Face layout."""
import os

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.qwen2_5_omni.configuration_qwen2_5_omni import Qwen2_5OmniThinkerConfig

import vocabulary

PIXELS = 84 * 84        # every square picture becomes 84 x 84: 36 patches, 9 tokens
IMAGE_MEAN = [0.48145466, 0.4578275, 0.40821073]
IMAGE_STD = [0.26862954, 0.26130258, 0.27577711]


def configuration(ids, vocab_size):
    text = dict(
        vocab_size=vocab_size, hidden_size=192, intermediate_size=512, num_hidden_layers=4, num_attention_heads=6, num_key_value_heads=2,
        max_position_embeddings=2048, rms_norm_eps=1e-6, tie_word_embeddings=True, use_sliding_window=False,
        rope_parameters={"rope_theta": 100.0, "rope_type": "default", "mrope_section": [1, 3, 12]},     # see README.md, Positions
        bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|im_end|>"], pad_token_id=ids["<|endoftext|>"])
    vision = dict(depth=4, hidden_size=128, num_heads=4, intermediate_size=344, out_hidden_size=192, patch_size=14, window_size=112,
                  fullatt_block_indexes=[1, 3])
    audio = dict(d_model=128, encoder_layers=4, encoder_attention_heads=4, encoder_ffn_dim=512, num_mel_bins=128, n_window=100,
                 output_dim=192, max_source_positions=1500)
    return Qwen2_5OmniThinkerConfig(
        text_config=text, vision_config=vision, audio_config=audio, tie_word_embeddings=True,
        audio_token_index=ids["<|AUDIO|>"], image_token_index=ids["<|IMAGE|>"], video_token_index=ids["<|VIDEO|>"],
        audio_start_token_id=ids["<|audio_bos|>"], audio_end_token_id=ids["<|audio_eos|>"],
        vision_start_token_id=ids["<|vision_bos|>"], vision_end_token_id=ids["<|vision_eos|>"],
        position_id_per_seconds=25, seconds_per_chunk=2, user_token_id=0)


def create(tokenizer, seed):
    """A freshly drawn model."""
    torch.manual_seed(seed)
    config = configuration(vocabulary.ids_of(tokenizer), -(-tokenizer.get_vocab_size() // 32) * 32)
    model = transformers.Qwen2_5OmniThinkerForConditionalGeneration(config)
    with torch.no_grad():       # transformers' 0.02 is meant for wide layers; these are narrow and would hardly start
        for name, weight in model.named_parameters():
            if "embed_tokens" in name:
                weight.normal_(0, 0.08)
            elif weight.ndim > 1:
                last = name.endswith(("proj.weight", "fc2.weight")) and any(k in name for k in ("o_proj", "out_proj", "attn.proj", "down_proj", "fc2"))
                weight.normal_(0, (0.35 if last else 1.0) / weight[0].numel() ** 0.5)
    return model


def save(model, tokenizer, folder):
    """Writes the folder; the weights are rounded to bfloat16. Expects the model in float32 and leaves it as it is."""
    vocabulary.save(tokenizer, folder)
    ids = vocabulary.ids_of(tokenizer)
    tied = {"lm_head.weight"}
    weights = {n: p.detach().to(torch.bfloat16).contiguous() for n, p in model.state_dict().items() if n not in tied}
    save_file({published_name(n): p for n, p in sorted(weights.items())}, os.path.join(folder, "model.safetensors"), {"format": "pt"})
    os.chmod(os.path.join(folder, "model.safetensors"), 0o644)
    vocabulary.write(folder, "config.json", config_json(model.config))
    vocabulary.write(folder, "generation_config.json", {
        "bos_token_id": ids["<|endoftext|>"], "do_sample": False, "eos_token_id": [ids["<|im_end|>"], ids["<|endoftext|>"]],
        "max_new_tokens": 64, "pad_token_id": ids["<|endoftext|>"]})
    vocabulary.write(folder, "preprocessor_config.json", {
        "chunk_length": 300, "dither": 0.0, "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
        "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 128, "hop_length": 160, "image_mean": IMAGE_MEAN,
        "image_processor_type": "Qwen2VLImageProcessor", "image_std": IMAGE_STD, "max_pixels": PIXELS, "merge_size": 2,
        "min_pixels": PIXELS, "n_fft": 400, "n_samples": 4800000, "nb_max_frames": 30000, "padding_side": "right",
        "padding_value": 0.0, "patch_size": 14, "processor_class": "Qwen2_5OmniProcessor", "resample": 3,
        "rescale_factor": 1 / 255, "return_attention_mask": True, "sampling_rate": 16000, "temporal_patch_size": 2})


def published_name(name):
    """transformers 5 keeps the parts under `model.`; published checkpoints have them at the top."""
    for part in ("visual.", "audio_tower."):
        if name.startswith("model." + part):
            return name[len("model."):]
    return name.replace("model.language_model.", "model.")


# What transformers writes for every kind of model and what says nothing about this one.
GENERAL = {"output_hidden_states", "output_attentions", "return_dict", "chunk_size_feed_forward", "is_encoder_decoder", "id2label",
           "label2id", "_name_or_path", "dtype"}


def config_json(config):
    def own(part):
        return {k: v for k, v in part.items() if v is not None and k not in GENERAL}

    whole = own(config.to_dict())
    for part in ("text_config", "audio_config", "vision_config"):
        whole[part] = own(whole[part])
        whole[part].pop("transformers_version", None)
    whole["vision_config"].pop("rope_parameters", None)
    whole.update(architectures=["Qwen2_5OmniThinkerForConditionalGeneration"], dtype="bfloat16")
    return whole


def load(folder):
    """As a user of transformers loads it: float32, eager attention."""
    model, report = transformers.Qwen2_5OmniThinkerForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    wrong = {k: v for k, v in report.items() if v}
    if wrong:
        raise ValueError(f"{folder} does not load cleanly: {wrong}")
    return model.eval()
