"""Long streams with known sentences, to fit and to measure a segmenter.

    made-up signers --make_stream--> LabelledStream        a person rests, signs, scratches, signs on, before one camera
    recorded clips + rests --join_clips--> LabelledStream  the hands ease to rest after each clip, from rest before it
    LabelledStream --disturbed--> LabelledStream           other frame times, lost hands, no hands at all

A sentence begins where its first sign does and ends where its last one does; the arms go up before and down after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip, regular_timestamps
from signtalk.segmentation.metrics import Spans
from signtalk.segmentation.rests import SHOULDERS, hanging_rest
from signtalk.synthetic.body import Array, pose_body
from signtalk.synthetic.camera import project, track
from signtalk.synthetic.lexicon import sentences, signs
from signtalk.synthetic.resting import perform_stream
from signtalk.synthetic.signers import SIGNER_LETTERS, Habits, generator, make_signer

_TRAINING_FPS = (8.0, 12.0, 25.0, 30.0, 50.0)


@dataclass(frozen=True, eq=False)
class LabelledStream:
    """A long clip and the sentences in it.

    Attributes:
        clip: the landmarks.
        spans: (S, 2) seconds, beginning of the first and end of the last sign of each sentence.
        signer_id: who signs.
    """

    clip: LandmarkClip
    spans: Spans
    signer_id: str


@dataclass(frozen=True)
class StreamPlan:
    """What is made up.

    Attributes:
        num_sentences: sentences in it; 0 is a person who only rests, for `pauses_s`.
        fps: frames a second.
        pauses_s: least and most seconds of rest before, between and after them.
        vary: let the hands rest higher or lower and sign more slowly than this signer does, and sentences be longer, so
            that a model learns of more people than there are.
        holds: chance that a hand stays up and still for a moment after a sign.
        single: chance that a sentence is an answer of one sign.
        one_handed: sentences of one-handed signs alone, so that the other hand mostly rests.
    """

    num_sentences: int = 6
    fps: float = 25.0
    pauses_s: tuple[float, float] = (0.5, 4.0)
    vary: bool = False
    holds: float = 0.1
    single: float = 0.1
    one_handed: bool = False


def make_stream(seed: int, number: int, plan: StreamPlan, habits: Habits | None = None) -> LabelledStream:
    """A made-up stream; the same seed, number and plan always give the same.

    Args:
        seed: of the people; each seed has five others.
        number: of the stream; counts through the people.
        plan: what is in it.
        habits: how much people differ and the detector errs; ordinary by default.
    """
    letter = SIGNER_LETTERS[number % len(SIGNER_LETTERS)]
    signer = make_signer(seed, letter, habits or Habits())
    rng = generator(seed, "stream", number)
    most_joined = 1
    if plan.vary:
        rest = signer.rest * np.array([1.0, rng.uniform(0.7, 1.5), 1.0])
        signer, most_joined = replace(signer, rest=rest, tempo=signer.tempo * rng.uniform(0.6, 1.1)), 3
    chosen = [_glosses(rng, plan, most_joined) for _ in range(plan.num_sentences)]
    pauses = rng.uniform(*plan.pauses_s, size=plan.num_sentences + 1)
    motion, spans = perform_stream(signer, chosen, pauses.tolist(), plan.fps, rng, plan.holds)
    camera = signer.camera_today(rng)
    landmarks, visibility = track(
        project(pose_body(signer.body, motion), camera), camera, signer.tracker, plan.fps, rng
    )
    clip = LandmarkClip(landmarks, visibility, regular_timestamps(len(landmarks), plan.fps), camera.aspect)
    return LabelledStream(clip, spans, f"{seed}{letter}")


def _glosses(rng: np.random.Generator, plan: StreamPlan, most_joined: int) -> tuple[str, ...]:
    """One sign, up to so many sentences of the lexicon as one, or a few one-handed signs in a row."""
    usable = sorted(gloss for gloss, sign in signs().items() if sign.hands == "one" or not plan.one_handed)
    if rng.random() < plan.single:
        return (usable[rng.integers(len(usable))],)
    if plan.one_handed:
        return tuple(usable[i] for i in rng.integers(len(usable), size=rng.integers(3, 5 * most_joined)))
    texts = sentences()
    chosen = rng.integers(len(texts), size=rng.integers(1, most_joined + 1))
    return tuple(gloss for i in chosen for gloss in texts[i].glosses)


def join_clips(
    clips: Sequence[LandmarkClip],
    rests: Sequence[LandmarkClip],
    pauses_s: Sequence[float],
    fps: float,
    ease_s: float = 0.4,
    signer_id: str = "",
) -> LabelledStream:
    """One stream of several clips of a person with rest before, between and after them.

    A rest is played back and forth until it is long enough, at the place and size of the clips beside it. Between
    rest and clip the hands are eased over `ease_s`, as a person's do; a tracked hand is seen for the half of that way
    that lies at its clip. The clip counts as the sentence, the easing does not.

    Args:
        clips: S clips, each signed from its first to its last frame; none for rest alone.
        rests: S + 1 clips of the same person who does not sign.
        pauses_s: S + 1 seconds of rest, without the easing.
        fps: of the stream.
        ease_s: seconds of each movement between rest and clip.
        signer_id: who it is.
    """
    num_eased = max(1, round(ease_s * fps))
    points: list[Array] = []
    spans: list[tuple[int, int]] = []
    count = 0
    pieces = [_at_rate(clip, fps) for clip in clips]
    for i, (rest, pause) in enumerate(zip(rests, pauses_s, strict=True)):
        still = _back_and_forth(_at_rate(rest, fps), max(2, round(pause * fps)))
        if pieces:
            still = _placed_like(still, pieces[max(i - 1, 0)])
        following = pieces[i] if i < len(pieces) else None
        parts = [still] if following is None else [still, _eased(still[-1], following[0], num_eased), following]
        if points:
            parts.insert(0, _eased(points[-1][-1], still[0], num_eased))
        for part in parts:
            if part is following:
                spans.append((count, count + len(part) - 1))
            points.append(part)
            count += len(part)
    landmarks = np.concatenate(points).astype(np.float32)
    visibility = np.full((count, PARTS["pose"].stop), np.nan, dtype=np.float32)
    clip = LandmarkClip(landmarks, visibility, regular_timestamps(count, fps), clips[0].aspect if clips else None)
    return LabelledStream(clip, np.array(spans, dtype=np.float64).reshape(-1, 2) / fps, signer_id)


def joined_signs(clips: Sequence[LandmarkClip], gap_s: float) -> LandmarkClip:
    """One clip of several by the same person, in the place and at the frame rate of the first, as a sentence of them.

    Args:
        clips: signed from the first to the last frame.
        gap_s: seconds in which the hands go from each clip to the next.
    """
    fps = clips[0].fps
    points = [_at_rate(clips[0], fps)]
    for clip in clips[1:]:
        following = _placed_like(_at_rate(clip, fps), points[0])
        points += [_eased(points[-1][-1], following[0], max(1, round(gap_s * fps))), following]
    landmarks = np.concatenate(points).astype(np.float32)
    visibility = np.full((len(landmarks), PARTS["pose"].stop), np.nan, dtype=np.float32)
    return LandmarkClip(landmarks, visibility, regular_timestamps(len(landmarks), fps), clips[0].aspect)


def _at_rate(clip: LandmarkClip, fps: float) -> Array:
    """(T, 169, 3) the clip at another frame rate, linear between frames; NaN where either is missing."""
    times = clip.timestamps_s - clip.timestamps_s[0]
    wanted = np.arange(max(1, round(clip.duration_s * fps))) / fps
    place = np.interp(wanted, times, np.arange(len(times)))
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, len(times) - 1)
    weight = (place - low)[:, None, None]
    points = clip.landmarks.astype(np.float64)
    return np.where(weight < 1e-6, points[low], points[low] * (1 - weight) + points[high] * weight)


def _back_and_forth(points: Array, num_frames: int) -> Array:
    """The first so many frames of points played forwards, backwards, forwards ..."""
    period = max(2 * (len(points) - 1), 1)
    phase = np.arange(num_frames) % period
    return points[np.where(phase < len(points), phase, period - phase)]


def _placed_like(points: Array, other: Array) -> Array:
    """Moved and scaled so that the shoulders are on average where they are in `other`."""
    here, there = (np.nanmean(each[:, SHOULDERS, :2], axis=0) for each in (points, other))
    if np.isnan(here).any() or np.isnan(there).any():
        return points
    scale = np.linalg.norm(there[0] - there[1]) / max(float(np.linalg.norm(here[0] - here[1])), 1e-6)
    moved = points.copy()
    moved[..., :2] = (points[..., :2] - here.mean(axis=0)) * scale + there.mean(axis=0)
    return moved


def _eased(start: Array, end: Array, num_frames: int) -> Array:
    """(num_frames, 169, 3) between two frames; a hand of only one of them goes along with the pose's wrist."""
    u = np.arange(1, num_frames + 1) / (num_frames + 1)
    weight = (u * u * (3 - 2 * u))[:, None, None]
    way = start * (1 - weight) + end * weight
    for side in ("left", "right"):
        wrist, part = HOLISTIC.index[f"{side}_wrist"], PARTS[f"{side}_hand"]
        for frame, near in ((start, u < 0.5), (end, u >= 0.5)):
            if np.isnan(start[part]).any() or np.isnan(end[part]).any():
                way[near, part] = frame[part] - frame[wrist] + way[near, wrist][:, None]
    return way


