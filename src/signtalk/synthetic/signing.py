"""How a made-up signer moves: glosses to key poses to the motion of every joint in every frame.

    glosses --sign_poses, one sign after the other--> key poses of each hand --interpolate--> Motion

Signs melt together as they do in people: the hands leave for the next sign without stopping, handshapes
change on the way, places are undershot, the idle hand lingers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import numpy as np

from signtalk.synthetic.body import (
    HEAD_FORWARD,
    Array,
    Motion,
    hand_quaternion,
    quaternion_product,
)
from signtalk.synthetic.camera import smooth_noise
from signtalk.synthetic.lexicon import (
    BASE_HANDS,
    BASE_LOCATION,
    BODY_LOCATIONS,
    DIRECTIONS,
    HANDSHAPES,
    HEAD_LOCATIONS,
    ORIENTATIONS,
    Sign,
    stable_number,
)
from signtalk.synthetic.nuance import PLAIN, Vector
from signtalk.synthetic.signers import Signer

# Columns of a key pose of one hand.
PLACE, ROTATION, _SHAPE, _SWIVEL = slice(0, 3), slice(3, 7), slice(7, 19), 19
_NUM_COLUMNS = 20
_LAX = np.array([0.15, 0.25, 0.2, 0.3, 0.25, 0.35, 0.3, 0.4, 0.2, 0.4, 0.3, 0.2])
"""Handshape of a hand that does nothing."""
_FREE_SPACE = 0.6
"""Places further forward than this are in front of the body, not on it."""
_MIN_STEP_S = 0.02


@dataclass
class Track:
    """Key poses of one hand, or of the head, in order of time."""

    times: list[float] = field(default_factory=list)
    rows: list[Array] = field(default_factory=list)

    def add(self, time: float, row: Array) -> None:
        """Append a pose; one that would come before the last is put right after it."""
        self.times.append(max(time, self.times[-1] + _MIN_STEP_S) if self.times else time)
        self.rows.append(row)


@dataclass
class Performance:
    """What is going on while a clip is put together: the clock and the three tracks.

    Attributes:
        resting: the poses of the leading and the other hand at rest.
        clock: seconds.
        leading: the hand that leads.
        other: the other hand.
        head: head and face.
        sign_spans_s: when each sign so far began and ended.
    """

    resting: tuple[Array, Array]
    clock: float = 0.0
    leading: Track = field(default_factory=Track)
    other: Track = field(default_factory=Track)
    head: Track = field(default_factory=Track)
    sign_spans_s: list[tuple[float, float]] = field(default_factory=list)

    def hold(self) -> None:
        """Both hands and the head are at rest at this moment."""
        for track, row in ((self.leading, self.resting[0]), (self.other, self.resting[1]), (self.head, np.zeros(6))):
            track.add(self.clock, row)


def interpolate(key_times: Array, rows: Array, times: Array) -> Array:
    """Smooth curve through key poses that never swings past them.

    Args:
        key_times: (K,) seconds, strictly increasing, K at least 2.
        rows: (K, C) values at those times.
        times: (T,) seconds; before the first and after the last key the curve stands still.

    Returns:
        (T, C).

    Source:
        Monotone piecewise cubic of Fritsch and Butland (SIAM J. Sci. Stat. Comput. 5, 1984), resting ends.
    """
    step = np.diff(key_times)[:, None]
    slope = np.diff(rows, axis=0) / step
    before, after = slope[:-1], slope[1:]
    weight = (step[:-1] + 2 * step[1:]) / (3 * (step[:-1] + step[1:]))
    same = before * after > 0
    mean = np.where(same, weight * after + (1 - weight) * before, 1.0)
    tangent = np.zeros_like(rows)
    tangent[1:-1] = np.where(same, before * after / mean, 0.0)
    at = np.clip(np.searchsorted(key_times, times, side="right") - 1, 0, len(key_times) - 2)
    u = np.clip((times - key_times[at]) / step[at, 0], 0, 1)[:, None]
    curve: Array = (
        rows[at] * (1 + 2 * u) * (1 - u) ** 2
        + rows[at + 1] * u**2 * (3 - 2 * u)
        + (tangent[at] * (1 - u) - tangent[at + 1] * u) * u * (1 - u) * step[at]
    )
    return curve


@lru_cache(maxsize=1024)
def movement(kind: str, direction: str, repeats: int, aside: Vector = PLAIN.course) -> tuple[Array, Array]:
    """The course of one movement: (K,) phases from 0 to 1, and (K, 6) offset x, y, z, roll, nod, wiggle.

    Offsets are in shoulder widths at ordinary size, roll and nod in radians, wiggle from 0 to 1.

    Args:
        kind: of movement, as the lexicon names it.
        direction: where it goes.
        repeats: how often.
        aside: (3,) added to the direction.
    """
    towards = np.array(DIRECTIONS[direction], dtype=np.float64) + aside
    beats = np.arange(2 * repeats + 1) % 2.0
    if kind == "circle":
        angle = np.linspace(0, 2 * np.pi * repeats, 8 * repeats + 1)
        first = np.roll(np.abs(towards), 1)
        second = np.cross(towards, first)
        moves = 0.15 * (np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second)
    elif kind in ("path", "arc"):
        steps = 4 if kind == "arc" else 1
        there = 1 - np.abs(1 - np.linspace(0, 2 * repeats - 1, (2 * repeats - 1) * steps + 1) % 2)
        bulge = np.array([0, 0, 1.0]) if abs(towards[1]) > 0.5 else np.array([0, 1.0, 0])
        moves = 0.46 * (there - 0.5)[:, None] * towards
        moves += (0.18 if kind == "arc" else 0.0) * np.sin(np.pi * there)[:, None] * bulge
    elif kind == "tap":
        moves = 0.17 * (beats - 1)[:, None] * towards
    elif kind == "shake":
        moves = 0.22 * (beats - 0.5)[:, None] * towards
    else:
        moves = 0.1 * np.linspace(0, 1, len(beats))[:, None] * towards
    course = np.zeros((len(moves), 6))
    course[:, :3] = moves
    if kind in ("twist", "nod", "wiggle"):
        column = {"twist": 3, "nod": 4, "wiggle": 5}[kind]
        course[:, column] = {"twist": 1.3, "nod": -0.8, "wiggle": 1.0}[kind] * (beats - (0.5 if kind == "twist" else 0))
    return np.linspace(0, 1, len(course)), course


def place(signer: Signer, location: str) -> Array:
    """(3,) where a named place is on or before this person, own-side frame."""
    body = signer.body
    if location in HEAD_LOCATIONS:
        return np.array(HEAD_LOCATIONS[location]) * body.head + np.array([0, body.neck, HEAD_FORWARD])
    point = np.array(BODY_LOCATIONS[location], dtype=np.float64)
    if point[2] < _FREE_SPACE:
        return point * np.array([1, body.torso / 1.4, 1]) + 0.4 * signer.offset
    point = (point - [0, -0.4, 0]) * [signer.size, signer.size, min(signer.size, 1.1)] + [0, -0.4, 0] + signer.offset
    cos, sin = np.cos(signer.turn), np.sin(signer.turn)
    return np.array([cos * point[0] + sin * point[2], point[1], cos * point[2] - sin * point[0]])


def _about(axis: int, angle: Array) -> Array:
    """(..., 4) quaternions of rotations about a coordinate axis."""
    q = np.zeros((*np.shape(angle), 4))
    q[..., 0], q[..., 1 + axis] = np.cos(angle / 2), np.sin(angle / 2)
    return q


def sign_poses(sign: Sign, signer: Signer, rng: np.random.Generator, opposite: bool = False) -> tuple[Array, Array]:
    """One hand's key poses of one sign, a little different each time.

    Args:
        sign: what to make.
        signer: who makes it.
        rng: chance; the same state gives both hands of a symmetric sign the same variation.
        opposite: the movement runs the other way, as in the second hand of an alternating sign.

    Returns:
        (K,) seconds from the sign's beginning and (K, 20) key poses.
    """
    v = signer.variation
    repeats = max(1, sign.repeats + int(rng.random() < 0.08 * v) - int(sign.repeats > 2 and rng.random() < 0.15 * v))
    phase, course = movement(sign.movement, sign.direction, repeats, sign.nuance.course)
    duration = (
        sign.duration_s * (repeats / sign.repeats) ** 0.8 / signer.tempo * np.exp(0.12 * v * rng.standard_normal())
    )
    nuance = sign.nuance
    course = course * signer.size * nuance.size * np.exp(0.12 * v * rng.standard_normal()) * (-1 if opposite else 1)
    rows = np.empty((len(phase), _NUM_COLUMNS))
    where = place(signer, sign.location) + nuance.place + 0.035 * v * rng.standard_normal(3)
    if sign.hands in ("both", "alternate"):
        where[0] = max(where[0], 0.2)  # or the two hands would go through each other
    rows[:, PLACE] = where + course[:, :3]
    tilt = signer.tilt + nuance.turn + 0.12 * v * rng.standard_normal(2)
    turned = quaternion_product(hand_quaternion(*ORIENTATIONS[sign.orientation]), _about(1, tilt[0] + course[:, 3]))
    rows[:, ROTATION] = quaternion_product(turned, _about(0, tilt[1] + course[:, 4]))
    change = np.clip((phase - 0.2) / 0.6, 0, 1)[:, None]
    start, end = HANDSHAPES[sign.start] + np.array(nuance.start), HANDSHAPES[sign.end] + np.array(nuance.end)
    wiggle = np.zeros((len(phase), 12))
    wiggle[:, 0:8:4], wiggle[:, 2:8:4] = (
        0.45 * course[:, 5:6],
        0.45 * (1 - course[:, 5:6]) * (sign.movement == "wiggle"),
    )
    lax = min(0.12 * v * abs(rng.standard_normal()), 0.4)
    rows[:, _SHAPE] = (start + (end - start) * change + wiggle) * (1 - lax) + _LAX * lax
    rows[:, _SWIVEL] = signer.elbow + 0.12 * v * rng.standard_normal()
    return phase * duration, rows


def _rest_pose(signer: Signer, rng: np.random.Generator) -> Array:
    row = np.empty(_NUM_COLUMNS)
    row[PLACE] = signer.rest + 0.03 * signer.variation * rng.standard_normal(3)
    row[ROTATION] = hand_quaternion((-0.5, -0.6, 0.5), (-0.3, -0.6, -0.5))
    row[_SHAPE], row[_SWIVEL] = _LAX, signer.elbow
    return row


def _base_pose(sign: Sign, signer: Signer, rng: np.random.Generator) -> Array:
    """The hand on which the leading hand acts: its place follows the leading hand's."""
    shape, orientation = BASE_HANDS[sign.location]
    row = np.empty(_NUM_COLUMNS)
    shift = place(signer, sign.location) - np.array(BODY_LOCATIONS[sign.location])
    row[PLACE] = np.array(BASE_LOCATION) + shift * [-1, 1, 1] + 0.02 * signer.variation * rng.standard_normal(3)
    row[ROTATION] = hand_quaternion(*ORIENTATIONS[orientation])
    row[_SHAPE], row[_SWIVEL] = HANDSHAPES[shape], signer.elbow
    return row


