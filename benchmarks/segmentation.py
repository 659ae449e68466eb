#!/usr/bin/env python3
"""Finding sentences in long streams: how well, on whom, against a fixed speed; and the fit of the shipped numbers.

    python benchmarks/segmentation.py --results docs/results/segmentation.md --videos FOLDER
    python benchmarks/segmentation.py --fit src/signtalk/segmentation/segmenter.json

What a real set is measured by never saw that set, nor the sentences that are joined from its signs. The shipped numbers
never saw the Indian set (isl), nor any video; for other sets a fit of its own leaves the set out ("without asl").
Beside them stand the numbers that were shipped before, fitted on made-up people alone (`segmenter_made_up.json`). Every
stream is pushed frame by frame through `Segmenter`.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from folds import code_version
from raw_clips import source_clips
from resting import with_idle
from results_page import replace_section, typed_command
from segmentation_sources import (
    HELD_BACK,
    SENTENCES,
    SHARES,
    SIGNS,
    SOURCES,
    TEST_SEED,
    every_round,
    fit_lessons_of,
    hand_speed,
    hands_down,
    idle_clips,
    idling,
    made_up,
    people,
    prototype_motion,
    recorded,
    resting,
    video_clips,
    watched_live,
    words,
)
from signtalk.errors import SignTalkError
from signtalk.evaluation.intervals import bootstrap_ratio
from signtalk.evaluation.retrieval import auroc
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import motion_energy
from signtalk.segmentation.activity import clip_activity
from signtalk.segmentation.fit import StreamLesson, fit_lessons, measure_segmenter
from signtalk.segmentation.metrics import TOLERANCES_S, SegmentScores, Spans, pooled, score_spans
from signtalk.segmentation.segmenter import (
    Hysteresis,
    SegmenterConfig,
    SegmenterSettings,
    shipped_settings,
    spans_of,
)
from signtalk.segmentation.streams import LabelledStream, Recorded
from signtalk.synthetic.dataset import SyntheticConfig, generate_clips

SECTION = "segmentation"
DATA = ("made_up", *SIGNS, "videos")
FPS = (4.5, 10.0, 25.0, 50.0)
WORDS_FPS = (4.5, 25.0)
LIVE_FPS, LIVE_ROUNDS = 4.5, 8
BEFORE = Path(__file__).with_name("segmenter_made_up.json")
DIAL = {"start_threshold": 0.77, "least_mean": 0.65}
"""A short sign with one hand and a scratch are one movement: set by hand, to no more false sentences than before of
people who rest, whatever kind of rest it is; `least_mean` so that the greeting among the videos is found."""
KEPT = 0.99
"""Of the signing clips, where a floor is put."""
_FEWEST_SIGNERS = 5
PROTOTYPE_FLOOR = 7.5e-4
SPEED_FLOOR = 0.5
"""Shoulder widths a second; between what resting and signing clips have on average."""
_PLAIN = SegmenterConfig(start_threshold=0.5, stop_threshold=0.5, rise_threshold=0.5, confirm_s=0.1, hold_s=0.5)
_FIT_COMMAND = "python benchmarks/segmentation.py --fit src/signtalk/segmentation/segmenter.json"


@dataclass(frozen=True)
class Row:
    """A line of the table: the scores of each stream, and whose it is."""

    data: str
    method: str
    fps: str
    scores: tuple[SegmentScores, ...]
    signers: tuple[str, ...]

    def cells(self) -> list[str]:
        """As the table has them; no F1 where there is nothing to find."""
        whole = pooled(self.scores)
        f1 = [f"{whole.boundary_f1(tolerance):.3f}" if whole.num_true else "-" for tolerance in TOLERANCES_S]
        if whole.num_true:
            f1[1] += f" ({self.interval()})"
        counts = [str(whole.num_true), *f1, str(whole.missed), f"{whole.false} ({whole.false_per_hour:.0f})"]
        return [f"{self.data}, {self.fps} fps", self.method, *counts]

    def interval(self) -> str:
        """95% bootstrap of F1 at 0.5 s: signers are drawn, or streams where there are few signers."""
        groups = np.array(self.signers) if len(set(self.signers)) >= _FEWEST_SIGNERS else None
        hits = np.array([each.hits[1] for each in self.scores])
        boundaries = np.array([each.num_true + each.num_found for each in self.scores])
        found = bootstrap_ratio(hits, boundaries, groups, np.random.default_rng(0))
        return f"{found.low:.3f}-{found.high:.3f}"


# --- fits ---------------------------------------------------------------------------------------------------------


@cache
def lessons_of(source: str) -> list[StreamLesson]:
    """Of a source; made once."""
    print(f"reading {source} for a fit", file=sys.stderr, flush=True)
    return fit_lessons_of(source)


@cache
def without(source: str) -> SegmenterSettings:
    """Numbers of a fit on every source but this one; without HELD_BACK they are the shipped ones.

    On one thread, for a sum in single precision depends on how many threads share it, and so would the fit.
    """
    with threadpool_limits(1):
        lessons = [lesson for other in SOURCES if other != source for lesson in lessons_of(other)]
        print(f"fitting without {source}", file=sys.stderr, flush=True)
        origin = _FIT_COMMAND if source == HELD_BACK else f"without {source}"
        return dialled(fit_lessons(lessons, origin, SHARES).settings)


def dialled(settings: SegmenterSettings) -> SegmenterSettings:
    """With DIAL in the place of what the fit chose."""
    config = SegmenterConfig.model_validate(settings.config.model_dump() | DIAL)
    return settings.model_copy(update={"config": config})


@cache
def before() -> SegmenterSettings:
    """The numbers that were shipped before, fitted on made-up people alone."""
    return SegmenterSettings.load(BEFORE)


# --- methods ------------------------------------------------------------------------------------------------------


def above(speed: Callable[[LandmarkClip], np.ndarray], floor: float) -> Callable[[LabelledStream], SegmentScores]:
    """A segmenter for which nothing is learned: above the floor for 0.1 s until below it for 0.5 s."""

    def scored(stream: LabelledStream) -> SegmentScores:
        clip, hysteresis, changes = stream.clip, Hysteresis(_PLAIN), []
        for value, time in zip(speed(clip).tolist(), clip.timestamps_s.tolist(), strict=True):
            changes += hysteresis.push(float(value >= floor), time)
        changes += hysteresis.finish()
        found: Spans = np.array([(each.start_s, each.end_s) for each in changes if each.kind == "end"])
        return score_spans(found.reshape(-1, 2), stream.spans, clip.duration_s)

    return scored


def by_numbers(settings: SegmenterSettings) -> Callable[[LabelledStream], SegmentScores]:
    """A segmenter with these numbers."""
    return lambda stream: measure_segmenter([stream], settings)


YARDSTICKS: dict[str, Callable[[LabelledStream], SegmentScores]] = {
    f"hand speed over {SPEED_FLOOR:g}": above(hand_speed, SPEED_FLOOR),
    "prototype's motion floor": above(prototype_motion, PROTOTYPE_FLOOR),
}


def judged_by(source: str) -> tuple[str, SegmenterSettings]:
    """The numbers that a source is measured by, and what they are called: a real set by those that never saw it."""
    unseen = source not in SIGNS or source == HELD_BACK
    return ("shipped", shipped_settings()) if unseen else (f"without {source}", without(source))


def rows_of(
    data: str, source: str, fps: float, streams: Sequence[LabelledStream], yardsticks: bool = True
) -> Iterator[Row]:
    """The segmenter and what it is compared with.

    Args:
        data: what the line is called.
        source: whose numbers measure it.
        fps: of the streams.
        streams: with known sentences.
        yardsticks: compare with what is not learned, too.
    """
    signers = tuple(stream.signer_id for stream in streams)
    name, settings = judged_by(source)
    methods = {name: by_numbers(settings), "before": by_numbers(before())}
    if name != "shipped":
        methods["shipped, which saw it"] = by_numbers(shipped_settings())
    for method, measure in (methods | (YARDSTICKS if yardsticks else {})).items():
        yield Row(data, method, f"{fps:g}", tuple(map(measure, streams)), signers)


def measure_made_up() -> Iterator[Row]:
    """Unseen made-up people at each frame rate."""
    for fps in FPS:
        yield from rows_of("made_up", "made_up", fps, made_up(fps))


def measure_recorded(source: str) -> Iterator[Row]:
    """Real sentences, where the source has them, and single signs, by frame rate; then by signer at all rates."""
    if source in SENTENCES:
        yield from _by_rate_and_signer(source, source, people(SENTENCES[source], rests=source == "asl"))
    signers = people(SIGNS[source], rests=source == "asl", session_as_signer=source == "ksl")
    for fps in WORDS_FPS:
        yield from rows_of(f"{source}, single signs", source, fps, words(source, signers, fps), yardsticks=False)


def _by_rate_and_signer(data: str, source: str, signers: Sequence[Recorded]) -> Iterator[Row]:
    own: list[Row] = []
    for fps in FPS:
        rows = list(rows_of(data, source, fps, recorded(source, signers, fps)))
        own.append(rows[0])
        yield from rows
    for who in signers:
        scores = [
            score
            for row in own
            for score, signer in zip(row.scores, row.signers, strict=True)
            if signer == who.signer_id
        ]
        yield Row(f"{data}, {who.signer_id}", own[0].method, "all", tuple(scores), (who.signer_id,) * len(scores))


# --- rest alone ---------------------------------------------------------------------------------------------------


def measure_rest(data: Sequence[str]) -> Iterator[list[str]]:
    """False sentences an hour of rest alone, before and now."""
    if "made_up" in data:
        for fps in (5.0, 25.0):
            yield rest_cells(f"made-up people who fidget, {fps:g} fps", "made_up", resting(fps, 30))
    if "asl" in data:
        down, waved = idle_clips()
        for kind, clips in (("hands down", down), ("hands waved", waved)):
            chosen = {signer: each[::3] for signer, each in clips.items()}
            for fps in (5.0, 25.0):
                yield rest_cells(f"asl idle clips, {kind}, {fps:g} fps", "asl", idling(chosen, fps))


def rest_cells(name: str, source: str, streams: Sequence[LabelledStream]) -> list[str]:
    """Streams, minutes, and false sentences with how many an hour and in how many streams, before and now."""
    method, settings = judged_by(source)
    cells = []
    for numbers in (before(), settings):
        scores = [measure_segmenter([stream], numbers) for stream in streams]
        whole = pooled(scores)
        cells.append(f"{whole.false} ({whole.false_per_hour:.0f}) in {sum(each.false > 0 for each in scores)}")
    return [name, str(len(streams)), f"{whole.idle_s / 60:.0f}", *cells, method]


# --- videos -------------------------------------------------------------------------------------------------------


def measure_videos(cache_folder: Path | None) -> Iterator[list[str]]:
    """Videos of one sign each: found as filmed, and in how many rounds before a slow camera, before and now."""
    for name, clip in video_clips(cache_folder):
        live = watched_live(clip, LIVE_FPS, LIVE_ROUNDS, np.random.default_rng(TEST_SEED))
        cells = [name, f"{clip.duration_s:.1f}"]
        for settings in (before(), shipped_settings()):
            rounds = every_round(clip, LIVE_ROUNDS)
            cells += [str(len(spans_of(clip, settings))), f"{rounds_found(live, rounds, settings)} of {LIVE_ROUNDS}"]
        yield cells


def rounds_found(clip: LandmarkClip, rounds: np.ndarray, settings: SegmenterSettings) -> int:
    """Rounds that a found sentence touches."""
    spans = spans_of(clip, settings)
    return sum(any(span.start_s < end and span.end_s > start for span in spans) for start, end in rounds.tolist())


# --- whole clips --------------------------------------------------------------------------------------------------


def clip_cells(data: str, source: str, signing: Sequence[LandmarkClip], idle: Sequence[LandmarkClip]) -> list[str]:
    """The gate's mean hand speed and the learned mean probability, each as a score for "somebody signs"."""
    model, clips = judged_by(source)[1].model, [*signing, *idle]
    speeds = np.array([motion_energy(clip) for clip in clips])
    means = np.array([clip_activity(clip, model).mean for clip in clips])
    known = np.arange(len(clips)) < len(signing)

    def passes(scores: np.ndarray, kept: float) -> np.ndarray:
        return scores >= np.quantile(scores[known], 1 - kept)

    half = (1 + KEPT) / 2  # each of the two loses half of what one alone may lose
    accepted = [passes(speeds, KEPT), passes(means, KEPT), passes(speeds, half) & passes(means, half)]
    figures = [auroc(speeds, known), auroc(means, known), *(float(each[~known].mean()) for each in accepted)]
    return [data, str(len(signing)), str(len(idle)), *(f"{figure:.3f}" for figure in figures)]


