"""What a clip of landmarks cannot be: a person upside down, pixels taken for fractions, a thousand frames a second.

    LandmarkClip -> implausibilities -> what is odd, each with what to do; some of it can never be recognised

Files of other tools are read as they say they are. What they say is sometimes wrong, and nothing fails then: the
clips are merely never recognised. The limits lie far outside what the clips of nine real collections show
(docs/inputs.md has the figures).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from signtalk.errors import ClipError
from signtalk.landmarks.clip import HOLISTIC, PARTS, POSE_NAMES, LandmarkClip

FASTEST_CAMERA = 250.0
"""Telephones film 240 pictures a second; what says more, such as the 1000 of a browser's recording, says units."""
_MIN_FPS = 5.0
_LEAST_S, _MOST_S = 0.25, 120.0
_PIXELS = 5.0
"""Picture widths beyond which a median coordinate is no fraction of a picture."""
_OUTSIDE = 2.0
"""Pictures beyond the edge at which nothing can be seen any more."""
_OUTSIDE_SHARE = 0.05
HEAD_OVER_SHOULDERS = 0.15
"""Shoulder widths that a head at least lies below the shoulders' line, for the person to stand on it."""
HANDS_APART, HANDS_ELSEWHERE = 1.0, 4.0
"""Shoulder widths between a hand's own wrist and the body's: odd, and in another system of coordinates."""
HANDS_EXCHANGED = 0.5
"""Shoulder widths from the own wrist, where the other one is at half of that."""
_HAND_DISORDER = 0.75
"""Length of the fingers' last bones over that of the palm: about 0.3 in hands, about 1 in points of any order."""
_HEAD_DISORDER = 3.0
"""Shoulder widths across the points of a head."""
_DEPTH = 2.0
"""Picture widths."""
_DEPTH_OF_PERSON = 10.0
"""Shoulder widths; where a file's x and y are in another unit than its z, this is a hundred or more."""
_AT_HIPS = 0.02
_AT_ORIGIN = 0.3
"""Shoulder widths from (0, 0): of the middle of the hips, and of a hand's middle, in metres about themselves."""
_MOST_PADDED, _PADDED_SHARE = 5, 0.2
"""Frames at the end that may be empty or equal to the frame before, and the part of the clip that they may be."""
_NO_HANDS = "no hand was detected in any frame"
_CUT_OFF = "cut off what only fills a clip up to a length"
FINE_OF_IDLE = frozenset(("no_hands", "padded"))
"""Kinds that are no fault of a clip in which nothing is signed."""
_MOST_UNSEEN = 5
"""Points of a hand that a detector may never see while it sees the hand; MediaPipe gives all 21 or none."""

_SHOULDERS = HOLISTIC.positions(("left_shoulder", "right_shoulder"))
_HIPS = HOLISTIC.positions(("left_hip", "right_hip"))
_LEGS = np.arange(POSE_NAMES.index("left_knee"), len(POSE_NAMES))
_HEAD = np.arange(POSE_NAMES.index("mouth_right") + 1)
_WRISTS = {side: HOLISTIC.index[f"{side}_wrist"] for side in ("left", "right")}
_KNUCKLES, _LAST_JOINTS, _TIPS = np.array([5, 9, 13, 17]), np.array([7, 11, 15, 19]), np.array([8, 12, 16, 20])
_Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Implausibility:
    """One thing about a clip that cannot be, or hardly.

    Attributes:
        kind: a short fixed name to count by.
        message: what was found, what was expected and what to do.
        is_hopeless: such a clip is never recognised, and whatever is compared with it is compared with nothing.
    """

    kind: str
    message: str
    is_hopeless: bool = False


def implausibilities(clip: LandmarkClip) -> tuple[Implausibility, ...]:
    """What is odd about a clip; empty for a usual one.

    Each figure is a median over frames, so that single frames of a bad detector count for nothing. A file of the
    prototype knows neither picture nor time, and is only asked for hands.
    """
    if clip.prototype_rows is not None or not clip.num_frames:
        return tuple(_missing_hands(clip))
    points = clip.landmarks.astype(np.float64)
    scale = _scale_doubts(points)
    stretch = np.array([1.0 if any(each.kind == "pixels" for each in scale) else clip.aspect or 1.0, 1.0])
    flat, depth = points[..., :2] * stretch, tuple(_depth_doubts(points))
    hands = () if depth else _order_doubts(points)  # lengths of bones mean nothing without their depth
    return (
        *_time_doubts(clip), *_padding_doubts(points), *scale, *depth, *_body_doubts(flat), *_head_doubts(flat),
        *_world_doubts(flat), *hands, *_hand_doubts(clip, flat), *_partial_hands(points),
    )  # fmt: skip


