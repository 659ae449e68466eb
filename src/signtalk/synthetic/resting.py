"""How a made-up person moves who signs now and then: rests with fidgets, and sentences with such rests between.

sentences, pauses --perform_stream--> Motion, when each sentence began and ended
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signtalk.synthetic.body import Array, Motion, hand_quaternion
from signtalk.synthetic.lexicon import ORIENTATIONS
from signtalk.synthetic.signers import Signer
from signtalk.synthetic.signing import (
    PLACE,
    ROTATION,
    Performance,
    Track,
    add_sentence,
    begin,
    place,
    to_motion,
)


def rest(signer: Signer, duration_s: float, fps: float, rng: np.random.Generator) -> Motion:
    """The motion of a person who signs nothing: scratches, shifts, looks around, mostly does not move.

    Args:
        signer: who rests.
        duration_s: how long.
        fps: frames a second.
        rng: every chance.
    """
    now = begin(signer, rng)
    _add_fidgets(now, duration_s, signer, rng)
    for track, row in ((now.leading, now.resting[0]), (now.other, now.resting[1]), (now.head, np.zeros(6))):
        track.add(max(duration_s, track.times[-1] + 0.5), row)
    return to_motion(now, signer, fps, rng)


def perform_stream(
    signer: Signer,
    sentences: Sequence[tuple[str, ...]],
    pauses_s: Sequence[float],
    fps: float,
    rng: np.random.Generator,
    holds: float = 0.0,
) -> tuple[Motion, Array]:
    """The motion of a person who signs sentence after sentence and rests, scratches or looks around between them.

    Args:
        signer: who.
        sentences: S sentences as glosses; none is a person who does not sign.
        pauses_s: S + 1 rests, before, between and after them, from the arms' coming down to their going up.
        fps: frames a second.
        rng: the only source of chance.
        holds: chance that the leading hand stays up and still for a moment after a sign.

    Returns:
        The motion, and (S, 2) seconds at which each sentence's first sign begins and its last sign ends; the arms go
        up before and come down after.
    """
    now = begin(signer, rng)
    spans = []
    for glosses, pause in zip(sentences, pauses_s[:-1], strict=True):
        _rest_for(now, pause, signer, rng)
        spans.append(add_sentence(now, [signer.sign(gloss) for gloss in glosses], signer, rng, holds))
    _rest_for(now, pauses_s[-1], signer, rng)
    now.hold()
    return to_motion(now, signer, fps, rng), np.array(spans, dtype=np.float64).reshape(-1, 2)


def _rest_for(now: Performance, pause_s: float, signer: Signer, rng: np.random.Generator) -> None:
    """Rest from this moment on, with fidgets."""
    _add_fidgets(now, now.clock + pause_s, signer, rng)
    now.clock += pause_s


def _add_fidgets(now: Performance, until: float, signer: Signer, rng: np.random.Generator) -> None:
    """What hands and head do from the clock to another time; a rest of under three seconds may be without any."""
    clock = now.clock + 0.3 + 0.5 * rng.random()
    while clock < until - 2.2:
        kind = rng.integers(4)
        track, pose = ((now.leading, now.resting[0]), (now.other, now.resting[1]))[rng.integers(2)]
        if kind == 0:
            _scratch(track, pose, clock, signer, rng)
        elif kind == 1:
            moved = pose.copy()
            moved[PLACE] += rng.normal(0, 0.1, 3)
            track.add(clock, pose)
            track.add(clock + 0.6 + rng.random(), moved)
        elif kind == 2:
            look = np.array([rng.normal(0, 0.4), rng.normal(0, 0.12), 0, 0, 0, 0])
            for delay, row in ((0, np.zeros(6)), (0.4, look), (1.2, look), (1.6, np.zeros(6))):
                now.head.add(clock + delay, row)
        clock += 1.6 + 1.2 * rng.random()


def _scratch(track: Track, pose: Array, clock: float, signer: Signer, rng: np.random.Generator) -> None:
    """A hand goes slowly to an itch, moves a little and comes back."""
    itch = ("cheek", "ear", "far_arm", "ribs", "temple", "stomach")[rng.integers(6)]
    row = pose.copy()
    row[PLACE] = place(signer, itch)
    row[ROTATION] = hand_quaternion(*ORIENTATIONS["slant_in"])
    track.add(clock, pose)
    for rub in range(4):
        touched = row.copy()
        touched[1] += 0.04 * (rub % 2)
        track.add(clock + 0.7 + 0.16 * rub, touched)
    track.add(clock + 2.0, pose)