def disturbed(
    stream: LabelledStream,
    rng: np.random.Generator,
    uneven: float = 0.0,
    lost_hands: float = 0.0,
    without_hands: bool = False,
    *,
    dropped: float = 0.0,
) -> LabelledStream:
    """The stream as a worse camera and tracker give it.

    Args:
        stream: not changed.
        rng: the only source of chance.
        uneven: frame times shift by up to this part of a frame.
        lost_hands: how often a second a tracked hand is lost, for 0.1 to 1 s.
        without_hands: no hand is tracked at all, as by a camera for bodies.
        dropped: this part of the frames never arrives.
    """
    clip = stream.clip
    times = clip.timestamps_s + rng.uniform(-0.5, 0.5, clip.num_frames) * uneven / clip.fps
    landmarks = clip.landmarks.copy()
    for name in ("left_hand", "right_hand"):
        if without_hands:
            landmarks[:, PARTS[name]] = np.nan
        for start in np.flatnonzero(rng.random(clip.num_frames) < lost_hands / clip.fps):
            landmarks[start : start + max(1, round(rng.uniform(0.1, 1.0) * clip.fps)), PARTS[name]] = np.nan
    arrived = slice(None) if not dropped else np.append([True, True], rng.random(clip.num_frames - 2) >= dropped)
    clip = replace(clip, landmarks=landmarks[arrived], visibility=clip.visibility[arrived], timestamps_s=times[arrived])
    return replace(stream, clip=clip)


