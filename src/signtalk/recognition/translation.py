"""Recognition and translation as one answer: the known sentence, else the decoded text, else "not sure".

    beam search results + the best known sentence -> `Translation`, with a confidence by `TranslationRule`

A text that no reference backs is shown only when it is right often enough among clips like it; the rule is fitted
on validation clips of known and of unknown sentences (`calibration`), and shows nothing while they do not prove it.
Negations and numbers must be those that the frames spell (`critical_words`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from signtalk.data.tokenizer import SentenceTokenizer, split_words
from signtalk.recognition.beam_search import DecodingResult
from signtalk.recognition.logistic import Logistic

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Spread = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Translation:
    """What was decoded from one clip.

    Attributes:
        text: the words.
        score: length-penalised log score of the search.
        words: each word with its probability 0-1, given the words before it.
        end_log_prob: log score of the text ending where it does; 0.0 when `max_tokens` cut it.
    """

    text: str
    score: float
    words: tuple[tuple[str, float], ...]
    end_log_prob: float

    @classmethod
    def from_result(cls, result: DecodingResult, tokenizer: SentenceTokenizer) -> Translation:
        """Words for the tokens of a search result; a word of several parts is as probable as all of them together."""
        log_probs = result.token_log_probs
        words = tuple(
            (word, float(np.exp(min(sum(log_probs[place] for place in places), 0.0))))
            for word, places in tokenizer.decode_words(result.tokens)
        )
        end = log_probs[-1] if result.finished else 0.0
        return cls(" ".join(word for word, _ in words), float(result.score), words, float(end))


class TranslationRule(BaseModel, frozen=True, extra="forbid"):
    """When a text that no reference backs is good enough to be shown.

    Attributes:
        threshold: least confidence that is shown.
        weights: of the standardised figures (mean log probability of a word, that of the least sure word,
            agreement with the best known sentence, confidence in that sentence); none is negative.
        bias: of the logistic function.
        typical: mean of each figure over right texts.
        spread: standard deviation, above 0.
        fitted: False for numbers that no clip has proven; no text is shown then.
        precision_asked: what the threshold was fitted for.
        precision_reached: whether the clips of the fit showed it; where not, no text is shown but for research.
        precision_found: part of the shown texts of the fit that were right; None where older files do not tell.
        precision_lower_bound: lower end of its 95% interval; None likewise.
        num_accepted: how many texts were shown; None likewise.
    """

    threshold: float = Field(default=1.0, ge=0, le=1)
    weights: tuple[_Weight, _Weight, _Weight, _Weight] = (1.0, 1.0, 0.0, 0.0)
    bias: _Finite = 0.0
    typical: tuple[_Finite, _Finite, _Finite, _Finite] = (-0.2, -0.5, 0.7, 0.5)
    spread: tuple[_Spread, _Spread, _Spread, _Spread] = (0.5, 1.0, 0.3, 0.4)
    fitted: bool = False
    precision_asked: float | None = Field(default=None, ge=0, le=1)
    precision_reached: bool = False
    precision_found: float | None = Field(default=None, ge=0, le=1)
    precision_lower_bound: float | None = Field(default=None, ge=0, le=1)
    num_accepted: int | None = Field(default=None, ge=0)

    @property
    def logistic(self) -> Logistic:
        """The function from figures to confidence."""
        return Logistic(self.weights, self.bias, self.typical, self.spread)

    def shows(self, confidence: float, proven_only: bool = True) -> bool:
        """Whether a text of this confidence is shown; `proven_only`: by a rule that validation has proven."""
        counts = self.fitted and (self.precision_reached or not proven_only)
        return counts and bool(confidence >= self.threshold)


def translation_figures(
    translations: Sequence[Translation | None], sentences: Sequence[str | None], confidences: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """(B, 4) what tells whether a text is right; NaN where unknown, a row of NaN without a text.

    Args:
        translations: B texts.
        sentences: the best known sentence of each clip; None without one.
        confidences: (B,) how probably that sentence is right.
    """
    rows = np.full((len(translations), 4), np.nan)
    for row, (translation, sentence) in enumerate(zip(translations, sentences, strict=True)):
        if translation is None or not translation.words:
            continue
        log_probs = [*(np.log(max(p, 1e-9)) for _, p in translation.words), translation.end_log_prob]
        rows[row, :2] = np.mean(log_probs), np.min(log_probs)
        if sentence is not None:
            rows[row, 2:] = agreement(translation.text, sentence), confidences[row]
    return rows


def agreement(text: str, sentence: str) -> float:
    """0-1, how much two texts share word for word, in order."""
    return SequenceMatcher(None, split_words(text), split_words(sentence), autojunk=False).ratio()


def is_right(text: str, references: Sequence[str]) -> bool:
    """Whether a text is one of the references, word for word."""
    return split_words(text) in [split_words(reference) for reference in references]
