import numpy as np
import pytest

from signtalk.data.tokenizer import SentenceTokenizer, TokenizerConfig
from signtalk.recognition.beam_search import DecodingResult
from signtalk.recognition.translation import Translation, TranslationRule, agreement, is_right, translation_figures

TOKENIZER = SentenceTokenizer.fit(["where is the pain"])


def decoded(text: str, *probabilities: float, finished: bool = True) -> Translation:
    tokens = tuple(TOKENIZER.encode(text, add_special=False))
    log_probs = tuple(np.log(probabilities))
    return Translation.from_result(DecodingResult(tokens, -1.0, log_probs, finished), TOKENIZER)


def test_every_word_has_its_probability() -> None:
    found = decoded("the pain", 0.9, 0.5, 0.25)
    assert found.text == "the pain"
    assert [word for word, _ in found.words] == ["the", "pain"]
    np.testing.assert_allclose([p for _, p in found.words], [0.9, 0.5])
    assert found.end_log_prob == pytest.approx(np.log(0.25))
    assert decoded("the pain", 0.9, 0.5, finished=False).end_log_prob == 0.0


def test_a_word_of_several_parts_is_as_probable_as_all_of_them() -> None:
    parts = SentenceTokenizer.fit(["pain here"], config=TokenizerConfig(kind="bpe", vocabulary=5))
    tokens = tuple(parts.encode("pain a", add_special=False))
    assert len(tokens) == 7  # a mark and the letters of each word
    log_probs = tuple(np.log([0.9, 0.8, 1.0, 1.0, 0.5, 0.9, 0.7, 0.25]))
    found = Translation.from_result(DecodingResult(tokens, -1.0, log_probs, True), parts)
    assert found.text == "pain a"
    np.testing.assert_allclose([p for _, p in found.words], [0.9 * 0.8 * 0.5, 0.9 * 0.7])
    assert found.end_log_prob == pytest.approx(np.log(0.25))


def test_figures_are_mean_least_agreement_and_confidence() -> None:
    texts = [decoded("the pain", 0.9, 0.5, 0.25), None, decoded("where", 1.0, 1.0)]
    found = translation_figures(texts, ["The pain!", "x", None], np.array([0.7, 0.1, 0.2]))
    np.testing.assert_allclose(found[0], [np.mean(np.log([0.9, 0.5, 0.25])), np.log(0.25), 1.0, 0.7])
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[2, :2], 0.0, atol=1e-6)
    assert np.isnan(found[2, 2:]).all()


def test_agreement_counts_shared_words_in_order() -> None:
    assert agreement("where is the pain", "Where is the pain?") == 1.0
    assert agreement("where is the pain", "the pain") == pytest.approx(2 * 2 / 6)
    assert agreement("a b", "c d") == 0.0


def test_right_is_word_for_word_one_of_the_references() -> None:
    assert is_right("where is the pain", ("It hurts.", "Where is the pain?"))
    assert not is_right("where is pain", ("Where is the pain?",))


def test_by_default_nothing_is_shown() -> None:
    assert not TranslationRule().shows(1.0)


def test_what_validation_did_not_prove_shows_nothing() -> None:
    proven = TranslationRule(fitted=True, precision_reached=True, threshold=0.8)
    assert (proven.shows(0.8), proven.shows(0.79)) == (True, False)
    assert not proven.model_copy(update={"precision_reached": False}).shows(1.0)
    assert not proven.model_copy(update={"fitted": False}).shows(1.0)
