"""How far apart two signed clips are when their timing is allowed to differ: exact dynamic time warping.

Projections of a query and of references -> length-normalised distances; called by `scoring`. There is no
band: a Sakoe-Chiba band of radius 6 is another measure than the prototype's fastdtw with radius 6, which
gave the exact distance (docs/decisions.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array, FloatArray, IntArray
from signtalk.compiling import Compiled, compiled
from signtalk.index.encoded import valid_lengths

MAX_DTW_FRAMES = 4096
"""Longest clip that can be compared; FeatureConfig allows no longer one."""

_PAIRS_AT_ONCE = 512
"""Bounds memory: 512 pairs of 96 x 96 frames take about 20 MB of frame distances."""


@dataclass(frozen=True, eq=False)
class DtwResult:
    """Distances between clips.

    Attributes:
        distances: sum of frame distances along the best path, float32; inf where a clip has no valid frame.
        num_frames: frames of both clips together, int64; 0 where the distance is inf.
    """

    distances: FloatArray
    num_frames: IntArray

    @property
    def normalised(self) -> FloatArray:
        """Distance a frame of the two clips' mean length, float32, comparable between clips of any length.

        After Sakoe and Chiba (1978), who divide by the sum of the lengths. The mean along the path itself would be
        another measure: it rewards detours, and found fewer sentences of new signers (docs/experiments.md).
        """
        return (2 * self.distances / np.maximum(self.num_frames, 1)).astype(np.float32)


def dtw_by_row(
    queries: FloatArray,
    queries_valid: BoolArray,
    references: npt.NDArray[np.floating],
    reference_lengths: IntArray,
    rows: IntArray,
) -> DtwResult:
    """Compare each query with references of its own choice, a bounded number of pairs at a time.

    Args:
        queries: (B, T, P).
        queries_valid: (B, T) bool; frames after the last True are cut off.
        references: (N, T', P), float32 or float16, possibly a memory map: only the rows asked for are read.
        reference_lengths: (N,) frames that count in each reference.
        rows: (B, K) which references each query meets; -1 = none.

    Returns:
        Arrays of shape (B, K); inf and 0 where the row is -1.

    Raises:
        ValueError: shapes do not fit, a clip is longer than MAX_DTW_FRAMES, or a valid frame is not finite.
    """
    _check_shapes(queries, queries_valid, references, reference_lengths)
    distances = np.full(rows.shape, np.inf, dtype=np.float32)
    num_frames = np.zeros(rows.shape, dtype=np.int64)
    query_lengths = valid_lengths(queries_valid)
    query_of_pair, column_of_pair = np.nonzero((rows >= 0) & (query_lengths > 0)[:, None])
    row_of_pair = rows[query_of_pair, column_of_pair]
    has_frames = reference_lengths[row_of_pair] > 0
    query_of_pair, column_of_pair, row_of_pair = (
        query_of_pair[has_frames],
        column_of_pair[has_frames],
        row_of_pair[has_frames],
    )
    for start in range(0, len(row_of_pair), _PAIRS_AT_ONCE):
        pairs = slice(start, start + _PAIRS_AT_ONCE)
        used, lengths = query_lengths[query_of_pair[pairs]], reference_lengths[row_of_pair[pairs]]
        of_block = references[row_of_pair[pairs], : int(lengths.max())]
        squares = _squared_distances(queries[:, : int(used.max())], query_of_pair[pairs], of_block, used, lengths)
        distances[query_of_pair[pairs], column_of_pair[pairs]] = _cheapest_paths(squares, used, lengths)
        num_frames[query_of_pair[pairs], column_of_pair[pairs]] = used + lengths
    return DtwResult(distances, num_frames)


def laid_beside(frames: FloatArray) -> FloatArray:
    """(..., P + 2) frames r of one side as they are multiplied by q, q.q and 1 of the other: -2 r, 1 and r.r."""
    squares = np.vecdot(frames, frames)[..., None]
    return np.concatenate([-2 * frames, np.ones_like(squares), squares], axis=-1)


def same_length_distances(query: FloatArray, references: FloatArray) -> FloatArray:
    """(N,) float32 DTW distance of one clip to many of its own length, the sum along the best path.

    |q - r|^2 = q.(-2 r) + q.q 1 + 1 r.r is one product of matrices, without a further pass over all cells.

    Args:
        query: (K, P).
        references: (N, K, P + 2) float32, `laid_beside`.
    """
    num_frames, width = len(query), references.shape[2]
    squares = np.vecdot(query, query)[:, None]
    products = np.concatenate([query, squares, np.ones_like(squares)], axis=1) @ references.reshape(-1, width).T
    lengths = np.full(len(references), num_frames)
    costs = products.reshape(num_frames, len(references), num_frames)
    return _cheapest_paths(costs, lengths, lengths).astype(np.float32)


def _check_shapes(
    queries: FloatArray, queries_valid: BoolArray, references: npt.NDArray[np.floating], reference_lengths: IntArray
) -> None:
    if queries.ndim != 3 or references.ndim != 3 or queries.shape[2] != references.shape[2]:
        raise ValueError(f"queries {queries.shape}, references {references.shape}; expected (B, T, P) and (N, T', P)")
    if queries_valid.shape != queries.shape[:2]:
        raise ValueError(f"valid frames {queries_valid.shape}; expected one a frame of the queries {queries.shape[:2]}")
    if reference_lengths.shape != references.shape[:1]:
        raise ValueError(f"reference lengths {reference_lengths.shape}; expected one a reference ({len(references)},)")
    longest = max(queries.shape[1], references.shape[1])
    if longest > MAX_DTW_FRAMES:
        raise ValueError(f"a clip of {longest} frames; at most {MAX_DTW_FRAMES} can be compared")


def _squared_distances(
    queries: FloatArray,
    query_of_pair: IntArray,
    references: npt.NDArray[np.floating],
    query_lengths: IntArray,
    reference_lengths: IntArray,
) -> FloatArray:
    """(T, pairs, T') squared frame distances, one matrix product a query, as in `same_length_distances`.

    Pairs of one query stand side by side. Padding is zeroed, so that whatever stands there has no say.
    """
    num_pairs, num_frames, width = references.shape
    beside = np.empty((num_pairs, num_frames, width + 2), dtype=np.float32)
    frames = beside[..., :width]
    frames[...] = references
    if (reference_lengths < num_frames).any():
        frames[np.arange(num_frames) >= reference_lengths[:, None]] = 0
    squared_norms = beside[..., width] = np.vecdot(frames, frames)
    beside[..., width + 1] = 1
    squares = np.empty((queries.shape[1], num_pairs * num_frames), dtype=np.float32)
    borders = np.flatnonzero(np.diff(query_of_pair, prepend=-1, append=-1))
    for first, end in pairwise(borders):
        query = np.array(queries[query_of_pair[first]], dtype=np.float32)
        query[query_lengths[first] :] = 0
        laid = laid_beside(query)
        of_query = squares[:, first * num_frames : end * num_frames]
        np.matmul(laid, beside[first:end].reshape(-1, width + 2).T, out=of_query)
        if not (np.isfinite(laid[:, -1]).all() and np.isfinite(squared_norms[first:end]).all()):
            raise ValueError("projections are not finite (NaN or inf), or too large to be squared; check the encoder")
    return squares.reshape(len(squares), num_pairs, num_frames)


def _cheapest_paths_at_once(
    squares: FloatArray, query_lengths: IntArray, reference_lengths: IntArray
) -> npt.NDArray[np.float64]:
    """As `_cheapest_paths`: all pairs at once, one diagonal of their cells after the other."""
    num_frames, num_pairs, width = squares.shape
    costs = np.sqrt(np.maximum(squares, np.float32(0)).astype(np.float32)).astype(np.float64)
    totals = np.full(num_pairs, np.inf)
    before = last = np.full((num_frames + 1, num_pairs), np.inf)  # row i + 1 holds cell (i, diagonal - i)
    for diagonal in range(num_frames + width - 1):
        now = np.full((num_frames + 1, num_pairs), np.inf)
        i = np.arange(max(0, diagonal - width + 1), min(num_frames, diagonal + 1))
        best = np.minimum(np.minimum(last[i], last[i + 1]), before[i]) if diagonal else np.zeros((1, num_pairs))
        now[i + 1] = best + costs[i, :, diagonal - i]
        done = np.flatnonzero(query_lengths + reference_lengths - 2 == diagonal)
        totals[done] = now[query_lengths[done], done]
        before, last = last, now
    return totals


@compiled(_cheapest_paths_at_once)
def _cheapest_paths(
    squares: FloatArray, query_lengths: IntArray, reference_lengths: IntArray
) -> npt.NDArray[np.float64]:  # pragma: no cover  # coverage does not see machine code
    """(pairs,) cost of the best path of each pair, summed in float64.

    Cell (i, j) adds its frame distance to the cheapest of (i-1, j), (i, j-1) and (i-1, j-1); `row` holds row i up to
    j, and behind it still row i-1.
    """
    num_pairs = len(query_lengths)
    totals = np.empty(num_pairs)
    row = np.empty(squares.shape[2])
    for pair in range(num_pairs):
        width = reference_lengths[pair]
        for i in range(query_lengths[pair]):
            diagonal = left = np.inf
            for j in range(width):
                cost = np.sqrt(max(squares[i, pair, j], np.float32(0)))  # rounding goes below zero
                above = row[j] if i else np.inf
                best = min(min(above, left), diagonal)
                left = cost if i == 0 and j == 0 else best + cost
                diagonal = above
                row[j] = left
        totals[pair] = row[width - 1]
    return totals


def _path_of(costs: Float64Array) -> tuple[IntArray, IntArray]:  # pragma: no cover  # as machine code
    """As `warping_path`, which is compiled where numba is installed."""
    num_frames, width = costs.shape
    totals = np.empty((num_frames, width))
    for i in range(num_frames):
        for j in range(width):
            best = 0.0 if i == 0 and j == 0 else np.inf
            if i > 0:
                best = min(best, totals[i - 1, j])
            if j > 0:
                best = min(best, totals[i, j - 1])
            if i > 0 and j > 0:
                best = min(best, totals[i - 1, j - 1])
            totals[i, j] = best + costs[i, j]
    rows, columns = np.empty(num_frames + width, dtype=np.int64), np.empty(num_frames + width, dtype=np.int64)
    i, j, place = num_frames - 1, width - 1, num_frames + width
    while True:
        place -= 1
        rows[place], columns[place] = i, j
        if i == 0 and j == 0:
            break
        if i > 0 and j > 0 and totals[i - 1, j - 1] <= min(totals[i - 1, j], totals[i, j - 1]):
            i, j = i - 1, j - 1
        elif j == 0 or (i > 0 and totals[i - 1, j] <= totals[i, j - 1]):
            i -= 1
        else:
            j -= 1
    return rows[place:], columns[place:]


_compiled_path = Compiled(_path_of, _path_of)


def warping_path(costs: Float64Array) -> tuple[IntArray, IntArray]:
    """The pairs of frames that the cheapest path lays beside each other, in order.

    Args:
        costs: (T, T') float64 distances of frames, at least one by one, finite.

    Returns:
        Two arrays of the same length: rows and columns, from (0, 0) to the last of both. Of equal ways the one with
        fewer pairs.
    """
    if costs.ndim != 2 or 0 in costs.shape:
        raise ValueError(f"costs {costs.shape}; expected (T, T') with a frame each")
    return _compiled_path(costs)