def cut_stream(stream: LabelledStream, start_s: float, stop_s: float = np.inf) -> LabelledStream:
    """What is seen by someone who watches for a while, from or until the middle of a sentence perhaps.

    Args:
        stream: not changed.
        start_s: from then on.
        stop_s: until then.
    """
    clip = stream.clip
    kept = (clip.timestamps_s >= start_s) & (clip.timestamps_s <= stop_s)
    seen = (stream.spans[:, 1] > start_s) & (stream.spans[:, 0] < stop_s)
    spans = np.clip(stream.spans[seen], start_s, stop_s)
    return replace(
        stream,
        clip=replace(
            clip, landmarks=clip.landmarks[kept], visibility=clip.visibility[kept], timestamps_s=clip.timestamps_s[kept]
        ),
        spans=spans,
    )


def thinned(stream: LabelledStream, step: int) -> LabelledStream:
    """One frame in `step`, as of a slow camera; `make_stream` itself needs 7 frames a second or more."""
    clip = stream.clip
    clip = replace(
        clip,
        landmarks=clip.landmarks[::step],
        visibility=clip.visibility[::step],
        timestamps_s=clip.timestamps_s[::step],
    )
    return replace(stream, clip=clip)


def sentence_clips(stream: LabelledStream) -> list[LandmarkClip]:
    """Each sentence of a stream as a clip of its own, without the arms' way up and down."""
    clip, clips = stream.clip, []
    for start, end in stream.spans:
        kept = (clip.timestamps_s >= start - 1e-9) & (clip.timestamps_s <= end + 1e-9)
        if kept.sum() > 1:
            landmarks, visibility, times = clip.landmarks[kept], clip.visibility[kept], clip.timestamps_s[kept]
            clips.append(LandmarkClip(landmarks, visibility, times, clip.aspect))
    return clips


@dataclass(frozen=True, eq=False)
class Recorded:
    """What was recorded of one signer.

    Attributes:
        signer_id: who.
        clips: signed from the first to the last frame.
        rests: in which they do not sign; without any, their arms are made to hang (`hanging_rest`).
    """

    signer_id: str
    clips: Sequence[LandmarkClip]
    rests: Sequence[LandmarkClip]


def recorded_streams(
    recorded: Recorded, seed: int, count: int, fps: Sequence[float] = _TRAINING_FPS, num_sentences: int = 5
) -> list[LabelledStream]:
    """Streams of a signer's clips in random order, 0.5 to 4 s of rest and two ways of the arms between them.

    Frames come unevenly, as from a camera.

    Args:
        recorded: the signer's clips.
        seed: of the choice.
        count: of streams.
        fps: frame rates, taken in turn.
        num_sentences: of a stream, if there are so many.
    """
    streams = []
    for number in range(count):
        rng = generator(seed, "recorded", recorded.signer_id, number)
        rate = float(fps[number % len(fps)])
        clips = [recorded.clips[i] for i in rng.permutation(len(recorded.clips))[:num_sentences]]
        pauses = rng.uniform(0.5, 4.0, size=len(clips) + 1)
        rests = [
            recorded.rests[int(rng.integers(len(recorded.rests)))]
            if recorded.rests
            else hanging_rest(clips[max(i - 1, 0)], float(pause), rng)
            for i, pause in enumerate(pauses)
        ]
        joined = join_clips(clips, rests, pauses.tolist(), rate, signer_id=recorded.signer_id)
        streams.append(disturbed(joined, rng, uneven=0.3))
    return streams
