"""What can happen to a clip between recording and question, and what was never a sentence: hard cases, from clips.

    LandmarkClip -> one of these functions -> LandmarkClip

Pure functions: the input stays as it is, and chance comes from a passed generator. Lengths are told in shoulder
widths, so that they mean the same for a picture, for files of the prototype and for a depth camera's metres.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signtalk.errors import ClipError
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip, regular_timestamps
from signtalk.landmarks.features import POSE_HAND_NAMES
from signtalk.landmarks.transforms import (
    MIN_WIDTH,
    Points,
    at_frame_rate,
    in_one_unit,
    placed_like,
    read_at,
    selected,
    shoulder_middle,
    shoulder_width,
    with_points,
)

PIXELS = 150.0
"""A signer's shoulder width in pixels: an upper body that fills a picture of 480 lines. Chosen, not measured."""
_SHOULDERS = HOLISTIC.positions(("left_shoulder", "right_shoulder"))
_HANDS = ("left_hand", "right_hand")
_SEAM_S = 0.25
_TREMBLING = 0.004


def without_frames(clip: LandmarkClip, share: float, rng: np.random.Generator) -> LandmarkClip:
    """Frames lost here and there, the others keep their times; the first frame stays.

    Args:
        clip: what to change.
        share: of the frames, 0-1, that is lost.
        rng: every chance.
    """
    num_lost = min(round(share * clip.num_frames), clip.num_frames - 1)
    lost = 1 + rng.permutation(clip.num_frames - 1)[:num_lost]
    return selected(clip, np.setdiff1d(np.arange(clip.num_frames), lost))


def without_hand(clip: LandmarkClip, share: float, rng: np.random.Generator) -> LandmarkClip:
    """The 21 points of one hand, left or right by chance, not detected over one span of `share` of the clip.

    Args:
        clip: what to change.
        share: of the clip, 0-1.
        rng: every chance.
    """
    return _without(clip, (_HANDS[rng.integers(2)],), share, rng)


def without_hands(clip: LandmarkClip, share: float, rng: np.random.Generator) -> LandmarkClip:
    """The points of both hands not detected over one span of `share` of the clip; the pose's wrists stay.

    Args:
        clip: what to change.
        share: of the clip, 0-1.
        rng: every chance.
    """
    return _without(clip, _HANDS, share, rng)


def _without(clip: LandmarkClip, parts: tuple[str, ...], share: float, rng: np.random.Generator) -> LandmarkClip:
    length = round(share * clip.num_frames)
    start = int(rng.integers(clip.num_frames - length + 1))
    landmarks = clip.landmarks.copy()
    for part_name in parts:
        landmarks[start : start + length, PARTS[part_name]] = np.nan
    return with_points(clip, landmarks)


def with_noise(clip: LandmarkClip, share: float, rng: np.random.Generator) -> LandmarkClip:
    """Every point shaken in every frame, with a standard deviation of `share` of the median shoulder width.

    Args:
        clip: what to change.
        share: of the shoulder width.
        rng: every chance.
    """
    unit = shoulder_width(clip.landmarks)
    return with_points(clip, clip.landmarks + rng.normal(0, share * unit, clip.landmarks.shape))


def without_ends(clip: LandmarkClip, share: float) -> LandmarkClip:
    """`share` of the frames missing at either end, as when a recording starts late and stops early."""
    cut = round(share * clip.num_frames) if clip.num_frames > 2 else 0
    return selected(clip, np.arange(cut, clip.num_frames - cut))


def part(clip: LandmarkClip, start: float, stop: float) -> LandmarkClip:
    """The frames from `start` to `stop`, shares of the clip from 0 to 1; at least one frame.

    Args:
        clip: what to cut.
        start: 0-1.
        stop: 0-1, above `start`.
    """
    first = min(round(start * clip.num_frames), clip.num_frames - 1)
    return selected(clip, np.arange(first, max(round(stop * clip.num_frames), first + 1)))


