#!/usr/bin/env python3
"""Finding sentences in long streams: how well, on whom, against a fixed speed; and the fit of the shipped numbers.

    python benchmarks/segmentation.py --results docs/results.md
    python benchmarks/segmentation.py --fit src/signtalk/segmenter.json

Streams: made-up signers whom the fit has not met, resting and fidgeting between sentences; and recorded clips of one
signer joined with 0.5-4 s of rest and two eased ways of the arms between them (`signtalk.streams`). Real clips are
read from SIGNTALK_DATA (default ../shared/data). Every stream is pushed frame by frame through `Segmenter`.
"""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from folds import code_version
from raw_clips import source_clips
from results_page import replace_section
from signtalk.activity import clip_activity
from signtalk.errors import SignTalkError
from signtalk.features import motion_energy
from signtalk.landmarks import HOLISTIC, LandmarkClip
from signtalk.metrics import auroc
from signtalk.prototype_files import to_prototype_rows
from signtalk.segment_metrics import TOLERANCES_S, SegmentScores, Spans, score_spans
from signtalk.segmenter import Hysteresis, SegmenterConfig, shipped_settings
from signtalk.segmenter_fit import fit_segmenter, measure_segmenter
from signtalk.streams import (
    Recorded,
    Stream,
    StreamPlan,
    disturbed,
    make_stream,
    recorded_streams,
    training_streams,
)
from signtalk.synthetic import SyntheticConfig, generate_clips
from signtalk.synthetic_signers import SIGNER_LETTERS

SECTION = "segmentation"
DATA = ("made_up", "asl", "isl")
FPS = (10.0, 25.0, 50.0)
FIT_SEED, NUM_FIT_STREAMS = 1000, 150
TEST_SEED = 5000
NUM_MADE_UP = 20
PROTOTYPE_FLOOR = 7.5e-4
SPEED_FLOOR = 0.5
"""Shoulder widths a second; between what resting and signing clips have on average."""
_PLAIN = SegmenterConfig(start_threshold=0.5, stop_threshold=0.5, rise_threshold=0.5, confirm_s=0.1, hold_s=0.5)
_WRISTS = HOLISTIC.positions(("left_wrist", "right_wrist"))
_SHOULDERS = HOLISTIC.positions(("left_shoulder", "right_shoulder"))
_HANDS_DOWN = 1.2


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    data: str
    method: str
    fps: str
    scores: SegmentScores


@dataclass(frozen=True)
class ClipRow:
    """How well whole clips are told to be signing or not."""

    data: str
    num_signing: int
    num_idle: int
    learned: float
    speed: float
    kept: float
    refused: float


# --- streams ------------------------------------------------------------------------------------------------------


def made_up(fps: float) -> list[Stream]:
    """Streams of people whom the shipped fit has not met; frames come unevenly and hands are lost now and then."""
    streams = []
    for number in range(NUM_MADE_UP):
        seed = TEST_SEED + number // len(SIGNER_LETTERS)
        stream = make_stream(seed, number, StreamPlan(fps=fps))
        streams.append(disturbed(stream, np.random.default_rng(number), uneven=0.3, lost_hands=0.1))
    return streams


