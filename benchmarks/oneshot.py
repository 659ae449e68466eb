#!/usr/bin/env python3
"""One person teaches a sign with k clips, all others are asked: how well an encoder tells signs apart unseen.

    python benchmarks/oneshot.py base --work runs/oneshot --results docs/results/oneshot.md
    python benchmarks/oneshot.py dtw runs/base/best.safetensors --sets words_6people --k 1

An ENCODER is "dtw" (the yardstick: DTW of landmarks, nothing learned), "base" (what the wheel holds), a bundle, or a
checkpoint. Of the sets the real ones are read from SIGNTALK_DATA. Every person teaches in turn (of one person's set
every session), `--draws` times with other clips; the interval is over people and draws. Nothing is trained or fitted.
Of what has a gate, lessons tell how many questions it answers, and how many of those that nobody taught.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drawn_sets import drawn_sentence_set, drawn_signs
from dtw_baseline import DTW_FEATURES, yardstick_columns
from folds import code_version
from oneshot_page import CLIPS, LESSONS, SIZES, Answering, Cell, Results, Taught, page
from perturbations import PERTURBATIONS, VALIDATION_NAME
from results_page import replace_section, typed_command
from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.bundle.bundle import open_bundle
from signtalk.calibration.unseen_signs import LessonAnswers, TaughtSet, coverage, hold_lessons, is_answered
from signtalk.data.packed import pack_clips
from signtalk.errors import DataError, SignTalkError
from signtalk.evaluation.intervals import bootstrap_mean
from signtalk.evaluation.one_shot import (
    EVIDENCE,
    OneShotScore,
    draw_references,
    one_shot,
    recall_as_ranked,
)
from signtalk.files import sha256_text
from signtalk.index.encoded import ClipEncoder, Encoded
from signtalk.landmarks.features import FeatureConfig
from signtalk.recognition.asked import encode_all
from signtalk.recognition.gate import confidences
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.training.checkpoint import TorchEncoder, load_checkpoint
from suites import Suite, prepare

SECTION = "oneshot"
RESULTS = Path(__file__).resolve().parent / "results" / "oneshot.json"
SETS: dict[str, Suite] = {
    "asl_words_3signers": Suite("asl_words_3signers", "one signer teaches"),
    "words_6people": Suite("words_6people", "one person teaches"),
    "asl_words_17signers": Suite("asl_words_17signers", "one signer teaches"),
    "isl_words_10signers_body": Suite("isl_words_10signers_body", "one signer teaches; no hands"),
    "ksl_phrases_5sessions": Suite("ksl_phrases_5sessions", "one session teaches", session_as_signer=True),
    "asl_sentences_3signers": Suite("asl_sentences_3signers", "one signer teaches; sentences"),
    "asl_medical_sentences": Suite("asl_medical_sentences", "as recorded teaches, as perturbed asks", perturbed=True),
    "made_up": Suite("made_up", "one made-up signer teaches; the demo's sentences"),
}
DRAWN = {"made_up_signs": drawn_signs, "made_up_sentences": drawn_sentence_set}
"""Sets that are drawn instead of read."""
NAMES = (*SETS, *DRAWN)
_DRAWN_SEED = 18
"""No signs or people that a base learned from, was chosen on or was fitted on."""
_CHANGED = frozenset((*PERTURBATIONS, VALIDATION_NAME))
"""Who signs a perturbed clip: none that teaches."""
_MEASURES = ("recall_at_1", "mrr")
MOST_QUERIES = 400
"""Of a draw: more narrow no interval, for draws of one person share their queries' signers."""


class Yardstick:
    """DTW of landmarks as a `ClipEncoder`: frames are landmarks, and the clip's vector their mean."""

    feature_config: FeatureConfig = DTW_FEATURES

    def encode(self, features: FloatArray, valid: np.ndarray) -> Encoded:
        """Take the yardstick's columns as projections."""
        frames = features[..., yardstick_columns()]
        mean = frames.mean(axis=1)
        unit = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-6)
        nothing = np.zeros((*valid.shape, 0), dtype=np.float32)
        return Encoded(unit, frames, nothing, valid, np.zeros(len(frames), dtype=np.float32), nothing)


@dataclass(frozen=True, eq=False)
class Opened:
    """What a command line names.

    Attributes:
        encoder: it.
        recognizer: how its bundle decides; None where there is no bundle.
    """

    encoder: ClipEncoder
    recognizer: Recognizer | None = None


def opened(name: str, opening: ExitStack) -> Opened:
    """The encoder of a name; `opening` removes what was unpacked."""
    if name == "dtw":
        return Opened(Yardstick())
    if name.endswith(".safetensors"):
        checkpoint = load_checkpoint(Path(name))
        return Opened(TorchEncoder(checkpoint.model, checkpoint.features))
    recognizer = opening.enter_context(open_bundle(name)).recognizer
    return Opened(recognizer.encoder, recognizer)


def encoded_set(encoder: ClipEncoder, name: str, work: Path) -> TaughtSet:
    """The clips of a set, encoded; at rest nobody is asked."""
    if name in DRAWN:
        return DRAWN[name](encoder, _DRAWN_SEED, name)
    manifest = prepare(SETS[name], work / "data")
    config = encoder.feature_config
    store = pack_clips(manifest.records, config, work / "stores" / name / _short(config))
    records = [record for record in store.held(manifest.records) if not record.is_idle]
    which = store.positions_of([record.clip_id for record in records])
    labels, people = tuple(r.text_key for r in records), tuple(r.signer_id for r in records)
    learners = _CHANGED & set(people)
    return TaughtSet(name, encode_all(encoder, store, which), labels, people, store.motions[which], learners)