def measure_clips(data: Sequence[str]) -> Iterator[list[str]]:
    """Idle and signing clips, made up and real; real idle ones with hands down, waving, and held still."""
    if "made_up" in data:
        clips = list(generate_clips(SyntheticConfig(num_sentences=60, num_idle=60, seed=TEST_SEED + 200)))
        signing = [each.clip for each in clips if not each.is_idle]
        yield clip_cells("made_up", "made_up", signing, [each.clip for each in clips if each.is_idle])
    if "asl" in data:
        signs = list(source_clips(SIGNS["asl"]))
        signing = [each.clip for each in signs if not each.is_idle][::6]
        idle = [each.clip for each in signs if each.is_idle]
        down = [hands_down(clip) for clip in idle]
        for kind, low in (("down", True), ("waved", False)):
            of_kind = [clip for clip, is_down in zip(idle, down, strict=True) if is_down == low]
            yield clip_cells(f"asl words; hands {kind}", "asl", signing, of_kind)
    for name, stored in SENTENCES.items():
        if name in data:
            each = list(with_idle(source_clips(stored), 15))
            signing = [source.clip for source in each if not source.is_idle][::4]
            idle = [source.clip for source in each if source.is_idle]
            yield clip_cells(f"{name}; stillest second", name, signing, idle)


