#!/usr/bin/env python3
"""train.py PHASE --data DIR --work DIR --steps N

Phases: `vision` and `audio` teach each tower to name what it sees or hears, through linear heads that are thrown away;
`joint` then teaches the whole model to answer. Every step draws its examples from (seed, phase, step), so a run that is
interrupted goes on where it was, and the learning rate falls over the last quarter of --steps."""
import argparse
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import checkpoint
import forward
import pictures
import sounds
import vocabulary
import wording
from conversations import Encoder
from lessons import Lessons

SEED = 20260


class Run:
    """Model, optimiser and step of one phase, and their file."""

    def __init__(self, model, heads, groups, path):
        self.model, self.heads, self.path, self.step = model, heads, path, 0
        self.rates = [rate for _, rate in groups]
        self.optimiser = torch.optim.AdamW([{"params": list(p), "lr": r} for p, r in groups], betas=(0.9, 0.98), weight_decay=0.05, fused=True)
        if os.path.exists(path):
            state = torch.load(path, weights_only=True)
            model.load_state_dict(state["model"])
            heads.load_state_dict(state["heads"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]

    def save(self):
        torch.save({"model": self.model.state_dict(), "heads": self.heads.state_dict(), "optimiser": self.optimiser.state_dict(),
                    "step": self.step}, self.path + ".new")
        os.replace(self.path + ".new", self.path)

    def train(self, steps, loss_of, label, stop=None, every=100):
        """`loss_of(rng)` gives (loss, dictionary of scores); warm-up, constant rate, linear fall over the last quarter."""
        started, seen, sums = time.time(), 0, {}
        parameters = [p for g in self.optimiser.param_groups for p in g["params"]]
        while self.step < (stop or steps):
            rng = np.random.default_rng([SEED, sum(map(ord, label)), self.step])
            scale = min(1, (self.step + 1) / 200, (steps - self.step) / (0.25 * steps))
            for group, rate in zip(self.optimiser.param_groups, self.rates):
                group["lr"] = rate * scale
            loss, scores = loss_of(rng)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_([p for p in parameters if p.grad is not None], 1.0)
            self.optimiser.step()
            self.step, seen = self.step + 1, seen + 1
            for name, value in {"loss": float(loss.detach()), **scores}.items():
                sums[name] = sums.get(name, 0.0) + value
            if seen % 25 == 0:
                text = " ".join(f"{k} {v / 25:.3f}" for k, v in sums.items())
                print(f"{label} {self.step}/{steps} {(time.time() - started) / seen:.3f} s/step {text}", flush=True)
                sums = {}
            if self.step % every == 0 or self.step == (stop or steps):
                self.save()


def accuracy(scores, labels):
    return float((scores.argmax(-1) == labels).float().mean())


def new_model():
    tokenizer = vocabulary.train(wording.corpus())
    model = checkpoint.create(tokenizer, SEED)
    model.set_attn_implementation("sdpa")
    return model, tokenizer


def vision_loss(tower, heads, lessons, encoder, n=32):
    """Digit of the picture (10: a scene, 11: blank); for each of the 9 fields its column, and of the thing whose centre lies in it
    colour, shape and side. Columns and sides are known to the text backbone only by differences of positions, which are hard to use."""
    columns = torch.arange(9) % 3

    def loss_of(rng):
        images, digits = [], []
        colours, shapes, sides = (torch.zeros(n, 9, dtype=torch.long) for _ in range(3))
        for i in range(n):
            kind = i / n
            if kind < 0.35:
                digits.append(int(rng.integers(10)))
                images.append(lessons.digit_picture(rng, digits[-1]))
            elif kind < 0.96:
                things = pictures.pick_things(rng, int(rng.integers(1, 4)))
                if rng.random() < 0.5:
                    pictures.unname_colours(rng, things)
                elif rng.random() < 0.8:
                    pictures.swap_shapes(rng, things, 0.7)
                images.append(pictures.scene_picture(rng, things))
                digits.append(10)
                for t in things:
                    field = int(t.y * 3) * 3 + int(t.x * 3)
                    colours[i, field] = 1 + wording.COLOURS.index(t.colour) if t.rgb is None else -100
                    sides[i, field] = 1 + (t.side == "right")
                    shapes[i, field] = 1 + wording.SHAPES.index(t.shape) if t.shape in wording.SHAPES else -100
            else:
                images.append(pictures.blank_picture(rng))
                digits.append(11)
        seen = forward.see(tower, forward.patches(torch.tensor(np.stack(images)), encoder.mean, encoder.std))
        digits = torch.tensor(digits)
        is_digit, is_scene = digits < 10, digits == 10
        d, c, s = heads["digit"](seen.mean(1)), heads["colour"](seen[is_scene]), heads["shape"](seen[is_scene])
        coloured, shaped = colours[is_scene] > 0, shapes[is_scene] > 0
        loss = F.cross_entropy(d, digits) + F.cross_entropy(c.flatten(0, 1), colours[is_scene].flatten()) \
            + F.cross_entropy(s.flatten(0, 1), shapes[is_scene].flatten())
        side, column = heads["side"](seen[is_scene]), heads["column"](seen)
        loss = loss + 0.5 * F.cross_entropy(side.flatten(0, 1), sides[is_scene].flatten()) \
            + 0.3 * F.cross_entropy(column.flatten(0, 1), columns.repeat(n))
        sided = sides[is_scene] > 0
        return loss, {"digit": accuracy(d[is_digit], digits[is_digit]), "colour": accuracy(c[coloured], colours[is_scene][coloured]),
                      "shape": accuracy(s[shaped], shapes[is_scene][shaped]),
                      "side": accuracy(side[sided], sides[is_scene][sided])}
    return loss_of


def audio_loss(tower, heads, lessons, n=32):
    """Digit of the clip (10: silence)."""
    def loss_of(rng):
        lessons.draw_length(rng, 200)
        digits = [int(rng.integers(10)) if i < 0.92 * n else 10 for i in range(n)]
        mels = [lessons.recording(rng, d) if d < 10 else sounds.silence(rng, lessons.most) for d in digits]
        frames = torch.tensor([m.shape[1] for m in mels])
        mel = torch.zeros(n, 128, int(frames.max()))
        for i, m in enumerate(mels):
            mel[i, :, :m.shape[1]] = torch.as_tensor(m)
        heard = forward.hear(tower, mel, frames)
        keep = (torch.arange(heard.shape[1]) < forward.audio_tokens(frames)[:, None])[..., None].float()
        scores = heads["spoken"]((heard * keep).sum(1) / keep.sum(1))
        digits = torch.tensor(digits)
        return F.cross_entropy(scores, digits, label_smoothing=0.05), {"digit": accuracy(scores, digits)}
    return loss_of


def joint_loss(model, lessons, encoder, n=32, kinds=None):
    def loss_of(rng):
        lessons.draw_length(rng, 350)
        batch = encoder.batch([lessons.conversation(rng, kinds) for _ in range(n)], rng)
        scores = forward.logits(model, batch, batch.answer_rows)
        return F.cross_entropy(scores, batch.answers), {"tokens": accuracy(scores, batch.answers)}
    return loss_of


def heads_of(phase):
    sizes = {"vision": {"digit": 12, "colour": 7, "shape": 5, "side": 3, "column": 3}, "audio": {"spoken": 11}, "joint": {}}[phase]
    return torch.nn.ModuleDict({name: torch.nn.Linear(192, size) for name, size in sizes.items()})


def tower_phase(phase, lessons, path, steps, rate=1.5e-3):
    model, tokenizer = new_model()
    tower = model.model.visual if phase == "vision" else model.model.audio_tower
    heads = heads_of(phase)
    run = Run(tower, heads, [([*tower.parameters(), *heads.parameters()], rate)], path)
    encoder = Encoder(tokenizer, checkpoint.IMAGE_MEAN, checkpoint.IMAGE_STD)
    loss_of = vision_loss(tower, heads, lessons, encoder) if phase == "vision" else audio_loss(tower, heads, lessons)
    run.train(steps, loss_of, phase)


def joint_phase(towers, lessons, path, steps, kinds=None, reload=False, rate=6e-4):
    """`towers`: files of the tower phases by name. They stay as they are: lessons never show the pairs of the test, and towers that
    went on learning here would forget to tell colour and shape apart."""
    model, tokenizer = new_model()
    text = list(model.model.language_model.parameters())
    parts = {"vision": model.model.visual, "audio": model.model.audio_tower}
    run = Run(model, heads_of("joint"), [(text, rate)], path)
    loss_of = joint_loss(model, lessons, Encoder(tokenizer, checkpoint.IMAGE_MEAN, checkpoint.IMAGE_STD), kinds=kinds)
    for name, tower in parts.items():
        tower.requires_grad_(False)
        if name in towers and (run.step == 0 or reload):
            tower.load_state_dict(torch.load(towers[name], weights_only=True)["model"])
    run.train(steps, loss_of, "joint")
    return model, tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("phase", choices=["vision", "audio", "joint"])
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--reload-towers", action="store_true", help="joint: go on with the towers as their phases left them")
    parser.add_argument("--out", help="joint: the checkpoint folder to write")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    lessons = Lessons(options.data, options.work)
    path = os.path.join(options.work, options.phase + ".pt")
    if options.phase == "joint":
        towers = {name: os.path.join(options.work, name + ".pt") for name in ("vision", "audio")}
        model, tokenizer = joint_phase(towers, lessons, path, options.steps, reload=options.reload_towers)
        if options.out:
            checkpoint.save(model, tokenizer, options.out)
    else:
        tower_phase(options.phase, lessons, path, options.steps)


if __name__ == "__main__":
    main()
