"""Words that turn a sentence around when they are lost: negations and numbers.

    words that the frames spell + words of a decoded text -> `keeps_critical_words`

A text decoder that has heard many sentences writes a likely one. "No pain" becomes "pain", "two tablets" becomes
"three tablets", and the text still reads well. So a translation must hold the negations and numbers that the frames
themselves spell, and no others.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

import numpy as np

from signtalk.arrays import BoolArray, FloatArray
from signtalk.data.tokenizer import UNK_ID, SentenceTokenizer, split_words
from signtalk.recognition.ctc import BLANK_ID

NEGATION = "not"
"""What every negation means; numbers mean their digits."""
_ENGLISH_NEGATIONS = (
    "no", "not", "none", "never", "nobody", "nothing", "nowhere", "neither", "nor", "without", "cannot", "aint",
    "arent", "cant", "couldnt", "darent", "didnt", "doesnt", "dont", "hadnt", "hasnt", "havent", "isnt", "mightnt",
    "mustnt", "neednt", "nt", "oughtnt", "shant", "shouldnt", "wasnt", "werent", "wont", "wouldnt",
)  # fmt: skip
_ENGLISH_NUMBERS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15",
    "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20", "thirty": "30",
    "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90", "hundred": "100",
    "thousand": "1000", "million": "1000000", "half": "1/2", "\u00bd": "1/2", "quarter": "1/4", "\u00bc": "1/4",
    "single": "1", "both": "2", "pair": "2", "couple": "2", "dozen": "12",
    "once": "1x", "twice": "2x", "thrice": "3x", "double": "2x", "triple": "3x",
    "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "sixth": "6th", "seventh": "7th",
    "eighth": "8th", "ninth": "9th", "tenth": "10th", "eleventh": "11th", "twelfth": "12th", "thirteenth": "13th",
    "fourteenth": "14th", "fifteenth": "15th", "sixteenth": "16th", "seventeenth": "17th", "eighteenth": "18th",
    "nineteenth": "19th", "twentieth": "20th", "thirtieth": "30th", "fortieth": "40th", "fiftieth": "50th",
    "sixtieth": "60th", "seventieth": "70th", "eightieth": "80th", "ninetieth": "90th", "hundredth": "100th",
}  # fmt: skip
CRITICAL_WORDS: dict[str, dict[str, str]] = {
    "en": {**dict.fromkeys(_ENGLISH_NEGATIONS, NEGATION), **_ENGLISH_NUMBERS},
}
"""By language: word as `split_words` cuts it -> what it means. All languages count in every text; another one is one
more entry. A word that holds a digit, or a sign such as a written-out fraction, is a number in any language, and means
itself."""
MEANINGS: dict[str, str] = {word: meaning for words in CRITICAL_WORDS.values() for word, meaning in words.items()}
"""The words of all languages."""
LOOK_LIKE_APOSTROPHES = "\u2019\u02bc"
"""Apostrophes of other keyboards, which `split_words` leaves in."""
WORD_JOINERS = "-_\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
"""Hyphens and their like: "twenty-one" and "not-yet" are two words each; what stands before a number is a sign."""
_JOINED = re.compile(rf"(?<=\w)[{re.escape(WORD_JOINERS)}]")
_NO_APOSTROPHES = str.maketrans(dict.fromkeys(LOOK_LIKE_APOSTROPHES, ""))


def critical_words(text: str) -> Counter[str]:
    """How often a text says each critical thing, in whatever words: "cannot" and "not", "two" and "2" are the same."""
    said: Counter[str] = Counter()
    for word in split_words(_JOINED.sub(" ", text.translate(_NO_APOSTROPHES))):
        if word in MEANINGS:
            said[MEANINGS[word]] += 1
        elif any(unicodedata.category(letter).startswith("N") for letter in word):
            said[word] += 1
    return said


def keeps_critical_words(text: str, spelled: str | None) -> bool:
    """Whether a decoded text says the same negations and numbers as the frames.

    Args:
        text: what the decoder wrote.
        spelled: what the frames spell (`spelled_texts`); None = they do not spell, so that nothing shows it.
    """
    return spelled is not None and critical_words(text) == critical_words(spelled)


def spelled_texts(
    word_log_probs: FloatArray, valid: BoolArray, tokenizer: SentenceTokenizer | None
) -> tuple[str | None, ...]:
    """The words that frames spell by themselves, the likeliest at each frame and repeats once; None without spelling.

    Args:
        word_log_probs: (B, T, V) float32 natural logarithms, id 0 the blank; V = 0 for a model that does not spell.
        valid: (B, T) bool, True = real frame.
        tokenizer: of the words.
    """
    if tokenizer is None or not word_log_probs.shape[2]:
        return (None,) * len(word_log_probs)
    likeliest = word_log_probs.argmax(axis=2)
    return tuple(tokenizer.decode(_collapsed(row[real].tolist())) for row, real in zip(likeliest, valid, strict=True))


def _collapsed(ids: Iterable[int]) -> list[int]:
    """A path through the frames without repeats, blanks and special tokens (Graves et al. 2006, section 3.1)."""
    path = np.array([BLANK_ID, *ids])
    changes = path[1:][path[1:] != path[:-1]]
    return [word for word in changes.tolist() if word > UNK_ID]
