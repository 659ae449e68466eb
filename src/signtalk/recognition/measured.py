"""What was measured between queries and references, so that the same clips are asked again at little cost.

    clips that will be asked + all that they may meet -> MeasuredPairs -> `scoring.Shortlist` looks there first

A fit asks the same clips many times: of all references, without those of one signer, without their own sentence,
among sentences that are taught. Frames and words are compared pair by pair, so each pair is measured once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from signtalk.arrays import FloatArray, IntArray

MOST_FIGURES = 2**28
"""That are remembered of one set of queries, 1 GiB: 10,000 clips and 100,000 references would take twelve."""


@dataclass(frozen=True, eq=False)
class MeasuredPairs:
    """Figures of B queries and all clips and sentences that they may meet; filled as they are asked for.

    A clip or sentence that was not announced is measured each time.

    Attributes:
        queries: (B,) their rows in the tables.
        clips: column of each clip, by clip_id.
        texts: column of each sentence, by its text.
        sketched_by: (W,) the numbers of a frame that `coarse` and `fine` were made of; sketches of others are no such
            figures. A small index may choose others when it grows.
        coarse: (Q, M) float32 distances of coarse sketches; NaN where nothing was measured, as in the others.
        fine: (Q, M) float32 distances of fine sketches.
        warped: (Q, M) float32 length-normalised DTW distances.
        spelled: (Q, S) float32 log likelihoods of sentences, short of the best path.
    """

    queries: IntArray
    clips: Mapping[str, int]
    texts: Mapping[str, int]
    sketched_by: IntArray
    coarse: FloatArray
    fine: FloatArray
    warped: FloatArray
    spelled: FloatArray

    @classmethod
    def none_yet(
        cls, num_queries: int, clip_ids: Iterable[str], texts: Iterable[str], sketched_by: IntArray
    ) -> MeasuredPairs:
        """Tables in which nothing is measured.

        Args:
            num_queries: that will be asked.
            clip_ids: of all clips that they may meet.
            texts: of all sentences.
            sketched_by: (W,) columns of the sketches; none where nothing is sketched.
        """
        clips = {clip_id: column for column, clip_id in enumerate(dict.fromkeys(clip_ids))}
        sentences = {text: column for column, text in enumerate(dict.fromkeys(texts))}
        coarse, fine, warped, spelled = (
            np.full((num_queries, width), np.nan, dtype=np.float32)
            for width in (len(clips), len(clips), len(clips), len(sentences))
        )
        return cls(np.arange(num_queries, dtype=np.int64), clips, sentences, sketched_by, coarse, fine, warped, spelled)

    def select(self, rows: npt.NDArray[np.integer] | slice) -> MeasuredPairs:
        """The queries of `rows`, in their order, over the same tables."""
        return replace(self, queries=self.queries[rows])

    def filled(
        self,
        table: FloatArray,
        columns: IntArray,
        chosen: IntArray,
        measure: Callable[[IntArray], npt.NDArray[np.floating]],
    ) -> FloatArray:
        """Figures of pairs, measured where they are not known yet.

        Args:
            table: one of this object's.
            columns: (N,) where it keeps the figures of each reference or sentence; -1 = nowhere.
            chosen: (B, K) which of them each query meets; -1 = none.
            measure: gives the figures (B, K) of what is chosen as in `chosen`.

        Returns:
            (B, K) float32; NaN where nothing is chosen.
        """
        if not chosen.size:
            return np.zeros(chosen.shape, dtype=np.float32)
        places = np.where(chosen >= 0, columns[chosen], -1)
        found = np.where(places >= 0, table[self.queries[:, None], places], np.float32(np.nan))
        missing = (chosen >= 0) & np.isnan(found)
        if missing.any():
            found = np.where(missing, measure(np.where(missing, chosen, -1)), found).astype(np.float32)
            query, place = np.nonzero(missing & (places >= 0))
            table[self.queries[query], places[query, place]] = found[query, place]
        return found


def columns_of(names: Iterable[str], columns: Mapping[str, int]) -> IntArray:
    """(K,) column of each name; -1 of one that has none."""
    return np.array([columns.get(name, -1) for name in names], dtype=np.int64)