# --- output -------------------------------------------------------------------------------------------------------

STREAMS_TEXT = (
    "F1 of boundaries, starts with starts and ends with ends, within 0.25, 0.5 and 1 s; at 0.5 s with a 95% interval "
    "that draws signers, or streams where there are fewer than five. *missed*: sentences with which no found span has "
    "more than half of their union in common; *false*: found spans that touch no sentence, and how many an hour of "
    "rest. A sentence lasts from its first sign to its last; the arms' way up and down is rest. Frames come unevenly "
    "(times shifted by up to 15% of a frame); made-up hands are lost now and then.\n\n"
    "*shipped*: fitted on other made-up people, asl, ksl and words; it never saw isl. *without asl*: a fit that never "
    "saw asl, nor the signs that its sentences are joined from. *before*: the numbers shipped before, fitted on "
    "made-up people alone."
)
REST_TEXT = (
    "Rest alone: false sentences, how many an hour, and in how many of the streams, by the numbers shipped before and "
    "by those named in the last column. Idle clips of asl are played to and fro for half a minute each, so that one "
    "in which a hand comes up for a moment counts again and again; in some the person waves the hands about."
)
VIDEOS_TEXT = (
    "Videos of one sign each, which no fit saw (one threshold was set by hand so that the greeting is found): "
    "sentences found in the video as filmed, and the rounds in which one is found when the video is played "
    f"{LIVE_ROUNDS} times before a camera of which {LIVE_FPS:g} pictures a second are looked at, unevenly and from any "
    "moment on."
)
CLIPS_TEXT = (
    "Whole clips: does somebody sign? By mean hand speed, on which the gate's floor lies, and by the learned mean "
    f"probability (`clip_activity`): AUROC, and the idle clips that pass where {KEPT:.0%} of the signing ones do; "
    "*both*: two floors, of which each loses half as many. *stillest second*: of a clip in which somebody signs, to "
    "and fro, mostly with a hand held up."
)


