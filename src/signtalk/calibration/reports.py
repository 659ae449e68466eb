"""How a calibration came about, as results; `to_dict` gives what stands in decision.json and in --json documents."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from signtalk.calibration.before_after import BeforeAfter
from signtalk.calibration.gate import GateReport
from signtalk.calibration.scoring import Trial
from signtalk.calibration.sets import least_clips
from signtalk.calibration.translation import TranslationReport
from signtalk.recognition.candidate_sets import CandidateSets


@dataclass(frozen=True)
class NotFitted:
    """Nothing was tried, and why."""

    fallback: str

    def to_dict(self) -> dict[str, Any]:
        """The reason by name."""
        return asdict(self)


@dataclass(frozen=True)
class WholeFit:
    """What is fitted besides gate and candidate sets, on the validation clips of a split.

    Attributes:
        scoring: the weights that were chosen, as they did; None = the usual ones, for want of clips.
        num_trials: settings that were tried.
        wer_by_spelling_weight: word error rate at each weight of the frames' own words; empty where none was tried.
        written_gate: how the gate of sentences that are only written came about.
        enrolled_gate: likewise, of sentences that are enrolled.
        translation: how the rule came about by which translations are shown.
    """

    scoring: Trial | None
    num_trials: int
    wer_by_spelling_weight: dict[str, float]
    written_gate: GateReport | NotFitted
    enrolled_gate: GateReport | NotFitted
    translation: TranslationReport


@dataclass(frozen=True)
class CalibrationReport:
    """How a decision came about.

    Attributes:
        gate: how the gate did.
        choice_threshold: least confidence at which choices are offered; None = never.
        sets: the candidate sets.
        num_known: clips of indexed sentences.
        num_unknown: clips of other sentences.
        too_few: what could not be fitted, and what it would take; empty when all was.
        whole: what else was fitted; None where gate and sets were fitted alone.
        before_after: what the fit changes on its own clips; None where there was nothing before.
    """

    gate: GateReport
    choice_threshold: float | None
    sets: CandidateSets
    num_known: int
    num_unknown: int
    too_few: tuple[str, ...]
    whole: WholeFit | None = None
    before_after: BeforeAfter | None = None

    def to_dict(self) -> dict[str, Any]:
        """All figures by name; plain values, as JSON has them."""
        gate = self.gate.to_dict() | ({"choice_threshold": self.choice_threshold} if self.gate.accepted else {})
        figures = {
            "gate": gate,
            "candidate_sets": {**self.sets.model_dump(), "least_clips": least_clips(self.sets.coverage)},
            "num_known": self.num_known,
            "num_unknown": self.num_unknown,
            "too_few": list(self.too_few),
        }
        if self.before_after is not None:
            figures["before_after"] = self.before_after.to_dict()
        if self.whole is None:
            return figures
        scoring = self.whole.scoring
        return {
            "scoring": asdict(scoring) if scoring else "kept: too few validation clips",
            "num_trials": self.whole.num_trials,
            "wer_by_spelling_weight": self.whole.wer_by_spelling_weight,
            **figures,
            "written_gate": self.whole.written_gate.to_dict(),
            "enrolled_gate": self.whole.enrolled_gate.to_dict(),
            "translation": self.whole.translation.to_dict(),
        }