def perform(signer: Signer, glosses: tuple[str, ...], fps: float, rng: np.random.Generator) -> Motion:
    """The motion of a person who signs these glosses in their own way, from rest to rest.

    Args:
        signer: who signs.
        glosses: signs of the sentence.
        fps: frames a second.
        rng: every chance.
    """
    return perform_signs(signer, [signer.sign(gloss) for gloss in glosses], fps, rng)


def perform_signs(signer: Signer, plan: Sequence[Sign], fps: float, rng: np.random.Generator) -> Motion:
    """The motion of a person who makes these signs, of whatever language, from rest to rest.

    Args:
        signer: who signs.
        plan: the signs, in order.
        fps: frames a second.
        rng: every chance.
    """
    now = begin(signer, rng)
    now.clock = 0.25 + 0.9 * rng.random()
    add_sentence(now, plan, signer, rng)
    now.clock += 0.25 + 0.9 * rng.random()
    now.hold()
    return to_motion(now, signer, fps, rng)


def begin(signer: Signer, rng: np.random.Generator) -> Performance:
    """A person at rest, about to do something."""
    now = Performance((_rest_pose(signer, rng), _rest_pose(signer, rng)))
    now.hold()
    return now


def add_sentence(
    now: Performance, plan: Sequence[Sign], signer: Signer, rng: np.random.Generator, holds: float = 0.0
) -> tuple[float, float]:
    """Make these signs one after the other, from rest to rest.

    Args:
        now: the clock stands where the arms go up, and is moved to where they are down again.
        plan: the signs; at least one.
        signer: who.
        rng: chance.
        holds: chance that the leading hand stays up and still for a moment after a sign.

    Returns:
        Seconds at which the first sign begins and the last one ends.
    """
    now.hold()
    keys_before = len(now.leading.times)
    hurry = np.exp(0.1 * signer.variation * rng.standard_normal())
    for sign, following in pairwise([*plan, None]):
        assert sign is not None
        _add_sign(now, sign, following, signer, hurry, rng)
        if holds and rng.random() < holds:
            now.clock += rng.uniform(0.3, 1.5)
            now.leading.add(now.clock, now.leading.rows[-1])
            if sign.hands != "one":
                now.other.add(now.clock, now.other.rows[-1])
            now.sign_spans_s[-1] = (now.sign_spans_s[-1][0], now.clock)
    span = now.leading.times[keys_before], now.leading.times[-1]
    now.clock += 0.5 / signer.tempo
    now.hold()
    return span


