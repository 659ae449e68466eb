"""Nearest vectors by cosine: compared with all of them while they are few, through an IVF index when they are many.

Vectors on disk -> `build_engine` -> `Engine`, used by `large`. An IVF index looks into the lists nearest to a
query and may miss neighbours elsewhere: how many it finds is measured when it is built, and it looks into more lists
until it finds what was asked for. It looks at the few directions in which nearly all of the vectors lie, and puts what
it finds into the order of the vectors themselves, which are memory-mapped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import faiss
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.errors import ArtifactError

EXACT_UP_TO = 50_000
"""From about here a look at all vectors takes longer than the frame by frame comparison that follows."""
_RECALL_AT = 10
_ASKED_RECALL = 0.995
"""Above the 0.99 that is promised: the queries of the measurement are drawn by chance."""
_FEWEST_PROBES, _MORE_PROBES = 4, 1.25
"""By so much more lists are looked into at a time: each costs every later search."""
_NEARLY = 0.001
_KEPT_SHARE = 0.98
"""Of the squared length of all vectors: so much lies in the directions that a search looks at. In 32 of 256 lie 0.999
of clips of the base (docs/decisions.md)."""
_AT_LEAST_FOUND, _FOUND_FOR_EACH = 300, 4
"""Vectors that a search finds for those that it is asked for: few directions, told coarsely, may put them into another
order."""
_BITS = 4
"""Of a vector along one direction: tables of 16 products fit a processor's registers."""
_NUM_PROBED = 300
_QUERY_SPREAD = 0.75
"""Length of the noise that makes a query of a reference (cosine 0.8): about as far as another person's clip."""
_TRAINED_PER_LIST = 40
_TRAINING_ROUNDS = 8
_BLOCK = 50_000
_SEARCH_THREADS = 1
"""One thread a search: a service runs several at once."""


class EngineReport(BaseModel, frozen=True, extra="forbid"):
    """How an index finds neighbours, and how well.

    Attributes:
        kind: "exact", or "ivf", inverted lists of vectors that are told coarsely.
        num_lists: lists of an IVF index.
        num_probes: how many of them a search looks into.
        recall: part of the true ten nearest that it finds.
        num_queries: queries that this was measured with; 0 = nothing had to be measured.
    """

    kind: Literal["exact", "ivf"] = "exact"
    num_lists: int = Field(default=0, ge=0)
    num_probes: int = Field(default=0, ge=0)
    recall: float = Field(default=1.0, ge=0, le=1)
    num_queries: int = Field(default=0, ge=0)


@dataclass(frozen=True, eq=False)
class Engine:
    """A search over N vectors of unit length.

    Attributes:
        vectors: (N, D) float16, usually a memory map; they decide the order of what was found.
        report: kind and measured recall.
        inner: FAISS's own object.
    """

    vectors: npt.NDArray[np.float16]
    report: EngineReport
    inner: Any

    def search(self, queries: FloatArray, k: int, allowed: BoolArray | None = None) -> tuple[IntArray, FloatArray]:
        """The nearest vectors of each query.

        Args:
            queries: (B, D) float32, unit length.
            k: how many; all where there are fewer.
            allowed: (N,) bool, which vectors may be found; None = all.

        Returns:
            (B, K) int64 rows, nearest first, and (B, K) float32 cosines; -1 and -inf where fewer are allowed, or an
            IVF index saw fewer.
        """
        k = min(k, len(self.vectors))
        if k == 0 or not len(queries):
            return np.zeros((len(queries), k), dtype=np.int64), np.zeros((len(queries), k), dtype=np.float32)
        faiss.omp_set_num_threads(_SEARCH_THREADS)  # holds for the calling thread alone
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        bits = None if allowed is None else np.packbits(allowed, bitorder="little")
        chosen: dict[str, Any] = {} if bits is None else {"sel": faiss.IDSelectorBitmap(bits)}  # type: ignore[call-arg, arg-type]  # its stub lacks the Python form
        if self.report.kind == "exact":
            similarities, rows = self.inner.search(queries, k, params=faiss.SearchParameters(**chosen))
            similarities[rows < 0] = -np.inf
        else:
            wanted = min(max(_FOUND_FOR_EACH * k, _AT_LEAST_FOUND), len(self.vectors))
            options: Any = faiss.SearchParametersIVF(nprobe=self.report.num_probes, **chosen)  # type: ignore[call-arg]
            if isinstance(self.inner, faiss.IndexPreTransform):
                options = faiss.SearchParametersPreTransform(index_params=options)  # type: ignore[call-arg]
            rows = self.inner.search(queries, wanted, params=options)[1]
            similarities = np.vecdot(self.vectors[np.maximum(rows, 0)].astype(np.float32), queries[:, None])
            similarities = np.where(rows >= 0, similarities, np.float32(-np.inf))
        order = np.lexsort((rows, -similarities))[:, :k]
        return np.take_along_axis(rows, order, axis=1), np.take_along_axis(similarities, order, axis=1)