def checked_clip(clip: LandmarkClip, where: str, is_idle: bool = False) -> LandmarkClip:
    """The clip with a note for each thing that is odd about it.

    Args:
        clip: as it was read.
        where: its name, for notes and error.
        is_idle: nothing is signed in it, so that no hand need be seen or move.

    Raises:
        ClipError: it can never be recognised.
    """
    doubts = [doubt for doubt in implausibilities(clip) if not (is_idle and doubt.kind in FINE_OF_IDLE)]
    hopeless = next((doubt for doubt in doubts if doubt.is_hopeless), None)
    if hopeless is not None:
        raise ClipError(f"{where}: {hopeless.message}")
    return replace(clip, notes=(*clip.notes, *(f"{where}: {doubt.message}" for doubt in doubts))) if doubts else clip


def notes_of_idle(notes: Iterable[str]) -> tuple[str, ...]:
    """Notes of a clip of which nobody knew that it is idle, without those that are no fault of one."""
    return tuple(note for note in notes if not note.endswith((_NO_HANDS, _CUT_OFF)))


def in_fractions(clip: LandmarkClip, width: float, height: float, where: str) -> LandmarkClip:
    """The clip with pixels turned into fractions of the picture, and its `notes` telling so; a clip of fractions as is.

    Args:
        clip: as a file gave it.
        width: of the picture, pixels.
        height: of the picture, pixels.
        where: the clip's name, for the notes.
    """
    points = clip.landmarks.astype(np.float64)
    notes = []
    if any(doubt.kind == "pixels" for doubt in _scale_doubts(points)):
        points = points / np.array([width, height, 1.0])
        notes.append(f"its coordinates are pixels of a picture of {width:g} x {height:g}; taken as parts of it")
    if any(_depth_doubts(points)):
        points = points / np.array([1.0, 1.0, width])
        notes.append(f"its depths are pixels too; divided by the picture's width, {width:g}")
    if not notes:
        return clip
    named = tuple(f"{where}: {note}" for note in notes)
    return replace(clip, landmarks=points.astype(np.float32), notes=(*clip.notes, *named))


def _time_doubts(clip: LandmarkClip) -> Iterator[Implausibility]:
    if clip.num_frames < 2:
        yield Implausibility("one_frame", "one frame alone; signs are movements, so give all frames of the clip")
        return
    if not _MIN_FPS <= clip.fps <= FASTEST_CAMERA:
        yield Implausibility(
            "frame_rate",
            f"{clip.fps:.4g} frames a second; cameras give {_MIN_FPS:g} to {FASTEST_CAMERA:g}, so see what rate or "
            "times the file gives",
        )
    elif not _LEAST_S <= clip.duration_s <= _MOST_S:
        yield Implausibility(
            "duration",
            f"{clip.duration_s:.3g} s; a sentence takes {_LEAST_S:g} to {_MOST_S:g} s, so see its rate, or cut it",
        )


def _padding_doubts(points: _Points) -> Iterator[Implausibility]:
    """Whether a clip was made longer than it was filmed, of (T, 169, 3)."""
    empty = np.asarray(np.isnan(points).all(axis=(1, 2)))
    if empty.all():
        return
    same = np.concatenate([[False], ((points[1:] == points[:-1]) | np.isnan(points[1:])).all(axis=(1, 2))]) | empty
    padded = len(same) if same.all() else int(same[::-1].argmin())
    if padded > max(_MOST_PADDED, _PADDED_SHARE * len(points)):
        what = "empty" if empty[-1] else "the same as the one before them"
        yield Implausibility(
            "padded",
            f"the last {padded} of {len(points)} frames are {what}; {_CUT_OFF}",
        )


def _scale_doubts(points: _Points) -> tuple[Implausibility, ...]:
    seen = ~np.isnan(points[..., 0])
    seen[:, _LEGS] = False  # detectors guess them far below the picture
    if not seen.any():
        return ()
    x, y = points[..., 0][seen], points[..., 1][seen]  # one by one: along an axis of two NumPy is slow
    largest = float(np.median(np.maximum(np.abs(x), np.abs(y))))
    if largest > _PIXELS:
        message = (
            f"coordinates of about {largest:.0f} where fractions of the picture are expected; these look like pixels: "
            "divide x by the picture's width and y by its height, or give both as width and height in JSON"
        )
        return (Implausibility("pixels", message),)
    outside = float((_is_outside(x) | _is_outside(y)).mean())
    if outside > _OUTSIDE_SHARE:
        message = (
            f"{outside:.0%} of the points lie more than {_OUTSIDE:g} pictures outside; see in which unit they are, and "
            "whether the detector saw a person"
        )
        return (Implausibility("outside", message),)
    return ()