def measure(
    taught: TaughtSet, k: int, draws: int, recognizer: Recognizer | None = None
) -> tuple[list[OneShotScore], list[float]]:
    """The scores of every person and draw on one set, and R@1 as the recognizer ranks, where there is one."""
    lessons = [
        each
        for draw in range(draws)
        for each in draw_references(taught.labels, taught.people, k, np.random.default_rng((k, draw)), MOST_QUERIES)
        if taught.people[int(each.references[0])] not in taught.learners
    ]
    scores = [one_shot(taught.encoded, taught.labels, each) for each in lessons]
    if recognizer is None:
        return scores, []
    return scores, [recall_as_ranked(recognizer, taught.encoded, taught.labels, each) for each in lessons]


def answering(encoder: str, taught: TaughtSet, recognizer: Recognizer) -> Answering:
    """What the gate did in the lessons of a set."""
    outcomes = hold_lessons(recognizer, [taught], LESSONS, seed=1)
    return Answering(
        encoder=encoder, data=taught.name, date=datetime.date.today().isoformat(), code=code_version(),
        taught=tuple(_by_size(recognizer.decision, outcomes)), **coverage(recognizer.decision, outcomes),
    )  # fmt: skip


def _by_size(decision: DecisionConfig, outcomes: LessonAnswers) -> Iterator[Taught]:
    accepted, sureness = is_answered(decision, outcomes), confidences(outcomes.evidence, decision.gate)
    for (sentences, size), (clips, times) in itertools.product(SIZES.items(), CLIPS.items()):
        rows = _lies_in(outcomes.num_sentences, size) & _lies_in(outcomes.num_clips, times)
        if rows.any():
            known = rows & outcomes.known
            yield Taught(
                sentences=sentences, clips=clips, num_known=int(known.sum()),
                num_known_answered=int(accepted[known].sum()), num_answered=int(accepted[rows].sum()),
                num_right=int(outcomes.right[rows & accepted].sum()), confidence=float(sureness[known].sum()),
            )  # fmt: skip


def _lies_in(counts: IntArray, ends: tuple[int, int]) -> BoolArray:
    """(Q,) whether each lies between two numbers, both included."""
    return np.asarray((counts >= ends[0]) & (counts <= ends[1]))


def _short(config: FeatureConfig) -> str:
    """A folder's name for a feature configuration."""
    return sha256_text(config.model_dump_json())[:12]


def cell_of(encoder: str, name: str, k: int, scores: Sequence[OneShotScore], ranked: Sequence[float]) -> Cell:
    """Means over people and draws, and an interval."""
    means = {what: {e: float(np.mean([getattr(s, what)[e] for s in scores])) for e in EVIDENCE} for what in _MEASURES}
    both = np.array([score.recall_at_1["both"] for score in scores])
    interval = bootstrap_mean(both, None, np.random.default_rng(0)) if len(both) > 1 else None
    return Cell(
        encoder=encoder, data=name, k=k, num_draws=len(scores), recall_at_1=means["recall_at_1"], mrr=means["mrr"],
        ranked=float(np.mean(ranked)) if ranked else None,
        low=interval.low if interval else float("nan"), high=interval.high if interval else float("nan"),
        date=datetime.date.today().isoformat(), code=code_version(),
    )  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What is measured of an encoder, and where it is kept.

    Attributes:
        sets: names of NAMES.
        ks: references of a sign.
        draws: of each person.
        work: data and packed clips.
        json: of the results.
        again: measure anew what stands there.
    """

    sets: Sequence[str]
    ks: Sequence[int]
    draws: int
    work: Path
    json: Path
    again: bool = False


def measure_all(name: str, each: Opened, plan: Plan) -> Results:
    """Measure an encoder on every set and keep what came out after each.

    Args:
        name: of the encoder in the table.
        each: the encoder.
        plan: what, and where to.
    """
    results = Results.read(plan.json)
    for data in plan.sets:
        ks = [k for k in plan.ks if plan.again or (name, data, k) not in results.cells]
        is_asked = each.recognizer is not None and (plan.again or (name, data) not in results.gates)
        if not ks and not is_asked:
            continue
        taught = encoded_set(each.encoder, data, plan.work)
        for k in ks:
            cell = cell_of(name, data, k, *measure(taught, k, plan.draws, each.recognizer))
            results.cells[name, data, k] = cell
            print(f"{name} {data} k={k}: {cell.recall_at_1['both']:.3f} ({cell.low:.3f}-{cell.high:.3f})")
        if is_asked and each.recognizer is not None:
            try:
                results.gates[name, data] = answering(name, taught, each.recognizer)
            except DataError as error:
                print(f"{name} {data}: {error}")
        results.write(plan.json)
    return results


def main() -> int:
    """Measure every encoder on every set; what is measured already is kept unless --again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoders", nargs="+", metavar="ENCODER")
    parser.add_argument("--names", nargs="+", help="what to call them in the table; default: as they are given")
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--k", nargs="+", type=int, default=[1, 3, 5])
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path("runs/oneshot"))
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--again", action="store_true", help="measure anew what stands in --json")
    options = parser.parse_args()
    names = options.names or [Path(each).name for each in options.encoders]
    if len(names) != len(options.encoders):
        parser.error(f"{len(names)} names for {len(options.encoders)} encoders")
    plan = Plan(options.sets, options.k, options.draws, options.work, options.json, options.again)
    try:
        for name, given in zip(names, options.encoders, strict=True):
            with ExitStack() as opening:
                measure_all(name, opened(given, opening), plan)
        if options.results:
            command = typed_command("oneshot", sys.argv[1:])
            with open_bundle("base") as base:
                fitted = base.manifest.figures.get("left_out", [])
            replace_section(options.results, SECTION, page(Results.read(options.json), command, fitted, NAMES))
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
