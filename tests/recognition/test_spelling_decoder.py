import numpy as np
import pytest
import torch

from made.spelled import made_words, sums_by_text
from signtalk.models.config import TextDecoderConfig
from signtalk.models.text_decoder import TextDecoder, TorchStepDecoder
from signtalk.recognition.beam_search import DecodingOptions, beam_search
from signtalk.recognition.spelling_decoder import JointStepDecoder

EVERY = np.ones((1, 4), dtype=np.bool_)


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
