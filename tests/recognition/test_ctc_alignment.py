"""Where the words of a known sentence lie: against the sum over every path."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made.references import log_softmax
from signtalk.data.tokenizer import UNK_ID
from signtalk.recognition.ctc import SpelledSentences, sentence_log_likelihoods
from signtalk.recognition.ctc_alignment import align_words, is_spelled


def made_words(num_clips, num_frames, vocabulary, seed=0):
    logits = np.random.default_rng(seed).standard_normal((num_clips, num_frames, vocabulary)) * 2
    logits[..., 1:4] = -1e3
    return log_softmax(logits)


def occupation_by_paths(log_probs, sentence):
    """(T, V): the share of the probability of all paths that spell the sentence and pass through a word at a frame."""
    shares, total = np.zeros(log_probs.shape), 0.0
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        if tuple(word for word, _ in itertools.groupby(path) if word) == tuple(sentence):
            probability = np.exp(sum(float(log_probs[t, word]) for t, word in enumerate(path)))
            total += probability
            for t, word in enumerate(path):
                shares[t, word] += probability
    return shares / total


@pytest.mark.parametrize("sentence", [[4], [5, 4], [4, 4], [4, 5, 4]])
def test_occupation_equals_the_share_of_all_paths(sentence):
    words = made_words(1, 4, 6)
    alignment = align_words(words, np.ones((1, 4), dtype=np.bool_), SpelledSentences.of([sentence]))
    np.testing.assert_allclose(alignment.occupation[0], occupation_by_paths(words[0], sentence), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.lists(st.integers(4, 8), min_size=1, max_size=4), min_size=1, max_size=4))
def test_each_frame_sums_to_one_and_the_likelihoods_are_those_of_the_search(seed, sentences):
    rng = np.random.default_rng(seed)
    words = made_words(len(sentences), 12, 9, seed)
    lengths = rng.integers(9, 13, len(sentences))
    valid = np.arange(12) < lengths[:, None]
    spelled = SpelledSentences.of(sentences)
    alignment = align_words(words, valid, spelled)
    np.testing.assert_allclose(alignment.occupation.sum(axis=2), valid, atol=1e-9)
    expected = sentence_log_likelihoods(words, valid, spelled, np.arange(len(sentences))[:, None])[:, 0]
    np.testing.assert_allclose(alignment.log_likelihoods, expected, rtol=1e-6)


def test_it_is_the_slope_of_the_likelihood():
    words, spelled = made_words(1, 5, 6, 3).astype(np.float64), SpelledSentences.of([[4, 5]])
    valid = np.ones((1, 5), dtype=np.bool_)
    before = align_words(words, valid, spelled)
    for t, word in ((0, 0), (2, 4), (3, 5)):
        changed = words.copy()
        changed[0, t, word] += 1e-5
        after = align_words(changed, valid, spelled)
        slope = (after.log_likelihoods - before.log_likelihoods) / 1e-5
        assert slope[0] == pytest.approx(before.occupation[0, t, word], abs=1e-4)


def test_padding_changes_nothing_and_what_cannot_be_placed_has_no_place():
    words = made_words(1, 3, 6)
    longer = np.concatenate([words, np.full((1, 4, 6), np.nan, dtype=np.float32)], axis=1)
    valid = np.arange(7) < np.array([[3]])
    spelled = SpelledSentences.of([[4, 5]])
    alone = align_words(words, valid[:, :3], spelled)
    padded = align_words(longer, valid, spelled)
    np.testing.assert_allclose(padded.occupation[:, :3], alone.occupation)
    assert not padded.occupation[:, 3:].any()
    impossible = align_words(words, valid[:, :3], SpelledSentences.of([[4, 4, 4]]))
    assert impossible.log_likelihoods[0] == -np.inf
    assert not impossible.occupation.any()


def test_one_sentence_a_clip():
    with pytest.raises(ValueError, match="2 sentences for 1 clips"):
        align_words(made_words(1, 3, 6), np.ones((1, 3), dtype=np.bool_), SpelledSentences.of([[4], [5]]))


def test_unknown_words_and_no_words_cannot_be_spelled():
    sentences = SpelledSentences.of([[4, 5], [4, UNK_ID], [], [9]])
    assert is_spelled(sentences, 9, UNK_ID).tolist() == [True, False, False, False]
