"""Writes tiny random vision-language models as GGUF files, text and mmproj apart, with what transformers computes for a prompt with a picture.

    python make-mmproj-fixtures.py ../fixtures/mmproj [NAME…]        (torch 2.13.0, transformers 5.23.0, gguf 0.19.0, pillow 13.0.0)

Names of tensors come from the gguf package's own table; kernels of patches and rows of queries, keys and values are parted as
convert_hf_to_gguf.py of llama.cpp parts them, and each tensor has the type that it gives them. What is stored in fewer bits is what
transformers computes with. Qwen2-Audio and Qwen2.5-Omni are the fixtures sound/qwen2_audio and omni in another format; what is expected
of those holds for these as well.
"""
import base64
import importlib
import io
import json
import pathlib
import sys

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from PIL import Image
from safetensors.torch import load_file
from transformers import GenerationConfig, Qwen2Config, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLMoeConfig, Qwen3VLMoeForConditionalGeneration
from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import SinusoidsPositionEmbedding
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

text = importlib.import_module("make-gguf-fixtures")
omni = importlib.import_module("make-omni-fixtures")

TOKENS = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
START, END, IMAGE, VIDEO = range(260, 264)
IDS = dict(image_token_id=IMAGE, video_token_id=VIDEO, vision_start_token_id=START, vision_end_token_id=END, tie_word_embeddings=False)
BASE = dict(text.BASE, vocab_size=264)
MROPE = dict(rope_type="default", rope_theta=1e4, mrope_section=[2, 1, 1])
THREE = dict(rope_type="default", rope_theta=1e4, mrope_section=[4, 2, 2], mrope_interleaved=True)
TOWER = dict(depth=3, num_heads=2, patch_size=4, spatial_merge_size=2, temporal_patch_size=2)
CLIP = dict(image_mean=[0.48145466, 0.4578275, 0.40821073], image_std=[0.26862954, 0.26130258, 0.27577711])
HALF = dict(image_mean=[0.5] * 3, image_std=[0.5] * 3)

# Name: architecture of the text, projector, class, configuration, normalisation, type of matrices in the mmproj.
MODELS = {
    "qwen2vl": ("qwen2vl", "qwen2vl_merger", Qwen2VLForConditionalGeneration,
                Qwen2VLConfig(text_config=dict(BASE, rope_parameters=MROPE), vision_config=dict(TOWER, embed_dim=16, hidden_size=32, mlp_ratio=3), **IDS), CLIP, "F16"),
    "qwen25vl": ("qwen2vl", "qwen2.5vl_merger", Qwen2_5_VLForConditionalGeneration,
                 Qwen2_5_VLConfig(text_config=dict(BASE, rope_parameters=MROPE),
                                  vision_config=dict(TOWER, hidden_size=32, intermediate_size=48, out_hidden_size=32, window_size=16, fullatt_block_indexes=[1]), **IDS), CLIP, "Q8_0"),
    "qwen3vl": ("qwen3vl", "qwen3vl_merger", Qwen3VLForConditionalGeneration,
                Qwen3VLConfig(text_config=dict(BASE, head_dim=16, rope_parameters=THREE),
                              vision_config=dict(TOWER, hidden_size=16, intermediate_size=24, out_hidden_size=32, num_position_embeddings=36, deepstack_visual_indexes=[0, 2]), **IDS), HALF, "BF16"),
    "qwen3vlmoe": ("qwen3vlmoe", "qwen3vl_merger", Qwen3VLMoeForConditionalGeneration,
                   Qwen3VLMoeConfig(text_config=dict(BASE, **text.EXPERTS, head_dim=16, rope_parameters=THREE),
                                    vision_config=dict(TOWER, hidden_size=16, intermediate_size=24, out_hidden_size=32, num_position_embeddings=36, deepstack_visual_indexes=[1]), **IDS), HALF, "F16"),
}
PIXELS = dict(min_pixels=64, max_pixels=4096)


def type_of(name, value, kind):
    """Vectors and tables stay float32; kernels are float16 or float32, and so are rows that no blocks of 32 fill."""
    if value.ndim == 1 or ".position_embd." in name or (".patch_embd." in name and kind != "F16"):
        return Type.F32
    if (".conv1d." in name and name.endswith("weight")) or (kind == "Q8_0" and value.shape[-1] % 32 != 0):
        return Type.F16
    return Type[kind]


