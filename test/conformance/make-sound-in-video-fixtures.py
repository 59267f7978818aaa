"""Writes what transformers computes for videos with their sound (`use_audio_in_video`) on the thinker that make-omni-fixtures.py made.

    python make-sound-in-video-fixtures.py ../fixtures/omni     (torch 2.13.0, transformers 5.23.0, pillow 13.0.0, float32, eager attention)

The tokens of a video and its sound are those of `Qwen2_5OmniProcessor.replace_video_with_audio_token`, positions those of `get_rope_index`.
That knows only prompts in which every video has a sound, or none has: others are given to it piece by piece.
"""
import importlib
import json
import pathlib
import sys
import tempfile
import types

import numpy
import torch
from safetensors.torch import load_file
from transformers.models.qwen2_5_omni.processing_qwen2_5_omni import Qwen2_5OmniProcessor

vision = importlib.import_module("make-vision-fixtures")
omni = importlib.import_module("make-omni-fixtures")
SPECIAL, SECONDS_PER_CHUNK, POSITIONS_PER_SECOND = omni.SPECIAL, omni.IDS["seconds_per_chunk"], omni.IDS["position_id_per_seconds"]


def woven(grid, seconds, rows):
    """What the processor puts in the place of a video."""
    this = types.SimpleNamespace(video_processor=types.SimpleNamespace(merge_size=2), audio_bos_token="<|audio_bos|>", audio_eos_token="<|audio_eos|>", audio_token="<|AUDIO|>", video_token="<|VIDEO|>")
    this.get_chunked_index = lambda *arguments: Qwen2_5OmniProcessor.get_chunked_index(this, *arguments)
    return Qwen2_5OmniProcessor.replace_video_with_audio_token(this, dict(video_grid_thw=numpy.array([grid]), video_second_per_grid=[seconds]), 0, dict(num_audio_tokens=[rows]), 0,
                                                               position_id_per_seconds=POSITIONS_PER_SECOND, seconds_per_chunk=SECONDS_PER_CHUNK)


def expand(parts):
    """Ids with one placeholder a video, pieces of expanded ids with what stands in them, and the inputs of the model."""
    short, pieces, inputs, media = [], [], {}, []
    add = lambda key, value: inputs.setdefault(key, []).append(value)
    for part in parts:
        if isinstance(part, str):
            given = vision.encode(part, SPECIAL)
            short += given
            pieces.append((given, {}))
            continue
        sound = part.pop("sound", None)
        given, ids, runs, found, _ = vision.expand("omni", [part], SPECIAL, {"image": SPECIAL["<|IMAGE|>"], "video": SPECIAL["<|VIDEO|>"], "audio": SPECIAL["<|AUDIO|>"]}, omni.PROCESSOR, omni.VIDEO)
        facts = {key: value for key, value in found.items() if key in ("image_grid_thw", "video_grid_thw", "seconds")}
        for key, values in found.items():
            inputs.setdefault(key, []).extend(values)
        if sound is not None:
            rows = vision.audio_rows(dict(samples=sound), add)
            ids = vision.encode(woven(facts["video_grid_thw"][0], facts["seconds"][0], rows), SPECIAL)
            part["sound"], facts["woven"] = sound, True
        if part["kind"] == "audio" or sound is not None:
            facts["mask"] = inputs["feature_attention_mask"][-1]
        short += given
        media.append(part)
        pieces.append((ids, facts))
    return short, pieces, inputs, media


def positions_of(model, pieces):
    ids = torch.tensor([[number for piece, _ in pieces for number in piece]])
    gather = lambda key: [value for _, facts in pieces for value in facts.get(key, [])]
    tensors = {key: torch.tensor(gather(key)) for key in ("image_grid_thw", "video_grid_thw", "seconds") if gather(key)}
    masks = [facts["mask"] for _, facts in pieces if "mask" in facts]
    lengths = torch.cat(masks).sum(-1) if masks else None
    if not tensors.get("image_grid_thw", torch.tensor([])).numel() and "video_grid_thw" not in tensors:
        return torch.arange(ids.shape[1]).expand(3, -1)
    result, _ = model.get_rope_index(ids, tensors.get("image_grid_thw"), tensors.get("video_grid_thw"), torch.ones_like(ids), any("woven" in facts for _, facts in pieces), lengths, tensors.get("seconds"))
    return result[:, 0].long()


