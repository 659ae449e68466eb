"""The promise of conformal sets, by counting; and their edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signtalk.calibration.sets import fit_candidate_sets, gaps_to_right, least_clips


def made(rng: np.random.Generator, num_clips: int) -> tuple[np.ndarray, np.ndarray]:
    """Descending scores of 8 sentences, and the rank of the right one, which the scores tell only in part."""
    scores = rng.normal(size=(num_clips, 8)).astype(np.float32)
    scores[:, 0] += 1.5
    order = np.argsort(-scores, axis=1)
    return np.take_along_axis(scores, order, axis=1), (order == 0).argmax(axis=1) + 1


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_sets_hold_the_right_sentence_as_often_as_promised(coverage: float) -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        scores, ranks = made(rng, 60)
        sets = fit_candidate_sets(gaps_to_right(scores, ranks), coverage)
        asked, own = made(rng, 60)
        covered.append((own <= sets.sizes(asked)).mean())
    assert coverage - 0.01 <= np.mean(covered) <= coverage + 1 / 61 + 0.01  # the law's upper bound: 1 / (N + 1)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60), st.sampled_from([0.5, 0.8, 0.9, 0.98]))
def test_the_promised_part_of_the_fit_lies_within_the_gap(gaps: list[float], coverage: float) -> None:
    sets = fit_candidate_sets(np.array(gaps), coverage)
    assert (sets.gap is None) == (len(gaps) < least_clips(coverage))
    if sets.gap is not None:
        assert np.mean(np.array(gaps) <= sets.gap) >= coverage


def test_the_clip_that_sets_the_gap_is_within_it() -> None:
    scores, ranks = made(np.random.default_rng(1), 40)
    gaps = gaps_to_right(scores, ranks)
    sets = fit_candidate_sets(gaps, 0.9)
    assert (ranks <= sets.sizes(scores)).mean() >= 0.9
    assert sets.num_clips == 40


def test_what_is_not_indexed_is_infinitely_far() -> None:
    scores = np.array([[0.9, 0.5], [0.9, 0.5]], dtype=np.float32)
    np.testing.assert_allclose(gaps_to_right(scores, np.array([2, 0])), [0.4, np.inf], rtol=1e-6)
    assert gaps_to_right(np.zeros((2, 0), np.float32), np.array([0, 0])).tolist() == [np.inf, np.inf]
    assert fit_candidate_sets(np.full(50, np.inf), 0.9).gap is None
    assert fit_candidate_sets(np.zeros(0), 0.9).gap is None


@pytest.mark.parametrize(("coverage", "clips"), [(0.9, 9), (0.95, 19), (0.8, 4), (0.98, 49)])
def test_least_clips(coverage: float, clips: int) -> None:
    assert least_clips(coverage) == clips
    assert fit_candidate_sets(np.zeros(clips), coverage).gap is not None
    assert fit_candidate_sets(np.zeros(clips - 1), coverage).gap is None
