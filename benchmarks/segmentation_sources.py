"""What a segmenter is fitted on and measured on: made-up people, shared real sets, shared videos.

    fit_lessons_of("asl")     streams as various as cameras and habits, with known sentences, ready for a fit
    made_up, recorded, words, resting, idling     streams to measure on
    video_clips               real videos of one sign each, with the rest before and after it

Real clips are read from SIGNTALK_DATA (default ../shared/data); nothing of them is part of the project. Two of the
shared sets have no licence and are never fitted on: `asl_words_17signers`, `asl_medical_sentences`; nor are the videos.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from raw_clips import ROOT, source_clips
from signtalk.errors import DataError
from signtalk.extraction.clip import ExtractionConfig, extract_clip
from signtalk.extraction.landmarker import MediaPipeLandmarker
from signtalk.extraction.trimming import find_signing, trim_clip
from signtalk.landmarks.clip import HOLISTIC, LandmarkClip, load_clip, save_clip
from signtalk.landmarks.legacy_rows import to_prototype_rows
from signtalk.segmentation.fit import StreamLesson, lesson_of
from signtalk.segmentation.rests import SHOULDERS
from signtalk.segmentation.streams import (
    LabelledStream,
    Recorded,
    StreamPlan,
    disturbed,
    join_clips,
    make_stream,
    recorded_streams,
    thinned,
)
from signtalk.segmentation.training import resting_streams, training_streams, varied_streams
from signtalk.synthetic.signers import SIGNER_LETTERS, generator

SIGNS = {
    "asl": "asl_words_3signers",
    "isl": "isl_words_10signers_body",
    "ksl": "ksl_phrases_5sessions",
    "words": "words_6people",
}
"""Sets of single signs, by the name of their source; ksl is one person, whose sessions stand for signers."""
SENTENCES = {"asl": "asl_sentences_3signers", "isl": "isl_sentences_10signers_body"}
"""Sets of sentences, which are joined from the single signs of the same source."""
SOURCES = ("made_up", "rest", *SIGNS)
"""Made-up people who sign, made-up people who only rest and fidget, and real ones."""
HELD_BACK = "isl"
"""The shipped numbers never see this source, so that all of it measures them."""
SHARES = {"made_up": 2.0, "rest": 0.4}
"""How much a source counts in a fit; the real sets count 1 each."""
_FIT_SEED, _NUM_MADE_UP_FIT, _NUM_REST_FIT, _NUM_RECORDED_FIT = 1000, 240, 120, 180
_MOST_CLIPS = 300
"""Of a signer that a fit chooses from: the memory does not hold all."""
TEST_SEED = 5000
_NUM_MADE_UP = 20
_SLOWEST_MADE_FPS, _THINNED_STEP = 7.0, 4
_STREAMS_EACH = {"asl": 4, "isl": 1, "ksl": 2, "words": 2}
"""Of a signer and frame rate."""
_SIGNS_EACH = 8
_IDLE_S = 30.0
_WRISTS = HOLISTIC.positions(("left_wrist", "right_wrist"))
_HANDS_DOWN = 1.2


# --- to fit on ----------------------------------------------------------------------------------------------------


def fit_lessons_of(source: str) -> list[StreamLesson]:
    """What a fit reads of a source."""
    if source == "made_up":
        return [lesson_of(stream, source) for stream in training_streams(_FIT_SEED, _NUM_MADE_UP_FIT)]
    if source == "rest":
        return [lesson_of(stream, source) for stream in resting_streams(_FIT_SEED + 500, _NUM_REST_FIT)]
    signers = [trimmed(who) for who in people(SIGNS[source], source == "asl", source == "ksl")]
    count = _NUM_RECORDED_FIT // len(signers)
    return [lesson_of(stream, source) for who in signers for stream in varied_streams(who, _FIT_SEED, count)]


def trimmed(who: Recorded) -> Recorded:
    """Without the clips' idle ends, which teach that a hand that lies still signs, and without idle clips."""
    signing = [(clip, find_signing(clip)) for clip in who.clips]
    return replace(who, clips=[trim_clip(clip, each, 0.0)[0] for clip, each in signing if each.is_any])


