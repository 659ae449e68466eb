"""Clips in a few numbers, so that all of an index can be compared with a query in order of time.

    projections (N, T', P) -> Sketches: (N, 8, W) coarse and (N, 16, W) fine means of stretches of each clip

The cosine of whole clips forgets what came first, and words are known of trained signs alone. Means of a few stretches,
warped onto those of the query, tell which sentences are worth a closer look: `scoring.Shortlist.order`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.index.encoded import Encoded, valid_lengths
from signtalk.recognition.dtw import laid_beside, same_length_distances

COARSE_STRETCHES = 8
"""Stretches of a coarse sketch: all references are compared by it."""
FINE_STRETCHES = 16
"""Stretches of a fine one, for the best by the coarse."""
SKETCH_COLUMNS = 32
"""Numbers of a frame that are kept, those that differ most: a quarter, and as good at finding (docs/experiments.md)."""
COLUMNS_CHOSEN_BY = 1000
"""References that tell which numbers differ most."""
_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class BegunSketches:
    """Sketches of the first references of an index.

    Attributes:
        columns: (W,) which numbers of a frame are kept.
        fine: (M, 16, W + 2) `laid_beside` a query's.
    """

    columns: IntArray
    fine: FloatArray


@dataclass(frozen=True, eq=False)
class Sketches:
    """Sketches of N references, each size made when a query first needs it.

    Attributes:
        projections: (N, T', P), possibly a memory map; it is read once.
        lengths: (N,) frames that count in each.
        begun: sketches of the first of them, where they are known; None = of none.
    """

    projections: npt.NDArray[np.floating]
    lengths: IntArray
    begun: BegunSketches | None = None

    def to_go_on(self) -> BegunSketches | None:
        """What an index of these references and others behind them need not make again; None where that is nothing.

        Which numbers of a frame are kept must not change by what comes behind.
        """
        if "_fine" not in self.__dict__:
            return self.begun
        return BegunSketches(self.columns, self._fine) if len(self) >= COLUMNS_CHOSEN_BY else None

    @cached_property
    def columns(self) -> IntArray:
        """(W,) which numbers of a frame are kept."""
        if self.begun is not None:
            return self.begun.columns
        return _widest(self.projections[:COLUMNS_CHOSEN_BY], self.lengths[:COLUMNS_CHOSEN_BY])

    @cached_property
    def _fine(self) -> FloatArray:
        """(N, 16, W + 2) `laid_beside` a query's; means of zero for a reference without a frame."""
        fine = np.zeros((len(self), FINE_STRETCHES, len(self.columns) + 2), dtype=np.float32)
        num_begun = 0 if self.begun is None else len(self.begun.fine)
        if self.begun is not None:
            fine[:num_begun] = self.begun.fine
        for start in range(num_begun, len(self), _AT_ONCE):
            block = slice(start, start + _AT_ONCE)
            frames = np.take(self.projections[block], self.columns, axis=2)
            fine[block] = laid_beside(stretch_means(frames, self.lengths[block], FINE_STRETCHES))
        return fine

    @cached_property
    def _coarse(self) -> FloatArray:
        """(N, 8, W + 2) likewise."""
        return laid_beside(
            _coarser(self._fine[..., :-2] / np.float32(-2))
        )  # what was laid beside is -2 times the means

    def __len__(self) -> int:
        """Number of references N."""
        return len(self.lengths)

    def coarse_distances(self, queries: Encoded, wanted: BoolArray | None = None) -> FloatArray:
        """(B, N) float32 how far each query is from every reference; inf where one of them has no frame.

        Args:
            queries: B of them.
            wanted: (B, N) which distances count, the others may be anything; None = all.
        """
        lengths = valid_lengths(queries.memory_valid)
        distances = np.zeros((len(lengths), len(self)), dtype=np.float32)
        for query, stretches in enumerate(_coarser(self._of_queries(queries, lengths))):
            if wanted is None or wanted[query].all():
                distances[query] = same_length_distances(stretches, self._coarse)
            elif wanted[query].any():
                distances[query, wanted[query]] = same_length_distances(stretches, self._coarse[wanted[query]])
        distances[~(lengths > 0)[:, None] | ~(self.lengths > 0)] = np.inf
        return distances

    def fine_distances(self, queries: Encoded, rows: IntArray) -> FloatArray:
        """(B, K) the same, more closely, from references (B, K) of each query's own; inf where the row is -1."""
        lengths = valid_lengths(queries.memory_valid)
        distances = np.full(rows.shape, np.inf, dtype=np.float32)
        chosen = (rows >= 0) & (lengths > 0)[:, None]
        for query, stretches in enumerate(self._of_queries(queries, lengths)):  # one at a time bounds the memory
            places = np.flatnonzero(chosen[query])
            if len(places):
                distances[query, places] = same_length_distances(stretches, self._fine[rows[query, places]])
        distances[chosen & ~(self.lengths > 0)[rows]] = np.inf
        return distances

    def _of_queries(self, queries: Encoded, lengths: IntArray) -> FloatArray:
        return stretch_means(queries.projections[..., self.columns], lengths, FINE_STRETCHES)


def stretch_means(frames: npt.NDArray[np.floating], lengths: IntArray, num_stretches: int) -> FloatArray:
    """(B, num_stretches, W) float32 mean frame of each stretch of equal length; zeros of a clip without a frame.

    Where a stretch begins or ends within a frame, that frame counts in part.

    Args:
        frames: (B, T, W).
        lengths: (B,) frames that count in each clip.
        num_stretches: of every clip.
    """
    frame = np.arange(frames.shape[1])
    edges = np.arange(num_stretches + 1) * (lengths[:, None] / num_stretches)
    begins, ends = edges[:, :-1, None], edges[:, 1:, None]
    shares = np.clip(np.minimum(ends, frame + 1) - np.maximum(begins, frame), 0, None)
    shares /= np.where(lengths > 0, lengths / num_stretches, 1)[:, None, None]
    counted = np.where((frame < lengths[:, None])[..., None], frames, 0)  # whatever stands in padding has no say
    return np.asarray(shares.astype(np.float32) @ counted.astype(np.float32))


def _coarser(means: FloatArray) -> FloatArray:
    """(B, 8, W) means of coarse stretches, each of which is two or more fine ones."""
    joined = FINE_STRETCHES // COARSE_STRETCHES
    return means.reshape(len(means), COARSE_STRETCHES, joined, means.shape[2]).mean(axis=2)


def _widest(projections: npt.NDArray[np.floating], lengths: IntArray) -> IntArray:
    """The numbers of a frame that differ most between the frames of some references, ascending.

    Of equal ones the first; where a frame has fewer numbers, all of them.
    """
    frames = np.asarray(projections)[np.arange(projections.shape[1]) < lengths[:, None]].astype(np.float64)
    spread = frames.var(axis=0) if len(frames) else np.zeros(projections.shape[2])
    return np.sort(np.argsort(-spread, kind="stable")[:SKETCH_COLUMNS])
