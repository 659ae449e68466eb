"""From the folds of a model to its row.

    FoldResult of every fold and seed -> summarise -> Row -> store_row -> SUITE.json   (pages: results_page)

A later run of the same label replaces its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ValidationError

from folds import Figures, FoldResult
from signtalk.errors import ArtifactError
from signtalk.evaluation.intervals import bootstrap_mean
from signtalk.evaluation.retrieval import expected_calibration_error, reliability_bins
from signtalk.files import read_json, write_json


class Range(BaseModel, frozen=True, extra="forbid"):
    """A mean over all queries and its 95% interval; no interval where one sentence is asked."""

    estimate: float
    low: float | None
    high: float | None


class FoldLine(BaseModel, frozen=True, extra="forbid"):
    """A fold in the table below a row; `num_queries` known clips were asked."""

    fold: str
    seed: int
    split_hash: str
    num_queries: int
    figures: Figures


class Origin(BaseModel, frozen=True, extra="forbid"):
    """How a row came about.

    Attributes:
        label: name of the row; a later row of this name replaces it.
        model: recipe and hash of its settings, or the baseline.
        settings: changes to the recipe, those of the suite first.
        command: as typed.
        date: of the run, ISO.
        note: whatever else a reader must know.
    """

    label: str
    model: str
    settings: tuple[str, ...]
    command: str
    date: str
    note: str = ""


class Row(BaseModel, frozen=True, extra="forbid"):
    """One model under one suite.

    Attributes:
        origin: how it came about.
        code: versions of the code that measured the folds.
        machines: that they were measured on.
        r1: over all queries of all folds and seeds; intervals resample sentences. r5 and mrr likewise.
        worst_fold: name and R@1 (mean over seeds) of the worst fold.
        mean: over folds and seeds, each counted once however many queries it has.
        by_signer: R@1 and number of queries of each test signer.
        folds: one line a fold and seed.
        pooled_ece: calibration error over the queries of all folds and seeds together: that of one fold is larger by
            chance, because a bin of it holds few queries. None where a fold has no confidences.
    """

    origin: Origin
    code: tuple[str, ...]
    machines: tuple[str, ...]
    r1: Range
    r5: Range
    mrr: Range
    worst_fold: tuple[str, float]
    mean: Figures
    by_signer: dict[str, tuple[float, int]]
    folds: tuple[FoldLine, ...]
    pooled_ece: float | None = None

    @property
    def num_folds(self) -> int:
        """Number of different folds."""
        return len({line.fold for line in self.folds})

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds, sorted."""
        return tuple(sorted({line.seed for line in self.folds}))


def summarise(origin: Origin, results: Sequence[FoldResult]) -> Row:
    """Sum up the folds of one model.

    Raises:
        ValueError: there is none.
    """
    if not results:
        raise ValueError("no fold to sum up")
    queries = [query for result in results for query in result.queries]
    ranks, keys = np.array([query.rank for query in queries]), np.array([query.key for query in queries])
    by_fold: dict[str, list[float]] = {}
    for result in results:
        by_fold.setdefault(result.fold, []).append(result.figures.r1)
    worst = min(by_fold, key=lambda fold: float(np.mean(by_fold[fold])))
    signers = np.array([query.signer for query in queries])
    return Row(
        origin=origin,
        code=tuple(sorted({result.code for result in results})),
        machines=tuple(sorted({result.machine for result in results})),
        r1=_range(ranks == 1, keys),
        r5=_range((ranks > 0) & (ranks <= 5), keys),
        mrr=_range(np.array([query.reciprocal for query in queries]), keys),
        worst_fold=(worst, float(np.mean(by_fold[worst]))),
        mean=mean_figures([result.figures for result in results]),
        by_signer={
            str(who): (float((ranks[signers == who] == 1).mean()), int((signers == who).sum()))
            for who in np.unique(signers)
        },
        folds=tuple(
            FoldLine(
                fold=result.fold,
                seed=result.seed,
                split_hash=result.split_hash,
                num_queries=len(result.queries),
                figures=result.figures,
            )
            for result in results
        ),
        pooled_ece=_pooled_ece(results),
    )


def _pooled_ece(results: Sequence[FoldResult]) -> float | None:
    if not all(result.confidences for result in results):
        return None
    confidences = np.concatenate([result.confidences for result in results])
    right = np.concatenate([np.array(result.right, dtype=np.bool_) for result in results])
    return expected_calibration_error(reliability_bins(confidences, right))


def _range(values: npt.NDArray[Any], keys: npt.NDArray[np.str_]) -> Range:
    """Clips of one sentence are not independent, nor is a clip asked with two seeds: sentences are resampled."""
    if len(np.unique(keys)) < 2:
        return Range(estimate=float(values.mean()), low=None, high=None)
    found = bootstrap_mean(values.astype(np.float64), keys, np.random.default_rng(0))
    return Range(estimate=found.estimate, low=found.low, high=found.high)


def mean_figures(figures: Sequence[Figures]) -> Figures:
    """Mean of each figure over the folds that have it."""
    found = {}
    for name in Figures.model_fields:
        values = [value for each in figures if (value := getattr(each, name)) is not None]
        found[name] = float(np.mean(values)) if values else None
    return Figures.model_validate(found)


def load_rows(path: Path) -> tuple[Row, ...]:
    """The rows of a suite so far, none when there is no file.

    Raises:
        ArtifactError: the file is not one of this version.
    """
    if not path.exists():
        return ()
    try:
        return tuple(Row.model_validate(row) for row in read_json(path)["rows"])
    except (KeyError, TypeError, ValidationError) as error:
        raise ArtifactError(f"{path}: rows of another version; delete it and run again, folds are kept") from error


def store_row(path: Path, row: Row) -> tuple[Row, ...]:
    """Add a row, replacing the one of the same label in its place; returns all."""
    rows = list(load_rows(path))
    labels = [other.origin.label for other in rows]
    if row.origin.label in labels:
        rows[labels.index(row.origin.label)] = row
    else:
        rows.append(row)
    write_json(path, {"rows": [other.model_dump(mode="json") for other in rows]})
    return tuple(rows)