def joined(first: LandmarkClip, second: LandmarkClip, pause_s: float = _SEAM_S) -> LandmarkClip:
    """One after the other, as if it were one recording.

    The second is brought to the first one's frame rate, and its signer to the place and size of the first's; in between
    every point goes straight from its last place to its next.

    Args:
        first: begins; gives frame rate, place and size.
        second: goes on.
        pause_s: seconds that the way takes.

    Returns:
        A clip at the first one's mean frame rate.
    """
    following = placed_like(at_frame_rate(second, first.fps), first)
    ends = [
        np.stack([before[-1], after[0]])
        for before, after in ((first.landmarks, following.landmarks), (first.visibility, following.visibility))
    ]
    seam = read_at(
        LandmarkClip(ends[0], ends[1], regular_timestamps(2, first.fps), first.aspect),
        np.linspace(0, 1, max(round(pause_s * first.fps), 0) + 2)[1:-1],
        first.fps,
    )
    landmarks = np.concatenate([first.landmarks, seam.landmarks, following.landmarks])
    visibility = np.concatenate([first.visibility, seam.visibility, following.visibility])
    return with_points(first, landmarks, visibility, regular_timestamps(len(landmarks), first.fps))


def halves_exchanged(clip: LandmarkClip) -> LandmarkClip:
    """The second half before the first."""
    return joined(part(clip, 0.5, 1), part(clip, 0, 0.5))


def with_middle_of(clip: LandmarkClip, other: LandmarkClip) -> LandmarkClip:
    """The middle third exchanged for that of another clip: near the sentence, and not it."""
    return joined(joined(part(clip, 0, 1 / 3), part(other, 1 / 3, 2 / 3)), part(clip, 2 / 3, 1))


def held_still(clip: LandmarkClip, duration_s: float, rng: np.random.Generator) -> LandmarkClip:
    """Somebody who does nothing: the first frame with both shoulders, held, with the trembling of a tracker.

    Args:
        clip: whose frame is held.
        duration_s: of the result.
        rng: every chance.

    Raises:
        ClipError: no frame shows both shoulders.
    """
    seen = ~np.isnan(clip.landmarks[:, _SHOULDERS, 0]).any(axis=1)
    if not seen.any():
        raise ClipError("no frame shows both shoulders, so nobody can be held still")
    frames = np.full(max(2, round(duration_s * clip.fps)), int(seen.argmax()))
    times = regular_timestamps(len(frames), clip.fps)
    still = with_points(clip, clip.landmarks[frames], clip.visibility[frames], times)
    return with_noise(still, _TREMBLING, rng)


def scratching(clip: LandmarkClip, rng: np.random.Generator) -> LandmarkClip:
    """Somebody who scratches: in the clip of `held_still` one hand goes to an ear, the nose or the other arm and back.

    Raises:
        ClipError: no frame shows both shoulders, or the one that is held shows no wrist.
    """
    still = held_still(clip, 3.5, rng)
    points = still.landmarks.copy()
    sides = [side for side in ("left", "right") if not np.isnan(points[:, HOLISTIC.index[f"{side}_wrist"], 0]).any()]
    if not sides:
        raise ClipError("the frame that is held shows no wrist, so nobody can scratch")
    side = sides[rng.integers(len(sides))]
    other = "right" if side == "left" else "left"
    wrist = points[:, HOLISTIC.index[f"{side}_wrist"]].copy()
    itches = HOLISTIC.positions((f"{side}_ear", "nose", f"{other}_shoulder", f"{other}_elbow"))
    itches = itches[~np.isnan(points[0, itches, 0])]  # the other shoulder is always among them
    way = _there_and_back(still, points[:, itches[rng.integers(len(itches))]] - wrist)
    shape = clip.landmarks[:, PARTS[f"{side}_hand"]]
    shown = shape[~np.isnan(shape[:, 0, 0])]
    if len(shown):
        points[:, PARTS[f"{side}_hand"]] = shown[0] - shown[0][:1] * [1, 1, 0] + wrist[:, None] * [1, 1, 0]
        points[:, PARTS[f"{side}_hand"], :2] += way[:, None, :2]
    tips = tuple(name for name in POSE_HAND_NAMES if name.startswith(side))
    points[:, HOLISTIC.positions((f"{side}_wrist", *tips))] += way[:, None]
    points[:, HOLISTIC.index[f"{side}_elbow"]] += 0.5 * way
    return with_points(still, points)


