"""Signs drawn at random from the phonological parameters: a language without end, for pretraining.

generator --draw_sign--> Sign --near--> a Sign that differs in one parameter

`lexicon` holds the small fixed language of the demo; a drawn sign uses the same tables, and departs a little from them
(`Nuance`), so that no two are equal.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from signtalk.synthetic.camera import TrackerKind
from signtalk.synthetic.lexicon import (
    BASE_HANDS,
    BODY_LOCATIONS,
    DIRECTIONS,
    HANDSHAPES,
    HEAD_LOCATIONS,
    ORIENTATIONS,
    Sign,
    ordinary_duration_s,
)
from signtalk.synthetic.nuance import Nuance

_HANDS = ("one", "both", "alternate", "base")
_HANDS_SHARE = (0.48, 0.27, 0.08, 0.17)
_MOVEMENTS = ("hold", "path", "arc", "circle", "tap", "shake", "twist", "nod", "wiggle")
_MOVEMENT_SHARE = (0.12, 0.22, 0.12, 0.1, 0.16, 0.12, 0.06, 0.05, 0.05)
_SHAPES, _ORIENTATIONS, _BASES = tuple(HANDSHAPES), tuple(ORIENTATIONS), tuple(BASE_HANDS)
_LOCATIONS = tuple(name for name in (*HEAD_LOCATIONS, *BODY_LOCATIONS) if name not in BASE_HANDS)
_DIRECTIONS = tuple(name for name in DIRECTIONS if name != "none")
PHONOLOGY: dict[str, tuple[str, ...]] = {
    "hands": _HANDS, "start": _SHAPES, "end": _SHAPES, "location": _LOCATIONS + _BASES, "orientation": _ORIENTATIONS,
    "movement": _MOVEMENTS, "direction": tuple(DIRECTIONS),
}  # fmt: skip
"""The parameters of a sign, and the values that each can have."""
_SHOWN: dict[TrackerKind, tuple[str, ...]] = {
    "hands": ("shape", "location", "orientation", "movement", "direction", "hands"),
    "body": ("location", "orientation", "movement", "direction", "hands"),
}
"""The parameters that a tracker shows well enough for neighbours to differ in them."""
_DIRECTED = frozenset(("path", "arc", "circle", "tap", "shake"))
_SINGLE = frozenset(("hold", "arc"))
"""Movements that are not repeated."""
_CHANGING_SHARE = 0.22
"""Signs in which the handshape changes."""
_SHAPE_NUANCE, _PLACE_NUANCE, _TURN_NUANCE, _COURSE_NUANCE, _SIZE_NUANCE = 0.1, 0.07, 0.25, 0.25, 0.3


def draw_sign(rng: np.random.Generator) -> Sign:
    """A sign of random parameters; its gloss is "" because it means nothing."""
    hands = str(rng.choice(_HANDS, p=_HANDS_SHARE))
    kind = str(rng.choice(_MOVEMENTS, p=_MOVEMENT_SHARE))
    repeats = 1 if kind in _SINGLE else int(rng.integers(1, 4))
    start = _one_of(_SHAPES, rng)
    return Sign(
        gloss="",
        hands=hands,
        start=start,
        end=_one_of(_SHAPES, rng) if rng.random() < _CHANGING_SHARE else start,
        location=_one_of(_BASES if hands == "base" else _LOCATIONS, rng),
        orientation=_one_of(_ORIENTATIONS, rng),
        movement=kind,
        direction=_one_of(_DIRECTIONS, rng) if kind in _DIRECTED else "none",
        repeats=repeats,
        face="none",
        duration_s=ordinary_duration_s(kind, repeats) * float(np.exp(0.25 * rng.standard_normal())),
        nuance=_draw_nuance(rng),
    )


def phonology(sign: Sign) -> tuple[int, ...]:
    """The place of each parameter's value in `PHONOLOGY`."""
    return tuple(values.index(getattr(sign, name)) for name, values in PHONOLOGY.items())


def near(sign: Sign, rng: np.random.Generator, trackers: TrackerKind = "hands") -> Sign:
    """The sign with one parameter exchanged for another of its table: the hardest one to tell from it.

    A direction comes and goes with the movement that has one, and so do repeats.

    Args:
        sign: whose neighbour is drawn.
        rng: every chance.
        trackers: what finds the signers; of those that find bodies alone the handshape stays as it is.
    """
    parameter = _one_of(_SHOWN[trackers], rng)
    if parameter == "shape":
        start = _other(_SHAPES, sign.start, rng)
        return replace(sign, start=start, end=start if sign.end == sign.start else sign.end)
    if parameter == "location" or (parameter == "direction" and sign.movement not in _DIRECTED):
        return replace(sign, location=_other(_BASES if sign.hands == "base" else _LOCATIONS, sign.location, rng))
    if parameter == "hands" and sign.hands in ("one", "both"):
        return replace(sign, hands="both" if sign.hands == "one" else "one")
    if parameter == "direction":
        return replace(sign, direction=_other(_DIRECTIONS, sign.direction, rng))
    if parameter == "movement":
        return _moving_as(sign, _other(_MOVEMENTS, sign.movement, rng), rng)
    return replace(sign, orientation=_other(_ORIENTATIONS, sign.orientation, rng))


def _moving_as(sign: Sign, kind: str, rng: np.random.Generator) -> Sign:
    """The sign with another movement, at its own tempo."""
    tempo = sign.duration_s / ordinary_duration_s(sign.movement, sign.repeats)
    repeats = 1 if kind in _SINGLE else sign.repeats
    direction = sign.direction if sign.movement in _DIRECTED else _one_of(_DIRECTIONS, rng)
    return replace(
        sign,
        movement=kind,
        direction=direction if kind in _DIRECTED else "none",
        repeats=repeats,
        duration_s=tempo * ordinary_duration_s(kind, repeats),
    )


def _draw_nuance(rng: np.random.Generator) -> Nuance:
    shape = _SHAPE_NUANCE * rng.standard_normal(12)
    turn = _TURN_NUANCE * rng.standard_normal(2)
    place, course = _PLACE_NUANCE * rng.standard_normal(3), _COURSE_NUANCE * rng.standard_normal(3)
    return Nuance(
        start=tuple(shape.tolist()),
        end=tuple(shape.tolist()),
        place=(float(place[0]), float(place[1]), float(place[2])),
        turn=(float(turn[0]), float(turn[1])),
        course=(float(course[0]), float(course[1]), float(course[2])),
        size=float(np.exp(_SIZE_NUANCE * rng.standard_normal())),
    )


def _one_of(names: tuple[str, ...], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]


def _other(names: tuple[str, ...], name: str, rng: np.random.Generator) -> str:
    """Any of the names but this one."""
    return _one_of(tuple(each for each in names if each != name), rng)