def stored(writer, name, value, kind):
    """Adds a tensor. Returns what a reader will get."""
    kind = type_of(name, value, kind)
    data = gguf.quantize(np.ascontiguousarray(value), kind)
    writer.add_tensor(name, data, raw_dtype=kind)
    return gguf.dequantize(data, kind).astype(np.float32).reshape(value.shape)


def write_tower_tensor(writer, names, deepstack, name, value, kind):
    """One parameter `visual.…` as llama.cpp's converter stores it, and what it is when it is read again."""
    if name == "visual.patch_embed.proj.weight":
        frames = [stored(writer, f"v.patch_embd.weight{end}", value[:, :, at], kind) for at, end in enumerate(["", ".1"])]
        return np.stack(frames, axis=2)
    if name == "visual.patch_embed.proj.bias":
        return stored(writer, "v.patch_embd.bias", value, kind)
    if ".attn.qkv." in name and not deepstack:
        parts = [stored(writer, names.get_name(name.replace("qkv", part), try_suffixes=(".weight", ".bias")), rows, kind) for part, rows in zip("qkv", np.split(value, 3))]
        return np.concatenate(parts)
    if name.startswith("visual.deepstack_merger_list."):
        _, _, number, part, end = name.split(".")
        return stored(writer, f"v.deepstack.{deepstack[int(number)]}.{part.removeprefix('linear_')}.{end}", value, kind)
    if deepstack and name.startswith("visual.merger."):
        _, _, part, end = name.split(".")
        return stored(writer, f"{ {'norm': 'v.post_ln', 'linear_fc1': 'mm.0', 'linear_fc2': 'mm.2'}[part]}.{end}", value, kind)
    return stored(writer, names.get_name(name, try_suffixes=(".weight", ".bias")), value, kind)


def write_tower_metadata(writer, projector, vision, normalisation):
    width = vision.embed_dim if projector == "qwen2vl_merger" else vision.hidden_size
    writer.add_type("mmproj")
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_projector_type(projector)
    writer.add_vision_image_size(560)
    writer.add_vision_patch_size(vision.patch_size)
    writer.add_vision_embedding_length(width)
    # Of Qwen2-VL the converter stores the width of the text model here.
    writer.add_vision_feed_forward_length(vision.hidden_size if projector == "qwen2vl_merger" else vision.intermediate_size)
    writer.add_vision_projection_dim(32)
    writer.add_vision_block_count(vision.depth)
    writer.add_vision_head_count(vision.num_heads)
    writer.add_vision_attention_layernorm_eps(1e-6)
    writer.add_vision_image_mean(normalisation["image_mean"])
    writer.add_vision_image_std(normalisation["image_std"])
    writer.add_vision_min_pixels(normalisation.get("min_pixels", PIXELS["min_pixels"]))
    writer.add_vision_max_pixels(normalisation.get("max_pixels", PIXELS["max_pixels"]))
    if projector in ("qwen2.5vl_merger", "qwen2.5o"):
        writer.add_vision_use_silu(True)
        writer.add_vision_n_wa_pattern(2)
        # Published files leave it out; it is 112 there.
        if vision.window_size != 112:
            writer.add_vision_window_size(vision.window_size)
    if projector == "qwen3vl_merger":
        writer.add_vision_use_gelu(True)
        writer.add_vision_spatial_merge_size(vision.spatial_merge_size)
        writer.add_vision_is_deepstack_layers([layer in vision.deepstack_visual_indexes for layer in range(vision.depth)])


def store_text(writer, name, value, kind):
    """One parameter of a text model; the fused experts are two tensors."""
    return np.concatenate([stored(writer, stored_name, part, kind) for stored_name, part in text.tensors_of(name, value)], axis=1 if value.ndim == 3 else 0)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make(name, folder):
    architecture, projector, kind, config, normalisation, tower_type = MODELS[name]
    torch.manual_seed(list(MODELS).index(name))
    config._attn_implementation = "eager"
    model = kind(config).float().eval()
    model.set_attn_implementation("eager")
    (folder / name).mkdir(parents=True, exist_ok=True)
    language = gguf.GGUFWriter(str(folder / name / "model.gguf"), architecture)
    tower = gguf.GGUFWriter(str(folder / name / "mmproj.gguf"), "clip")
    text.write_metadata(language, architecture, config.text_config)
    text.write_tokenizer(language, TOKENS)
    language.add_rope_dimension_sections([*config.text_config.rope_parameters["mrope_section"], 0])
    deepstack = getattr(config.vision_config, "deepstack_visual_indexes", None)
    if deepstack:
        language.add_num_deepstack_layers(len(deepstack))
    write_tower_metadata(tower, projector, config.vision_config, normalisation)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.MMPROJ, config.vision_config.depth)
    for key, parameter in model.named_parameters():
        with torch.no_grad():
            parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.ndim == 1 else 0.2) + (1.0 if "norm" in key and parameter.ndim == 1 and key.endswith("weight") else 0.0))
        value = parameter.detach().numpy()
        plain = key.removeprefix("model.")
        if plain.startswith("visual."):
            back = write_tower_tensor(tower, names, deepstack, plain, value, tower_type)
        else:
            back = store_text(language, key.replace("language_model.", ""), value, "F16")
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(back))
    finish(language)
    finish(tower)
    expect(model, normalisation, folder / name / "expected.json")


