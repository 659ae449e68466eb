"""Who of several people in view is the signer, and which part of the picture to look at.

    sampled frames' PersonBox lists -> choose_signer -> SignerChoice (box to crop to)

The largest, most central and most moving person signs; the choice is made once a clip and reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signtalk.arrays import FloatArray
from signtalk.extraction.landmarker import PersonBox

_SAME_PERSON = 0.5
"""Centres nearer than this share of the box's width are one person from sample to sample."""
_SIDE_MARGIN = 0.3
_TOP_MARGIN = 0.15
"""Room around the box of head, trunk and arms, in its width and height: arms reach further between the samples."""
_STILL_SHARE = 0.25
"""Weight of a person who never moves against the one who moves most."""


@dataclass(frozen=True)
class SignerChoice:
    """The outcome of looking for several people.

    Attributes:
        num_people: most people seen at once.
        crop: (4,) float32 left, top, right, bottom of the signer's part of the image, 0-1; None = the whole image,
            because nobody else is in view.
    """

    num_people: int
    crop: FloatArray | None


def choose_signer(samples: Sequence[Sequence[PersonBox]]) -> SignerChoice:
    """Choose the signer from what was seen in frames spread over the clip.

    Args:
        samples: everybody in each sampled frame.
    """
    num_people = max((len(people) for people in samples), default=0)
    if num_people < 2:
        return SignerChoice(num_people, None)
    tracks = _tracks(samples)
    moved = np.array([_movement(track) for track in tracks])
    scores = [
        _area(track) * _centrality(track) * (_STILL_SHARE + move / max(float(moved.max()), 1e-6))
        for track, move in zip(tracks, moved, strict=True)
    ]
    best = int(np.argmax(scores))
    others = [person.box for i, track in enumerate(tracks) if i != best for person in track]
    return SignerChoice(num_people, _crop(np.array([person.box for person in tracks[best]]), others))


def _tracks(samples: Sequence[Sequence[PersonBox]]) -> list[list[PersonBox]]:
    """People over time: each box joins the nearest person of earlier samples, or begins a new one."""
    tracks: list[list[PersonBox]] = []
    for people in samples:
        free = list(range(len(tracks)))
        for person in sorted(people, key=lambda p: -float(np.prod(p.box[2:] - p.box[:2]))):
            near = [(_distance(tracks[i][-1], person), i) for i in free]
            distance, nearest = min(near, default=(np.inf, -1))
            if distance < _SAME_PERSON:
                tracks[nearest].append(person)
                free.remove(nearest)
            else:
                tracks.append([person])
    return tracks


def _distance(first: PersonBox, second: PersonBox) -> float:
    """Between the centres, in widths of the wider box."""
    centres = [(p.box[:2] + p.box[2:]) / 2 for p in (first, second)]
    width = max(float(p.box[2] - p.box[0]) for p in (first, second))
    return float(np.linalg.norm(centres[0] - centres[1])) / max(width, 1e-3)


def _area(track: Sequence[PersonBox]) -> float:
    return float(np.mean([np.prod(np.clip(p.box[2:], 0, 1) - np.clip(p.box[:2], 0, 1)) for p in track])) * len(track)


def _centrality(track: Sequence[PersonBox]) -> float:
    """1 in the middle of the image, towards 0 at its sides."""
    return float(np.mean([max(1 - abs(float(p.box[0] + p.box[2]) - 1), 0.05) for p in track]))


def _movement(track: Sequence[PersonBox]) -> float:
    """Mean way of the wrists from sample to sample, relative to the shoulders' box, in its heights."""
    places = np.array([(p.wrists - p.box[:2]) / max(float(p.box[3] - p.box[1]), 1e-3) for p in track])
    return float(np.linalg.norm(np.diff(places, axis=0), axis=-1).mean()) if len(places) > 1 else 0.0


def _crop(boxes: FloatArray, others: Sequence[FloatArray]) -> FloatArray:
    """All the signer's boxes with room around, but no further than half way to a neighbour beside them."""
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    width, height = right - left, bottom - top
    crop_left, crop_right = left - _SIDE_MARGIN * width, right + _SIDE_MARGIN * width
    middle = (left + right) / 2
    for box in others:
        if (box[0] + box[2]) / 2 < middle:
            crop_left = max(crop_left, min((box[2] + left) / 2, left))
        else:
            crop_right = min(crop_right, max((box[0] + right) / 2, right))
    # Bodies go on below the hips, and the detector expects them to.
    crop = np.array([crop_left, top - _TOP_MARGIN * height, crop_right, 1.0], dtype=np.float32)
    return np.clip(crop, 0, 1)
