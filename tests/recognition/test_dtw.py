import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made.warping import dtw_distances
from made.work import lines_run
from signtalk.index.encoded import valid_lengths
from signtalk.recognition.dtw import MAX_DTW_FRAMES, _cheapest_paths, _path_of, dtw_by_row, warping_path


def plain_dtw(first, second):
    """Cost of the cheapest path: three plain loops."""
    best = {}
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            cost = math.dist(a, b)
            earlier = [best[cell] for cell in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if cell in best]
            best[i, j] = (min(earlier) if earlier else 0.0) + cost
    return best[len(first) - 1, len(second) - 1]


def walks(rng, count, num_frames, width=7):
    return rng.standard_normal((count, num_frames, width)).cumsum(axis=1).astype(np.float32)


@pytest.mark.parametrize("frames", [(1, 1), (1, 9), (9, 1), (2, 2), (12, 12), (13, 30), (30, 13)])
def test_equals_three_plain_loops(frames):
    rng = np.random.default_rng(1)
    query, references = walks(rng, 1, frames[0])[0], walks(rng, 6, frames[1])
    result = dtw_distances(query, references)
    expected = [plain_dtw(query.tolist(), reference.tolist()) for reference in references]
    np.testing.assert_allclose(result.distances, expected, rtol=2e-6)
    np.testing.assert_array_equal(result.num_frames, [sum(frames)] * 6)
    np.testing.assert_allclose(result.normalised, np.array(expected) / (sum(frames) / 2), rtol=2e-6)
    assert result.distances.dtype == np.float32
    assert result.num_frames.dtype == np.int64


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_ties_do_not_disturb_whichever_clip_is_the_query(data):
    # Whole numbers on a line: frame distances are whole, so equally cheap paths abound and sums are exact.
    frames = st.lists(st.integers(-2, 2), min_size=1, max_size=9)
    first = np.array(data.draw(frames), dtype=np.float32)[:, None]
    second = np.array(data.draw(frames), dtype=np.float32)[:, None]
    one, other = dtw_distances(first, second[None]), dtw_distances(second, first[None])
    assert one.distances[0] == other.distances[0] == plain_dtw(first.tolist(), second.tolist())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**31))
def test_laws_of_a_warped_distance(num_query, num_reference, seed):
    rng = np.random.default_rng(seed)
    query, reference = walks(rng, 1, num_query)[0], walks(rng, 1, num_reference)[0]
    result = dtw_distances(query, reference[None])
    swapped = dtw_distances(reference, query[None])
    assert result.distances[0] == pytest.approx(swapped.distances[0], rel=1e-5, abs=1e-5)
    assert result.num_frames[0] == num_query + num_reference
    held = np.repeat(reference, 2, axis=0)  # holding every frame twice costs nothing against the clip itself
    size = float(np.abs(reference).max())
    assert dtw_distances(held, reference[None]).normalised[0] == pytest.approx(0, abs=4e-3 * size)
    doubled = dtw_distances(2 * query, 2 * reference[None])
    assert doubled.distances[0] == pytest.approx(2 * result.distances[0], rel=1e-5, abs=1e-5)


def test_padding_has_no_say_whatever_stands_in_it():
    rng = np.random.default_rng(2)
    query, references = walks(rng, 1, 20)[0], walks(rng, 5, 24)
    lengths = np.array([24, 20, 7, 1, 13])
    query_valid, reference_valid = np.arange(20) < 15, np.arange(24) < lengths[:, None]
    padded_query, padded = query.copy(), references.copy()
    padded_query[~query_valid] = np.nan
    padded[~reference_valid] = 1e30
    result = dtw_distances(padded_query, padded, query_valid, reference_valid)
    for k, length in enumerate(lengths):
        alone = dtw_distances(query[:15], references[k : k + 1, :length])
        assert result.distances[k] == alone.distances[0]
        assert result.num_frames[k] == alone.num_frames[0] == 15 + length