def expect(model, normalisation, file):
    """A picture that is resized between two texts."""
    picture = Image.fromarray(np.random.default_rng(3).integers(0, 256, (30, 45, 3), dtype=np.uint8))
    png = io.BytesIO()
    picture.save(png, "PNG")
    seen = Qwen2VLImageProcessorPil(patch_size=4, merge_size=2, temporal_patch_size=2, **PIXELS, **normalisation)(images=[picture], return_tensors="pt")
    grid = seen["image_grid_thw"]
    before, after = torch.randint(0, 256, (5,)).tolist() + [START], [END] + torch.randint(0, 256, (6,)).tolist()
    ids = torch.tensor([[*before, *[IMAGE] * (int(grid.prod()) // 4), *after]])
    types = (ids == IMAGE).int()
    more = dict(pixel_values=seen["pixel_values"], image_grid_thw=grid, mm_token_type_ids=types)
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **more).logits[0]
        greedy = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=GenerationConfig(max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0), **more)
    rows = [0, len(before), len(before) + 3, len(before) + int(grid.prod()) // 4 - 1, ids.shape[1] - 1]
    round7 = lambda row: [float(f"{value:.7g}") for value in row.tolist()]
    case = dict(ids=[*before, IMAGE, *after], image=base64.b64encode(png.getvalue()).decode(), grid=grid[0].tolist(), rows=rows,
                logits=[round7(logits[row]) for row in rows], greedy=greedy[0, ids.shape[1]:].tolist(), std=logits.std().item())
    file.write_text(json.dumps(case))


# Parts of an audio tower in transformers and in GGUF.
HEARD = {"conv1": "a.conv1d.1", "conv2": "a.conv1d.2", "embed_positions": "a.position_embd", "layer_norm": "a.post_ln", "ln_post": "a.post_ln", "proj": "mm.a.fc"}
HEARD_LAYER = {"self_attn_layer_norm": "ln1", "final_layer_norm": "ln2", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
               "self_attn.out_proj": "attn_out", "fc1": "ffn_up", "fc2": "ffn_down"}


def heard_name(name):
    stem, end = name.removeprefix("audio_tower.").rsplit(".", 1)
    if name.startswith("multi_modal_projector."):
        return f"mm.a.fc.{end}"
    if stem in HEARD:
        return f"{HEARD[stem]}.{end}"
    _, layer, part = stem.split(".", 2)
    return f"a.blk.{layer}.{HEARD_LAYER[part]}.{end}"


def store_heard(writer, name, value):
    """Biases of convolutions are stored as columns."""
    stored(writer, heard_name(name), value[:, None] if ".conv" in name and value.ndim == 1 else value, "BF16")


def write_audio_metadata(writer, audio):
    writer.add_clip_has_audio_encoder(True)
    writer.add_audio_embedding_length(audio["d_model"])
    writer.add_audio_feed_forward_length(audio["encoder_ffn_dim"])
    writer.add_audio_block_count(audio["encoder_layers"])
    writer.add_audio_head_count(audio["encoder_attention_heads"])
    writer.add_audio_attention_layernorm_eps(1e-5)
    writer.add_audio_num_mel_bins(audio["num_mel_bins"])
    writer.add_audio_projection_dim(32)


def convert_audio(source, folder):
    """The fixture sound/qwen2_audio as two files."""
    config = json.loads((source / "config.json").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    language = gguf.GGUFWriter(str(folder / "model.gguf"), "qwen2")
    tower = gguf.GGUFWriter(str(folder / "mmproj.gguf"), "clip")
    text.write_metadata(language, "qwen2", Qwen2Config(**config["text_config"]))
    pads = lambda first, end: [f"[PAD{n}]" for n in range(first, end)]
    text.write_tokenizer(language, [*pads(260, 263), "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>", *pads(266, 272)])
    tower.add_type("mmproj")
    tower.add_clip_projector_type("qwen2a")
    write_audio_metadata(tower, config["audio_config"])
    for name, tensor in load_file(source / "model.safetensors").items():
        value = tensor.float().numpy()
        if name.startswith("language_model."):
            store_text(language, name.removeprefix("language_model."), value, "BF16")
        else:
            store_heard(tower, name, value)
    finish(language)
    finish(tower)


def convert_omni(source, folder):
    """The fixture omni as two files: one with both towers beside the text model of its thinker."""
    config = json.loads((source / "config.json").read_text())["thinker_config"]
    processor = json.loads((source / "preprocessor_config.json").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    language = gguf.GGUFWriter(str(folder / "model.gguf"), "qwen2vl")
    tower = gguf.GGUFWriter(str(folder / "mmproj.gguf"), "clip")
    text.write_metadata(language, "qwen2vl", Qwen2Config(**config["text_config"]))
    text.write_tokenizer(language, [*omni.TOKENS, "[PAD267]"])
    language.add_rope_dimension_sections([*config["text_config"]["rope_scaling"]["mrope_section"], 0])
    vision = Qwen2_5_VLConfig(vision_config=config["vision_config"]).vision_config
    write_tower_metadata(tower, "qwen2.5o", vision, processor)
    write_audio_metadata(tower, config["audio_config"])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.MMPROJ, vision.depth)
    for name, tensor in load_file(source / "model.safetensors").items():
        name, value = name.removeprefix("thinker."), tensor.float().numpy()
        if name.startswith("visual."):
            write_tower_tensor(tower, names, None, name, value, "BF16")
        elif not name.startswith("audio_tower."):
            store_text(language, name, value, "BF16")
        elif "audio_bos_eos_token" not in name:
            store_heard(tower, name, value)
    # The converter stores the table that the formula gives, of 1500 rows; so many are used.
    positions = SinusoidsPositionEmbedding(config["audio_config"]["n_window"], config["audio_config"]["d_model"]).positional_embedding.numpy()
    stored(tower, "a.position_embd.weight", positions, "F32")
    finish(language)
    finish(tower)


def convert_early(source, folder):
    """The mmproj of the fixture qwen2vl as llama.cpp's first script of its own wrote it (qwen2_vl_surgery.py, until May 2025)."""
    folder.mkdir(parents=True, exist_ok=True)
    read = gguf.GGUFReader(source / "mmproj.gguf")
    tower = gguf.GGUFWriter(str(folder / "mmproj.gguf"), "clip")
    tower.add_description("image encoder for Qwen2VL")
    tower.add_file_type(1)
    for key, value in dict(has_text_encoder=False, has_vision_encoder=True, has_qwen2vl_merger=True, use_silu=False, use_gelu=False).items():
        tower.add_bool(f"clip.{key}", value)
    tower.add_clip_projector_type("qwen2vl_merger")
    for key in ("patch_size", "image_size", "embedding_length", "projection_dim", "attention.head_count", "block_count"):
        tower.add_uint32(f"clip.vision.{key}", read.get_field(f"clip.vision.{key}").contents())
    tower.add_vision_attention_layernorm_eps(1e-6)
    tower.add_vision_feed_forward_length(0)
    tower.add_vision_image_mean(read.get_field("clip.vision.image_mean").contents())
    tower.add_vision_image_std(read.get_field("clip.vision.image_std").contents())
    tower.add_name("qwen2vl")
    turned = {"ffn_up": "ffn_down", "ffn_down": "ffn_up"}
    for tensor in read.tensors:
        name = ".".join(turned.get(part, part) for part in tensor.name.split("."))
        tower.add_tensor(name, tensor.data, raw_dtype=tensor.tensor_type)
    tower.add_tensor("v.position_embd.weight", np.zeros([10, 10], dtype=np.float32))
    finish(tower)


CONVERTED = {"qwen2vl-early": (convert_early, "mmproj/qwen2vl"), "qwen2audio": (convert_audio, "sound/qwen2_audio"), "qwen25omni": (convert_omni, "omni")}

if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    for model_name in sys.argv[2:] or [*MODELS, *CONVERTED]:
        if model_name in MODELS:
            make(model_name, target)
        else:
            convert, fixture = CONVERTED[model_name]
            convert(target.parent / fixture, target / model_name)