def _add_sign(
    now: Performance,
    sign: Sign,
    following: Sign | None,
    signer: Signer,
    hurry: float,
    rng: np.random.Generator,
) -> None:
    """Put one sign on all tracks and move the clock to its end."""
    state = rng.bit_generator.state
    times, rows = sign_poses(sign, signer, rng)
    after = rng.bit_generator.state
    before = now.leading.rows[-1][PLACE]
    way = float(np.linalg.norm(rows[0, PLACE] - before))
    rows[:, PLACE] += min(0.06 * signer.variation * abs(rng.standard_normal()), 0.3) * (before - rows[0, PLACE])
    start = now.clock + (0.12 + 0.16 * way) / signer.tempo * hurry * np.exp(0.12 * rng.standard_normal())
    times = start + times * hurry
    now.sign_spans_s.append((float(times[0]), float(times[-1])))
    now.clock = float(times[-1]) + 0.03
    for time, row in zip(times, rows, strict=True):
        now.leading.add(float(time), row)
    if sign.hands in ("both", "alternate"):
        rng.bit_generator.state = state
        _, mirrored = sign_poses(sign, signer, rng, opposite=sign.hands == "alternate")
        rng.bit_generator.state = after
        for time, row in zip(times, mirrored, strict=True):
            now.other.add(float(time), row)
    elif sign.hands == "base":
        base = _base_pose(sign, signer, rng)
        now.other.add(start - 0.05, base)
        now.other.add(now.clock, base)
    else:
        _let_other_hand(now, start, following, signer, rng)
    _add_face(now.head, sign, float(times[0]), now.clock, signer, rng)