def test_an_invalid_frame_between_valid_ones_is_kept():
    rng = np.random.default_rng(3)
    query, references = walks(rng, 1, 6)[0], walks(rng, 2, 6)
    valid = np.array([True, False, True, True, False, False])
    result = dtw_distances(query, references, valid)
    np.testing.assert_array_equal(result.distances, dtw_distances(query[:4], references).distances)


def test_a_clip_without_a_valid_frame_is_infinitely_far():
    rng = np.random.default_rng(4)
    query, references = walks(rng, 1, 5)[0], walks(rng, 2, 5)
    none = np.zeros(5, dtype=np.bool_)
    assert np.isinf(dtw_distances(query, references, none).distances).all()
    result = dtw_distances(query, references, None, np.stack([~none, none]))
    assert np.isfinite(result.distances[0])
    assert np.isinf(result.distances[1])
    assert np.isinf(result.normalised[1])
    assert result.num_frames[1] == 0


def test_no_reference_and_no_frame():
    query = np.ones((4, 3), dtype=np.float32)
    assert dtw_distances(query, np.ones((0, 4, 3), dtype=np.float32)).distances.shape == (0,)
    assert np.isinf(dtw_distances(query, np.ones((2, 0, 3), dtype=np.float32)).distances).all()


def test_a_pair_does_not_depend_on_its_company():
    rng = np.random.default_rng(5)
    query, references = walks(rng, 1, 9)[0], walks(rng, 4, 11)
    references[3] *= 1e4
    together = dtw_distances(query, references)
    alone = dtw_distances(query, references[:1])
    assert together.distances[0] == pytest.approx(alone.distances[0], rel=1e-6)


def test_many_queries_with_references_of_their_own_equal_one_at_a_time():
    rng = np.random.default_rng(6)
    queries, references = walks(rng, 3, 10), walks(rng, 700, 8, 7).astype(np.float16)
    queries_valid = np.arange(10) < np.array([[10], [0], [6]])
    lengths = rng.integers(0, 9, 700)
    rows = np.stack([rng.permutation(700)[:400] for _ in range(3)])
    rows[:, ::50] = -1
    result = dtw_by_row(queries, queries_valid, references, lengths, rows)
    for b in range(3):
        valid = np.arange(8) < lengths[rows[b]][:, None]
        alone = dtw_distances(queries[b], references[rows[b]], queries_valid[b], valid)
        present = rows[b] >= 0
        np.testing.assert_allclose(result.distances[b][present], alone.distances[present], rtol=1e-6)
        np.testing.assert_array_equal(result.num_frames[b][present], alone.num_frames[present])
        assert np.isinf(result.distances[b][~present]).all()
    assert np.isinf(result.distances[1]).all()


def test_inputs_are_not_changed():
    rng = np.random.default_rng(7)
    query, references = walks(rng, 1, 6)[0], walks(rng, 2, 6)
    kept_query, kept_references = query.copy(), references.copy()
    dtw_distances(query, references, np.arange(6) < 3, np.arange(6) < np.array([[2], [6]]))
    np.testing.assert_array_equal(query, kept_query)
    np.testing.assert_array_equal(references, kept_references)


def test_valid_lengths():
    valid = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 1, 1]], dtype=np.bool_)
    np.testing.assert_array_equal(valid_lengths(valid), [2, 2, 0, 3])
    np.testing.assert_array_equal(valid_lengths(np.zeros((2, 0), dtype=np.bool_)), [0, 0])


