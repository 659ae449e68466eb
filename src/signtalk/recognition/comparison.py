"""Each query against each sentence: closest clip, centroid, number of clips; and DTW where it is asked for.

Encoded queries and `SentenceIndex` -> `SentenceComparison`, weighed by `scoring`. All queries and references
go through array operations; nothing here loops over references.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from signtalk.arrays import BoolArray, Float64Array, FloatArray, IntArray
from signtalk.compiling import compiled
from signtalk.index.encoded import Encoded
from signtalk.index.index import SentenceIndex
from signtalk.recognition.dtw import DtwResult, dtw_by_row
from signtalk.recognition.ranking import descending_order

_SUMMED_AT_ONCE = 20_000
"""Clips whose vectors are gathered together: 20 MB with 128 numbers each."""
_CANCELLED = 1e-6
"""A sum of unit vectors that is no longer than this has no direction."""


@dataclass(frozen=True, eq=False)
class SentenceComparison:
    """What embeddings alone tell of B queries and C sentences (axis 1 is that of `SentenceIndex.groups`).

    Attributes:
        clip_similarities: (B, N) float32 cosine to each reference; -inf where it is left out.
        similarities: (B, C) float32, the closest clip of each sentence; -inf where no clip is left.
        centroid_similarities: (B, C) float32, cosine to the mean direction of the clips that are left, for a
            single clip the clip itself; -inf where none is.
        num_references: (B, C) int64, clips that are left.
        best_rows: (B, C) int64, the closest clip, the first of equal ones; -1 where none is left.
    """

    clip_similarities: FloatArray
    similarities: FloatArray
    centroid_similarities: FloatArray
    num_references: IntArray
    best_rows: IntArray


LeftOut: TypeAlias = Sequence[Iterable[str]] | BoolArray
"""For each query the clip_ids that it must not meet, such as itself; or (B, N) flags of an index's references."""


def exclusion_mask(index: SentenceIndex, left_out: LeftOut) -> BoolArray:
    """(B, N) bool, True where a query must not meet a reference; ids that the index lacks are ignored."""
    if isinstance(left_out, np.ndarray):
        return left_out
    mask = np.zeros((len(left_out), len(index)), dtype=np.bool_)
    for query, clip_ids in enumerate(left_out):
        if isinstance(clip_ids, str):
            raise ValueError(f'"{clip_ids}" for query {query}; expected a collection of clip ids, such as a list')
        mask[query, [row for row in map(index.row_of.get, clip_ids) if row is not None]] = True
    return mask


def compare(queries: FloatArray, index: SentenceIndex, excluded: BoolArray | None = None) -> SentenceComparison:
    """Compare embeddings with every sentence.

    Args:
        queries: (B, D) float32, unit length.
        index: the references.
        excluded: (B, N) bool, True = as if this reference did not exist for this query, in centroids too.

    Raises:
        ValueError: shapes do not fit the index.
    """
    clips = index.all_similarities(queries)
    groups = index.groups
    shape = (len(queries), len(groups.text_keys))
    if excluded is not None and excluded.shape != clips.shape:
        raise ValueError(f"excluded {excluded.shape}; expected one flag a query and reference {clips.shape}")
    if not len(index):
        nothing = np.zeros(shape, dtype=np.float32)
        return SentenceComparison(clips, nothing, nothing, nothing.astype(np.int64), nothing.astype(np.int64))
    centroids = queries @ index.centroid_matrix().T
    num_references = np.repeat(groups.counts[None], len(queries), axis=0)
    if excluded is not None and excluded.any():
        query, place = np.nonzero(excluded[:, groups.row_order])
        row = groups.row_order[place]
        cells = query * shape[1] + groups.class_of_row[row]
        num_references -= np.bincount(cells, minlength=num_references.size).reshape(shape)
        _leave_out_of_centroids(centroids, clips, index, query, row)
        clips[excluded] = -np.inf
    best, best_rows = _best_of_groups(clips, groups.row_order, groups.starts, groups.counts)
    left = num_references > 0
    return SentenceComparison(
        clip_similarities=clips,
        similarities=best,
        centroid_similarities=np.where(left, centroids, np.float32(-np.inf)),
        num_references=num_references,
        best_rows=np.where(left, best_rows, -1),
    )


