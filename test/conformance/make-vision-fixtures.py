"""Writes tiny random vision-language checkpoints, and what transformers computes for prompts with pictures and videos on them and
on the embedded model.

    python make-vision-fixtures.py ../fixtures/vision ../../packages/polywen/models/tiny     (torch 2.13.0, transformers 5.23.0, pillow 13.0.0, float32, eager attention)

Pictures are formulas (`pixels`), so that no media need to lie beside. Frames are resized by Pillow to the sizes that the `smart_resize`
of the video processors gives under the bounds of `qwen_vl_utils`, and cut by their `patchify`. Positions of videos are those of the
authors' rule (what follows a video continues after the largest position in it), which `get_rope_index` of transformers 5.23 must equal
wherever it does not let what follows overlap a long video.
"""
import ast
import json
import math
import pathlib
import sys
import types

import numpy
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from transformers import (AutoModelForImageTextToText, Qwen2_5_VLConfig, Qwen2_5OmniThinkerForConditionalGeneration, Qwen2VLConfig, Qwen3VLConfig, Qwen3VLMoeConfig,
                          WhisperFeatureExtractor)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.qwen3_vl import processing_qwen3_vl


def function_of(path, name):
    """A function of transformers whose module needs torchvision, which the function does not."""
    tree = ast.parse((pathlib.Path(transformers.__file__).parent / path).read_text())
    found = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name)
    scope = dict(math=math, torch=torch)
    exec(compile(ast.Module([found], []), path, "exec"), scope)
    return scope[name]


qwen2_resize = function_of("models/qwen2_vl/video_processing_qwen2_vl.py", "smart_resize")
qwen3_resize = function_of("models/qwen3_vl/video_processing_qwen3_vl.py", "smart_resize")
patchify = function_of("models/qwen2_vl/video_processing_qwen2_vl.py", "patchify")

VOCABULARY = 263
SPECIAL = {"<|endoftext|>": 256, "<|im_end|>": 257, "<|vision_start|>": 258, "<|vision_end|>": 259, "<|image_pad|>": 260, "<|video_pad|>": 261}
TEXT = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=53, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=4096, rms_norm_eps=1e-6, bos_token_id=None, eos_token_id=None, pad_token_id=None)
IDS = dict(image_token_id=260, video_token_id=261, vision_start_token_id=258, vision_end_token_id=259)
GREEDY = 6


def family(name):
    """Configuration, side of a patch, and whether the files are spelled as transformers 5 does."""
    mrope = dict(rope_type="default", rope_theta=1e6, mrope_section=[2, 1, 1])
    if name == "qwen2_vl":
        vision = dict(depth=2, embed_dim=32, num_heads=2, mlp_ratio=2, hidden_size=32)
        return Qwen2VLConfig(text_config={**TEXT, "rope_parameters": mrope}, vision_config=vision, tie_word_embeddings=True, **IDS), 14, False
    if name == "qwen2_5_vl":
        vision = dict(depth=3, hidden_size=40, num_heads=2, intermediate_size=50, out_hidden_size=32, window_size=56, fullatt_block_indexes=[1], tokens_per_second=3)
        return Qwen2_5_VLConfig(text_config={**TEXT, "rope_parameters": mrope}, vision_config=vision, tie_word_embeddings=False, **IDS), 14, True
    mrope = dict(rope_type="default", rope_theta=5e6, mrope_section=[4, 2, 2], mrope_interleaved=True)
    vision = dict(depth=4, hidden_size=32, num_heads=2, intermediate_size=50, out_hidden_size=32, num_position_embeddings=36, deepstack_visual_indexes=[2, 0], patch_size=16)
    if name == "qwen3_vl_moe":
        experts = dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=20, decoder_sparse_step=1, mlp_only_layers=[1])
        return Qwen3VLMoeConfig(text_config={**TEXT, **experts, "head_dim": 16, "rope_parameters": mrope}, vision_config=vision, tie_word_embeddings=True, **IDS), 16, True
    return Qwen3VLConfig(text_config={**TEXT, "head_dim": 16, "rope_parameters": mrope}, vision_config=vision, tie_word_embeddings=False, **IDS), 16, False


