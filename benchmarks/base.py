#!/usr/bin/env python3
"""Make the base in the package anew: pretrain, fit its decision on lessons, round, export.

    python benchmarks/base.py --work runs/base

Real clips are read from SIGNTALK_DATA. It can be killed at any moment and goes on when it is called again. The base is
made of made-up signs and `words_6people`; what the decision is fitted on and the best epoch is chosen by are made-up
signs of other people, `asl_words_3signers` and `ksl_phrases_5sessions`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import signtalk
from oneshot import SETS
from signtalk.calibration.unseen_signs import TaughtSet, coverage, fit_unseen, hold_lessons
from signtalk.data.manifest import Manifest
from signtalk.data.packed import pack_clips
from signtalk.errors import SignTalkError
from signtalk.files import write_json
from signtalk.index.index import SentenceIndex
from signtalk.recognition.asked import asked_packed, encode_all
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.recognition.scoring import ScoringConfig
from signtalk.training.checkpoint import Checkpoint, TorchEncoder, load_checkpoint
from signtalk.training.pretrain import unseen_made_up
from signtalk.training.pretrain_config import PretrainConfig
from suites import prepare

LEARNED = ("words_6people",)
ASKED = ("asl_words_3signers", "ksl_phrases_5sessions")
LICENCE = "Apache-2.0"
PACKAGED = Path(__file__).resolve().parent.parent / "src" / "signtalk" / "bundle" / "bases" / "base.zip"
PRECISION = 0.98
BITS = 6
"""Of a weight behind its first binary digit."""
LESSONS = 24
"""Of each set."""
_WEIGHTS = ((0.1, 0.1, 0.8), (0.15, 0.15, 0.7), (0.25, 0.25, 0.5), (0.4, 0.2, 0.4))
_SCALES = (0.25, 0.5, 1.0)
_OTHER_SEED = 17
"""Made-up signs on which the decision is fitted: none of those that the best epoch was chosen by."""


def taught_sets(checkpoint: Checkpoint, manifests: Sequence[Manifest], stores: Path) -> list[TaughtSet]:
    """Clips that the encoder never learned from."""
    encoder = TorchEncoder(checkpoint.model, checkpoint.features)
    made_up = unseen_made_up(PretrainConfig(seed=_OTHER_SEED, features=checkpoint.features))
    # Of two groups that are nearly the same one: nobody teaches a sign and asks its twin.
    kept = np.array([int(label) % 2 == 0 for label in made_up.labels])
    labels, people = (tuple(np.array(each)[kept].tolist()) for each in (made_up.labels, made_up.people))
    encoded = encode_all(encoder, made_up.store, made_up.which[kept])
    sets = [TaughtSet("made up", encoded, labels, people, np.full(len(labels), np.nan, dtype=np.float32))]
    for manifest in manifests:
        store = pack_clips(manifest.records, checkpoint.features, stores / manifest.root.name)
        asked = asked_packed(encoder, store, (record for record in manifest.records if not record.is_idle))
        if asked is not None:
            people = tuple(record.signer_id for record in asked.records)
            sets.append(TaughtSet(manifest.root.name, asked.encoded, tuple(asked.keys), people, asked.motions))
    return sets


def best_scoring(recognizer: Recognizer, sets: Sequence[TaughtSet]) -> ScoringConfig:
    """The weights with which most of the taught are recognised, each set counting the same."""
    tried = []
    for similarity, centroid, dtw in _WEIGHTS:
        for scale in _SCALES:
            scoring = ScoringConfig(
                similarity_weight=similarity, prototype_weight=centroid, dtw_weight=dtw, dtw_scale=scale, text_weight=0
            )
            outcomes = hold_lessons(recognizer.changed(decision=DecisionConfig(scoring=scoring)), sets, LESSONS // 2)
            recalls = [
                float(outcomes.right[(outcomes.sets == number) & outcomes.known].mean()) for number in range(len(sets))
            ]
            tried.append((float(np.mean(recalls)), scoring))
    return max(tried, key=lambda each: each[0])[1]


def main() -> int:
    """Pretrain, fit, export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("runs/base"))
    parser.add_argument("--out", type=Path, help="default: the base of the package")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--checkpoint", type=Path, help="of a pretraining that is done: fit and export alone")
    options = parser.parse_args()
    try:
        learned, asked = ([prepare(SETS[name], options.work / "data") for name in names] for names in (LEARNED, ASKED))
        weights = options.checkpoint
        if weights is None:
            folder = options.work / "pretraining"
            weights = signtalk.pretrain(
                folder, learn=[m.root for m in learned], ask=[m.root for m in asked],
                settings=[f"epochs={options.epochs}"], resume=(folder / "pretrain.json").exists(),
            ).best  # fmt: skip
        make(load_checkpoint(weights), asked, options.work, options.out or PACKAGED)
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def make(checkpoint: Checkpoint, asked: Sequence[Manifest], work: Path, out: Path) -> None:
    """Fit the decision, judge it with each set left out, and write the base."""
    from signtalk.export.base import export_base

    encoder = TorchEncoder(checkpoint.model, checkpoint.features)
    nothing = Recognizer(
        encoder=encoder, index=SentenceIndex.build((), (), checkpoint.encoder_id), decision=DecisionConfig()
    )
    sets = taught_sets(checkpoint, asked, work / "stores")
    decision = DecisionConfig(scoring=best_scoring(nothing, sets))
    outcomes = hold_lessons(nothing.changed(decision=decision), sets, LESSONS)
    idle = np.zeros(0, dtype=np.float32)
    judged = {}
    for number, taught in enumerate(sets):
        fitted, _ = fit_unseen(decision, outcomes.select(outcomes.sets != number), idle, PRECISION)
        judged[taught.name] = coverage(fitted, outcomes.select(outcomes.sets == number))
    fitted, report = fit_unseen(decision, outcomes, idle, PRECISION)
    write_json(work / "decision_report.json", {"left_out": judged, "fit": report.to_dict()})
    for name, figures in judged.items():
        print(f"left out {name}: " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    print(export_base(checkpoint, fitted, out, BITS, LICENCE), f"{out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    sys.exit(main())