def _leave_out_of_centroids(
    centroids: FloatArray, clips: FloatArray, index: SentenceIndex, query: IntArray, row: IntArray
) -> None:
    """Correct in place the similarities (B, C) whose centroid holds clips that are left out.

    With S the sum of a sentence's clips and E of those left out, cos(q, S - E) = (q.S - q.E) / |S - E|. All of it is
    known from single numbers of clips and sentences, so no vector is made for each of many thousand pairs of query
    and sentence: whoever leaves out a signer leaves out a clip of nearly every sentence.

    Args:
        centroids: (B, C) similarities of the whole sentences.
        clips: (B, N) of all clips.
        index: the references.
        query: (E,) whose clips are left out, ascending; at least one.
        row: (E,) clips of this query, sentence after sentence.
    """
    groups, sums = index.groups, index.class_sums
    squared_sums, with_sum = index.squared_sums
    sentence = groups.class_of_row[row]
    first = np.flatnonzero(np.diff(query * len(sums) + sentence, prepend=-1))  # of each pair of query and sentence
    cells = query[first], sentence[first]
    squares = squared_sums[cells[1]] - 2 * np.add.reduceat(with_sum[row], first)
    lengths = np.sqrt(np.maximum(squares + _squared_sums(index.embeddings, row, first), 0))
    whole = centroids[cells] * np.sqrt(squared_sums)[cells[1]]
    products = whole - np.add.reduceat(clips[query, row].astype(np.float64), first)
    centroids[cells] = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > _CANCELLED)