def _is_outside(values: _Points) -> npt.NDArray[np.bool_]:
    return (values < -_OUTSIDE) | (values > 1 + _OUTSIDE)


def _depth_doubts(points: _Points) -> Iterator[Implausibility]:
    hands = points[:, PARTS["left_hand"].start : PARTS["right_hand"].stop, 2]
    depth = _median(np.abs(hands))
    width = _shoulder_width(points[..., :2])
    if depth > _DEPTH:
        yield Implausibility(
            "depth",
            f"z of about {depth:.0f} picture widths at the hands; a detector gives parts of one, so divide z by the "
            "picture's width where it is in pixels",
        )
    elif width > 0 and depth > _DEPTH_OF_PERSON * width:
        yield Implausibility(
            "depth",
            f"z of about {depth / width:.0f} shoulder widths at the hands; x, y and z are in different units, so give "
            "all three in the same",
        )


def _body_doubts(flat: _Points) -> Iterator[Implausibility]:
    """How the person stands, of (T, 169, 2) in one unit."""
    width = _shoulder_width(flat)
    if not width > 0:
        yield Implausibility(
            "no_shoulders",
            "no frame shows both shoulders, by which all is measured; film the upper body, or see whether the parts "
            "are in MediaPipe's order (docs/data-format.md)",
            is_hopeless=True,
        )
        return
    middle, head = flat[:, _SHOULDERS].mean(axis=1), _mean_of_seen(flat[:, _HEAD])
    across = flat[:, _SHOULDERS[0]] - flat[:, _SHOULDERS[1]]
    up = np.array([_median((middle - head)[:, axis]) for axis in range(2)]) / width
    if np.isnan(up).any():
        hips = flat[:, _HIPS].mean(axis=1)
        up = np.array([_median((hips - middle)[:, axis]) for axis in range(2)]) / width
    if np.isnan(up).any():
        return
    lies = abs(up[0]) > 2 * abs(up[1]) and _median(np.abs(across[:, 1])) > 2 * _median(np.abs(across[:, 0]))
    if lies:
        yield Implausibility(
            "on_its_side", "the person lies on the side; turn the video or the points by a quarter, unless it is so"
        )
    elif up[1] < -HEAD_OVER_SHOULDERS:
        yield Implausibility(
            "upside_down",
            "the person is upside down: y grows downwards in a picture, so give 1 - y, or turn the video",
            is_hopeless=True,
        )
    elif _median(across[:, 0]) < 0:
        yield Implausibility(
            "mirrored",
            "the left shoulder lies left of the right one; where the person faces the camera, x is mirrored and the "
            "sides are not: give 1 - x, or exchange left and right",
        )


def _head_doubts(flat: _Points) -> Iterator[Implausibility]:
    """Whether the points of the head are those of a head, of (T, 169, 2) in one unit."""
    width = _shoulder_width(flat)
    span = _median(_spread(flat[:, _HEAD])) / width if width > 0 else 0.0
    if span > _HEAD_DISORDER:
        yield Implausibility(
            "other_order",
            f"the points of the head lie {span:.1f} shoulder widths apart; the parts or their points are in another "
            "order than MediaPipe's (docs/data-format.md)",
            is_hopeless=True,
        )


def _world_doubts(flat: _Points) -> Iterator[Implausibility]:
    """Whether these are MediaPipe's world landmarks, of (T, 169, 2): body and hands, each about its own middle."""
    width = _shoulder_width(flat)
    hips = _median(np.linalg.norm(flat[:, _HIPS].mean(axis=1), axis=-1))
    if not (width > 0 and hips < _AT_HIPS * width):
        return
    hands = [_mean_of_seen(flat[:, PARTS[f"{side}_hand"]]) for side in _WRISTS]
    wrists = [flat[:, place] for place in _WRISTS.values()]
    apart = any(
        _median(np.linalg.norm(hand, axis=-1)) < _AT_ORIGIN * width < _median(np.linalg.norm(wrist, axis=-1))
        for hand, wrist in zip(hands, wrists, strict=True)
    )
    yield Implausibility(
        "world",
        "the points lie about the middle of the hips, as MediaPipe's world landmarks do; give its landmarks of the "
        "picture (pose_landmarks, not pose_world_landmarks)",
        is_hopeless=apart,
    )