def published(name, config, newest):
    """config.json: fields of the text model beside `vision_config` (Qwen2-VL), or under `text_config`."""
    text = {key: value for key, value in config.text_config.to_dict().items() if value is not None and key not in ("dtype", "layer_types", "model_type")}
    vision = {key: value for key, value in config.vision_config.to_dict().items() if key not in ("dtype", "rope_parameters")}
    common = dict(model_type=config.model_type, tie_word_embeddings=config.tie_word_embeddings, vision_config=vision, **IDS)
    if newest:
        return {**common, "text_config": text, "dtype": "bfloat16"}
    rope = dict(text.pop("rope_parameters"))
    text.update(rope_theta=rope.pop("rope_theta"), rope_scaling=rope)
    if name != "qwen2_vl":
        return {**common, "text_config": text, "torch_dtype": "bfloat16"}
    return {**text, **common, "rope_scaling": dict(type="mrope", mrope_section=rope["mrope_section"]), "torch_dtype": "bfloat16"}


def make_checkpoint(name, target):
    config, side, newest = family(name)
    torch.manual_seed(len(name))
    model = AutoModelForImageTextToText.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            scale = 0.3 if parameter.ndim == 1 else 0.02 if "patch_embed" in key else 0.15
            centre = 1.0 if parameter.ndim == 1 and key.endswith("weight") else 0.0
            parameter.copy_((torch.randn_like(parameter) * scale + centre).to(torch.bfloat16))
    target.mkdir(parents=True, exist_ok=True)
    tensors = {key: value.to(torch.bfloat16).contiguous() for key, value in model.state_dict().items() if not (config.tie_word_embeddings and key == "lm_head.weight")}
    for key in tensors:  # published as they are multiplied from the right
        if ".mlp.experts." in key:
            tensors[key] = tensors[key].transpose(1, 2).contiguous()
    if not newest and not name.startswith("qwen3_vl"):
        tensors = {key.replace("model.visual.", "visual.").replace("model.language_model.", "model."): value for key, value in tensors.items()}
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    (target / "config.json").write_text(json.dumps(published(name, config, newest), indent=1))
    block = (2 * side) ** 2
    processor = dict(image_processor_type="Qwen2VLImageProcessor", patch_size=side, temporal_patch_size=2, merge_size=2, min_pixels=block, max_pixels=12 * block,
                     image_mean=[0.5, 0.4, 0.6], image_std=[0.3, 0.2, 0.25], resample=3, do_convert_rgb=True)
    (target / "preprocessor_config.json").write_text(json.dumps(processor))
    bounds = dict(shortest_edge=block, longest_edge=40 * block if name.startswith("qwen3_vl") else 8 * block)
    kind = "Qwen3VLVideoProcessor" if name.startswith("qwen3_vl") else "Qwen2VLVideoProcessor"
    kept = {key: value for key, value in processor.items() if key not in ("image_processor_type", "min_pixels", "max_pixels")}
    (target / "video_preprocessor_config.json").write_text(json.dumps({**kept, "video_processor_type": kind, "size": bounds}))
    (target / "tokenizer.json").write_text(json.dumps(tokenizer()))
    read = AutoModelForImageTextToText.from_pretrained(target, dtype=torch.float32, attn_implementation="eager").state_dict()
    assert all(torch.equal(read[key], value) for key, value in model.state_dict().items()), name
    return model, processor, bounds


def tokenizer():
    special = [dict(id=number, content=text, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True) for text, number in SPECIAL.items()]
    return dict(version="1.0", added_tokens=special, normalizer=dict(type="NFC"), post_processor=None, decoder=dict(type="ByteLevel"),
                pre_tokenizer=dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=True), model=dict(type="BPE", vocab=alphabet(), merges=[]))