def cut(pieces):
    """Pieces between which `get_rope_index` can be asked anew: around the tokens before and after each video."""
    groups = [[]]
    for ids, facts in pieces:
        if "video_grid_thw" not in facts:
            groups[-1].append((ids, facts))
            continue
        (before, _) = groups[-1].pop()
        if before[:-1]:
            groups[-1].append((before[:-1], {}))
        groups += [[(before[-1:], {}), (ids, facts)], []]
    for previous, group in zip(groups, groups[1:]):
        if any("video_grid_thw" in facts for _, facts in previous):
            previous.append((group[0][0][:1], {}))
            group[0] = (group[0][0][1:], group[0][1])
    return [kept for group in groups if (kept := [(ids, facts) for ids, facts in group if ids])]


def piecewise(model, pieces):
    positions, start = [], 0
    for group in cut(pieces):
        own = positions_of(model, group) + start
        positions.append(own)
        start = int(own[:, -1].max()) + 1
    return torch.cat(positions, 1)


@torch.no_grad()
def judge(model, parts):
    short, pieces, inputs, media = expand(parts)
    ids = [number for piece, _ in pieces for number in piece]
    positions = piecewise(model, pieces)
    with_sound = [("woven" in facts) for _, facts in pieces if "video_grid_thw" in facts]
    if all(with_sound):
        assert torch.equal(positions, positions_of(model, pieces))
    inputs.pop("seconds")
    grids = {key: torch.tensor(value) for key, value in inputs.items() if key.endswith("thw")}
    packed = {key: torch.cat(value) for key, value in inputs.items() if not key.endswith("thw")}
    tensor = torch.tensor([ids])

    def logits_of(length):
        row = positions.max() + 1 + torch.arange(length - len(ids))
        place = torch.cat([positions, row.expand(3, -1)], 1)[:, None]
        return model(input_ids=tensor, position_ids=place, attention_mask=torch.ones_like(tensor), use_cache=False, **grids, **packed).logits[0]

    logits, greedy = logits_of(len(ids)), []
    for _ in range(vision.GREEDY):
        greedy.append(int(logits_of(tensor.shape[1])[-1].argmax()))
        tensor = torch.cat([tensor, torch.tensor([greedy[-1:]])], 1)
    rows = sorted({0, len(ids) // 3, 2 * len(ids) // 3, len(ids) - 1})
    round7 = lambda row: [float(f"{value:.7g}") for value in row.tolist()]
    return dict(ids=short, media=media, expanded=ids, positions=positions.T.flatten().tolist(), rows=rows, logits=[round7(logits[row]) for row in rows], greedy=greedy, std=logits.std().item())


def prompts():
    film = lambda width, height, frames, fps, seconds=None: {**vision.film(width, height, frames, fps), **({} if seconds is None else dict(sound=round(seconds * 16000)))}
    seen, heard, picture = omni.seen, omni.heard, vision.picture
    return {
        "sound longer than the video": ["Look: ", *seen(film(60, 40, 5, 2, 7.3)), " What?"],
        "sound shorter than the video": [*seen(film(40, 40, 9, 2, 0.6))],
        "two videos with sound, a picture and a recording": [*seen(film(60, 40, 3, 2, 1.5)), *heard(0.8), " and ", *seen(picture(60, 50, 1)), *seen(film(50, 50, 6, 1, 5.02)), "?"],
        "a video with sound between two without": ["A ", *seen(film(40, 60, 3, 1)), *seen(film(60, 40, 4, 1, 3)), "B", *seen(film(50, 50, 2, 2)), "."],
        "frames far apart": [*seen(film(50, 50, 6, 0.4, 13.7)), "!"],
        "frames close together": [*seen(film(50, 40, 7, 24, 0.4)), "!"],
    }


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        model = omni.make_checkpoint(pathlib.Path(folder))
        made, kept = load_file(pathlib.Path(folder) / "model.safetensors"), load_file(target / "model.safetensors")
        assert made.keys() == kept.keys() and all(torch.equal(made[key], kept[key]) for key in made), "run make-omni-fixtures.py first"
    results = {case: judge(model, parts) for case, parts in prompts().items()}
    (target / "sound-in-video.json").write_text(json.dumps(results) + "\n")
    print({case: len(result["expanded"]) for case, result in results.items()})