def _partial_hands(points: _Points) -> Iterator[Implausibility]:
    for side in _WRISTS:
        seen = np.isfinite(points[:, PARTS[f"{side}_hand"], 0])
        unseen = int((~seen.any(axis=0)).sum()) if seen.any() else 0
        if unseen > _MOST_UNSEEN:
            yield Implausibility(
                "partial_hand",
                f"{unseen} of the 21 points of the {side} hand are never seen while others are; see whether the parts "
                "have the sizes that the file's kind has (docs/data-format.md)",
            )
        elif seen.any() and not seen[:, 0].any():
            yield Implausibility(
                "partial_hand",
                f"the wrist of the {side} hand is never seen while its fingers are; where they are told from the "
                "wrist on, add its place",
            )


def _missing_hands(clip: LandmarkClip) -> Iterator[Implausibility]:
    presence = clip.part_presence()
    if not (presence["left_hand"].any() or presence["right_hand"].any()):
        yield Implausibility("no_hands", _NO_HANDS)


def _order_doubts(points: _Points) -> Iterator[Implausibility]:
    for side in _WRISTS:
        if _disorder(points[:, PARTS[f"{side}_hand"]]) > _HAND_DISORDER:
            yield Implausibility(
                "other_order",
                f"the points of the {side} hand follow no finger; they are in another order than MediaPipe's "
                "(docs/data-format.md)",
                is_hopeless=True,
            )


def _hand_doubts(clip: LandmarkClip, flat: _Points) -> Iterator[Implausibility]:
    """Where the hands lie, of (T, 169, 2) in one unit."""
    yield from _missing_hands(clip)
    width = _shoulder_width(flat)
    if not width > 0:
        return
    for side, other in (("left", "right"), ("right", "left")):
        hand = flat[:, PARTS[f"{side}_hand"]]
        wrist = np.where(np.isnan(hand[:, 0]), _mean_of_seen(hand), hand[:, 0])
        own, others = (
            _median(np.linalg.norm(wrist - flat[:, _WRISTS[name]], axis=-1)) / width for name in (side, other)
        )
        if own > HANDS_EXCHANGED and others < own / 2:
            yield Implausibility(
                "hands_exchanged",
                f"the {side} hand lies at the {other} wrist of the body; exchange the hands where the tool that wrote "
                "them calls the sides of the picture left and right",
            )
        elif own > HANDS_APART:
            yield Implausibility(
                "hands_apart",
                f"the {side} hand lies {own:.1f} shoulder widths from the {side} wrist of the body; see whether hands "
                "and body are in different units, or of different people",
                is_hopeless=own > HANDS_ELSEWHERE,
            )


def _disorder(hand: _Points) -> float:
    """Mean length of the last bones over that of the palm, (T, 21, 3), median over frames; NaN without a hand."""
    last = np.linalg.norm(hand[:, _TIPS] - hand[:, _LAST_JOINTS], axis=-1).mean(axis=1)
    palm = np.linalg.norm(hand[:, _KNUCKLES] - hand[:, :1], axis=-1).mean(axis=1)
    return _median(last / np.maximum(palm, 1e-9))


def _shoulder_width(flat: _Points) -> float:
    """Between the shoulders, median over frames, of (T, 169, 2); NaN where no frame shows both."""
    return _median(np.linalg.norm(flat[:, _SHOULDERS[0]] - flat[:, _SHOULDERS[1]], axis=-1))


def _spread(points: _Points) -> _Points:
    """(T,) the larger side of the box around points; NaN where none is seen."""
    seen = np.isfinite(points)
    sides = np.where(seen, points, -np.inf).max(axis=1) - np.where(seen, points, np.inf).min(axis=1)
    return np.where(np.isfinite(sides), sides, np.nan).max(axis=1)


def _mean_of_seen(points: _Points) -> _Points:
    """(T, 2) mean of the points that are seen; NaN where none is."""
    seen = np.isfinite(points).astype(np.float64)
    count = seen.sum(axis=1)
    return np.where(count, np.nansum(points, axis=1) / np.maximum(count, 1), np.nan)


def _median(values: _Points) -> float:
    """Of what is known; NaN where nothing is, which is under no limit and over none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")
