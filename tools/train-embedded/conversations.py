"""From conversations to arrays: ids, three-axis positions, places of the media and of the answers."""
from dataclasses import dataclass

import torch

import forward
import wording

TOKENS = (forward.GRID // 2) ** 2
CHUNK = 200         # mel frames: twice the configuration's n_window


@dataclass
class Turn:
    """A question, its media in the order of the prompt, and the answer. A part is ("image", picture), ("audio", mel) or a string."""
    parts: list
    answer: str


@dataclass
class Batch:
    ids: torch.Tensor               # [rows]: all conversations, one after another
    positions: torch.Tensor         # [3, rows]
    lengths: torch.Tensor           # [conversations]
    answer_rows: torch.Tensor       # rows whose next token is part of an answer
    answers: torch.Tensor           # those next tokens
    image_places: torch.Tensor
    audio_places: torch.Tensor
    patches: torch.Tensor | None
    mel: torch.Tensor | None
    frames: torch.Tensor | None


class Encoder:
    """Writes conversations in the form of the chat template."""

    def __init__(self, tokenizer, mean, std):
        self.tokenizer, self.cache = tokenizer, {}
        self.id = tokenizer.token_to_id
        self.colours = {tokenizer.encode(" " + c).ids[0] for c in wording.COLOURS}
        self.mean, self.std = torch.tensor(mean), torch.tensor(std)

    def text(self, string):
        if string not in self.cache:
            if len(self.cache) > 50_000:
                self.cache.clear()
            self.cache[string] = self.tokenizer.encode(string).ids
        return self.cache[string]

    def conversation(self, turns, system=None, rng=None):
        """ids, positions [3][n], labels (-1: not part of an answer), pictures, mels.

        With `rng`, a colour in an answer is sometimes read as any other token by the words after it (its own label stays), so that
        a shape is looked up in the picture and not guessed from the colour before it."""
        ids, labels, axes, pictures, mels = [], [], ([], [], []), [], []
        at = 0

        def plain(tokens, learn=False):
            nonlocal at
            ids.extend(int(rng.integers(256, 640)) if learn and rng and t in self.colours and rng.random() < 0.4 else t for t in tokens)
            labels.extend(tokens if learn else [-1] * len(tokens))
            for axis in axes:
                axis.extend(range(at, at + len(tokens)))
            at += len(tokens)

        def image(picture):
            nonlocal at
            pictures.append(picture)
            side = forward.GRID // 2
            ids.extend([self.id("<|IMAGE|>")] * TOKENS)
            labels.extend([-1] * TOKENS)
            axes[0].extend([at] * TOKENS)
            axes[1].extend(at + i // side for i in range(TOKENS))
            axes[2].extend(at + i % side for i in range(TOKENS))
            at += side

        if system is not None:
            plain(self.text(f"<|im_start|>system\n{system}<|im_end|>\n"))
        for turn in turns:
            plain(self.text("<|im_start|>user\n"))
            for part in turn.parts:
                if isinstance(part, str):
                    plain(self.text(part))
                elif part[0] == "image":
                    plain([self.id("<|vision_bos|>")])
                    image(part[1])
                    plain([self.id("<|vision_eos|>")])
                else:
                    mels.append(part[1])
                    plain([self.id("<|audio_bos|>")])
                    plain([self.id("<|AUDIO|>")] * forward.audio_tokens(part[1].shape[1]))
                    plain([self.id("<|audio_eos|>")])
            plain(self.text("<|im_end|>\n<|im_start|>assistant\n"))
            plain(self.text(turn.answer + "<|im_end|>"), learn=True)
            plain(self.text("\n"))
        return ids[:-1], [axis[:-1] for axis in axes], labels[:-1], pictures, mels

    def batch(self, conversations, rng=None):
        """Conversations are (turns, system) pairs. Answers' first tokens are predicted from the row before."""
        encoded = [self.conversation(*c, rng=rng) for c in conversations]
        ids = torch.tensor([i for c in encoded for i in c[0]])
        labels = torch.tensor([i for c in encoded for i in c[2]])
        pictures = [p for c in encoded for p in c[3]]
        mels = [m for c in encoded for m in c[4]]
        targets = (labels >= 0).nonzero()[:, 0]
        rows = mel = frames = None
        if pictures:
            rows = forward.patches(torch.stack([torch.as_tensor(p) for p in pictures]), self.mean, self.std)
        if mels:    # the tower hears pieces of two seconds
            pieces = [m[:, i:i + CHUNK] for m in mels for i in range(0, m.shape[1], CHUNK)]
            frames = torch.tensor([p.shape[1] for p in pieces])
            mel = torch.zeros(len(pieces), 128, int(frames.max()))
            for i, p in enumerate(pieces):
                mel[i, :, :p.shape[1]] = torch.as_tensor(p)
        return Batch(
            ids=ids, positions=torch.tensor([[p for c in encoded for p in c[1][axis]] for axis in range(3)]),
            lengths=torch.tensor([len(c[0]) for c in encoded]), answer_rows=targets - 1, answers=labels[targets],
            image_places=(ids == self.id("<|IMAGE|>")).nonzero()[:, 0], audio_places=(ids == self.id("<|AUDIO|>")).nonzero()[:, 0],
            patches=rows, mel=mel, frames=frames)
