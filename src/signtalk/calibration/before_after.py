"""What a new fit makes better and worse, told on the clips that it was made on.

Recognizer before, Recognizer after + CalibrationClips -> compare_fits -> BeforeAfter

A fit that keeps a stricter promise answers less; that is meant. One that helps less and errs as often has only taken
something away, and whoever fits must know.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from signtalk.calibration.clips import CalibrationClips, asked_as_new_signers
from signtalk.evaluation.answered import answer_asked
from signtalk.recognition.recognizer import Recognizer


@dataclass(frozen=True)
class Outcomes:
    """What becomes of the clips of a fit under one decision; a known clip asks twice, once without its sentence.

    Attributes:
        num_queries: how many were asked.
        answered: those that got a sentence.
        answered_right: those of them whose sentence it was.
        offered: those that got sentences to choose from instead.
        offered_right: those of them that hold the right sentence.
        num_idle: clips in which nobody signs.
        idle_moving: those of them that move enough to be asked at all.
    """

    num_queries: int
    answered: int
    answered_right: int
    offered: int
    offered_right: int
    num_idle: int
    idle_moving: int

    @property
    def helped(self) -> int:
        """Queries that got the right sentence, told or offered."""
        return self.answered_right + self.offered_right

    @property
    def misled(self) -> int:
        """Queries that got wrong sentences alone."""
        return self.answered + self.offered - self.helped

    def __str__(self) -> str:
        """One line, as a person reads it."""
        return (
            f"{self.answered_right} of {self.answered} answers and {self.offered_right} of {self.offered} offers right"
        )


@dataclass(frozen=True)
class BeforeAfter:
    """The same clips under the decision before a fit, and under the fitted one."""

    before: Outcomes
    after: Outcomes

    @property
    def is_worse(self) -> bool:
        """Whether fewer queries are helped, and no fewer are misled."""
        return self.after.helped < self.before.helped and self.after.misled >= self.before.misled

    @property
    def takes_all_away(self) -> bool:
        """Whether it is worse, and all choices are gone without a single right answer more in their place."""
        no_offers = self.before.offered_right > 0 and not self.after.offered
        no_more_answers = self.after.answered_right <= self.before.answered_right
        return self.is_worse and (self.after.helped == 0 or (no_offers and no_more_answers))

    def __str__(self) -> str:
        """One line of both."""
        return f"before {self.before}; after {self.after}, of {self.after.num_queries} queries"

    def to_dict(self) -> dict[str, Any]:
        """All figures by name."""
        return {**asdict(self), "is_worse": self.is_worse}


def compare_fits(before: Recognizer, after: Recognizer, clips: CalibrationClips) -> BeforeAfter:
    """Ask the clips of a fit under both decisions.

    Args:
        before: decides as it did.
        after: the same model and index under the fitted decision.
        clips: of the fit.
    """
    return BeforeAfter(_outcomes(before, clips), _outcomes(after, clips))


def _outcomes(recognizer: Recognizer, clips: CalibrationClips) -> Outcomes:
    untranslated = recognizer.changed(decision=recognizer.decision.model_copy(update={"translate": False}))
    rights, offers = list[bool](), list[bool]()
    num_queries = 0
    for asked, left_out in asked_as_new_signers(recognizer.index, clips):
        answers = answer_asked(untranslated, asked, left_out).answers
        num_queries += len(answers)
        for answer, key in zip(answers, asked.keys, strict=True):
            if answer.accepted:
                rights.append(answer.candidates[0].text_key == key)
            elif answer.choices:
                offers.append(key in [choice.text_key for choice in answer.choices])
    return Outcomes(
        num_queries=num_queries,
        answered=len(rights),
        answered_right=sum(rights),
        offered=len(offers),
        offered_right=sum(offers),
        num_idle=len(clips.idle),
        idle_moving=int((np.asarray(clips.idle) >= recognizer.decision.gate.motion_floor).sum()),
    )