def _let_other_hand(
    now: Performance,
    start: float,
    following: Sign | None,
    signer: Signer,
    rng: np.random.Generator,
) -> None:
    """During a one-handed sign the other hand lingers, prepares for the next sign or goes to rest."""
    resting = now.resting[1]
    up = bool(np.linalg.norm(now.other.rows[-1][PLACE] - resting[PLACE]) > 0.1)
    if up and rng.random() < signer.linger:
        row = now.other.rows[-1].copy()
        row[1] -= 0.08 + 0.1 * rng.random()
        row[_SHAPE] = 0.5 * (row[_SHAPE] + _LAX)
        now.other.add(now.clock, row)
    elif following is None or following.hands == "one" or rng.random() < 0.5:
        now.other.add(max(start + 0.1, now.other.times[-1] + 0.35), resting)
        now.other.add(now.clock, resting)


def _add_face(head: Track, sign: Sign, start: float, end: float, signer: Signer, rng: np.random.Generator) -> None:
    """Brows, mouth and head during a sign: its own marker, and mouthing that belongs to its gloss."""
    brows = {"brows_up": 1.0, "brows_down": -0.8}.get(sign.face, 0.0)
    wide = 1.0 if sign.face == "wide" else 0.0
    turns = {"nod": (1, 0.16), "headshake": (0, 0.2)}.get(sign.face)
    pattern = stable_number(sign.gloss)
    for beat in range(4):
        row = np.array([0, 0, 0, brows, 0, wide], dtype=np.float64)
        row[4] = 0.9 if sign.face == "open" else signer.mouthing * (pattern >> (4 * beat) & 7) / 7
        if turns:
            row[turns[0]] = turns[1] * (1 if beat % 2 else -0.6)
        row[:3] += 0.03 * signer.variation * rng.standard_normal(3)
        head.add(start + (end - start) * beat / 3, row)


