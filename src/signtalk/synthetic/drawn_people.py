"""People drawn at random, each before a camera of their own: nobody is met twice.

generator --draw_person--> Signer

`signers` makes the five people of the demo; these differ more. The figures were set so that hand sizes, speeds, depth
and lost hands are spread as in recordings that people make at home (docs/results/realism.md).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from signtalk.synthetic.body import Body
from signtalk.synthetic.camera import Camera, TrackerErrors, TrackerKind
from signtalk.synthetic.signers import RESTS, Signer

FRAME_RATES = (6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 24.0, 25.0, 30.0, 30.0, 50.0, 60.0)
"""Frames a second of webcams, telephones and browsers under load."""
_ASPECTS, _ASPECT_SHARE = (4 / 3, 16 / 9, 1.0, 9 / 16, 3 / 4), (0.42, 0.42, 0.06, 0.06, 0.04)
_MOST = 2.2
"""Standard deviations that anybody differs at most."""
_LEFT_HANDED = 0.12
_FLAT_HANDS = 0.06
"""Share of people whose tracker knows no depth of hands."""
_SKELETONS = 0.8
"""Share of people before a depth camera, where only bodies are found; the others' cameras see pictures."""
_AFAR = 1000.0
"""Shoulder widths: a depth camera measures places, so that nothing looks smaller for being far away."""


def draw_person(rng: np.random.Generator, trackers: TrackerKind = "hands") -> Signer:
    """A person with habits, a body, a camera and a tracker of their own; they know no lexicon.

    Args:
        rng: every chance.
        trackers: what theirs finds.
    """
    is_skeleton = trackers == "body" and bool(rng.random() < _SKELETONS)

    def off(spread: float) -> float:
        return min(max(rng.standard_normal(), -_MOST), _MOST) * spread

    def times(spread: float) -> float:
        return float(np.exp(off(spread)))

    body = Body(
        upper_arm=0.86 * times(0.09), forearm=0.76 * times(0.09), palm=0.295 * times(0.12), fingers=times(0.08),
        head=times(0.1), neck=0.53 * times(0.12), torso=1.4 * times(0.06),
    )  # fmt: skip
    camera = Camera(
        yaw=off(0.22), pitch=off(0.15), roll=off(0.04), distance=3.4 * times(0.3), scale=0.38 * times(0.2),
        centre=(0.5 + off(0.06), 0.6 + off(0.07)), aspect=float(rng.choice(_ASPECTS, p=_ASPECT_SHARE)),
    )  # fmt: skip
    if is_skeleton:
        camera = replace(camera, distance=_AFAR)
    tracker = TrackerErrors(
        jitter=0.004 * times(0.5), lost=0.5 * times(0.8), swaps=0.0012 * times(0.5), jumps=0.003 * times(0.5),
        face_lost=0.0, hand_depth=0.0 if rng.random() < _FLAT_HANDS else 0.5 * times(0.45),
        finger_sway=0.011 * times(0.5), gap_s=0.08 * times(0.6), is_skeleton=is_skeleton,
    )  # fmt: skip
    return Signer(
        signer_id="", left_handed=bool(rng.random() < _LEFT_HANDED), body=body, camera=camera, tracker=tracker,
        tempo=0.74 * times(0.3), size=times(0.2), offset=np.array([off(0.08), 0.1 + off(0.14), off(0.08)]),
        turn=off(0.25), tilt=np.array([off(0.3), off(0.22)]), variation=times(0.35), switch=0.02,
        lead_s=0.06 * times(0.3), linger=float(np.clip(0.5 + off(0.3), 0, 1)), elbow=0.1 + off(0.3),
        rest=RESTS[rng.integers(len(RESTS))] + np.array([off(0.1), off(0.12), off(0.08)]), mouthing=0.0,
        variants=frozenset(), moves=0.0,
    )  # fmt: skip
