"""When a translation is shown: the rule, fitted on validation clips of known and of unknown sentences.

translation_figures of held-out clips + which were right -> fit_translation_rule -> TranslationRule
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray
from signtalk.calibration.logistic import fit_logistic, precision_threshold
from signtalk.recognition.translation import TranslationRule

_MIN_CLIPS = 20


def fit_translation_rule(
    figures: npt.NDArray[np.float64], right: BoolArray, precision: float
) -> tuple[TranslationRule, dict[str, object]]:
    """Fit the rule on clips that neither training nor test has seen.

    Args:
        figures: (B, 4) of `translation_figures`.
        right: (B,) whether the text is right word for word.
        precision: part of the shown texts that shall be right.

    Returns:
        The rule and figures of the fit. With fewer than 20 texts, or only right or only wrong ones, it shows nothing.
    """
    written = np.isfinite(figures[:, 0])
    figures, right = figures[written], right[written]
    report: dict[str, object] = {"num_texts": len(right), "num_right": int(right.sum()), "fallback": None}
    if len(right) < _MIN_CLIPS or right.all() or not right.any():
        report["fallback"] = f"{len(right)} texts, {int(right.sum())} right; too few of one kind to fit a rule"
        return TranslationRule(precision_asked=precision), report
    logistic = fit_logistic(figures, right)
    found = logistic.confidences(figures)
    threshold, reached = precision_threshold(found, right, precision)
    report |= {"threshold": threshold, "target_reached": reached, "num_shown": int((found >= threshold).sum())}
    rule = TranslationRule(
        **asdict(logistic), threshold=threshold, fitted=True, precision_asked=precision, precision_reached=reached
    )
    return rule, report