def alphabet():
    plain = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    others = [chr(256 + n) for n, _ in enumerate(b for b in range(256) if b not in plain)]
    return {char: index for index, char in enumerate([chr(b) for b in plain] + others)}


def encode(text, special):
    """Nothing is ever merged: a token a byte, but for special tokens."""
    ids, vocabulary = [], alphabet()
    while text:
        token = next((token for token in special if text.startswith(token)), None)
        ids.append(special[token] if token else vocabulary["\u0120" if text[0] == " " else text[0]])
        text = text[len(token) if token else 1:]
    return ids


def pixels(width, height, seed):
    y, x, c = numpy.meshgrid(range(height), range(width), range(3), indexing="ij")
    return ((x * 7 + y * 13 + c * 31 + x * y * (seed + 1) + seed * 50) % 256).astype(numpy.uint8)


def preprocess_video(name, width, height, count, processor, bounds):
    side = processor["patch_size"]
    factor, low, high = 2 * side, bounds["shortest_edge"], bounds["longest_edge"]
    if name.startswith("qwen3_vl"):
        given = max(count, 2)
        high = max(min(768 * factor * factor, high // given), int(low * 1.05)) * given
        new_height, new_width = qwen3_resize(given, height, width, 2, factor, low, high)
    else:
        high = max(min(high, int(128000 * factor * factor * 0.9) * 2 // count), int(low * 1.05))
        new_height, new_width = qwen2_resize(height, width, factor, low, high)
    frames = [numpy.asarray(Image.fromarray(pixels(width, height, seed)).resize((new_width, new_height), Image.Resampling.BICUBIC)) for seed in range(count)]
    mean, std = (numpy.array(processor[key], dtype=numpy.float32) for key in ("image_mean", "image_std"))
    scaled = [((frame.astype(numpy.float64) * (1 / 255)).astype(numpy.float32) - mean) / std for frame in frames]
    tensor = torch.from_numpy(numpy.stack(scaled).transpose(0, 3, 1, 2).copy())[None]
    cut, *grid = patchify(None, tensor, side, 2, 2)
    return cut[0], grid


def timestamps(grid, fps, count):
    """What the processor of Qwen3-VL puts in the place of a video."""
    kind = processing_qwen3_vl.Qwen3VLProcessor
    this = types.SimpleNamespace(video_processor=types.SimpleNamespace(merge_size=2, temporal_patch_size=2), vision_start_token="<|vision_start|>", vision_end_token="<|vision_end|>", video_token="<|video_pad|>")
    this._calculate_timestamps = lambda *arguments: kind._calculate_timestamps(this, *arguments)
    return kind.replace_video_token(this, dict(video_grid_thw=numpy.array([grid]), video_metadata=[types.SimpleNamespace(fps=fps, frames_indices=list(range(count)))]), 0)


def positions_of(runs, time_of):
    """The authors' rule: runs are numbers of text tokens, or grids of rows with the seconds of a frame."""
    positions, start = [], 0
    for run in runs:
        if isinstance(run, int):
            positions += [[start + index] * 3 for index in range(run)]
        else:
            (frames, height, width), seconds = run
            positions += [[start + time_of(frame, seconds), start + y, start + x] for frame in range(frames) for y in range(height) for x in range(width)]
        start = max(map(max, positions)) + 1
    return torch.tensor(positions).T


long = lambda value: int(torch.as_tensor(value, dtype=torch.float32).long())


def expand(name, parts, special, tokens, processor, bounds):
    """Ids with one placeholder a medium, expanded ids, runs for positions, and the inputs of the model."""
    short, ids, runs, inputs, media = [], [], [], {}, []
    add = lambda key, value: inputs.setdefault(key, []).append(value)
    for part in parts:
        if isinstance(part, str):
            given = encode(part, special)
            short, ids, runs = short + given, ids + given, runs + [len(given)]
            continue
        media.append(part)
        if part["kind"] == "audio":
            rows = audio_rows(part, add)
            runs.append(rows)
        elif part["kind"] == "image":
            image = Image.fromarray(pixels(part["width"], part["height"], part["seed"]))
            fields = {key: value for key, value in processor.items() if key not in ("image_processor_type", "min_pixels", "max_pixels")}
            result = Qwen2VLImageProcessorPil(**fields, size=dict(shortest_edge=processor["min_pixels"], longest_edge=processor["max_pixels"]))(image, return_tensors="pt")
            grid = result["image_grid_thw"][0].tolist()
            add("pixel_values", result["pixel_values"]), add("image_grid_thw", grid)
            rows = math.prod(grid) // 4
            runs.append(((grid[0], grid[1] // 2, grid[2] // 2), None))
        else:
            values, grid = preprocess_video(name, part["width"], part["height"], part["frames"], processor, bounds)
            add("pixel_values_videos", values), add("video_grid_thw", grid), add("seconds", 2 / part["fps"])
            rows = math.prod(grid) // 4
            if name.startswith("qwen3_vl"):
                token, expanded = special["<|video_pad|>"], encode(timestamps(grid, part["fps"], part["frames"]), special)
                short.append(token)
                ids += expanded
                before = 0
                for step in range(grid[0]):
                    first = expanded.index(token, before)
                    runs += [first - before, ((1, grid[1] // 2, grid[2] // 2), None)]
                    before = first + rows // grid[0]
                runs.append(len(expanded) - before)
                continue
            runs.append(((grid[0], grid[1] // 2, grid[2] // 2), 2 / part["fps"]))
        short.append(tokens[part["kind"]])
        ids += [tokens[part["kind"]]] * rows
    return short, ids, runs, inputs, media


def audio_rows(part, add):
    samples = ((numpy.arange(part["samples"]) * 37 % 1000) / 500 - 1).astype(numpy.float32)
    result = WhisperFeatureExtractor(feature_size=128, chunk_length=300)(samples, sampling_rate=16000, return_attention_mask=True, padding="max_length", return_tensors="pt")
    add("input_features", result["input_features"]), add("feature_attention_mask", result["attention_mask"])
    return ((int(result["attention_mask"].sum()) - 1) // 2 + 1 - 2) // 2 + 1


@torch.no_grad()
def judge(model, name, parts, special, tokens, processor, bounds, time_of):
    short, ids, runs, inputs, media = expand(name, parts, special, tokens, processor, bounds)
    positions = positions_of(runs, time_of)
    seconds = inputs.pop("seconds", None)
    grids = {key: torch.tensor(value) for key, value in inputs.items() if key.endswith("thw")}
    packed = {key: torch.cat(value) for key, value in inputs.items() if not key.endswith("thw")}
    tensor = torch.tensor([ids])
    if name == "omni":
        mask = packed.get("feature_attention_mask")
        expected, _ = model.get_rope_index(tensor, grids.get("image_grid_thw"), grids.get("video_grid_thw"), torch.ones_like(tensor), False,
                                           None if mask is None else mask.sum(-1), None if seconds is None else torch.tensor(seconds))
        agrees = True
    else:
        kinds = torch.tensor([[1 if number == tokens["image"] else 2 if number == tokens["video"] else 0 for number in ids]])
        more = dict(second_per_grid_ts=torch.tensor(seconds)) if name == "qwen2_5_vl" and seconds else {}
        expected, _ = model.model.get_rope_index(tensor, kinds, **grids, **more)
        agrees = all(isinstance(run, int) or time_of(run[0][0] - 1, run[1]) < max(run[0][1:]) for run in runs)
    assert torch.equal(expected[:, 0].long(), positions) == agrees, (name, parts)

    def logits_of(length):
        row = positions.max() + 1 + torch.arange(length - len(ids))
        place = torch.cat([positions, row.expand(3, -1)], 1)[:, None]
        return model(input_ids=tensor, position_ids=place, attention_mask=torch.ones_like(tensor), use_cache=False, **grids, **packed).logits[0]

    logits, greedy = logits_of(len(ids)), []
    for _ in range(GREEDY):
        greedy.append(int(logits_of(tensor.shape[1])[-1].argmax()))
        tensor = torch.cat([tensor, torch.tensor([greedy[-1:]])], 1)
    rows = sorted({0, len(ids) // 3, 2 * len(ids) // 3, len(ids) - 1})
    round7 = lambda row: [float(f"{value:.7g}") for value in row.tolist()]
    return dict(ids=short, media=media, expanded=ids, positions=positions.T.flatten().tolist(), rows=rows, logits=[round7(logits[row]) for row in rows], greedy=greedy, std=logits.std().item())


picture = lambda width, height, seed: dict(kind="image", width=width, height=height, seed=seed)
film = lambda width, height, frames, fps: dict(kind="video", width=width, height=height, frames=frames, fps=fps)


def cases(before, after):
    wrapped = lambda *media: [piece for medium in media for piece in (before, medium, after)]
    return {
        "pictures": ["Look: ", *wrapped(picture(90, 70, 1), picture(1, 1, 2), picture(3, 160, 3)), " What?"],
        "short-video": [*wrapped(film(100, 60, 3, 2)), "Say."],
        "long-video": ["A ", *wrapped(film(60, 60, 7, 1.5)), " then ", *wrapped(film(30, 40, 1, 2)), "Go on."],
        "both": [*wrapped(picture(60, 60, 4), film(70, 50, 4, 8), picture(40, 60, 5)), "?"],
    }


if __name__ == "__main__":
    target, embedded = map(pathlib.Path, sys.argv[1:3])
    tokens = dict(image=260, video=261)
    for name in ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe"):
        model, processor, bounds = make_checkpoint(name, target / name)
        time_of = (lambda frame, seconds: 0 if seconds is None else long(frame * torch.tensor(3 * seconds))) if name == "qwen2_5_vl" else (lambda frame, seconds: frame)
        prompts = cases("<|vision_start|>", "<|vision_end|>")
        results = {case: judge(model, name, parts, SPECIAL, tokens, processor, bounds, time_of) for case, parts in prompts.items()}
        (target / name / "expected.json").write_text(json.dumps(results) + "\n")
    model = Qwen2_5OmniThinkerForConditionalGeneration.from_pretrained(embedded, dtype=torch.float32, attn_implementation="eager").eval()
    processor = json.loads((embedded / "preprocessor_config.json").read_text())
    processor = {key: processor[key] for key in ("patch_size", "temporal_patch_size", "merge_size", "min_pixels", "max_pixels", "image_mean", "image_std", "resample", "do_convert_rgb")}
    bounds = dict(shortest_edge=128 * 784, longest_edge=768 * 784)
    seconds_of = lambda frame, seconds: 0 if seconds is None else long(frame * torch.tensor(seconds) * 25)
    config = json.loads((embedded / "tokenizer.json").read_text())
    special = {token["content"]: token["id"] for token in config["added_tokens"]}
    around = lambda medium: ["<|audio_bos|>", medium, "<|audio_eos|>"] if medium["kind"] == "audio" else ["<|vision_bos|>", medium, "<|vision_eos|>"]
    # Ids of letters differ from those of the other checkpoints; these prompts hold special tokens alone.
    prompts = {"video": around(film(60, 60, 3, 2)), "all": [*around(film(50, 70, 4, 1)), *around(dict(kind="audio", samples=9000)), *around(picture(80, 60, 2))]}
    tokens = {"image": special["<|IMAGE|>"], "video": special["<|VIDEO|>"], "audio": special["<|AUDIO|>"]}
    results = {case: judge(model, "omni", ["<|im_start|>", *parts, "<|im_end|>"], special, tokens, processor, bounds, seconds_of) for case, parts in prompts.items()}
    (target / "embedded.json").write_text(json.dumps(results) + "\n")
