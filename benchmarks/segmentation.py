#!/usr/bin/env python3
"""Finding sentences in long streams: how well, on whom, against a fixed speed; and the fit of the shipped numbers.

    python benchmarks/segmentation.py --results docs/results/segmentation.md
    python benchmarks/segmentation.py --fit src/signtalk/segmentation/segmenter.json

Streams: made-up signers whom the fit has not met, resting and fidgeting between sentences; and recorded clips of one
signer joined with 0.5-4 s of rest and two eased ways of the arms between them (`signtalk.segmentation.streams`). Real
clips are read from SIGNTALK_DATA (default ../shared/data). Every stream is pushed frame by frame through `Segmenter`.
"""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from folds import code_version
from raw_clips import source_clips
from resting import with_idle
from results_page import replace_section
from signtalk.errors import SignTalkError
from signtalk.evaluation.intervals import bootstrap_ratio
from signtalk.evaluation.retrieval import auroc
from signtalk.landmarks.clip import HOLISTIC, LandmarkClip
from signtalk.landmarks.features import motion_energy
from signtalk.landmarks.legacy_rows import to_prototype_rows
from signtalk.segmentation.activity import clip_activity
from signtalk.segmentation.fit import fit_segmenter, measure_segmenter
from signtalk.segmentation.metrics import TOLERANCES_S, SegmentScores, Spans, pooled, score_spans
from signtalk.segmentation.segmenter import Hysteresis, SegmenterConfig, shipped_settings
from signtalk.segmentation.streams import (
    LabelledStream,
    Recorded,
    StreamPlan,
    disturbed,
    make_stream,
    recorded_streams,
    training_streams,
)
from signtalk.synthetic.dataset import SyntheticConfig, generate_clips
from signtalk.synthetic.signers import SIGNER_LETTERS

SECTION = "segmentation"
SETS = {"asl": "asl_sentences_3signers", "isl": "isl_sentences_10signers_body"}
DATA = ("made_up", *SETS)
FPS = (10.0, 25.0, 50.0)
FIT_SEED, NUM_FIT_STREAMS = 1000, 240
TEST_SEED = 5000
NUM_MADE_UP = 20
STREAMS_EACH = {"asl": 4, "isl": 1}
"""Of a signer and frame rate."""
KEPT = 0.99
"""Of the signing clips, where a floor is put."""
_FEWEST_SIGNERS = 5
PROTOTYPE_FLOOR = 7.5e-4
SPEED_FLOOR = 0.5
"""Shoulder widths a second; between what resting and signing clips have on average."""
_PLAIN = SegmenterConfig(start_threshold=0.5, stop_threshold=0.5, rise_threshold=0.5, confirm_s=0.1, hold_s=0.5)
_WRISTS = HOLISTIC.positions(("left_wrist", "right_wrist"))
_SHOULDERS = HOLISTIC.positions(("left_shoulder", "right_shoulder"))
_HANDS_DOWN = 1.2


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


# --- streams ------------------------------------------------------------------------------------------------------


def made_up(fps: float) -> list[LabelledStream]:
    """Streams of people whom the shipped fit has not met; frames come unevenly and hands are lost now and then."""
    streams = []
    for number in range(NUM_MADE_UP):
        seed = TEST_SEED + number // len(SIGNER_LETTERS)
        stream = make_stream(seed, number, StreamPlan(fps=fps))
        streams.append(disturbed(stream, np.random.default_rng(number), uneven=0.3, lost_hands=0.1))
    return streams


