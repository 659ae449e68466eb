"""Who signs in the made-up data: five people who differ as people do.

Called by `dataset`; `signing` asks a `Signer` how they move.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from signtalk.synthetic.body import Array, Body
from signtalk.synthetic.camera import Camera, TrackerErrors
from signtalk.synthetic.lexicon import Sign, signs, stable_number, variants

SIGNER_LETTERS = "ABCDE"
LEFT_HANDED = "B"
_ASPECTS = {"A": 4 / 3, "B": 16 / 9, "C": 4 / 3, "D": 1.0, "E": 16 / 9}
RESTS = np.array([[0.16, -1.2, 0.5], [0.3, -1.3, 0.55], [0.05, -0.95, 0.42], [0.52, -1.5, 0.12], [0.22, -1.05, 0.5]])
"""Where hands rest: on the lap, on the knees, folded at the belly, hanging down, on a table."""


@dataclass(frozen=True)
class Habits:
    """How much people and recordings differ, and by how much the detector errs.

    Attributes:
        difficulty: scales all that differs between people and recordings; 0 = everyone is the same.
        variant_share: share of signs that a person makes in the other way of `lexicon.variants`.
        detector_errors: scales shaking, lost and confused hands.
    """

    difficulty: float = 1.0
    variant_share: float = 0.15
    detector_errors: float = 1.0


@dataclass(frozen=True)
class Signer:
    """A made-up person and their corner of the world.

    Attributes:
        signer_id: a letter.
        left_handed: the left hand is the dominant one.
        body: proportions.
        camera: where they usually sit before which camera.
        tracker: how well the detector sees them.
        tempo: speed of signing, 1 ordinary.
        size: size of movements and of the signing space, 1 ordinary.
        offset: (3,) habitual shift of the signing space, shoulder widths, own-side frame.
        turn: habitual rotation of the signing space about the vertical, radians.
        tilt: (2,) habitual rotation of the hand about its fingers and its knuckles, radians.
        variation: how much a sign differs from one time to the next, 1 ordinary.
        switch: chance that a clip is signed with the other hand leading.
        lead_s: how early handshapes change.
        linger: chance that the other hand stays up after a two-handed sign.
        elbow: habitual swivel of the elbows, radians.
        rest: (3,) where the hands rest, own-side frame.
        mouthing: how far the mouth opens while signing.
        variants: glosses that this person signs in the other way.
        moves: how much their place differs from recording to recording.
    """

    signer_id: str
    left_handed: bool
    body: Body
    camera: Camera
    tracker: TrackerErrors
    tempo: float
    size: float
    offset: Array
    turn: float
    tilt: Array
    variation: float
    switch: float
    lead_s: float
    linger: float
    elbow: float
    rest: Array
    mouthing: float
    variants: frozenset[str]
    moves: float

    def camera_today(self, rng: np.random.Generator) -> Camera:
        """The usual camera, a little elsewhere: nobody sits in the same place twice."""
        usual, spread = self.camera, self.moves * rng.standard_normal(7)
        return replace(
            usual,
            yaw=usual.yaw + 0.06 * spread[0],
            pitch=usual.pitch + 0.03 * spread[1],
            roll=usual.roll + 0.015 * spread[2],
            distance=usual.distance * float(np.exp(0.06 * spread[3])),
            scale=usual.scale * float(np.exp(0.06 * spread[4])),
            centre=(usual.centre[0] + 0.02 * spread[5], usual.centre[1] + 0.015 * spread[6]),
        )

    def sign(self, gloss: str) -> Sign:
        """This person's form of a sign."""
        return variants()[gloss] if gloss in self.variants else signs()[gloss]


def generator(seed: int, *names: object) -> np.random.Generator:
    """Chance that depends on the seed and the names alone, the same in every run and in any order."""
    digest = hashlib.sha256("/".join(map(str, (seed, *names))).encode("utf-8")).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype="<u4"))


def make_signer(seed: int, signer_id: str, habits: Habits) -> Signer:
    """The person behind a letter of SIGNER_LETTERS; the same person for every data set of this seed.

    `habits` only scales what is particular about them.

    Args:
        seed: of the data set.
        signer_id: letter.
        habits: how much people differ.
    """
    rng = generator(seed, "signer", signer_id)
    d = habits.difficulty

    def off(spread: float) -> float:
        """A deviation from 0, at most 1.8 times the spread, so that nobody is a caricature."""
        return float(np.clip(rng.standard_normal(), -1.8, 1.8) * spread * d)

    def times(spread: float) -> float:
        return float(np.exp(off(spread)))

    errors = habits.detector_errors
    rest = RESTS[rng.integers(len(RESTS))] * min(d, 1) + RESTS[0] * max(1 - d, 0)
    order = sorted(signs(), key=lambda gloss: stable_number(f"{seed}/{signer_id}/{gloss}"))
    return Signer(
        signer_id=signer_id,
        left_handed=signer_id == LEFT_HANDED and d > 0,
        body=Body(
            upper_arm=0.86 * times(0.06), forearm=0.76 * times(0.06), palm=0.29 * times(0.06), fingers=times(0.07),
            head=times(0.06), neck=0.55 * times(0.05), torso=1.4 * times(0.04),
        ),
        camera=Camera(
            yaw=off(0.2), pitch=off(0.1), roll=off(0.03), distance=5 * times(0.2), scale=0.34 * times(0.12),
            centre=(0.5 + off(0.04), 0.56 + off(0.03)), aspect=_ASPECTS[signer_id] if d else 4 / 3,
        ),
        tracker=TrackerErrors(
            jitter=0.006 * errors * times(0.3), lost=errors * times(0.4), swaps=0.0008 * errors, jumps=0.003 * errors,
            face_lost=0.0005 * errors,
        ),
        tempo=times(0.18), size=times(0.15), offset=np.array([off(0.06), off(0.12), off(0.06)]), turn=off(0.2),
        tilt=np.array([off(0.2), off(0.15)]), variation=times(0.25), switch=0.04 * min(d, 1), lead_s=0.06 * times(0.3),
        linger=float(np.clip(0.5 + off(0.3), 0, 1)), elbow=0.1 + off(0.25), rest=rest, mouthing=0.5 * times(0.4),
        variants=frozenset(order[: round(min(habits.variant_share * d, 0.6) * len(order))]), moves=min(d, 1.5),
    )  # fmt: skip
