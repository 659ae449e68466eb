import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from made.spelled import made_words, sums_by_text
from signtalk.data.tokenizer import UNK_ID
from signtalk.recognition.ctc import (
    SpelledSentences,
    _forward_sums,
    _largest_sums,
    best_path_log_probs,
    label_lattice,
    most_shown,
    sentence_log_likelihoods,
    text_score,
    words_shown,
)

EVERY = np.ones((1, 4), dtype=np.bool_)


def test_likelihoods_equal_the_sum_over_all_paths():
    words = made_words(1, 4, 6)
    truth = sums_by_text(words[0])
    sentences = [[4], [5, 4], [4, 4], [4, 5, 4, 5], [4, 4, 4]]
    found = sentence_log_likelihoods(words, EVERY, SpelledSentences.of(sentences), np.arange(5)[None])
    for place, sentence in enumerate(sentences):
        expected = np.log(truth[tuple(sentence)]) if tuple(sentence) in truth else -np.inf  # [4, 4, 4] needs 5 frames
        assert found[0, place] == pytest.approx(expected, rel=1e-5)


@settings(max_examples=25)
@given(st.integers(0, 2**31))
def test_likelihoods_equal_pytorch_and_do_not_read_padding(seed):
    rng = np.random.default_rng(seed)
    words = made_words(3, 9, 8, seed)
    lengths = rng.integers(1, 10, 3)
    valid = np.arange(9)[None] < lengths[:, None]
    sentences = [rng.integers(4, 8, rng.integers(1, 5)).tolist() for _ in range(4)]
    classes = rng.integers(0, 4, (3, 2))
    spelled = SpelledSentences.of(sentences)
    found = sentence_log_likelihoods(words, valid, spelled, classes)
    words[~valid] = np.nan
    np.testing.assert_array_equal(sentence_log_likelihoods(words, valid, spelled, classes), found)
    for clip, place in np.ndindex(3, 2):
        target = torch.tensor([sentences[classes[clip, place]]])
        loss = torch.nn.functional.ctc_loss(
            torch.from_numpy(words[clip, : lengths[clip]])[:, None], target, [lengths[clip]], [target.shape[1]],
            reduction="sum",
        )  # fmt: skip
        assert found[clip, place] == pytest.approx(-float(loss), rel=1e-4)


def test_what_cannot_be_told_is_nan_and_what_is_not_asked_is_minus_infinity():
    words = made_words(1, 4, 6)
    sentences = SpelledSentences.of([[4], [3, 4], [], [17]])
    found = sentence_log_likelihoods(words, EVERY, sentences, np.array([[0, 1, 2, 3, -1]]))
    assert np.isfinite(found[0, 0])
    assert np.isnan(found[0, [1, 3]]).all()
    assert np.isneginf(found[0, [2, 4]]).all()
    none = SpelledSentences.of([])
    assert sentence_log_likelihoods(words, EVERY, none, np.zeros((1, 0), np.int64)).shape == (1, 0)
    assert np.isneginf(sentence_log_likelihoods(words, EVERY, none, np.full((1, 2), -1))).all()


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.integers(0, 7), st.integers(1, 6))
def test_the_loop_and_the_array_form_sum_the_same_ways(seed, num_frames, num_pairs):
    rng = np.random.default_rng(seed)
    words = made_words(2, num_frames, 7, seed)
    valid = np.arange(num_frames) < rng.integers(1, max(num_frames, 1) + 1, (2, 1))
    sentences = SpelledSentences.of([rng.integers(4, 7, rng.integers(0, 5)).tolist() for _ in range(num_pairs)])
    given_ = words, valid, rng.integers(0, 2, num_pairs), *label_lattice(sentences.words), sentences.lengths
    expected = _forward_sums.arrays(*given_)
    for form in (_forward_sums.plain, _forward_sums):
        np.testing.assert_allclose(form(*given_), expected, rtol=1e-9)


def test_no_sentence_is_above_the_best_path_by_more_than_its_spellings():
    words = made_words(2, 5, 7, seed=3)
    valid = np.array([[True] * 5, [True] * 3 + [False] * 2])
    best = best_path_log_probs(words, valid)
    assert best[0] == pytest.approx(sum(words[0].max(axis=1)), rel=1e-5)
    assert best[1] == pytest.approx(sum(words[1, :3].max(axis=1)), rel=1e-5)