@pytest.mark.parametrize(
    ("query", "references", "options", "message"),
    [
        ((4, 3), (2, 4, 5), {}, "expected"),
        ((4, 3), (4, 3), {"reference_valid": np.ones((4, 3), np.bool_)}, "expected"),
        ((4, 3), (2, 4, 3), {"query_valid": np.ones(3, np.bool_)}, "valid frames"),
        ((4, 3), (2, 4, 3), {"reference_valid": np.ones((3, 4), np.bool_)}, "reference lengths"),
        ((MAX_DTW_FRAMES + 1, 1), (1, 4, 1), {}, "at most"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(query, references, options, message):
    with pytest.raises(ValueError, match=message):
        dtw_distances(np.zeros(query, np.float32), np.zeros(references, np.float32), **options)


def test_lengths_of_another_number_of_references_are_refused():
    clip = np.zeros((2, 4, 3), np.float32)
    with pytest.raises(ValueError, match="reference lengths"):
        dtw_by_row(clip, np.ones((2, 4), np.bool_), clip, np.array([4]), np.zeros((2, 1), np.int64))


def test_values_that_are_not_finite_are_refused():
    query = np.zeros((4, 3), np.float32)
    query[1, 1] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        dtw_distances(query, np.zeros((1, 4, 3), np.float32))


def test_the_longest_clips_keep_their_sums_exact():
    # Frames at distance 1 all along: the diagonal path is the cheapest.
    query = np.zeros((MAX_DTW_FRAMES, 1), np.float32)
    result = dtw_distances(query, np.ones((1, MAX_DTW_FRAMES, 1), np.float32))
    assert result.distances[0] == MAX_DTW_FRAMES
    assert result.normalised[0] == 1.0


def test_many_references_are_compared_without_a_loop_over_them():
    rng = np.random.default_rng(8)
    query, references = walks(rng, 1, 64, 64)[0], walks(rng, 256, 64, 64)
    dtw_distances(query, references[:2])
    lines = [lines_run(lambda count=count: dtw_distances(query, references[:count])) for count in (2, 256)]
    assert 5 < lines[1] < 1.5 * lines[0] + 50


def test_the_array_form_takes_a_step_a_diagonal_and_not_one_a_cell():
    squares = np.random.default_rng(9).random((64, 256, 64)).astype(np.float32)
    lengths = np.full(256, 64), np.full(256, 64)
    assert lines_run(lambda: _cheapest_paths.arrays(squares, *lengths)) < 64 * 64
    few = (squares[:8, :2, :8], np.full(2, 8), np.full(2, 8))  # the plain form takes one a cell, which the count sees
    assert lines_run(lambda: _cheapest_paths.plain(*few)) > 2 * 8 * 8


@given(st.integers(0, 50), st.integers(1, 9), st.integers(1, 9), st.integers(1, 6))
def test_the_array_form_gives_what_the_loop_gives(seed, num_frames, width, num_pairs):
    rng = np.random.default_rng(seed)
    squares = (rng.random((num_frames, num_pairs, width)) - 0.05).astype(np.float32)
    lengths = rng.integers(1, num_frames + 1, num_pairs), rng.integers(1, width + 1, num_pairs)
    arrays = _cheapest_paths.arrays(squares, *lengths)
    np.testing.assert_array_equal(_cheapest_paths(squares, *lengths), arrays)
    np.testing.assert_allclose(_cheapest_paths.plain(squares, *lengths), arrays, rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31))
def test_the_path_costs_what_the_cheapest_one_costs(num_frames, width, seed):
    first, second = walks(np.random.default_rng(seed), 2, max(num_frames, width))
    first, second = first[:num_frames].astype(np.float64), second[:width].astype(np.float64)
    costs = np.linalg.norm(first[:, None] - second, axis=2)
    rows, columns = warping_path(costs)
    assert (rows[0], columns[0], rows[-1], columns[-1]) == (0, 0, num_frames - 1, width - 1)
    steps = {(int(i), int(j)) for i, j in zip(np.diff(rows), np.diff(columns), strict=True)}
    assert steps <= {(0, 1), (1, 0), (1, 1)}
    assert costs[rows, columns].sum() == pytest.approx(plain_dtw(first.tolist(), second.tolist()))
    for mine, plain in zip((rows, columns), _path_of(costs), strict=True):
        np.testing.assert_array_equal(mine, plain)


def test_a_path_needs_frames():
    with pytest.raises(ValueError, match="with a frame each"):
        warping_path(np.zeros((0, 3)))
