import numpy as np
import pytest

from signtalk.data.tokenizer import SentenceTokenizer, TokenizerConfig
from signtalk.recognition.critical_words import critical_words, keeps_critical_words, spelled_texts

TOKENIZER = SentenceTokenizer.fit(["no pain hello thank-you large"])


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("hello thank-you large", "No hello thank-you large"),  # dropped
        ("no pain here", "pain here"),  # added
        ("not never", "not"),
        ("take three tablets", "take two tablets"),  # exchanged
        ("take tablets", "take 2 tablets"),
        ("take 12 tablets", "take 2 tablets"),
        ("once a day", "twice a day"),
        ("I don't know", "I know"),
        ("a \u0663 b", "a b"),  # digits of any script
        ("take twenty-one tablets", "take twenty-two tablets"),
        ("not-yet pain", "pain"),
        ("no\u2011pain", "pain"),
        ("the twelfth day", "the eleventh day"),
        ("\u00bd tablet", "tablet"),
        ("I do n't know", "I do know"),
        ("both arms", "arms"),
        ("it is -5", "it is 5"),
        ("it is \u22125", "it is 5"),
        ("5-10 tablets", "510 tablets"),
    ],
)
def test_a_negation_or_number_that_is_lost_or_added_is_seen(text: str, spelled: str) -> None:
    assert not keeps_critical_words(text, spelled)
    assert not keeps_critical_words(spelled, text)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("where is the pain", "pain where"),
        ("two tablets, not three!", "NOT 3 tablets 2"),
        ("I cannot see", "not see I"),
        ("I don\u2019t know", "I don't know"),
        ("twenty-one", "twenty one"),
        ("half a tablet", "\u00bd tablet"),
        ("an x-ray", "x ray"),
        ("", ""),
        ("a constructor of it", "a"),  # names that every object of JavaScript has are no words of the list
    ],
)
def test_other_words_and_other_order_do_not_matter(text: str, spelled: str) -> None:
    assert keeps_critical_words(text, spelled)


def test_where_frames_do_not_spell_nothing_is_kept() -> None:
    assert not keeps_critical_words("pain", None)


def test_a_meaning_is_counted_as_often_as_it_is_said() -> None:
    assert critical_words("No, no pain in 2 arms") == {"not": 2, "2": 1}


def path(*words: str, tokenizer: SentenceTokenizer = TOKENIZER) -> np.ndarray:
    """(1, T, V) log probabilities that are highest for each word in turn; "" is the blank."""
    ids = [token for word in words for token in (tokenizer.encode(word, add_special=False) if word else [0])]
    log_probs = np.full((1, len(ids), tokenizer.vocabulary_size), -9.0, np.float32)
    log_probs[0, np.arange(len(ids)), ids] = -0.1
    return log_probs


def test_frames_spell_their_likeliest_words_without_blanks_and_repeats() -> None:
    frames = path("", "no", "no", "", "no", "pain", "pain", "large")
    valid = np.ones((1, 8), bool)
    assert spelled_texts(frames, valid, TOKENIZER) == ("no no pain large",)
    valid[0, 7] = False  # padding says nothing
    assert spelled_texts(frames, valid, TOKENIZER) == ("no no pain",)
    frames[0, :, 2] = 0.0  # no text ends inside the frames
    assert spelled_texts(frames, valid, TOKENIZER) == ("",)


def test_parts_of_words_are_joined() -> None:
    parts = SentenceTokenizer.fit(["pain here"], config=TokenizerConfig(kind="bpe", vocabulary=5))
    frames = path("pain", "here", tokenizer=parts)
    assert spelled_texts(frames, np.ones(frames.shape[:2], bool), parts) == ("pain here",)


def test_a_model_that_does_not_spell_gives_none() -> None:
    assert spelled_texts(np.zeros((2, 4, 0), np.float32), np.ones((2, 4), bool), TOKENIZER) == (None, None)
    assert spelled_texts(np.zeros((2, 4, 9), np.float32), np.ones((2, 4), bool), None) == (None, None)