def test_words_shown_is_the_sum_of_each_words_best_frame_whatever_the_order() -> None:
    rng = np.random.default_rng(3)
    log_probs = np.log(rng.dirichlet(np.ones(7), (2, 5))).astype(np.float32)
    valid = np.array([[True] * 5, [True] * 3 + [False] * 2])
    sentences = [[4, 5], [5, 4], [6, 6, 4], [], [3]]
    shown = words_shown(log_probs, valid, SpelledSentences.of(sentences))
    for clip in range(2):
        best = log_probs[clip, valid[clip]].max(axis=0)
        typical = best[UNK_ID + 1 :].mean()
        expected = [sum(typical if word == UNK_ID else best[word] for word in words) for words in sentences]
        spoken = [number for number, words in enumerate(sentences) if words]
        np.testing.assert_allclose(shown[clip, spoken], np.array(expected)[spoken], rtol=1e-5)
        assert shown[clip, 3] < shown[clip, spoken].min()  # no word is no evidence
    np.testing.assert_allclose(shown[:, 0], shown[:, 1])


def test_words_shown_of_a_clip_without_a_frame_prefers_nothing() -> None:
    log_probs = np.zeros((1, 2, 6), dtype=np.float32)
    shown = words_shown(log_probs, np.zeros((1, 2), dtype=np.bool_), SpelledSentences.of([[4], [5]]))
    assert shown[0, 0] == shown[0, 1]
    none = SpelledSentences.of([])
    assert words_shown(log_probs, np.ones((1, 2), dtype=np.bool_), none).shape == (1, 0)
    assert most_shown(log_probs, np.ones((1, 2), dtype=np.bool_), none, 3).shape == (1, 0)


def test_most_shown_are_the_first_by_words_shown() -> None:
    rng = np.random.default_rng(8)
    log_probs = np.log(rng.dirichlet(np.full(40, 0.2), (3, 9))).astype(np.float32)
    valid = np.arange(9) < np.array([[9], [4], [1]])
    # Sentences of none to six words, words that were never learned and equal sentences among them.
    drawn = [rng.integers(3, 44, rng.integers(0, 7)).tolist() for _ in range(300)]
    sentences = SpelledSentences.of(drawn + drawn[:50])
    found = most_shown(log_probs, valid, sentences, 20)
    shown = words_shown(log_probs, valid, sentences)
    np.testing.assert_allclose(np.take_along_axis(shown, found, axis=1), -np.sort(-shown, axis=1)[:, :20], rtol=1e-5)
    assert all(len(set(row)) == 20 for row in found.tolist())
    assert most_shown(log_probs, valid, sentences, 999).shape == (3, 350)
    twins = SpelledSentences.of([[5], [6], [5], [5], [6]])
    assert sorted(most_shown(log_probs, valid, twins, 5)[0].tolist()) == [0, 1, 2, 3, 4]
    assert most_shown(log_probs, valid, SpelledSentences.of([[5]] * 4), 2).tolist() == [[0, 1]] * 3


def test_laid_out_sentences_are_chosen_by_place() -> None:
    sentences = SpelledSentences.of([[4, 5, 6], [], [7]])
    assert sentences.words.tolist() == [[4, 5, 6], [0, 0, 0], [7, 0, 0]]
    chosen = sentences.select(np.array([2, 0]))
    assert (chosen.words.tolist(), chosen.lengths.tolist(), len(chosen)) == ([[7, 0, 0], [4, 5, 6]], [1, 3], 2)


def test_an_unspellable_sentence_is_neither_helped_nor_hurt():
    likelihoods = np.array([[-1.0, np.nan, -3.0, -2.0], [np.nan] * 4], dtype=np.float32)
    found = text_score(likelihoods, 2.0)
    np.testing.assert_allclose(found[0], np.exp([-0.5, -1.0, -1.5, -1.0]), rtol=1e-6)
    assert not found[1].any()


@given(st.integers(0, 200), st.integers(1, 12))
def test_the_array_form_finds_what_the_loop_finds(seed, num_sentences):
    rng = np.random.default_rng(seed)
    sentences = SpelledSentences.of([rng.integers(3, 12, rng.integers(0, 5)).tolist() for _ in range(num_sentences)])
    heights = -np.round(10 * rng.random(9)).astype(np.float32)  # whole numbers: sums are exact in any order
    kept = int(rng.integers(1, num_sentences + 1))
    totals, every = _largest_sums.arrays(heights, sentences.words, sentences.lengths, num_sentences)
    totals = totals[np.argsort(every)]
    given_ = heights, sentences.words, sentences.lengths, kept
    for form in (_largest_sums.plain, _largest_sums.arrays, _largest_sums):
        sums, places = form(*given_)
        found = sorted(zip((-sums).tolist(), places.tolist(), strict=True))  # equal sums: the first rows
        assert found == sorted(zip((-totals).tolist(), range(num_sentences), strict=True))[:kept]
