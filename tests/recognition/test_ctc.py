import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from made.references import log_softmax
from signtalk.data.tokenizer import UNK_ID
from signtalk.models.config import TextDecoderConfig
from signtalk.models.text_decoder import TextDecoder, TorchStepDecoder
from signtalk.recognition.beam_search import DecodingOptions, beam_search
from signtalk.recognition.ctc import (
    JointStepDecoder,
    SpelledSentences,
    _largest_sums,
    best_path_log_probs,
    most_shown,
    sentence_log_likelihoods,
    text_score,
    words_shown,
)

EVERY = np.ones((1, 4), dtype=np.bool_)


def made_words(num_clips, num_frames, vocabulary, seed=0):
    """Words and blanks alone are seen, as a trained head has it: no sos, eos or unknown word."""
    logits = np.random.default_rng(seed).standard_normal((num_clips, num_frames, vocabulary)) * 2
    logits[..., 1:4] = -1e3
    return log_softmax(logits)


def spelled_by(path):
    """What a path of one id a frame spells: repeats joined, blanks removed."""
    return tuple(k for k, _ in itertools.groupby(path) if k)


def sums_by_text(log_probs):
    """text -> probability, over every path of (T, V)."""
    totals = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        probability = np.exp(sum(float(log_probs[t, k]) for t, k in enumerate(path)))
        totals[spelled_by(path)] = totals.get(spelled_by(path), 0.0) + probability
    return totals


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


def test_no_sentence_is_above_the_best_path_by_more_than_its_spellings():
    words = made_words(2, 5, 7, seed=3)
    valid = np.array([[True] * 5, [True] * 3 + [False] * 2])
    best = best_path_log_probs(words, valid)
    assert best[0] == pytest.approx(sum(words[0].max(axis=1)), rel=1e-5)
    assert best[1] == pytest.approx(sum(words[1, :3].max(axis=1)), rel=1e-5)


def small_decoder(vocabulary=8):
    torch.manual_seed(0)
    config = TextDecoderConfig(vocabulary_size=vocabulary, width=16, num_heads=2, feed_forward=16, memory_width=3)
    return TorchStepDecoder(TextDecoder(config).eval())


def test_a_step_scores_every_word_by_how_much_less_the_frames_begin_so():
    words = made_words(1, 4, 6, seed=5)
    truth = sums_by_text(words[0])

    def begins(*text):
        return sum(p for spelled, p in truth.items() if spelled[: len(text)] == text)

    decoder = JointStepDecoder(small_decoder(6), words, weight=1.0)
    state = decoder.start(np.zeros((1, 4, 3), dtype=np.float32), EVERY)
    first, state = decoder.step(np.array([decoder.sos_id]), state)
    for word in (4, 5):
        assert first[0, word] == pytest.approx(np.log(begins(word)), rel=1e-4)
    assert first[0, decoder.eos_id] == pytest.approx(np.log(truth[()]), rel=1e-4)
    second, state = decoder.step(np.array([4]), state)
    assert second[0, 4] == pytest.approx(np.log(begins(4, 4) / begins(4)), rel=1e-4)
    assert second[0, 5] == pytest.approx(np.log(begins(4, 5) / begins(4)), rel=1e-4)
    assert second[0, decoder.eos_id] == pytest.approx(np.log(truth[4,] / begins(4)), rel=1e-4)
    third, _ = decoder.step(np.array([4]), state)
    assert third[0, 5] == pytest.approx(np.log(begins(4, 4, 5) / begins(4, 4)), rel=1e-3)
    assert np.isneginf(first[0, [0, 1]]).all()


