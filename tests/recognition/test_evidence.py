"""The figures about a first candidate, against their words; and what they are where nothing can be told."""

import numpy as np
import pytest

from made.references import encoded, entry, small_index
from signtalk.index.index import SentenceIndex
from signtalk.recognition.ctc import SpelledSentences
from signtalk.recognition.evidence import COMPARED_FIGURES, FIGURES, Evidence, _dtw_margin, _standing, words_of_first
from signtalk.recognition.scoring import ScoringConfig, score_sentences


def test_every_figure_has_its_column() -> None:
    scores = score_sentences(encoded(4, seed=2), small_index(), ScoringConfig())
    evidence = Evidence.from_ranking(scores)
    assert evidence.matrix().shape == (4, len(FIGURES))
    for place, name in enumerate(FIGURES):
        np.testing.assert_array_equal(evidence.matrix()[:, place], getattr(evidence, name).astype(np.float64))
    assert set(COMPARED_FIGURES) < set(FIGURES)


def test_standing_counts_in_spreads_of_the_neighbours() -> None:
    scores = np.array([[0.9, 0.5, 0.4, 0.3]], dtype=np.float32)
    expected = (0.9 - 0.4) / np.std([0.5, 0.4, 0.3])
    assert _standing(scores)[0] == pytest.approx(expected, rel=1e-4)
    louder = 0.1 + 0.5 * scores  # a signer of whom everything is nearer or farther changes nothing
    assert _standing(louder)[0] == pytest.approx(expected, rel=1e-4)
    far = np.concatenate([scores, np.zeros((1, 40), np.float32)], axis=1)
    assert _standing(far[:, :30])[0] == _standing(far)[0]  # thirty places are the neighbourhood


def test_standing_is_unknown_without_neighbours_or_spread() -> None:
    few = np.array([[0.9, 0.5, 0.4, -np.inf], [0.9, 0.3, 0.3, 0.3], [-np.inf] * 4], dtype=np.float32)
    assert np.isnan(_standing(few)).all()
    assert np.isnan(_standing(few[:, :1])).all()


def test_dtw_margin_is_a_share_of_the_nearest_other_distance() -> None:
    nan = np.nan
    distances = np.array([[0.1, 0.4, 0.2], [0.4, 0.2, nan], [nan, 0.2, 0.3], [0.1, nan, nan], [0.9, 0.1, nan]])
    np.testing.assert_allclose(_dtw_margin(distances.astype(np.float32)), [0.5, -1, nan, nan, -1], rtol=1e-5)
    assert np.isnan(_dtw_margin(distances[:, :1].astype(np.float32))).all()


def test_words_count_each() -> None:
    index = SentenceIndex.build(encoded(2, words=6), [entry("a", "one"), entry("b", "one two three")], "m")
    queries = encoded(3, seed=1, words=6)
    scores = score_sentences(queries, index, ScoringConfig(), spellings=SpelledSentences.of([[4], [4, 5, 4]]))
    words = np.array([len(index.entries[row].sentence.split()) for row in scores.rows[:, 0]])
    found = Evidence.from_ranking(scores).text_per_word
    expected = np.maximum(scores.text_log_likelihoods[:, 0] / words, -20)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_nothing_indexed_has_no_evidence() -> None:
    ranking = score_sentences(encoded(2), SentenceIndex.build([], [], "m"), ScoringConfig())
    evidence = Evidence.from_ranking(ranking)
    assert words_of_first(ranking).tolist() == [1, 1]
    assert not evidence.answered.any()
    assert np.isnan(evidence.matrix()).all()
    assert Evidence.joined([]).matrix().shape == (0, len(FIGURES))
