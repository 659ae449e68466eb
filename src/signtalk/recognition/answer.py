"""The answer to a clip, as a program reads it and as a person does.

Recognizer -> Answer: a sentence, a translation, sentences to choose from, or "not sure" with the reason
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from signtalk.recognition.promise import NOT_PROVEN, Promise
from signtalk.recognition.ranking import Candidate, Ranking


@dataclass(frozen=True)
class Answer:
    """The answer to one clip.

    Attributes:
        accepted: whether the first candidate is the answer; otherwise SignTalk is not sure.
        reason: why not; empty when accepted.
        confidence: 0-1, how probably the first candidate is right.
        motion_mean: hand speed of the clip, shoulder widths a second; 0.0 where hardly a hand was seen.
        attention_mean: mean attention weight of a frame.
        candidates: the best sentences, best first; empty when nothing is indexed.
        num_possible: how many of the best sentences hold the right one as often as `sets.coverage` promises, if it is
            indexed at all; 0 when no set was fitted.
        choices: two or three of the candidates, to choose from where the first is not sure enough; else empty.
        translation: text of the decoder, whether or not the sentence is known; None when not asked for.
        translation_score: its length-penalised log probability.
        translation_words: each of its words with a probability 0-1, given the words before.
        translation_confidence: 0-1, how probably the text is right word for word; None without one.
        translation_shown: whether that suffices to show the text where no sentence is accepted.
        promise: how often answers like this one are right, and whether that is proven: of the text, or of the first
            choice; None where nothing is shown.
    """

    accepted: bool
    reason: str
    confidence: float
    motion_mean: float
    attention_mean: float
    candidates: tuple[Candidate, ...]
    num_possible: int
    choices: tuple[Candidate, ...]
    translation: str | None
    translation_score: float | None
    translation_words: tuple[tuple[str, float], ...]
    translation_confidence: float | None
    translation_shown: bool
    promise: Promise | None = None

    @property
    def text(self) -> str | None:
        """The answer in words: the accepted sentence, else a translation that may be shown, else None = not sure."""
        return self.sentence or (self.translation if self.translation_shown else None)

    @property
    def text_source(self) -> Literal["sentence", "translation", ""]:
        """Where `text` comes from: a sentence that references back, the decoder alone, or nowhere."""
        if self.sentence:
            return "sentence"
        return "translation" if self.text else ""

    @property
    def outcome(self) -> Literal["answer", "choices", "not_sure"]:
        """What a person is shown: a text, sentences to choose from, or "not sure" with the reason."""
        if self.text is not None:
            return "answer"
        return "choices" if self.choices else "not_sure"

    @property
    def sentence(self) -> str | None:
        """The accepted sentence, or None."""
        return self.candidates[0].sentence if self.accepted and self.candidates else None

    def __str__(self) -> str:
        """One line, as a person reads it: the text with its confidence, else what to choose from, else why not."""
        unproven = self.promise is not None and not self.promise.proven
        return f"{self._said()} ({NOT_PROVEN})" if unproven else self._said()

    def _said(self) -> str:
        if self.text is None:
            if self.choices:
                return "one of these? " + " / ".join(choice.sentence for choice in self.choices)
            return f"not sure: {self.reason}"
        if self.text_source == "translation":
            return f"{self.text} ({self.translation_confidence:.2f}) (translated)"
        only_written = "" if self.candidates[0].num_references else " (only written)"
        return f"{self.text} ({self.confidence:.2f}){only_written}"

    def to_dict(self) -> dict[str, Any]:
        """Fields of docs/contract.md 1.9 under their names, one dict a candidate; plain values, as JSON has them."""
        said = {"sentence": self.sentence, "text": self.text, "text_source": self.text_source}
        return {**asdict(self), **said, "outcome": self.outcome}


@dataclass(frozen=True, eq=False)
class AnsweredClips:
    """Clips that were answered together, with the evidence behind it.

    Attributes:
        answers: one a clip.
        ranking: full ranked lists.
        confidences: (B,) of the first candidate.
    """

    answers: tuple[Answer, ...]
    ranking: Ranking
    confidences: npt.NDArray[np.floating]
