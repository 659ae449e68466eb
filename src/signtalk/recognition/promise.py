"""What an answer promises, and what becomes of one whose promise was never proven.

    GateConfig, TranslationRule -> `promises_of` -> Promise, by population -> travels with each Answer
    Decision + Promise + Policy -> `held_back` -> Decision

A gate keeps its precision among sentences like those that it was fitted on. Sentences that training knew, that were
enrolled later, that are only written, and texts of the decoder are four populations, each with a promise of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol

from signtalk.index.personal import ENROLLED_ID
from signtalk.index.written import WRITTEN_ID
from signtalk.recognition.gate import Decision, GateConfig
from signtalk.recognition.ranking import Candidate
from signtalk.recognition.translation import TranslationRule

Population = Literal["trained", "enrolled", "written", "translated"]
"""Where an answer comes from: a sentence that training knew, one that only references taught later, one without a clip,
or the text decoder."""
Policy = Literal["strict", "research"]
"""strict: what is not proven is never an answer. research: it is one, and marked."""
NOT_PROVEN = "not proven"
"""The mark of whatever shows an answer to a person."""


class Fit(Protocol):
    """What a gate and a translation rule both know of their fit."""

    @property
    def fitted(self) -> bool:
        """Whether there was one."""
        ...

    @property
    def precision_asked(self) -> float | None:
        """What it was for."""
        ...

    @property
    def precision_reached(self) -> bool:
        """Whether its clips showed that."""
        ...

    @property
    def precision_found(self) -> float | None:
        """What they showed."""
        ...

    @property
    def precision_lower_bound(self) -> float | None:
        """The lower end of its interval."""
        ...

    @property
    def num_accepted(self) -> int | None:
        """How many clips showed it."""
        ...


@dataclass(frozen=True)
class Promise:
    """How often answers of a population are right, as far as validation clips have shown it.

    Attributes:
        population: whose promise it is.
        proven: whether validation showed the precision that was asked for, on at least 10 answers.
        precision_asked: part of the answers that shall be right; None when nothing was asked for.
        precision_found: part of the validation answers that were; None when not known, as of older bundles.
        precision_lower_bound: lower end of its 95% interval; None likewise.
        num_clips: validation answers that showed it; None likewise, 0 when nothing was measured.
        least_words: fewest words of a sentence that showed it; a shorter one has no promise.
        least_sentences: fewest sentences that an index held when it was shown; among fewer there is no promise.
    """

    population: Population
    proven: bool
    precision_asked: float | None
    precision_found: float | None
    precision_lower_bound: float | None
    num_clips: int | None
    least_words: int = 1
    least_sentences: int = 1

    def __str__(self) -> str:
        """One line, as a person reads it."""
        asked = "" if self.precision_asked is None else f"{self.precision_asked:g} asked"
        share = "" if self.precision_found is None else f"{self.precision_found:.3f} found"
        low = "" if self.precision_lower_bound is None else f"at least {self.precision_lower_bound:.3f} (95%)"
        clips = f"{self.num_clips} validation answers" if self.num_clips else ""
        words = f"from {self.least_words} words on" if self.least_words > 1 else ""
        among = f"among {self.least_sentences} sentences or more" if self.least_sentences > 1 else ""
        figures = ", ".join(filter(None, [asked, share, low, clips, words, among]))
        return f"{self.population}: {'proven' if self.proven else NOT_PROVEN}" + (f" ({figures})" if figures else "")

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return asdict(self)


def promises_of(gate: GateConfig, rule: TranslationRule) -> dict[Population, Promise]:
    """The promise of every population.

    Args:
        gate: of sentences, with those of written and of enrolled ones.
        rule: of translations.
    """
    asked = gate.precision_asked
    return {
        "trained": _promise("trained", gate if gate.mode == "calibrated" else None, asked),
        "enrolled": _promise("enrolled", gate.enrolled, asked),
        "written": _promise("written", gate.written, asked),
        "translated": _promise("translated", rule, rule.precision_asked),
    }


def promise_to(
    population: Population,
    num_words: int,
    num_sentences: int,
    promises: Mapping[Population, Promise],
    gate: GateConfig,
) -> Promise:
    """The promise of one answer; a sentence shorter, or among fewer, than all that proved it has none that is proven.

    Args:
        population: of the answer.
        num_words: of its sentence.
        num_sentences: among which it was found.
        promises: of all populations.
        gate: that they are of.
    """
    promise = promises[population]
    fits: dict[Population, GateConfig | None] = {"enrolled": gate.enrolled, "written": gate.written}
    fit = fits.get(population)
    if fit is None or (num_words >= fit.least_words and num_sentences >= fit.least_sentences):
        return promise
    return _promise(population, None, promise.precision_asked)


def _promise(population: Population, fit: Fit | None, asked: float | None) -> Promise:
    if fit is None or not fit.fitted:
        return Promise(population, False, asked, None, None, 0)
    return Promise(
        population=population,
        proven=fit.precision_reached,
        precision_asked=fit.precision_asked,
        precision_found=fit.precision_found,
        precision_lower_bound=fit.precision_lower_bound,
        num_clips=fit.num_accepted,
        least_words=fit.least_words if isinstance(fit, GateConfig) else 1,
        least_sentences=fit.least_sentences if isinstance(fit, GateConfig) else 1,
    )


def population_of(candidate: Candidate, indexed: bool) -> Population:
    """Where a sentence comes from.

    Args:
        candidate: the sentence.
        indexed: whether the model's own index, or what was enrolled over it, holds it; what only further references
            hold was not part of training.
    """
    if candidate.num_references == 0:
        return "written"
    if not indexed or candidate.sentence_id.startswith((ENROLLED_ID, WRITTEN_ID)):
        return "enrolled"
    return "trained"


def held_back(decision: Decision, promise: Promise, policy: Policy) -> Decision:
    """The decision under a policy: strictly, an answer whose promise is not proven is at most a choice.

    Args:
        decision: of the gate.
        promise: of the first sentence's population.
        policy: strict or research.
    """
    if policy == "research" or promise.proven or not decision.accepted:
        return decision
    if promise.population == "written":
        return replace(decision, accepted=False, reason="written_not_proven")
    return replace(decision, accepted=False, reason="not_proven", offered=True)