def to_motion(now: Performance, signer: Signer, fps: float, rng: np.random.Generator) -> Motion:
    """Read the tracks at every frame, up to the last pose of the leading hand, and add what a living body adds.

    Args:
        now: the tracks.
        signer: whose body it is.
        fps: frames a second.
        rng: every chance.
    """
    times = np.arange(max(2, round(now.leading.times[-1] * fps))) / fps
    switched = signer.left_handed != (rng.random() < signer.switch)
    tracks = (now.leading, now.other) if switched else (now.other, now.leading)
    hands = np.stack([_read(track, times, signer.lead_s) for track in tracks], axis=1)
    num_frames, slow = len(times), round(0.6 * fps)
    hands[..., PLACE] += 0.01 * smooth_noise(rng, num_frames, (2, 3), slow)
    head = interpolate(np.array(now.head.times), np.stack(now.head.rows), times)
    angles = head[:, :3] + 0.03 * smooth_noise(rng, num_frames, (3,), slow) + 0.05 * rng.standard_normal(3)
    sway = np.array([0.012, 0.025, 0.02])
    return Motion(
        reach=hands[..., PLACE],
        rotation=hands[..., ROTATION],
        fingers=hands[..., _SHAPE],
        swivel=hands[..., _SWIVEL],
        head=angles,
        face=head[:, 3:],
        torso=sway * (smooth_noise(rng, num_frames, (3,), 2 * slow) + rng.standard_normal(3)),
    )


def _read(track: Track, times: Array, lead_s: float) -> Array:
    """(T, 20) one hand's key poses at every frame; handshapes run ahead of the movement."""
    key_times, rows = np.array(track.times), np.stack(track.rows)
    agrees = (rows[1:, ROTATION] * rows[:-1, ROTATION]).sum(axis=1) >= 0
    rows[1:, ROTATION] *= np.cumprod(np.where(agrees, 1.0, -1.0))[
        :, None
    ]  # q and -q are one rotation: go the short way
    poses = interpolate(key_times, rows, times)
    poses[:, _SHAPE] = interpolate(key_times, rows[:, _SHAPE], times + lead_s)
    return poses
