"""When a translation is shown: the rule, fitted on validation clips of known and of unknown sentences.

translation_figures of held-out clips + which were right -> fit_translation_rule -> TranslationRule
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray
from signtalk.calibration.logistic import MIN_FIT_CLIPS, fit_logistic, precision_threshold
from signtalk.recognition.translation import TranslationRule


@dataclass(frozen=True)
class TranslationReport:
    """How a rule came about.

    Attributes:
        num_texts: clips for which a text was written.
        num_right: those whose text is right word for word.
        fallback: why nothing is shown; None for a rule that was fitted.
        shown: what the fitted rule shows; None where it was not fitted.
    """

    num_texts: int
    num_right: int
    fallback: str | None
    shown: ShownTexts | None

    def to_dict(self) -> dict[str, Any]:
        """All figures by name, those of `shown` beside the others."""
        figures = asdict(self)
        shown = figures.pop("shown")
        return figures | (shown or {})


@dataclass(frozen=True)
class ShownTexts:
    """What the threshold of a fitted rule shows, among the clips of the fit.

    Attributes:
        threshold: least confidence that is shown.
        target_reached: whether the precision that was asked for holds above it.
        num_shown: texts above it.
    """

    threshold: float
    target_reached: bool
    num_shown: int


def fit_translation_rule(
    figures: npt.NDArray[np.float64], right: BoolArray, precision: float
) -> tuple[TranslationRule, TranslationReport]:
    """Fit the rule on clips that neither training nor test has seen.

    Args:
        figures: (B, 4) of `translation_figures`.
        right: (B,) whether the text is right word for word.
        precision: part of the shown texts that shall be right.

    Returns:
        The rule and figures of the fit. With fewer than 20 texts, or only right or only wrong ones, it shows nothing.
    """
    has_text = np.isfinite(figures[:, 0])
    figures, right = figures[has_text], right[has_text]
    report = TranslationReport(len(right), int(right.sum()), None, None)
    if len(right) < MIN_FIT_CLIPS or right.all() or not right.any():
        why = f"{len(right)} texts, {int(right.sum())} right; too few of one kind to fit a rule"
        return TranslationRule(precision_asked=precision), replace(report, fallback=why)
    logistic = fit_logistic(figures, right)
    sureness = logistic.confidences(figures)
    threshold, reached = precision_threshold(sureness, right, precision)
    rule = TranslationRule(
        **asdict(logistic), threshold=threshold, fitted=True, precision_asked=precision, precision_reached=reached
    )
    return rule, replace(report, shown=ShownTexts(threshold, reached, int((sureness >= threshold).sum())))
