"""Draws conversations about pictures and recordings, and the answers that are true."""
import os

import numpy as np

import pictures
import sounds
import wording
from conversations import Turn


class Bank:
    """Log-mel of clips with their digits; `without` leaves one speaker out."""

    def __init__(self, path, without=None):
        self.mel = np.load(path + ".npy")
        index = np.load(path + "-index.npy")
        if without is not None:
            index = index[index[:, 3] != sounds.SPEAKERS.index(without)]
        self.of_digit = [index[index[:, 2] == d] for d in range(10)]

    def log(self, rng, digit):
        rows = self.of_digit[digit]
        start, stop = rows[rng.integers(len(rows))][:2]
        return self.mel[start:stop].T.astype(np.float32)


class Lessons:
    def __init__(self, data, work, without=None, held_out=False):
        """`held_out` asks in the wordings and shows the pairs that training never uses."""
        images, labels, test = pictures.read_digits(data)
        self.digits = [images[(labels == d) & (test == held_out)] for d in range(10)]
        self.people = Bank(os.path.join(work, "people"), without)
        self.synthetic = Bank(os.path.join(work, "synthetic"))
        self.sentences = wording.HELD_OUT if held_out else {t: wording.TRAIN.get(t, []) + wording.LATER.get(t, []) for t in {**wording.TRAIN, **wording.LATER}}
        self.held_out = held_out
        self.most = 80      # frames of the longest clip: all clips of a batch are padded to the longest

    def draw_length(self, rng, longest):
        self.most = int(rng.choice([80, 120, longest], p=[0.8, 0.14, 0.06]))

    # -- media --------------------------------------------------------------------------------------------------------
    def digit_picture(self, rng, digit):
        images = self.digits[digit]
        return pictures.digit_picture(rng, images[rng.integers(len(images))])

    def recording(self, rng, digit):
        bank = self.people if rng.random() < 0.7 else self.synthetic
        return sounds.augment(rng, bank.log(rng, digit), self.most, plain=0.08)

    # -- questions ----------------------------------------------------------------------------------------------------
    def ask(self, rng, topic, **gaps):
        sentences = self.sentences[topic]
        return wording.vary(rng, sentences[rng.integers(len(sentences))].format(**gaps))

    def about_scene(self, rng, things, topic):
        """(question, answer) on one topic; the answer may be that the thing asked for is not there. A test asks for hidden pairs."""
        hidden = [t for t in things if (t.colour, t.shape) in wording.HELD_OUT_PAIRS] if self.held_out else []
        thing = hidden[0] if hidden else things[rng.integers(len(things))]
        if topic == "count":
            return self.ask(rng, topic), wording.count(len(things))
        if topic == "look":
            return self.ask(rng, topic), f"I see {wording.listed([wording.article(t.name) for t in things])}."
        if topic == "colour":
            return self.about_colour(rng, things, thing)
        if topic == "shape":
            colour, answer = thing.colour, f"It is {wording.article(thing.shape)}."
            if not self.held_out and rng.random() < 0.06:
                colour = str(rng.choice([c for c in wording.COLOURS if all(t.colour != c for t in things)]))
                answer = f"There is no {colour} one."
            return self.ask(rng, topic, colour=colour), answer
        if topic == "what-side":
            side = thing.side if hidden else str(rng.choice(["left", "right"]))
            thing = things[0] if side == "left" else things[-1]
            answer = f"{wording.article(thing.name).capitalize()} is on the {side}."
            if len(things) == 1 and thing.side != side:
                answer = f"Nothing is on the {side}."
            return self.ask(rng, topic, side=side), answer
        if not hidden:
            thing = things[0] if rng.random() < 0.5 else things[-1]
        if topic.startswith("side-"):
            return self.ask(rng, topic, side=thing.side), f"It is {thing.colour if topic == 'side-colour' else wording.article(thing.shape)}."
        return self.ask(rng, topic, thing=self.any_name(rng, things, thing)), f"It is on the {thing.side}."

    def about_colour(self, rng, things, thing):
        if not self.held_out and rng.random() < 0.06:
            shape = str(rng.choice([s for s in wording.SHAPES if all(t.shape != s for t in things)]))
            return self.ask(rng, "colour", shape=shape), f"There is no {shape}."
        shape = "shape" if len(things) == 1 and rng.random() < 0.3 else thing.shape
        return self.ask(rng, "colour", shape=shape), f"It is {thing.colour}."

    def any_name(self, rng, things, thing):
        """What a question may call a thing: by what has a name."""
        names = [thing.shape] + ["shape"] * (len(things) == 1)
        if thing.rgb is None:
            names += [thing.colour + " one", thing.name]
        return names[rng.integers(len(names))]

    TOPICS = {"count": 0.05, "colour": 0.24, "shape": 0.12, "what-side": 0.28, "where": 0.19, "look": 0.06, "side-colour": 0.03, "side-shape": 0.03}

    def scene(self, rng, topic, n=None):
        """(picture, question, answer) on one topic, for the test."""
        sided = self.held_out and topic in ("what-side", "where")       # a hidden pair must not stand in the middle
        things = pictures.pick_things(rng, n or int(rng.choice([1, 2, 2] if sided else [1, 2, 2, 3])), self.held_out)
        return pictures.scene_picture(rng, things), *self.about_scene(rng, things, topic)

    def scene_turns(self, rng, extra):
        """One to three questions about one picture. Some pictures show colours without a name, and are only asked for shapes and places."""
        things = pictures.pick_things(rng, int(rng.choice([1, 2, 2, 3])))
        variety, topics = rng.random(), self.TOPICS
        if variety < 0.15:
            pictures.unname_colours(rng, things)
            topics = {"count": 0.1, "where": 0.5, "side-shape": 0.4}
        elif variety < 0.65:
            pictures.swap_shapes(rng, things, 0.7)
        turns = []
        for i in range(int(rng.integers(1, 4))):
            question, answer = self.about_scene(rng, things, str(rng.choice(list(topics), p=list(topics.values()))))
            recording = self.any_recording(rng) if extra and i == 0 else None
            turns.append(Turn(self.arrange(rng, pictures.scene_picture(rng, things), recording, question) if i == 0 else [question], answer))
        return turns

    # -- turns --------------------------------------------------------------------------------------------------------
    def arrange(self, rng, picture, recording, question):
        """The media in any order, the question last or, less often, first or between."""
        media = [("image", picture)] * (picture is not None) + [("audio", recording)] * (recording is not None)
        if len(media) == 2 and rng.random() < 0.5:
            media.reverse()
        place = len(media) if rng.random() < 0.75 else int(rng.integers(0, len(media) + 1))
        return media[:place] + [question] + media[place:]

    def turns(self, rng, kind):
        return self.scene_turns(rng, extra=rng.random() < 0.1) if kind == "scene" else [self.turn(rng, kind)]

    def turn(self, rng, kind):
        extra = rng.random() < 0.1         # a second medium that nobody asks about
        d = int(rng.integers(10))
        if kind == "written":
            look = rng.random() < 0.15
            answer = f"I see the digit {wording.DIGITS[d]}." if look else wording.written(d)
            return Turn(self.arrange(rng, self.digit_picture(rng, d), self.any_recording(rng) if extra else None,
                                     self.ask(rng, "look" if look else kind)), answer)
        if kind == "spoken":
            listen = rng.random() < 0.15
            answer = f"I hear the digit {wording.DIGITS[d]}." if listen else wording.spoken(d)
            return Turn(self.arrange(rng, self.any_picture(rng) if extra else None, self.recording(rng, d),
                                     self.ask(rng, "listen" if listen else kind)), answer)
        if kind == "same":
            heard = d if rng.random() < 0.5 else int((d + rng.integers(1, 10)) % 10)
            return Turn(self.arrange(rng, self.digit_picture(rng, d), self.recording(rng, heard), self.ask(rng, kind)), wording.same(d, heard))
        if kind == "chat":
            if rng.random() < 0.15:
                d = d % 9
                return Turn([wording.vary(rng, wording.NEXT[rng.integers(len(wording.NEXT))].format(digit=wording.DIGITS[d]))],
                            f"It is {wording.DIGITS[d + 1]}.")
            question = list(wording.CHAT)[rng.integers(len(wording.CHAT))]
            return Turn([wording.vary(rng, question)], wording.CHAT[question])
        return self.refusal(rng, kind, extra)

    def refusal(self, rng, kind, extra):
        topic, gaps = self.any_topic(rng, kind)
        question = self.ask(rng, topic, **gaps)
        if kind == "blank":
            recording = self.any_recording(rng) if extra else None
            if topic == "same":
                recording = self.recording(rng, int(rng.integers(10)))
            return Turn(self.arrange(rng, pictures.blank_picture(rng), recording, question), wording.BLANK)
        if kind == "silent":
            picture = self.any_picture(rng) if extra else None
            if topic == "same":
                picture = self.digit_picture(rng, int(rng.integers(10)))
            return Turn(self.arrange(rng, picture, sounds.silence(rng, self.most), question), wording.SILENT)
        if topic in ("spoken", "listen"):       # "missing": the medium is not there, or shows something else
            return Turn(self.arrange(rng, self.any_picture(rng) if extra else None, None, question), wording.NO_RECORDING)
        if rng.random() < 0.5:
            return Turn(self.arrange(rng, None, self.any_recording(rng) if extra else None, question), wording.NO_PICTURE)
        if topic == "written":
            things = pictures.pick_things(rng, int(rng.integers(1, 4)))
            return Turn(self.arrange(rng, pictures.scene_picture(rng, things), None, question), wording.NO_DIGIT)
        return Turn(self.arrange(rng, self.digit_picture(rng, int(rng.integers(10))), None, question), wording.NO_SHAPES)

    def any_topic(self, rng, kind):
        topics = {"blank": ["written", "same", "count", "colour", "shape", "what-side", "where", "look"],
                  "silent": ["spoken", "spoken", "same", "listen"],
                  "missing": ["written", "spoken", "listen", "count", "colour", "shape", "what-side"]}[kind]
        gaps = {"shape": str(rng.choice(wording.SHAPES)), "colour": str(rng.choice(wording.COLOURS)),
                "side": str(rng.choice(["left", "right"])), "thing": str(rng.choice(wording.SHAPES))}
        return topics[rng.integers(len(topics))], gaps

    def any_picture(self, rng):
        kind = rng.random()
        if kind < 0.6:
            return self.digit_picture(rng, int(rng.integers(10)))
        return pictures.scene_picture(rng, pictures.pick_things(rng, int(rng.integers(1, 4)))) if kind < 0.9 else pictures.blank_picture(rng)

    def any_recording(self, rng):
        return self.recording(rng, int(rng.integers(10))) if rng.random() < 0.85 else sounds.silence(rng, self.most)

    # Scenes and comparisons take the longest to learn: the text backbone has to look up one thing by another.
    KINDS = {"written": 0.07, "spoken": 0.07, "same": 0.13, "scene": 0.59, "blank": 0.03, "silent": 0.03, "chat": 0.04, "missing": 0.04}
    HEARING = {"spoken": 0.9, "silent": 0.1}

    def conversation(self, rng, kinds=None):
        kinds = kinds or self.KINDS
        pick = lambda: str(rng.choice(list(kinds), p=list(kinds.values())))     # noqa: E731
        turns = self.turns(rng, pick())
        if rng.random() < 0.06:
            turns += self.turns(rng, pick())
        system = wording.SYSTEMS[rng.integers(len(wording.SYSTEMS))] if rng.random() < 0.1 else None
        return turns, system