def people(name: str, rests: bool = False, session_as_signer: bool = False) -> list[Recorded]:
    """The signers of a set; `rests`: with the idle clips of `asl_words_3signers` in which both hands are down."""
    clips: dict[str, list[LandmarkClip]] = {}
    for source in source_clips(name, session_as_signer):
        if not source.is_idle:
            clips.setdefault(source.signer_id, []).append(source.clip)
    down = idle_clips()[0] if rests else {}
    return [
        Recorded(signer, each[:: max(1, len(each) // _MOST_CLIPS)], down.get(signer, []))
        for signer, each in sorted(clips.items())
    ]


def idle_clips() -> tuple[dict[str, list[LandmarkClip]], dict[str, list[LandmarkClip]]]:
    """Of each signer of `asl_words_3signers`: idle clips with hands down, and the others, which wave them about."""
    kinds: tuple[dict[str, list[LandmarkClip]], dict[str, list[LandmarkClip]]] = ({}, {})
    for source in source_clips(SIGNS["asl"]):
        if source.is_idle:
            kinds[0 if hands_down(source.clip) else 1].setdefault(source.signer_id, []).append(source.clip)
    return kinds


def hands_down(clip: LandmarkClip) -> bool:
    """Whether the higher wrist lies low in most frames: the other idle clips of asl wave their hands about."""
    points = clip.landmarks[..., :2]
    shoulders = points[:, SHOULDERS]
    width = np.nanmedian(np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1))
    heights = (points[:, _WRISTS, 1] - shoulders[..., 1].mean(axis=1)[:, None]) / width
    return bool(np.nanmedian(heights.min(axis=1)) > _HANDS_DOWN)


# --- to measure on ------------------------------------------------------------------------------------------------


def made_up(fps: float) -> list[LabelledStream]:
    """Streams of people whom no fit has met; frames come unevenly and hands are lost now and then."""
    streams = []
    for number in range(_NUM_MADE_UP):
        seed = TEST_SEED + number // len(SIGNER_LETTERS)
        stream = _made(seed, number, StreamPlan(fps=fps))
        streams.append(disturbed(stream, np.random.default_rng(number), uneven=0.3, lost_hands=0.1))
    return streams


def recorded(source: str, signers: list[Recorded], fps: float) -> list[LabelledStream]:
    """Sentences of a source's signers with rest between them."""
    return [each for who in signers for each in recorded_streams(who, TEST_SEED, _STREAMS_EACH[source], (fps,))]


def words(source: str, signers: list[Recorded], fps: float) -> list[LabelledStream]:
    """Eight single signs of each signer, each between rests."""
    count = _STREAMS_EACH[source]
    return [
        each for who in signers for each in recorded_streams(who, TEST_SEED, count, (fps,), num_sentences=_SIGNS_EACH)
    ]


def resting(fps: float, num_people: int = 10) -> list[LabelledStream]:
    """So many people, made up, who rest and fidget for a minute."""
    plan = StreamPlan(num_sentences=0, fps=fps, pauses_s=(60.0, 60.1))
    return [_made(TEST_SEED + 100 + number // 5, number, plan) for number in range(num_people)]


def _made(seed: int, number: int, plan: StreamPlan) -> LabelledStream:
    """`make_stream`, and slow rates by leaving frames out."""
    step = 1 if plan.fps >= _SLOWEST_MADE_FPS else _THINNED_STEP
    stream = make_stream(seed, number, replace(plan, fps=plan.fps * step))
    return thinned(stream, step)


def idling(clips: dict[str, list[LandmarkClip]], fps: float) -> list[LabelledStream]:
    """Each idle clip to and fro for half a minute, at uneven times; no sentence is in it."""
    streams = []
    for signer, each in sorted(clips.items()):
        for number, clip in enumerate(each):
            stream = join_clips([], [clip], [_IDLE_S], fps, signer_id=signer)
            streams.append(disturbed(stream, generator(TEST_SEED, "idling", signer, number), uneven=0.3))
    return streams


# --- yardsticks that learn nothing -----------------------------------------------------------------------------------


def prototype_motion(clip: LandmarkClip) -> np.ndarray:
    """(T,) docs/contract.md 1.3's motion energy of the rows that the prototype would have written."""
    rows = to_prototype_rows(clip).copy()
    rows[:, 3:132:4] = 0
    return np.linalg.norm(np.diff(rows, axis=0, prepend=rows[:1]), axis=1)


def hand_speed(clip: LandmarkClip) -> np.ndarray:
    """(T,) of the faster wrist, shoulder widths a second, over the last tenth of a second."""
    points = np.nan_to_num(clip.landmarks[..., :2].astype(np.float64))
    points[..., 0] *= clip.aspect or 1.0
    width = np.median(np.linalg.norm(points[:, SHOULDERS[0]] - points[:, SHOULDERS[1]], axis=-1))
    wrists = (points[:, _WRISTS] - points[:, SHOULDERS].mean(axis=1)[:, None]) / width
    times = clip.timestamps_s
    before = np.minimum(np.searchsorted(times, times - 0.1), np.maximum(np.arange(len(times)) - 1, 0))
    moved = np.linalg.norm(wrists - wrists[before], axis=-1).max(axis=1)
    return np.asarray(moved / np.maximum(times - times[before], 1e-3))


# --- videos -------------------------------------------------------------------------------------------------------


def video_clips(cache: Path | None) -> Iterator[tuple[str, LandmarkClip]]:
    """The shared videos of one Indian sign each, with the rest before and after it.

    Args:
        cache: folder in which landmarks are kept from one call to the next; None extracts them anew.

    Raises:
        DataError: the videos are not there.
        SignTalkError: extraction cannot work here.
    """
    folder = Path(os.environ.get("SIGNTALK_DATA", ROOT.parent / "shared" / "data")) / "videos"
    paths = sorted(folder.glob("isl_*.mp4"))
    if not paths:
        raise DataError(f"{folder}: no video isl_*.mp4 there; set SIGNTALK_DATA to the folder of the shared clips")
    for path in paths:
        yield path.stem, _landmarks_of(path, cache)


def _landmarks_of(path: Path, cache: Path | None) -> LandmarkClip:
    kept = cache / f"{path.stem}.npz" if cache else None
    if kept is not None and kept.exists():
        return load_clip(kept)
    clip = extract_clip(path, MediaPipeLandmarker(), ExtractionConfig(trim=False)).clip
    if kept is not None:
        save_clip(kept, clip)
    return clip


def watched_live(clip: LandmarkClip, fps: float, rounds: int, rng: np.random.Generator) -> LandmarkClip:
    """A video played before a camera again and again, of which so many pictures a second are looked at.

    The first picture falls anywhere, and the time from one to the next varies by up to a third.

    Args:
        clip: the video's landmarks.
        fps: pictures a second.
        rounds: how often the video is played.
        rng: the only source of chance.
    """
    times = clip.timestamps_s - clip.timestamps_s[0]
    length = clip.duration_s
    gaps = rng.uniform(2 / 3, 4 / 3, size=int(rounds * length * fps * 2)) / fps
    looked = np.cumsum(gaps)
    looked = looked[looked < rounds * length]
    frames = np.searchsorted(times, looked % length, side="right") - 1
    return LandmarkClip(clip.landmarks[frames], clip.visibility[frames], looked, clip.aspect)


def every_round(clip: LandmarkClip, rounds: int) -> np.ndarray:
    """(rounds, 2) seconds in which each round of a video plays."""
    starts = np.arange(rounds) * clip.duration_s
    return np.stack([starts, starts + clip.duration_s], axis=1)
