"""One fold: train, index and evaluate a model with some signers left out, once.

    Job -> run_fold -> FoldResult, kept as `fold.json` in the run folder

A fold whose `fold.json` is there is not done again; one that was killed goes on where it was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from pydantic import BaseModel, ValidationError

from signtalk.data.manifest import ClipRecord, Manifest
from signtalk.data.packed import PackedClips, pack_clips
from signtalk.data.splits import Split
from signtalk.errors import ArtifactError
from signtalk.evaluation.intervals import Interval
from signtalk.evaluation.protocols import evaluate
from signtalk.evaluation.report import report_json, report_markdown, write_report
from signtalk.evaluation.results import EvaluationReport, KnownSigner, OpenSet
from signtalk.export.initial import initial_of
from signtalk.files import read_json, sha256_text, write_json, write_text
from signtalk.index.encoded import ClipEncoder
from signtalk.recognition.recognizer import Recognizer
from signtalk.training.names import BEST_NAME, HISTORY_NAME, INDEX_NAME, LAST_NAME, RECIPE_NAME, STORE_NAME
from signtalk.training.recipe import Recipe
from signtalk.training.run import RunFolder, index_run
from signtalk.training.train import PACKED_ROLES, train
from signtalk.training.trainer import TrainOptions

FOLD_NAME = "fold.json"
_CLOCK_NAME = "clock.json"
_BIG = ("store", "tensorboard", INDEX_NAME, LAST_NAME)
_TIMED_CLIPS = 50
_SIGNER_SENTENCES = (2, 5, 10, 20)
_OF_GATE = 10
"""Sentences known where it is told what the gate makes of a signer who is known."""


class Figures(BaseModel, frozen=True, extra="forbid"):
    """What one fold, or several on average, measured; None where nothing was measured.

    Attributes:
        r1: part of the queries whose sentence ranks first; r5 likewise, mrr the mean reciprocal rank.
        wer_seen: word error rate of trained sentences by the test signers; chrf_seen, bleu_seen likewise (0-100).
        wer_unseen: of sentences that were never trained, by the test signers.
        enrolled_1: R@1 of never trained sentences, enrolled from one clip each; enrolled_2 from two.
        search_seen: R@1 of texts and paraphrases of trained sentences among the test signers' clips; search_unseen of
            never trained ones.
        written: R@1 of never trained sentences that are only written into the index; written_mrr likewise.
        written_known: R@1 of trained sentences beside them.
        auroc: known against unknown queries by confidence.
        auroc_right: right answers against all that must be refused (wrong, unknown, idle); fpr_right: part of these
            accepted where 95% of the right answers are.
        ece: expected calibration error.
        covered: part of the candidate sets that hold the right sentence; set_size their mean size.
        choices_right: part of the offered choices that hold it.
        accepted: part of the known queries that is answered.
        precision: part of the answers that is right.
        prototype_accepted, prototype_precision: likewise of the prototype's gate on the same scores' clips.
        known_2: R@1 of a new signer's other sentences once 2 of theirs are known, chosen by the system; known_5,
            known_10, known_20 likewise; known_random_10 with 10 drawn at random.
        known_accepted, known_precision: as accepted and precision, once 10 are known.
        parameters: of the network, decoder included.
        minutes: of training on this machine.
        ms: milliseconds from the features of one clip to its embedding, median of single clips.
    """

    r1: float
    r5: float
    mrr: float
    wer_seen: float | None = None
    wer_unseen: float | None = None
    chrf_seen: float | None = None
    chrf_unseen: float | None = None
    bleu_seen: float | None = None
    bleu_unseen: float | None = None
    enrolled_1: float | None = None
    enrolled_2: float | None = None
    search_seen: float | None = None
    search_unseen: float | None = None
    written: float | None = None
    written_mrr: float | None = None
    written_known: float | None = None
    auroc: float | None = None
    auroc_right: float | None = None
    fpr_right: float | None = None
    ece: float | None = None
    covered: float | None = None
    set_size: float | None = None
    choices_right: float | None = None
    accepted: float | None = None
    precision: float | None = None
    prototype_accepted: float | None = None
    prototype_precision: float | None = None
    known_2: float | None = None
    known_5: float | None = None
    known_10: float | None = None
    known_20: float | None = None
    known_random_10: float | None = None
    known_accepted: float | None = None
    known_precision: float | None = None
    parameters: float | None = None
    minutes: float | None = None
    ms: float | None = None


class Query(BaseModel, frozen=True, extra="forbid"):
    """One clip that was asked for.

    Attributes:
        key: sentence.
        signer: who signed it.
        rank: of its sentence, 1 = best; 0 when it is not indexed.
    """

    key: str
    signer: str
    rank: int

    @property
    def reciprocal(self) -> float:
        """1 / rank; 0 when the sentence is not indexed."""
        return 1 / self.rank if self.rank else 0.0


class FoldResult(BaseModel, frozen=True, extra="forbid"):
    """What `fold.json` holds.

    Attributes:
        fold: who was left out.
        seed: of training.
        split_hash: of the split.
        code: version of the code that measured.
        machine: cores and threads, without which times say nothing.
        best_epoch: whose model was evaluated; None without training.
        figures: the measures.
        queries: one a known query.
        confidences: of all known and unknown queries; empty without a gate.
        right: whether the first candidate of each is right.
    """

    fold: str
    seed: int
    split_hash: str
    code: str
    machine: str
    best_epoch: int | None
    figures: Figures
    queries: tuple[Query, ...]
    confidences: tuple[float, ...] = ()
    right: tuple[bool, ...] = ()


@dataclass(frozen=True, eq=False)
class Job:
    """A fold to be done.

    Attributes:
        fold: who is left out.
        manifest: the data.
        split: of this fold.
        recipe: with its seed.
        folder: the run folder.
        keep: leave index, store and pictures there; otherwise what is big is deleted when the fold is done.
        progress: show a bar while training.
        again: measure anew with the model that is there, after a change to what is fitted or counted.
    """

    fold: str
    manifest: Manifest
    split: Split
    recipe: Recipe
    folder: Path
    keep: bool = False
    progress: bool = False
    again: bool = False


class Measure(Protocol):
    """Whatever measures one fold: `train_and_measure`, or a baseline without training."""

    def __call__(self, job: Job) -> FoldResult:
        """Measure."""


def recipe_hash(recipe: Recipe) -> str:
    """Eight digits for all settings but the seed: what folds of one model share."""
    settings: dict[str, Any] = recipe.model_dump(mode="json", exclude={"seed"})
    return sha256_text(repr(sorted(settings.items())))[:8]


def run_fold(job: Job, measure: Measure) -> FoldResult:
    """The result of a fold: the one that is kept, or a new one.

    Raises:
        ArtifactError: what is kept is damaged or of another split.
    """
    path = job.folder / FOLD_NAME
    if path.exists() and not job.again:
        result = _kept(path, job.split)
    else:
        result = measure(job)
        write_json(path, result.model_dump(mode="json"))
    if not job.keep:
        _delete_big(job.folder)  # also after a kill between the result and this line
    return result


def _kept(path: Path, split: Split) -> FoldResult:
    try:
        result = FoldResult.model_validate(read_json(path))
    except ValidationError as error:
        raise ArtifactError(f"{path}: not a result of this version; delete its folder to do the fold again") from error
    if result.split_hash != split.hash:
        raise ArtifactError(f"{path}: measured on another split; delete its folder to do the fold again")
    return result


def _delete_big(folder: Path) -> None:
    for path in (folder / name for name in _BIG):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def train_and_measure(job: Job) -> FoldResult:
    """Train, unless the folder holds a model that was trained to the end; then index and evaluate."""
    minutes = train_once(job)
    run = RunFolder.open(job.folder)
    pack_clips(job.split.records(job.manifest, *PACKED_ROLES), run.checkpoint.features, job.folder / STORE_NAME)
    index_run(run, job.manifest)
    parameters = sum(p.numel() for p in run.checkpoint.model.parameters())
    result = evaluated(job, run.recognizer(run.sentence_index(), run.decision()), run.store())
    figures = result.figures.model_copy(update={"parameters": float(parameters), "minutes": minutes})
    return result.model_copy(update={"figures": figures, "best_epoch": run.checkpoint.origin["epoch"]})


def evaluated(job: Job, recognizer: Recognizer, store: PackedClips) -> FoldResult:
    """What a model makes of the clips of a fold; its reports are written.

    Args:
        job: the fold.
        recognizer: its index holds the training clips.
        store: packed clips of all roles, as the model reads them.
    """
    report = evaluate(recognizer, job.manifest, job.split, store, signer_sentences=_SIGNER_SENTENCES)
    _write_reports(report, job)
    arrays = report.arrays
    assert arrays is not None  # every suite tests somebody
    queries = _queries(arrays.text_keys, arrays.signers, arrays.ranks.tolist())
    ms = milliseconds_a_clip(recognizer.encoder, store, job.split.records(job.manifest, "test"))
    return FoldResult(
        fold=job.fold,
        seed=job.recipe.seed,
        split_hash=job.split.hash,
        code=code_version(),
        machine=machine(),
        best_epoch=None,
        figures=Figures(**rank_figures(queries), **report_figures(report), ms=ms),
        queries=queries,
        confidences=tuple(np.concatenate([arrays.confidences, arrays.unknown_confidences]).tolist()),
        right=(*arrays.correct.tolist(), *[False] * len(arrays.unknown_confidences)),
    )


def train_once(job: Job) -> float:
    """Train, unless the folder holds a model that was trained to the end; the minutes that it took."""
    if not _is_trained(job.folder):
        _train(job)
    return float(read_json(job.folder / _CLOCK_NAME)["seconds"]) / 60


def _is_trained(folder: Path) -> bool:
    clock = folder / _CLOCK_NAME
    return clock.exists() and read_json(clock)["started"] is None and (folder / BEST_NAME).exists()


def _train(job: Job) -> None:
    """Train, counting the time of earlier sittings of a fold that was killed."""
    clock, history = job.folder / _CLOCK_NAME, job.folder / HISTORY_NAME
    resume = (job.folder / RECIPE_NAME).exists()
    seconds = 0.0
    if resume and clock.exists():
        before = read_json(clock)
        seconds = before["seconds"]
        if before["started"] is not None and history.exists():  # killed: it worked until its last epoch at least
            seconds += max(0.0, history.stat().st_mtime - before["started"])
    started = time.time()
    write_json(clock, {"seconds": seconds, "started": started})
    train(
        job.manifest,
        job.split,
        job.recipe,
        TrainOptions(job.folder, resume, progress=job.progress),
        initial_of(job.recipe),
    )
    write_json(clock, {"seconds": seconds + time.time() - started, "started": None})


def _write_reports(report: EvaluationReport, job: Job) -> None:
    folder, title = job.folder / "report", f"{job.fold} left out"
    if job.keep:
        write_report(report, folder, title)
        return
    write_json(folder / "report.json", report_json(report))
    write_text(folder / "report.md", report_markdown(report, title))


def _queries(keys: Sequence[str], signers: Sequence[str], ranks: Sequence[int]) -> tuple[Query, ...]:
    return tuple(Query(key=k, signer=s, rank=r) for k, s, r in zip(keys, signers, ranks, strict=True))


def rank_figures(queries: Sequence[Query]) -> dict[str, float]:
    """R@1, R@5 and MRR of some queries."""
    ranks = np.array([query.rank for query in queries])
    return {
        "r1": float((ranks == 1).mean()),
        "r5": float(((ranks > 0) & (ranks <= 5)).mean()),
        "mrr": float(np.mean([query.reciprocal for query in queries])),
    }


def report_figures(report: EvaluationReport) -> dict[str, float | None]:
    """What an evaluation says beyond the ranks, by the names of `Figures`."""
    found: dict[str, float | None] = {}
    for text in report.texts:
        kind = "unseen" if text.name.startswith("unseen") else "seen"
        for name in ("wer", "chrf", "bleu"):
            found[f"{name}_{kind}"] = getattr(text.measures, name).estimate
    for retrieval in report.retrieval:
        for k, clips in ((1, "1 clip"), (2, "2 clips")):
            if retrieval.name.endswith(f"enrolled from {clips}"):
                found[f"enrolled_{k}"] = retrieval.recall_at_1.estimate
        if "only written" in retrieval.name:
            found |= {"written": retrieval.recall_at_1.estimate, "written_mrr": retrieval.mrr.estimate}
        if "beside written" in retrieval.name:
            found["written_known"] = retrieval.recall_at_1.estimate
    for search in report.searches:
        found[f"search_{'unseen' if search.name.startswith('unseen') else 'seen'}"] = search.recall_at_1.estimate
    found |= _known_signer_figures(report.known_signers)
    if report.open_set is not None:
        found |= _open_set_figures(report.open_set)
    return found


def _known_signer_figures(measured: Sequence[KnownSigner]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for known in measured:
        guided, of_gate = known.chosen == "guided", known.num_sentences == _OF_GATE
        if guided or of_gate:
            found[f"known_{'' if guided else 'random_'}{known.num_sentences}"] = known.after.estimate
        if guided and of_gate:
            found |= {"known_accepted": known.accepted_after, "known_precision": known.precision_after}
    return found


def _open_set_figures(found: OpenSet) -> dict[str, float | None]:
    ours, theirs = found.gates
    return {
        "auroc": found.auroc,
        "auroc_right": found.auroc_right,
        "fpr_right": found.fpr_right,
        "ece": found.ece,
        "covered": found.sets.covered.estimate if found.sets else None,
        "set_size": found.sets.mean_size if found.sets else None,
        "choices_right": _estimate(found.choices.right),
        "accepted": ours.known_accepted.estimate,
        "precision": _estimate(ours.precision),
        "prototype_accepted": theirs.known_accepted.estimate,
        "prototype_precision": _estimate(theirs.precision),
    }


def _estimate(interval: Interval | None) -> float | None:
    return None if interval is None else interval.estimate


def milliseconds_a_clip(encoder: ClipEncoder, store: PackedClips, records: Sequence[ClipRecord]) -> float:
    """Median time from the features of one clip to its embedding, one clip at a time."""
    times = []
    for position in store.positions_of([record.clip_id for record in records[: _TIMED_CLIPS + 3]]):
        features, valid = store.features(np.array([position]))
        started = time.perf_counter()
        encoder.encode(features, valid)
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times[3:] or times))  # the first ones warm up


def machine() -> str:
    """Processor cores here, how many threads torch uses, and the GPU if there is one."""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{os.cpu_count()} cores, {torch.get_num_threads()} threads{gpu}"


def code_version() -> str:
    """The commit that is checked out, with "-dirty" when files differ from it; "unknown" outside git."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
