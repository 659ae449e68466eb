#!/usr/bin/env python3
"""Whether promises are kept: what a briefly trained model shows that is wrong, one command.

    python benchmarks/promise.py --results docs/results          # about 15 minutes a seed on one core
    python benchmarks/promise.py --again --results docs/results  # fit and ask anew with the models that are trained
    python benchmarks/promise.py --model base --results docs/results  # the recipe base, all of its epochs

For each seed: train on asl_sentences_3signers with s03 left out and a tenth of the sentences held out, index, and ask
test clips, held-out sentences and words before and after s01 enrols them, and clips at rest; then the stress test.
Under the policy `strict` and, of what is enrolled, for comparison under `research`. What is done is kept in WORK, and
a killed run goes on by the same command. With --results benchmarks/results/promise.json (or promise_base.json) and the
page in that folder are written.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from folds import Job, code_version, machine, train_once
from promise_page import Count, Fit, ModelName, Origin, Proof, StressCount, page
from results_page import ROWS, typed_command
from signtalk import Model, Run
from signtalk.data.manifest import ClipRecord, Manifest, clip_of_record
from signtalk.data.packed import pack_clips
from signtalk.data.splits import Split
from signtalk.errors import ClipError, SignTalkError
from signtalk.evaluation.stress import stress
from signtalk.evaluation.stress_sources import choose_sources
from signtalk.files import read_json, write_json, write_text
from signtalk.landmarks.features import ClipFeatures, extract_features
from signtalk.recognition.answer import Answer
from signtalk.recognition.promise import Policy
from signtalk.recognition.translation import is_right
from signtalk.training.names import STORE_NAME
from signtalk.training.recipe import Recipe
from signtalk.training.train import PACKED_ROLES
from suites import SPLITS, Suite, fold_splits, prepare

NAME = "promise"
SUITE = Suite(
    "asl_sentences_3signers",
    "s03 left out, a tenth of the sentences held out",
    holdout_sentences=0.1,
    val_fraction=0.1,
    only_folds=("s03",),
)
RECIPES: dict[ModelName, Recipe] = {
    "brief": Recipe.named("default").changed(["optimiser.epochs=6"]),
    "base": Recipe.named("base"),
}
WORDS = Suite("asl_words_3signers", "the words of these sentences, enrolled after training")
TEACHER, ASKERS = "s01", ("s02", "s03")
TAUGHT_EACH, ASKED_EACH = 2, 12
"""Clips a word: so many teach, and so many of each other signer ask."""
NUM_WORDS = 10
_EVERY_IDLE = 4
"""Of the clips at rest so many in one are asked."""
_DRAWN_BY = 0
"""Seed of the clips that are asked: the same for every model."""
STRESS_CLIPS = 12
_COMPARED = ("words", "sentences")
"""What is asked under `research` as well."""
_AT_ONCE = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing and write the page; 2 when it cannot be done, with the reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", choices=get_args(ModelName), default="brief", help="6 epochs, or the recipe base (default: brief)"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[42, 43, 44], help="of training (default: 42 43 44)")
    parser.add_argument("--work", type=Path, default=Path("runs/promise"), help="folder of data, runs and answers")
    parser.add_argument("--results", type=Path, metavar="PAGES", help="folder of the page, written anew")
    parser.add_argument("--again", action="store_true", help="fit and ask anew with the models that are trained")
    options = parser.parse_args(arguments)
    words = sys.argv[1:] if arguments is None else arguments
    try:
        manifest, asked_words = prepare(SUITE, options.work / "data"), prepare(WORDS, options.work / "data")
        split = fold_splits(NAME, SUITE, manifest, SPLITS)["s03"]
        proof = Proof(
            origin=Origin(
                command=typed_command("promise", words),
                machine=machine(),
                split_hash=split.hash,
                model=options.model,
            ),
            fits=tuple(
                measure(_job(options, manifest, split, seed), asked_words, again=options.again)
                for seed in dict.fromkeys(options.seeds)
            ),
        )
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    print(page(proof))
    if options.results:
        write_json(ROWS / f"{proof.origin.name}.json", proof.model_dump(mode="json"))
        write_text(options.results / f"{proof.origin.name}.md", page(proof))
    return 0


def _job(options: argparse.Namespace, manifest: Manifest, split: Split, seed: int) -> Job:
    recipe = RECIPES[options.model].changed([f"seed={seed}"])
    folder = options.work / f"{options.model}-{seed}"
    return Job("s03", manifest, split, recipe, folder, keep=True, progress=sys.stderr.isatty())


def measure(job: Job, words: Manifest, *, again: bool = False) -> Fit:
    """Train a model, fit it and ask it, as far as that is not done yet.

    Args:
        job: the training.
        words: clips of which some teach and some ask.
        again: fit and ask anew.
    """
    asked, stressed = job.folder / "asked.json", job.folder / "stressed.json"
    if again:
        asked.unlink(missing_ok=True)
        stressed.unlink(missing_ok=True)
    minutes = train_once(job)
    _say(f"seed {job.recipe.seed}: trained in {minutes:.1f} min")
    run = Run(job.folder, job.manifest.root)
    if not asked.exists():
        pack_clips(job.split.records(job.manifest, *PACKED_ROLES), job.recipe.features, job.folder / STORE_NAME)
        run.index()
        with run.load() as model:
            counts = list(_counts(model, job, words))
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        plain = [count.model_dump(mode="json") for count in counts]
        write_json(asked, {"date": today, "code": code_version(), "counts": plain})
        _say(f"seed {job.recipe.seed}: fitted and asked")
    if not stressed.exists():
        write_json(stressed, [case.model_dump(mode="json") for case in _stress_counts(run, job)])
        _say(f"seed {job.recipe.seed}: stress test done")
    decision = run.decision()
    return Fit(
        **read_json(asked),
        seed=job.recipe.seed,
        minutes=minutes,
        promises=tuple(str(promise) for promise in decision.promises.values()),
        motion_floor=decision.gate.motion_floor,
        stress=tuple(StressCount.model_validate(case) for case in read_json(stressed)),
    )


def _counts(model: Model, job: Job, words: Manifest) -> Iterator[Count]:
    """Ask everything; words and held-out sentences once more when they are enrolled."""
    taught, asked = lesson(words.records)
    idle = [record for record in words.records if record.is_idle][::_EVERY_IDLE]
    never_trained = job.split.records(job.manifest, "test_unknown", "enroll")
    yield from _asked(model, "test", job.split.records(job.manifest, "test"))
    yield from _asked(model, "held out", never_trained)
    yield from _asked(model, "words before", asked)
    yield from _asked(model, "idle", idle)
    teach(model, taught)
    yield from _asked(model, "words", asked)
    teach(model, [record for record in never_trained if record.signer_id == TEACHER])
    yield from _asked(model, "sentences", [record for record in never_trained if record.signer_id != TEACHER])


def teach(model: Model, records: Iterable[ClipRecord]) -> None:
    """Enrol each text from the first clips that enrolment takes; one in which the hands rest is passed over, aloud."""
    taught = Counter[str]()
    for record in records:
        if taught[record.sentence] < TAUGHT_EACH:
            try:
                model.enroll(record.sentence, record.feature_path, signer=TEACHER)
            except ClipError as error:
                _say(f"not enrolled: {error}")
                continue
            taught[record.sentence] += 1


def lesson(records: Iterable[ClipRecord]) -> tuple[list[ClipRecord], list[ClipRecord]]:
    """The clips that may teach, of which the first do, and those that ask; of the first words that all three sign.

    Args:
        records: clips of single words.
    """
    by_word: dict[str, dict[str, list[ClipRecord]]] = {}
    for record in records:
        if not record.is_idle:
            by_word.setdefault(record.sentence, {}).setdefault(record.signer_id, []).append(record)
    shared = sorted(word for word, signers in by_word.items() if {TEACHER, *ASKERS} <= signers.keys())[:NUM_WORDS]
    rng = np.random.default_rng(_DRAWN_BY)

    def drawn(word: str, signer: str, number: int) -> list[ClipRecord]:
        clips = by_word[word][signer]
        return [clips[row] for row in sorted(rng.permutation(len(clips))[:number].tolist())]

    taught = [clip for word in shared for clip in drawn(word, TEACHER, 2 * TAUGHT_EACH)]
    return taught, [clip for signer in ASKERS for word in shared for clip in drawn(word, signer, ASKED_EACH)]


def _asked(model: Model, kind: str, records: Sequence[ClipRecord]) -> Iterator[Count]:
    """The clips of one kind under both policies, a count a signer."""
    usable, features = _features(model, records)
    for policy in get_args(Policy) if kind in _COMPARED else ("strict",):
        recognizer = model.recognizer
        recognizer = recognizer.changed(decision=recognizer.decision.under(policy))
        answers: list[Answer] = []
        for start in range(0, len(features), _AT_ONCE):
            answers += recognizer.answer_features(features[start : start + _AT_ONCE]).answers
        for signer in sorted({record.signer_id for record in usable}):
            pairs = [pair for pair in zip(usable, answers, strict=True) if pair[0].signer_id == signer]
            yield count(kind, signer, policy, pairs)


def _features(model: Model, records: Sequence[ClipRecord]) -> tuple[list[ClipRecord], list[ClipFeatures]]:
    usable, features = [], []
    for record in records:
        try:
            features.append(extract_features(clip_of_record(record), model.feature_config))
        except ClipError as error:
            _say(f"left out {record.clip_id}: {error}")
            continue
        usable.append(record)
    return usable, features


def count(kind: str, signer: str, policy: Policy, pairs: Sequence[tuple[ClipRecord, Answer]]) -> Count:
    """What became of clips.

    Args:
        kind: of the clips.
        signer: who signs them.
        policy: that they were answered under.
        pairs: what was signed, and the answer.
    """
    sentences = [(record, answer) for record, answer in pairs if answer.text_source == "sentence"]
    texts = [(record, answer) for record, answer in pairs if answer.text_source == "translation"]
    offers = [(record, answer) for record, answer in pairs if answer.outcome == "choices"]
    refusals = [answer.reason for _, answer in pairs if answer.outcome == "not_sure"]
    return Count(
        kind=kind,
        signer=signer,
        policy=policy,
        clips=len(pairs),
        answered=len(sentences),
        answered_right=sum(_is_right(record, answer) for record, answer in sentences),
        translated=len(texts),
        translated_right=sum(_is_right(record, answer) for record, answer in texts),
        offered=len(offers),
        offered_right=sum(
            record.text_key in [choice.text_key for choice in answer.choices] for record, answer in offers
        ),
        reasons=dict(Counter(refusals).most_common()),
        wrong=tuple(
            (record.sentence, answer.text or "")
            for record, answer in [*sentences, *texts]
            if not _is_right(record, answer)
        ),
    )


def _is_right(record: ClipRecord, answer: Answer) -> bool:
    if answer.text_source == "sentence":
        return not record.is_idle and answer.candidates[0].text_key == record.text_key
    return not record.is_idle and is_right(answer.text or "", (record.sentence, *record.variations))


def _stress_counts(run: Run, job: Job) -> list[StressCount]:
    with run.load(policy="strict") as model:
        sources = choose_sources(job.manifest, job.split, model.recognizer.index, limit=STRESS_CLIPS)
        report = stress(model.recognizer, sources)
    by_case: dict[str, Counter[str]] = {}
    for outcome in report.outcomes:
        by_case.setdefault(outcome.case.name, Counter())[outcome.verdict] += 1
    return [
        StressCount(
            case=case,
            clips=verdicts.total(),
            right=verdicts["right"],
            wrong=verdicts["wrong sentence"] + verdicts["wrong translation"],
            wrong_translations=verdicts["wrong translation"],
        )
        for case, verdicts in by_case.items()
    ]


def _say(line: str) -> None:
    now = datetime.datetime.now(datetime.UTC).strftime("%H:%M:%S")
    print(f"{now} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