def _there_and_back(clip: LandmarkClip, target: Points) -> npt.NDArray[np.float64]:
    """(T, 3) offsets that reach `target` (T, 3) smoothly, rub there up and down and return."""
    times, end = clip.timestamps_s, clip.timestamps_s[-1]
    rise = np.clip(np.minimum(times - 0.4, end - 0.4 - times) / 0.7, 0, 1)
    share = (rise**2 * (3 - 2 * rise))[:, None]
    rubbing = np.zeros((len(times), 3))
    rubbing[:, 1] = 0.05 * shoulder_width(clip.landmarks) * np.sin(2 * np.pi * 3 * times)
    return np.asarray(share * target + np.where(share == 1, rubbing, 0), dtype=np.float64)


def from_afar(clip: LandmarkClip, factor: float) -> LandmarkClip:
    """`factor` times as far away: the detector sees a shoulder width in PIXELS / factor pixels, and nothing finer.

    Size and place are taken away by the features anyway; what remains of the distance is this coarseness.
    """
    points, back = in_one_unit(clip)
    step = max(shoulder_width(points), MIN_WIDTH) * factor / PIXELS
    return with_points(clip, np.round(points / step) * step / back)


def from_near(clip: LandmarkClip, reach: float) -> LandmarkClip:
    """So near that the picture ends `reach` shoulder widths beside and below the middle of the shoulders.

    A hand whose wrist lies outside is not found. Points of the pose stay: the detector guesses them.
    """
    points, _ = in_one_unit(clip)
    centre = points[:, _SHOULDERS, :2].mean(axis=1)
    landmarks = clip.landmarks.copy()
    for hand in _HANDS:
        away = points[:, PARTS[hand].start, :2] - centre
        outside = np.maximum(np.abs(away[:, 0]), away[:, 1]) > reach * shoulder_width(points)
        landmarks[outside, PARTS[hand]] = np.nan
    return with_points(clip, landmarks)


def turned(clip: LandmarkClip, degrees: float) -> LandmarkClip:
    """Filmed from a camera that stands `degrees` further round the signer, by the depth that the detector guessed.

    Where the clip has no depth (z all 0) only the widths shrink.
    """
    points, back = in_one_unit(clip)
    points[..., 2] += _depth_of_parts(points)
    origin = shoulder_middle(points)
    angle = np.deg2rad(degrees)
    across, deep = points[..., 0] - origin[0], points[..., 2] - origin[2]
    points[..., 0] = origin[0] + np.cos(angle) * across + np.sin(angle) * deep
    points[..., 2] = origin[2] + np.cos(angle) * deep - np.sin(angle) * across
    points[..., 2] -= _depth_of_parts(points)
    return with_points(clip, points / back)


def rolled(clip: LandmarkClip, degrees: float) -> LandmarkClip:
    """Filmed by a camera that is held askew by `degrees`."""
    points, back = in_one_unit(clip)
    origin = shoulder_middle(points)
    angle = np.deg2rad(degrees)
    across, down = points[..., 0] - origin[0], points[..., 1] - origin[1]
    points[..., 0] = origin[0] + np.cos(angle) * across - np.sin(angle) * down
    points[..., 1] = origin[1] + np.sin(angle) * across + np.cos(angle) * down
    return with_points(clip, points / back)


def _depth_of_parts(points: Points) -> npt.NDArray[np.float64]:
    """(T, 169) the z of what each part's own z counts from, told by the pose; 0 for the pose and where it is not known.

    MediaPipe counts a hand's z from its wrist and the face's from the head.
    """
    depth = np.zeros(points.shape[:2])
    for hand, name in zip(_HANDS, ("left_wrist", "right_wrist"), strict=True):
        depth[:, PARTS[hand]] = points[:, HOLISTIC.index[name], 2][:, None]
    depth[:, PARTS["face"]] = points[:, HOLISTIC.positions(("left_ear", "right_ear")), 2].mean(axis=1)[:, None]
    return np.nan_to_num(depth)
