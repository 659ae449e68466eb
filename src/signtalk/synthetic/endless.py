"""Made-up signing without end: group after group of clips in which different people sign the same.

seed, number --draw_group--> DrawnGroup: one sign, or a few in a row, by several people

The same seed and number always give the same clips. Group 2n + 1 signs nearly what group 2n signs, so that a batch of
neighbours holds what is hard to tell apart. Called by `training.pretrain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from signtalk.landmarks.clip import LandmarkClip, regular_timestamps
from signtalk.synthetic.body import pose_body
from signtalk.synthetic.camera import TrackerKind, project, track
from signtalk.synthetic.drawn_people import FRAME_RATES, draw_person
from signtalk.synthetic.drawn_signs import PHONOLOGY, draw_sign, near, phonology
from signtalk.synthetic.lexicon import Sign, substitutions
from signtalk.synthetic.signers import Signer, generator
from signtalk.synthetic.signing import add_sentence, begin, to_motion

NO_SIGN = -1
"""Stands for every parameter in a frame that belongs to no sign."""
_LONGEST = 3
_LENGTH_SHARE = (0.65, 0.22, 0.13)
"""Of groups of one, two and three signs."""
_OWN_WAY = 0.05
"""Share of signs that a person makes in another way: another place, handshape or number of hands or repeats."""
_BEFORE_S = _AFTER_S = 0.5
_TIGHT, _LOOSE = 0.6, 0.25
"""Share of clips cut close to the signs, and far from them; the rest is cut into the movement."""
_LEAST_FRAMES = 4
_HOLDS = 0.4
"""Chance that the hands stay up and still for a moment after a sign."""
_SHAPE_UNTOLD = 0.75
"""Share of clips that do not tell their picture's shape, as most files do, so that they are read as squares."""


class EndlessConfig(BaseModel, frozen=True, extra="forbid"):
    """What is drawn.

    Attributes:
        seed: of everything.
        people: clips of each group, each by another person.
        trackers: what finds them.
    """

    seed: int = Field(default=0, ge=0)
    people: int = Field(default=4, ge=2)
    trackers: TrackerKind = "hands"


@dataclass(frozen=True, eq=False)
class DrawnClip:
    """A made-up recording and what is signed in it.

    Attributes:
        clip: the landmarks as a detector gave them.
        phonology: (T, 7) int8 which value of each parameter of `PHONOLOGY` each frame has; NO_SIGN between signs.
    """

    clip: LandmarkClip
    phonology: npt.NDArray[np.int8]


def draw_group(config: EndlessConfig, number: int) -> tuple[DrawnClip, ...]:
    """The clips of a group: the same signs by `config.people` people.

    Args:
        config: seed and size.
        number: of the group, from 0.
    """
    signs = draw_signs(config.seed, number, config.trackers)
    rng = generator(config.seed, "group", number)
    return tuple(film_signs(draw_person(rng, config.trackers), signs, rng) for _ in range(config.people))


def draw_signs(seed: int, number: int, trackers: TrackerKind = "hands") -> tuple[Sign, ...]:
    """What a group signs; an odd group nearly what the even one before it signs.

    Args:
        seed: of everything.
        number: of the group.
        trackers: what finds its people: in what it shows, neighbours differ.
    """
    rng = generator(seed, "signs", number // 2)
    length = int(rng.choice(np.arange(_LONGEST) + 1, p=_LENGTH_SHARE))
    signs = tuple(draw_sign(rng) for _ in range(length))
    if number % 2 == 0:
        return signs
    if length > 1 and rng.random() < 1 / 3:
        first = int(rng.integers(length - 1))
        return (*signs[:first], signs[first + 1], signs[first], *signs[first + 2 :])
    place = int(rng.integers(length))
    return (*signs[:place], near(signs[place], rng, trackers), *signs[place + 1 :])


def film_signs(person: Signer, signs: Sequence[Sign], rng: np.random.Generator) -> DrawnClip:
    """One person's clip of these signs, cut as people cut.

    Args:
        person: who signs, before which camera.
        signs: in a row.
        rng: of the frame rate, the way of signing and the cut.
    """
    fps = float(rng.choice(FRAME_RATES))
    performance = begin(person, rng)
    performance.clock = _BEFORE_S
    made = [_own_way(sign, rng) for sign in signs]
    starts, ends = add_sentence(performance, made, person, rng, _HOLDS)
    performance.clock += _AFTER_S
    performance.hold()
    motion = to_motion(performance, person, fps, rng)
    image = project(pose_body(person.body, motion), person.camera)
    landmarks, visibility = track(image, person.camera, person.tracker, fps, rng)
    shown = _cut(starts, ends, fps, len(landmarks), rng)
    times = np.arange(len(landmarks)) / fps
    parameters = np.full((len(landmarks), len(PHONOLOGY)), NO_SIGN, dtype=np.int8)
    for sign, (start, end) in zip(made, performance.sign_spans_s, strict=True):
        parameters[(times >= start) & (times <= end)] = phonology(sign)
    aspect = None if rng.random() < _SHAPE_UNTOLD else person.camera.aspect
    clip = LandmarkClip(landmarks[shown], visibility[shown], regular_timestamps(shown.stop - shown.start, fps), aspect)
    return DrawnClip(clip, parameters[shown])


def _own_way(sign: Sign, rng: np.random.Generator) -> Sign:
    if sign.hands == "base" or rng.random() >= _OWN_WAY:
        return sign
    ways = list(substitutions(sign))
    return replace(ways[int(rng.integers(len(ways)))], nuance=sign.nuance)


def _cut(start_s: float, end_s: float, fps: float, num_frames: int, rng: np.random.Generator) -> slice:
    """Which frames are kept: cut close to the signs, far from them, or into their movement."""
    kind = rng.random()
    if kind < _TIGHT:
        before, after = rng.uniform(0, 0.25, 2)
    elif kind < _TIGHT + _LOOSE:
        before, after = rng.uniform(0.2, 1.0, 2)
    else:
        before, after = -rng.uniform(0, 0.15, 2) * (end_s - start_s)
    first = max(0, int((start_s - before) * fps))
    last = min(num_frames, int(np.ceil((end_s + after) * fps)) + 1)
    missing = max(0, _LEAST_FRAMES - (last - first))
    return slice(max(0, first - missing), min(num_frames, last + missing))