@dataclass
class Tables:
    """The rows of the section's tables, as far as they were measured."""

    streams: list[Row] = field(default_factory=list)
    rest: list[list[str]] = field(default_factory=list)
    videos: list[list[str]] = field(default_factory=list)
    clips: list[list[str]] = field(default_factory=list)


def measure(data: Sequence[str], videos: Path | None) -> Tables:
    """All tables of these data."""
    tables = Tables()
    for name in data:
        if name == "videos":
            tables.videos += list(measure_videos(videos))
            continue
        for row in measure_made_up() if name == "made_up" else measure_recorded(name):
            print(*row.cells(), sep="  ", file=sys.stderr, flush=True)
            tables.streams.append(row)
    tables.rest += list(measure_rest(data))
    tables.clips += list(measure_clips(data))
    return tables


def section_of(tables: Tables, command: str) -> str:
    """The tables that have rows, without the markers."""
    columns = [
        "streams",
        "segmenter",
        "sentences",
        "F1 0.25 s",
        "F1 0.5 s (95%)",
        "F1 1 s",
        "missed",
        "false (an hour)",
    ]
    rest_columns = ["rest", "streams", "minutes", "false before", "false now", "now"]
    video_columns = ["video", "seconds", "before", "before, slow camera", "now", "now, slow camera"]
    clip_columns = ["clips", "signing", "idle", "AUROC speed", "AUROC learned", "passes speed", "learned", "both"]
    parts = [
        "## segmentation: sentences in long streams",
        f"{datetime.datetime.now(datetime.UTC).date()}: `{command}`; code {code_version()}; "
        f"shipped numbers fitted by `{shipped_settings().fitted_by}`.",
    ]
    for text, header, rows in (
        (STREAMS_TEXT, columns, [row.cells() for row in tables.streams]),
        (REST_TEXT, rest_columns, tables.rest),
        (VIDEOS_TEXT, video_columns, tables.videos),
        (CLIPS_TEXT, clip_columns, tables.clips),
    ):
        parts += [text, table(header, rows)] if rows else []
    return "\n\n".join(parts) + "\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def fit(path: Path) -> None:
    """Fit the shipped numbers on all sources but HELD_BACK and write them."""
    settings = without(HELD_BACK)
    settings.save(path)
    print(settings.config)


def main() -> int:
    """Fit or measure; 2 when the clips are not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA)
    parser.add_argument("--fit", type=Path, metavar="FILE", help="fit the shipped numbers and write them there")
    parser.add_argument("--results", type=Path, metavar="PAGE", help="page whose section is written or replaced")
    parser.add_argument("--videos", type=Path, metavar="FOLDER", help="keeps the videos' landmarks for the next time")
    options = parser.parse_args()
    try:
        if options.fit:
            fit(options.fit)
            return 0
        tables = measure(options.data, options.videos)
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    section = section_of(tables, typed_command("segmentation", sys.argv[1:]))
    print(section)
    if options.results:
        replace_section(options.results, SECTION, section)
    return 0


if __name__ == "__main__":
    sys.exit(main())