def test_words_that_the_frames_hardly_show_are_told_apart_all_the_same():
    words = made_words(1, 4, 6)
    words[0, :, 4], words[0, :, 5] = -900.0, -1200.0  # probabilities that no number holds
    decoder = JointStepDecoder(small_decoder(6), words, weight=1.0)
    start = decoder.start(np.zeros((1, 4, 3), dtype=np.float32), EVERY)
    first, state = decoder.step(np.array([decoder.sos_id]), start)
    # one of four frames shows the word, blanks stand before it
    blanks = np.concatenate([[0.0], np.cumsum(words[0, :-1, 0])])
    for word in (4, 5):
        assert first[0, word] == pytest.approx(np.logaddexp.reduce(words[0, :, word] + blanks), rel=1e-6)
    second, _ = decoder.step(np.array([4]), state)
    assert -950 < second[0, 4] < -850 and -1250 < second[0, 5] < -1150


def test_with_weight_one_the_search_finds_the_most_probable_text():
    words = made_words(1, 4, 6, seed=7)
    best = max(sums_by_text(words[0]).items(), key=lambda item: item[1])
    decoder = JointStepDecoder(small_decoder(6), words, weight=1.0)
    options = DecodingOptions(num_beams=30, length_penalty=0.0, max_tokens=8)
    found = beam_search(decoder, np.zeros((1, 4, 3), dtype=np.float32), EVERY, options)[0][0]
    assert found.tokens == best[0]
    assert found.score == pytest.approx(np.log(best[1]), rel=1e-4)


def test_with_weight_zero_the_decoder_alone_decides():
    plain, words = small_decoder(), made_words(3, 5, 8)
    valid = np.array([[True] * 5, [True] * 3 + [False] * 2, [True] * 5])
    memory = np.random.default_rng(0).standard_normal((3, 5, 3)).astype(np.float32)
    options = DecodingOptions(num_beams=3, max_tokens=6)
    joint = beam_search(JointStepDecoder(plain, words, 0.0), memory, valid, options)
    # The decoder alone may say <pad> and <unk>; with the frames it may not.
    alone = beam_search(_WithoutSpecials(plain), memory, valid, options)
    assert [[r.tokens for r in clip] for clip in joint] == [[r.tokens for r in clip] for clip in alone]


class _WithoutSpecials:
    def __init__(self, inner):
        self.inner, self.sos_id, self.eos_id = inner, inner.sos_id, inner.eos_id
        self.vocabulary_size = inner.vocabulary_size

    def start(self, memory, memory_valid):
        return self.inner.start(memory, memory_valid)

    def step(self, tokens, state):
        log_probs, state = self.inner.step(tokens, state)
        log_probs[:, [0, 3]] = -np.inf
        return log_probs, state


@pytest.mark.parametrize("weight", [0.5, 1.0])
def test_a_clip_is_translated_alone_as_in_a_batch(weight):
    words = made_words(4, 6, 200, seed=9)  # more words than are tried at each step
    valid = np.arange(6)[None] < np.array([6, 3, 1, 5])[:, None]
    memory = np.random.default_rng(1).standard_normal((4, 6, 3)).astype(np.float32)
    decoder, options = small_decoder(200), DecodingOptions(num_beams=4, max_tokens=7)
    together = beam_search(JointStepDecoder(decoder, words, weight), memory, valid, options)
    for clip in range(4):
        part = slice(clip, clip + 1)
        alone = beam_search(JointStepDecoder(decoder, words[part], weight), memory[part], valid[part], options)[0]
        assert alone[0].tokens == together[clip][0].tokens
        assert alone[0].score == pytest.approx(together[clip][0].score, rel=1e-4)


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="0 to 1"):
        JointStepDecoder(small_decoder(), made_words(1, 4, 8), 1.5)
    with pytest.raises(ValueError, match="6 words for a decoder of 8"):
        JointStepDecoder(small_decoder(), made_words(1, 4, 6), 0.5)
    with pytest.raises(ValueError, match="frames"):
        JointStepDecoder(small_decoder(), made_words(1, 5, 8), 0.5).start(np.zeros((1, 4, 3), np.float32), EVERY)


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