def build_engine(
    vectors: npt.NDArray[np.float16], path: Path, exact_up_to: int = EXACT_UP_TO, seed: int = 0
) -> EngineReport:
    """Choose an engine by the number of vectors; an IVF index is trained, measured and written to `path`.

    Args:
        vectors: (N, D) float16, unit length, possibly a memory map: it is read in blocks.
        path: file for the IVF index; nothing is written for the exact search.
        exact_up_to: so many vectors are searched exactly.
        seed: of the sample that trains and measures.
    """
    if len(vectors) <= exact_up_to:
        return EngineReport()
    rng = np.random.default_rng(seed)
    num_lists = max(16, 1 << int(np.log2(4 * np.sqrt(len(vectors)))))
    sample = np.sort(rng.choice(len(vectors), min(len(vectors), num_lists * _TRAINED_PER_LIST), replace=False))
    trained_on = vectors[sample].astype(np.float32)
    directions = _directions(trained_on)
    width = len(directions)
    lists = faiss.IndexIVFPQFastScan(  # each direction by itself
        faiss.IndexFlatIP(width), width, num_lists, width, _BITS, faiss.METRIC_INNER_PRODUCT
    )
    lists.cp.niter, lists.cp.seed = _TRAINING_ROUNDS, seed + 1
    lists.cp.max_points_per_centroid, lists.cp.min_points_per_centroid = _TRAINED_PER_LIST, 1
    inner: Any = faiss.IndexPreTransform(_onto(directions), lists)
    inner.train(trained_on)
    for start in range(0, len(vectors), _BLOCK):
        inner.add(vectors[start : start + _BLOCK].astype(np.float32))
    report = _measured(vectors, inner, num_lists, rng)
    faiss.write_index(inner, str(path))
    return report


def _directions(vectors: FloatArray) -> FloatArray:
    """(d, D) orthonormal rows: as few as hold nearly all of the vectors (N, D), whatever the mean: products stay."""
    shares, columns = np.linalg.eigh(vectors.T.astype(np.float64) @ vectors)
    held = np.cumsum(shares[::-1]) / max(float(shares.sum()), 1e-12)
    count = min(int(np.searchsorted(held, _KEPT_SHARE)) + 1, len(columns))
    return np.ascontiguousarray(columns[:, ::-1][:, :count].T, dtype=np.float32)


def _onto(directions: FloatArray) -> Any:
    """FAISS's own projection onto (d, D) rows."""
    count, width = directions.shape
    projection = faiss.LinearTransform(width, count, False)
    faiss.copy_array_to_vector(directions.ravel(), projection.A)
    projection.is_trained = True
    return projection


def open_engine(vectors: npt.NDArray[np.float16], report: EngineReport, path: Path) -> Engine:
    """The engine that `build_engine` chose.

    Args:
        vectors: (N, D) float16, unit length.
        report: what was chosen, and its file's hash.
        path: of the IVF index.

    Raises:
        ArtifactError: the file is missing, damaged or belongs to other vectors.
    """
    if report.kind == "exact":
        inner: Any = faiss.IndexFlatIP(vectors.shape[1])
        inner.add(np.asarray(vectors, dtype=np.float32))
        return Engine(vectors, report, inner)
    try:
        inner = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    except RuntimeError as error:
        raise ArtifactError(f"{path}: no readable FAISS index; build the index again") from error
    if (inner.ntotal, inner.d) != vectors.shape:
        raise ArtifactError(
            f"{path}: {inner.ntotal} vectors of {inner.d} numbers; expected {vectors.shape}; build the index again"
        )
    return Engine(vectors, report, inner)


def _measured(vectors: npt.NDArray[np.float16], inner: Any, num_lists: int, rng: np.random.Generator) -> EngineReport:
    """Look into more lists until the recall is reached; where it never is, into as many as find nearly the most."""
    queries = _perturbed(vectors[np.sort(rng.choice(len(vectors), _NUM_PROBED, replace=False))], rng)
    truth = exact_neighbours(vectors, queries, _RECALL_AT)
    tried = list[EngineReport]()
    num_probes = _FEWEST_PROBES
    while not tried or (tried[-1].recall < _ASKED_RECALL and tried[-1].num_probes < num_lists):
        report = EngineReport(kind="ivf", num_lists=num_lists, num_probes=num_probes, num_queries=len(queries))
        recall = recall_of(Engine(vectors, report, inner).search(queries, _RECALL_AT)[0], truth)
        tried.append(report.model_copy(update={"recall": recall}))
        num_probes = min(math.ceil(_MORE_PROBES * num_probes), num_lists)
    enough = min(_ASKED_RECALL, max(report.recall for report in tried) - _NEARLY)
    return next(report for report in tried if report.recall >= enough)


def _perturbed(vectors: npt.NDArray[np.float16], rng: np.random.Generator) -> FloatArray:
    noise = rng.standard_normal(vectors.shape) * (_QUERY_SPREAD / np.sqrt(vectors.shape[1]))
    moved = vectors.astype(np.float32) + noise
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


def exact_neighbours(vectors: npt.NDArray[np.float16], queries: FloatArray, k: int, block: int = _BLOCK) -> IntArray:
    """The nearest vectors of each query, found by comparing with all of them.

    Args:
        vectors: (N, D) float16, unit length, possibly a memory map.
        queries: (B, D) float32, unit length.
        k: how many.
        block: so many vectors are widened to float32 at a time.

    Returns:
        (B, K) int64 rows, nearest first.
    """
    results = faiss.ResultHeap(len(queries), k, keep_max=True)
    for start in range(0, len(vectors), block):
        part = vectors[start : start + block].astype(np.float32)
        similarities, rows = faiss.knn(queries, part, min(k, len(part)), metric=faiss.METRIC_INNER_PRODUCT)
        results.add_result(similarities, rows + start)
    results.finalize()
    return np.asarray(results.I, dtype=np.int64)


def recall_of(rows: IntArray, truth: IntArray) -> float:
    """Part of the true neighbours (B, K) that are among `rows` (B, K')."""
    return float((truth[:, :, None] == rows[:, None, :]).any(axis=2).mean()) if truth.size else 1.0
