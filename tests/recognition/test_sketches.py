import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made.references import PROJECTION, encoded, small_index
from signtalk.index.encoded import valid_lengths
from signtalk.recognition.dtw import dtw_by_row
from signtalk.recognition.sketches import (
    COARSE_STRETCHES,
    FINE_STRETCHES,
    SKETCH_COLUMNS,
    Sketches,
    stretch_means,
)


def plain_means(frames, num_stretches):
    """Each frame is cut into so many equal slices that every stretch holds whole ones."""
    return np.repeat(frames, num_stretches, axis=0).reshape(num_stretches, len(frames), -1).mean(axis=1)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(0, 5), st.integers(1, 16))
def test_means_of_stretches_are_those_of_equal_slices_whatever_stands_in_padding(num_frames, padding, num_stretches):
    frames = np.random.default_rng(num_frames).standard_normal((1, num_frames + padding, 3)).astype(np.float32)
    frames[:, num_frames:] = np.nan
    means = stretch_means(frames, np.array([num_frames]), num_stretches)
    np.testing.assert_allclose(means[0], plain_means(frames[0, :num_frames], num_stretches), atol=1e-5)


def test_a_clip_without_a_frame_has_means_of_zero():
    frames = np.full((2, 4, 3), 7, dtype=np.float32)
    assert stretch_means(frames, np.array([0, 4]), 8).tolist() == [[[0.0] * 3] * 8, [[7.0] * 3] * 8]


def test_the_numbers_that_differ_most_are_kept_in_their_order():
    spread = np.random.default_rng(0).permutation(40) + 1.0
    frames = np.random.default_rng(1).standard_normal((30, 9, 40)) * spread
    frames[:, 5:] = 1e6  # padding
    sketches = Sketches(frames.astype(np.float32), np.full(30, 5))
    assert len(sketches.columns) == SKETCH_COLUMNS
    kept = frames[:, :5].reshape(-1, 40).var(axis=0)
    assert sketches.columns.tolist() == sorted(np.argsort(-kept)[:SKETCH_COLUMNS].tolist())


def test_distances_are_those_of_warped_sketches():
    index, queries = small_index(), encoded(4, seed=5)
    sketches = Sketches(index.projections, index.projection_lengths)
    assert sketches.columns.tolist() == list(range(PROJECTION))  # a frame has no more
    rows = np.array([[3, 0, -1], [1, 1, 2], [4, 2, 0], [0, -1, -1]])
    lengths = valid_lengths(queries.memory_valid)
    for num_stretches, distances, chosen in (
        (COARSE_STRETCHES, sketches.coarse_distances(queries), np.repeat(np.arange(len(index))[None], 4, axis=0)),
        (FINE_STRETCHES, sketches.fine_distances(queries, rows), rows),
    ):
        expected = dtw_by_row(
            stretch_means(queries.projections, lengths, num_stretches),
            np.ones((4, num_stretches), dtype=np.bool_),
            stretch_means(index.projections, index.projection_lengths, num_stretches),
            np.full(len(index), num_stretches),
            chosen,
        ).distances
        np.testing.assert_allclose(distances, expected, rtol=1e-4)


def test_nothing_is_near_where_one_side_has_no_frame():
    index, queries = small_index(), encoded(2, seed=5)
    queries.memory_valid[1] = False
    lengths = index.projection_lengths.copy()
    lengths[2] = 0
    sketches = Sketches(index.projections, lengths)
    coarse = sketches.coarse_distances(queries)
    assert np.isinf(coarse[1]).all() and np.flatnonzero(np.isinf(coarse[0])).tolist() == [2]
    fine = sketches.fine_distances(queries, np.array([[0, 2], [0, 1]]))
    assert np.isinf(fine).tolist() == [[False, True], [True, True]]


@pytest.mark.parametrize("num_queries", [0, 2])
def test_an_index_without_references_and_no_query(num_queries):
    none = Sketches(np.zeros((0, 4, 3), dtype=np.float16), np.zeros(0, dtype=np.int64))
    assert none.coarse_distances(encoded(num_queries)).shape == (num_queries, 0)
    assert Sketches(encoded(3).projections, np.full(3, 2)).coarse_distances(encoded(0)).shape == (0, 3)