def _squared_sums(vectors: FloatArray, rows: IntArray, first: IntArray) -> Float64Array:
    """Squared length of the sum of some vectors, for each stretch of `rows` that begins at `first`.

    Many queries leave out the same clips of a sentence, those of one signer; each such set is summed once. Sums of 64
    random bits a row tell sets apart.
    """
    squares = np.vecdot(vectors, vectors).astype(np.float64)[rows[first]]
    counts = np.diff(first, append=len(rows))
    several = np.flatnonzero(counts > 1)
    if not len(several):
        return squares
    codes = np.random.default_rng(0).integers(0, 2**64, len(vectors), dtype=np.uint64)
    _, place, set_of = np.unique(np.add.reduceat(codes[rows], first)[several], return_index=True, return_inverse=True)
    sets = several[place]
    of_sets = np.empty(len(sets))
    for block in np.array_split(np.arange(len(sets)), 1 + int(counts[sets].sum()) // _SUMMED_AT_ONCE):
        if len(block):
            lengths = counts[sets[block]]
            starts = np.cumsum(lengths) - lengths
            within = np.arange(lengths.sum()) - np.repeat(starts, lengths)
            chosen = vectors[rows[np.repeat(first[sets[block]], lengths) + within]]
            sums = np.add.reduceat(chosen.astype(np.float64), starts, axis=0)
            of_sets[block] = np.vecdot(sums, sums)
    squares[several] = of_sets[set_of]
    return squares


def warped_distances(encoded: Encoded, index: SentenceIndex, rows: IntArray) -> FloatArray:
    """(B, K) float32 length-normalised DTW distance of each query to references of its own.

    Args:
        encoded: the B queries.
        index: the references.
        rows: (B, K) which of them; -1 = none, whose distance is inf.
    """
    return clip_distances(encoded, index, rows).normalised


def clip_distances(encoded: Encoded, index: SentenceIndex, rows: IntArray) -> DtwResult:
    """DTW of each query with references of its own, from the cached projections.

    Args:
        encoded: the B queries.
        index: the references.
        rows: (B, K) which of them; -1 = none.
    """
    if rows.size == 0:
        return DtwResult(np.zeros(rows.shape, dtype=np.float32), np.zeros(rows.shape, dtype=np.int64))
    return dtw_by_row(encoded.projections, encoded.memory_valid, index.projections, index.projection_lengths, rows)


def closest_rows(index: SentenceIndex, comparison: SentenceComparison, classes: IntArray, count: int) -> IntArray:
    """(B, R, count) rows of the closest clips of each chosen sentence; -1 where there are fewer.

    Args:
        index: the references.
        comparison: of B queries with it.
        classes: (B, R) the sentences; -1 = none.
        count: how many clips of each.
    """
    groups = index.groups
    counts = np.where(classes >= 0, groups.counts[classes], 0)
    within = np.arange(counts.max(initial=0))
    rows = groups.row_order[np.minimum(groups.starts[classes][..., None] + within, len(index) - 1)]
    queries = np.arange(len(classes))[:, None, None]
    similarities = np.where(within < counts[..., None], comparison.clip_similarities[queries, rows], -np.inf)
    closest = np.argsort(-similarities, axis=2, kind="stable")[..., :count]
    present = np.take_along_axis(similarities, closest, axis=2) > -np.inf
    return np.where(present, np.take_along_axis(rows, closest, axis=2), -1)


def stage_scores(comparison: SentenceComparison, similarity_weight: float, centroid_weight: float) -> FloatArray:
    """(B, C) what the embeddings give to the fused score; -inf for a sentence without a clip left.

    Args:
        comparison: of B queries with C sentences.
        similarity_weight: of the cosine to a sentence's closest clip.
        centroid_weight: of the cosine to its centroid.
    """
    left = comparison.num_references > 0
    similarities = np.where(left, comparison.similarities, 0)
    centroids = np.where(left, comparison.centroid_similarities, 0)
    weighed = similarity_weight * similarities + centroid_weight * centroids
    return np.where(left, weighed, -np.inf).astype(np.float32)


def best_of_sentences(by_clip: FloatArray, index: SentenceIndex) -> FloatArray:
    """(B, C) the highest of (B, N) figures among each sentence's clips."""
    groups = index.groups
    return _best_of_groups(by_clip, groups.row_order, groups.starts, groups.counts)[0]


def _best_of_groups_at_once(
    figures: FloatArray, row_order: IntArray, starts: IntArray, counts: IntArray
) -> tuple[FloatArray, IntArray]:
    """As `_best_of_groups`, by operations on whole arrays."""
    in_order = figures[:, row_order]
    best = np.maximum.reduceat(in_order, starts, axis=1)
    is_best = in_order == np.repeat(best, counts, axis=1)
    place = np.where(is_best, np.arange(len(row_order)), len(row_order))
    return best, row_order[np.minimum.reduceat(place, starts, axis=1)]


@compiled(_best_of_groups_at_once)
def _best_of_groups(
    figures: FloatArray, row_order: IntArray, starts: IntArray, counts: IntArray
) -> tuple[FloatArray, IntArray]:  # pragma: no cover  # coverage does not see machine code
    """(B, C) the highest of (B, N) figures in each sentence, and its row, the first of equal ones.

    Args:
        figures: (B, N) of the references.
        row_order: (N,) their rows, sentence after sentence.
        starts: (C,) where each sentence begins in it.
        counts: (C,) references of each, at least 1.
    """
    shape = (len(figures), len(starts))
    best, rows = np.empty(shape, dtype=figures.dtype), np.empty(shape, dtype=np.int64)
    for query in range(len(figures)):
        for sentence in range(len(starts)):
            first = starts[sentence]
            row = row_order[first]
            highest = figures[query, row]
            for place in range(first + 1, first + counts[sentence]):
                other = row_order[place]
                if figures[query, other] > highest:
                    highest, row = figures[query, other], other
            best[query, sentence], rows[query, sentence] = highest, row
    return best, rows


def look_order(by_clips: FloatArray, *by_others: FloatArray) -> IntArray:
    """(B, C) sentences in the order in which they are worth a closer look; those without a clip left stand last.

    The best by each kind of evidence in turn: for a signer who is new to the model any of them may miss the right
    sentence, and only what is looked at can be answered.

    Args:
        by_clips: (B, C) how close each sentence's clips are; -inf for a sentence without a clip left.
        by_others: (B, C) each, such as how well the frames show each sentence's words; higher = better.
    """
    left = by_clips > -np.inf
    place = _places(by_clips)
    for scores in by_others:
        place = np.minimum(place, _places(np.where(left, scores, -np.inf)))
    num_sentences = by_clips.shape[1]
    keys = np.where(left, place, num_sentences) * max(num_sentences, 1) + np.arange(num_sentences)
    return np.sort(keys, axis=1) % max(num_sentences, 1)  # of equal places the first


def _places(scores: FloatArray) -> IntArray:
    """(B, C) place of each sentence in descending order, 0 = best, equal ones in order of text_key.

    Where nothing is known, -inf, the place is C: such evidence puts nobody before others.
    """
    order = descending_order(scores)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(scores.shape[1])[None], axis=1)
    return np.where(scores > -np.inf, places, scores.shape[1])