def resting(fps: float) -> list[Stream]:
    """Ten people who rest and fidget for a minute."""
    plan = StreamPlan(num_sentences=0, fps=fps, pauses_s=(60.0, 60.1))
    return [make_stream(TEST_SEED + 100 + number // 5, number, plan) for number in range(10)]


def recorded(name: str) -> dict[str, Recorded]:
    """The signers of "asl" or "isl"; rests of asl are its idle clips with both hands down."""
    sentences = "asl_sentences_3signers" if name == "asl" else "isl_sentences_10signers_body"
    clips: dict[str, list[LandmarkClip]] = {}
    rests: dict[str, list[LandmarkClip]] = {}
    for source in source_clips(sentences):
        clips.setdefault(source.signer_id, []).append(source.clip)
    for source in source_clips("asl_words_3signers") if name == "asl" else ():
        if source.is_idle and hands_down(source.clip):
            rests.setdefault(source.signer_id, []).append(source.clip)
    return {signer: Recorded(signer, each, rests.get(signer, [])) for signer, each in sorted(clips.items())}


def hands_down(clip: LandmarkClip) -> bool:
    """Whether the higher wrist lies low in most frames: the other idle clips of asl wave their hands about."""
    points = clip.landmarks[..., :2]
    shoulders = points[:, _SHOULDERS]
    width = np.nanmedian(np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1))
    heights = (points[:, _WRISTS, 1] - shoulders[..., 1].mean(axis=1)[:, None]) / width
    return bool(np.nanmedian(heights.min(axis=1)) > _HANDS_DOWN)


# --- methods ------------------------------------------------------------------------------------------------------


def above(stream: Stream, speeds: np.ndarray, floor: float) -> Spans:
    """Where a speed lies above a floor for 0.1 s until it lies below for 0.5 s; nothing is learned."""
    hysteresis, changes = Hysteresis(_PLAIN), []
    for speed, time in zip(speeds.tolist(), stream.clip.timestamps_s.tolist(), strict=True):
        changes += hysteresis.push(float(speed >= floor), time)
    changes += hysteresis.finish()
    found = [(change.start_s, change.end_s) for change in changes if change.kind == "end"]
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def prototype_motion(clip: LandmarkClip) -> np.ndarray:
    """(T,) SPEC 1.3's motion energy of the rows that the prototype would have written."""
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


def scored(streams: Sequence[Stream], found: Sequence[Spans]) -> SegmentScores:
    """Of streams and what was found in each."""
    pairs = zip(streams, found, strict=True)
    return score_spans([(spans, stream.spans, stream.clip.duration_s) for stream, spans in pairs])


def rows_of(data: str, fps: str, streams: Sequence[Stream]) -> Iterator[Row]:
    """The shipped segmenter and what it is compared with."""
    settings = shipped_settings()
    yield Row(data, "shipped", fps, measure_segmenter(streams, settings))
    speeds = [above(each, hand_speed(each.clip), SPEED_FLOOR) for each in streams]
    yield Row(data, f"hand speed over {SPEED_FLOOR:g}", fps, scored(streams, speeds))
    floors = [above(each, prototype_motion(each.clip), PROTOTYPE_FLOOR) for each in streams]
    yield Row(data, "prototype's motion floor", fps, scored(streams, floors))


def measure_made_up() -> Iterator[Row]:
    """Unseen made-up people at each frame rate, and such as only rest."""
    for fps in FPS:
        yield from rows_of("made_up", f"{fps:g}", made_up(fps))
    yield from rows_of("made_up, rest alone", "25", resting(25.0))


def measure_recorded(name: str) -> Iterator[Row]:
    """Real clips: the shipped segmenter by frame rate and by signer, and one that was fitted on the other signers."""
    signers = recorded(name)
    each = 6 if name == "asl" else 2
    streams = {
        who: {fps: recorded_streams(what, TEST_SEED, each, (fps,)) for fps in FPS} for who, what in signers.items()
    }
    for fps in FPS:
        yield from rows_of(name, f"{fps:g}", [stream for by_rate in streams.values() for stream in by_rate[fps]])
    for who, by_rate in streams.items():
        every = [stream for fps in FPS for stream in by_rate[fps]]
        yield Row(f"{name}, {who}", "shipped", "all", measure_segmenter(every, shipped_settings()))
    order = list(signers)
    size = 1 if name == "asl" else (len(order) + 1) // 2
    for held in (order[i : i + size] for i in range(0, len(order), size)):
        others = [who for who in order if who not in held]
        training = [s for who in others for s in recorded_streams(signers[who], FIT_SEED, 24 // len(others) + 1)]
        fit = fit_segmenter(training, "benchmark")
        every = [stream for who in held for fps in FPS for stream in streams[who][fps]]
        named = held[0] if len(held) == 1 else f"{held[0]}-{held[-1]}"
        yield Row(f"{name}, {named}", "fitted on the others", "all", measure_segmenter(every, fit.settings))


# --- whole clips --------------------------------------------------------------------------------------------------


def clip_row(data: str, signing: Sequence[LandmarkClip], idle: Sequence[LandmarkClip]) -> ClipRow:
    """The learned mean probability and today's mean hand speed, each as a score for "somebody signs"."""
    settings, clips = shipped_settings(), [*signing, *idle]
    means = np.array([clip_activity(clip, settings.model).mean for clip in clips])
    speeds = np.array([motion_energy(clip) for clip in clips])
    known = np.arange(len(clips)) < len(signing)
    passed = means >= settings.signing_mean
    return ClipRow(
        data,
        len(signing),
        len(idle),
        auroc(means, known),
        auroc(speeds, known),
        float(passed[known].mean()),
        float((~passed[~known]).mean()),
    )


def measure_clips(data: Sequence[str]) -> Iterator[ClipRow]:
    """Idle and signing clips, made up and real; idle ones whose hands are down and such that wave apart."""
    if "made_up" in data:
        clips = list(generate_clips(SyntheticConfig(num_sentences=60, num_idle=60, seed=TEST_SEED + 200)))
        signing = [each.clip for each in clips if not each.is_idle]
        yield clip_row("made_up", signing, [each.clip for each in clips if each.is_idle])
    if "asl" in data:
        words = list(source_clips("asl_words_3signers"))
        signing = [each.clip for each in words if not each.is_idle][::6]
        idle = [each.clip for each in words if each.is_idle]
        yield clip_row("asl words, hands down", signing, [clip for clip in idle if hands_down(clip)])
        yield clip_row("asl words, hands waved", signing, [clip for clip in idle if not hands_down(clip)])


# --- output -------------------------------------------------------------------------------------------------------


def section_of(rows: Sequence[Row], clips: Sequence[ClipRow], command: str) -> str:
    """Both tables, without the markers."""
    settings = shipped_settings()
    lines = [
        "## segmentation: sentences in long streams",
        f"{datetime.datetime.now(datetime.UTC).date()}: `{command}`; code {code_version()}; "
        f"shipped numbers fitted by `{settings.fitted_by}`, on made-up signers alone.",
        "F1 of boundaries, starts with starts and ends with ends, within 0.25, 0.5 and 1 s; *found*: sentences whose "
        "overlap with a found span is above one half of their union; *false/h*: found spans that touch no sentence, an "
        "hour of rest. A sentence lasts from its first sign to its last; the arms' way up and down is rest. Frames "
        "come unevenly (times shifted by up to 15% of a frame); made-up hands are lost now and then.",
        table(
            ["streams", "segmenter", "fps", "sentences", "F1 0.25 s", "F1 0.5 s", "F1 1 s", "found", "false/h"],
            [
                [row.data, row.method, row.fps, str(row.scores.num_true)]
                + [f"{row.scores.boundary_f1(tolerance):.3f}" for tolerance in TOLERANCES_S]
                + [f"{row.scores.found_share:.3f}", f"{row.scores.false_per_hour:.1f}"]
                for row in rows
            ],
        ),
        "Whole clips: AUROC of signing against idle by the learned mean probability (`clip_activity`) and by mean hand "
        "speed, which the gate's floor uses; share of signing clips kept and of idle clips refused at the shipped mean "
        f"of {settings.signing_mean:g}.",
        table(
            ["clips", "signing", "idle", "AUROC learned", "AUROC hand speed", "signing kept", "idle refused"],
            [
                [row.data, str(row.num_signing), str(row.num_idle)]
                + [f"{value:.3f}" for value in (row.learned, row.speed, row.kept, row.refused)]
                for row in clips
            ],
        ),
    ]
    return "\n\n".join(lines)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def fit(path: Path) -> None:
    """Fit the shipped numbers on made-up people and write them."""
    command = f"python benchmarks/segmentation.py --fit {path}"
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
                print(row.data, row.method, row.fps, f"F1 at 0.5 s {row.scores.boundary_f1(0.5):.3f}", file=sys.stderr)
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