def resting(fps: float) -> list[LabelledStream]:
    """Ten people who rest and fidget for a minute."""
    plan = StreamPlan(num_sentences=0, fps=fps, pauses_s=(60.0, 60.1))
    return [make_stream(TEST_SEED + 100 + number // 5, number, plan) for number in range(10)]


def recorded(name: str) -> list[Recorded]:
    """The signers of "asl" or "isl"; rests of asl are its idle clips with both hands down."""
    clips: dict[str, list[LandmarkClip]] = {}
    rests: dict[str, list[LandmarkClip]] = {}
    for source in source_clips(SETS[name]):
        clips.setdefault(source.signer_id, []).append(source.clip)
    for source in source_clips("asl_words_3signers") if name == "asl" else ():
        if source.is_idle and hands_down(source.clip):
            rests.setdefault(source.signer_id, []).append(source.clip)
    return [Recorded(signer, each, rests.get(signer, [])) for signer, each in sorted(clips.items())]


def hands_down(clip: LandmarkClip) -> bool:
    """Whether the higher wrist lies low in most frames: the other idle clips of asl wave their hands about."""
    points = clip.landmarks[..., :2]
    shoulders = points[:, _SHOULDERS]
    width = np.nanmedian(np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1))
    heights = (points[:, _WRISTS, 1] - shoulders[..., 1].mean(axis=1)[:, None]) / width
    return bool(np.nanmedian(heights.min(axis=1)) > _HANDS_DOWN)


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


def prototype_motion(clip: LandmarkClip) -> np.ndarray:
    """(T,) docs/contract.md 1.3's motion energy of the rows that the prototype would have written."""
    rows = to_prototype_rows(clip).copy()
    rows[:, 3:132:4] = 0
    return np.linalg.norm(np.diff(rows, axis=0, prepend=rows[:1]), axis=1)


def hand_speed(clip: LandmarkClip) -> np.ndarray:
    """(T,) of the faster wrist, shoulder widths a second, over the last tenth of a second."""
    points = np.nan_to_num(clip.landmarks[..., :2].astype(np.float64))
    points[..., 0] *= clip.aspect or 1.0
    width = np.median(np.linalg.norm(points[:, _SHOULDERS[0]] - points[:, _SHOULDERS[1]], axis=-1))
    wrists = (points[:, _WRISTS] - points[:, _SHOULDERS].mean(axis=1)[:, None]) / width
    times = clip.timestamps_s
    before = np.minimum(np.searchsorted(times, times - 0.1), np.maximum(np.arange(len(times)) - 1, 0))
    moved = np.linalg.norm(wrists - wrists[before], axis=-1).max(axis=1)
    return np.asarray(moved / np.maximum(times - times[before], 1e-3))


METHODS: dict[str, Callable[[LabelledStream], SegmentScores]] = {
    "shipped": lambda stream: measure_segmenter([stream], shipped_settings()),
    f"hand speed over {SPEED_FLOOR:g}": above(hand_speed, SPEED_FLOOR),
    "prototype's motion floor": above(prototype_motion, PROTOTYPE_FLOOR),
}


def rows_of(data: str, fps: str, streams: Sequence[LabelledStream]) -> Iterator[Row]:
    """The shipped segmenter and what it is compared with."""
    signers = tuple(stream.signer_id for stream in streams)
    for method, measure in METHODS.items():
        yield Row(data, method, fps, tuple(map(measure, streams)), signers)


def measure_made_up() -> Iterator[Row]:
    """Unseen made-up people at each frame rate, and such as only rest."""
    for fps in FPS:
        yield from rows_of("made_up", f"{fps:g}", made_up(fps))
    yield from rows_of("made_up, rest alone", "25", resting(25.0))


def measure_recorded(name: str) -> Iterator[Row]:
    """Real clips by frame rate, and the shipped segmenter by signer at all of them."""
    signers = recorded(name)
    shipped: list[Row] = []
    for fps in FPS:
        streams = [each for who in signers for each in recorded_streams(who, TEST_SEED, STREAMS_EACH[name], (fps,))]
        rows = list(rows_of(name, f"{fps:g}", streams))
        shipped.append(rows[0])
        yield from rows
    for who in signers:
        own = [
            score
            for row in shipped
            for score, signer in zip(row.scores, row.signers, strict=True)
            if signer == who.signer_id
        ]
        yield Row(f"{name}, {who.signer_id}", "shipped", "all", tuple(own), (who.signer_id,) * len(own))


# --- whole clips --------------------------------------------------------------------------------------------------


def clip_cells(data: str, signing: Sequence[LandmarkClip], idle: Sequence[LandmarkClip]) -> list[str]:
    """The gate's mean hand speed and the learned mean probability, each as a score for "somebody signs"."""
    model, clips = shipped_settings().model, [*signing, *idle]
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
        yield clip_cells("made_up", signing, [each.clip for each in clips if each.is_idle])
    if "asl" in data:
        words = list(source_clips("asl_words_3signers"))
        signing = [each.clip for each in words if not each.is_idle][::6]
        idle = [each.clip for each in words if each.is_idle]
        yield clip_cells("asl words; hands down", signing, [clip for clip in idle if hands_down(clip)])
        yield clip_cells("asl words; hands waved", signing, [clip for clip in idle if not hands_down(clip)])
    for name in SETS:
        if name in data:
            each = list(with_idle(source_clips(SETS[name]), 15))
            signing = [source.clip for source in each if not source.is_idle][::4]
            yield clip_cells(f"{name}; stillest second", signing, [source.clip for source in each if source.is_idle])


# --- output -------------------------------------------------------------------------------------------------------

STREAMS_TEXT = (
    "F1 of boundaries, starts with starts and ends with ends, within 0.25, 0.5 and 1 s; at 0.5 s with a 95% interval "
    "that draws signers, or streams where there are fewer than five. *missed*: sentences with which no found span has "
    "more than half of their union in common; *false*: found spans that touch no sentence, and how many an hour of "
    "rest. A sentence lasts from its first sign to its last; the arms' way up and down is rest. Frames come unevenly "
    "(times shifted by up to 15% of a frame); made-up hands are lost now and then. Nothing was fitted on real clips."
)
CLIPS_TEXT = (
    "Whole clips: does somebody sign? By mean hand speed, on which the gate's floor lies, and by the learned mean "
    f"probability (`clip_activity`): AUROC, and the idle clips that pass where {KEPT:.0%} of the signing ones do; "
    "*both*: two floors, of which each loses half as many. *stillest second*: of a clip in which somebody signs, to "
    "and fro, mostly with a hand held up."
)


def section_of(rows: Sequence[Row], clips: Sequence[list[str]], command: str) -> str:
    """Both tables, without the markers."""
    columns = ["streams", "segmenter", "sentences", "F1 0.25 s", "F1 0.5 s (95%)", "F1 1 s"]
    clip_columns = ["clips", "signing", "idle", "AUROC speed", "AUROC learned", "passes speed", "learned", "both"]
    parts = [
        "## segmentation: sentences in long streams",
        f"{datetime.datetime.now(datetime.UTC).date()}: `{command}`; code {code_version()}; "
        f"shipped numbers fitted by `{shipped_settings().fitted_by}`, on made-up signers alone.",
        STREAMS_TEXT,
        table([*columns, "missed", "false (an hour)"], [row.cells() for row in rows]),
        CLIPS_TEXT,
        table(clip_columns, clips),
    ]
    return "\n\n".join(parts) + "\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def fit(path: Path) -> None:
    """Fit the shipped numbers on made-up people and write them."""
    command = "python benchmarks/segmentation.py --fit src/signtalk/segmentation/segmenter.json"
    streams = list(training_streams(FIT_SEED, NUM_FIT_STREAMS))
    found = fit_segmenter(streams, command, lambda done, total: print(f"\r{done}/{total}", end="", file=sys.stderr))
    found.settings.save(path)
    print(f"\n{found.settings.config}\nF1 at 0.5 s on the streams of the fit: {found.scores.boundary_f1(0.5):.3f}")


def main() -> int:
    """Fit or measure; 2 when the clips are not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA)
    parser.add_argument("--fit", type=Path, metavar="FILE", help="fit the shipped numbers and write them there")
    parser.add_argument("--results", type=Path, metavar="PAGE", help="page whose section is written or replaced")
    options = parser.parse_args()
    if options.fit:
        fit(options.fit)
        return 0
    rows: list[Row] = []
    try:
        for name in options.data:
            for row in measure_made_up() if name == "made_up" else measure_recorded(name):
                print(*row.cells(), sep="  ", file=sys.stderr, flush=True)
                rows.append(row)
        clips = list(measure_clips(options.data))
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    section = section_of(rows, clips, shlex.join(["python", "benchmarks/segmentation.py", *sys.argv[1:]]))
    print(section)
    if options.results:
        replace_section(options.results, SECTION, section)
    return 0


if __name__ == "__main__":
    sys.exit(main())
