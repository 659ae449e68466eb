"""A stress test as files: `stress.json`, `stress.md` and pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import numpy as np

from signtalk.evaluation.plots import (
    Confidences,
    plot_reliability,
    plot_risk_coverage,
    plot_roc,
    plot_verdicts,
)
from signtalk.evaluation.stress import CaseResult, QueryOutcome, StressReport, Verdict, counted, judged
from signtalk.evaluation.stress_cases import EXPECTED
from signtalk.evaluation.tables import markdown_table, shown_interval, shown_number, without_nan
from signtalk.files import write_json, write_text

_SHOWN_REASONS = 3


def write_stress(report: StressReport, folder: Path) -> tuple[Path, ...]:
    """Write everything into `folder`.

    Returns:
        The files that were written.
    """
    paths = [folder / "stress.json", folder / "stress.md"]
    write_json(paths[0], stress_json(report))
    write_text(paths[1], stress_markdown(report))
    names = ("cases", "risk-coverage", "reliability", "roc", "by-signer")
    pictures = {name: folder / f"{name}.png" for name in names}
    everything = judged(report.outcomes)
    recorded = [outcome for outcome in everything if outcome.case.recorded]
    parts = {"as recorded": _confidences(recorded), "all cases": _confidences(everything)}
    plot_verdicts(_by_case(report.cases, report.outcomes), "what was answered, by case", pictures["cases"])
    plot_risk_coverage(parts, pictures["risk-coverage"])
    plot_reliability(parts, pictures["reliability"])
    known = _confidences([outcome for outcome in recorded if outcome.is_known])
    groups = dict.fromkeys(outcome.case.group for outcome in everything if not outcome.is_known)
    strange = {
        group: _confidences([o for o in everything if o.case.group == group and not o.is_known]) for group in groups
    }
    plot_roc(known, strange, pictures["roc"])
    plot_verdicts(_by_signer(counted(report.outcomes)), "what was answered, by signer", pictures["by-signer"])
    return (*paths, *pictures.values())


def _confidences(outcomes: Sequence[QueryOutcome]) -> Confidences:
    return Confidences(
        confidence=np.array([outcome.confidence for outcome in outcomes], dtype=np.float64),
        correct=np.array([outcome.first_right for outcome in outcomes], dtype=np.bool_),
        accepted=np.array([outcome.accepted for outcome in outcomes], dtype=np.bool_),
    )


def _verdicts(outcomes: Sequence[QueryOutcome]) -> dict[str, int]:
    found = Counter(outcome.verdict for outcome in outcomes)
    return {verdict: found[verdict] for verdict in get_args(Verdict)}


def _by_case(cases: Sequence[CaseResult], outcomes: Sequence[QueryOutcome]) -> dict[str, dict[str, int]]:
    return {
        result.case.name: _verdicts([outcome for outcome in outcomes if outcome.case == result.case])
        for result in cases
        if result.num_clips
    }


def _by_signer(outcomes: Sequence[QueryOutcome]) -> dict[str, dict[str, int]]:
    """For each signer of the known clips: what may be told, and what is no known sentence."""
    kinds = (("as recorded", True, True), ("changed recordings", True, False), ("no known sentence", False, None))
    rows = {}
    for signer in sorted({outcome.signer_id for outcome in outcomes if outcome.is_known}):
        for name, known, recorded in kinds:
            of_kind = [
                outcome
                for outcome in outcomes
                if outcome.signer_id == signer
                and outcome.is_known == known
                and (recorded is None or outcome.case.recorded == recorded)
            ]
            if of_kind:
                rows[f"{signer or 'unnamed'}: {name}"] = _verdicts(of_kind)
    return rows


def stress_json(report: StressReport) -> dict[str, Any]:
    """Plain JSON values; what is not known is null."""
    outcomes = counted(report.outcomes)
    wrong = [outcome for outcome in report.outcomes if outcome.verdict.startswith("wrong")]
    return {
        "model": report.encoder_id,
        "num_sentences": report.num_sentences,
        "notes": list(report.notes),
        "cases": [
            {**asdict(result.case), "may_be_told": EXPECTED[result.case.expected], **_plain_result(result)}
            for result in report.cases
        ],
        "figures": [without_nan(asdict(figures)) for figures in report.figures],
        "reasons": _reasons(outcomes),
        "by_signer": _by_signer(outcomes),
        "wrong_answers": [
            {"case": o.case.name, "clip_id": o.clip_id, "made_from": list(o.own_keys), "told": o.told, "as": o.verdict}
            for o in wrong
        ],
    }


def _plain_result(result: CaseResult) -> dict[str, Any]:
    plain: dict[str, Any] = without_nan(asdict(result))
    del plain["case"]
    return plain


def _reasons(outcomes: Sequence[QueryOutcome]) -> dict[str, int]:
    return dict(Counter(outcome.reason for outcome in outcomes if outcome.verdict == "refused").most_common())


def stress_markdown(report: StressReport) -> str:
    """The report as a page."""
    head = f"Model `{report.encoder_id[:16]}`, {report.num_sentences} sentences in the index. Intervals are 95%."
    parts = ["# Stress test", head]
    parts += [f"**Mind:** {note}." for note in report.notes]
    parts += [_case_table(report.cases), _figure_table(report), _reason_table(report)]
    wrong = [outcome for outcome in report.outcomes if outcome.verdict.startswith("wrong")]
    if wrong:
        firsts = {outcome.case.name: outcome for outcome in reversed(wrong)}
        rows = [(o.case.name, o.clip_id, " + ".join(o.own_keys) or "-", o.told) for o in reversed(firsts.values())]
        title = f"## Wrong answers: {len(wrong)}, the first of each case"
        parts.append(f"{title}\n\n" + markdown_table(("case", "clip", "made from", "answered"), rows))
    not_run = [(result.case.name, result.not_run) for result in report.cases if result.not_run]
    if not_run:
        parts.append("## Not run\n\n" + markdown_table(("case", "why"), not_run))
    return "\n\n".join(parts) + "\n"


def _case_table(cases: Sequence[CaseResult]) -> str:
    answers = ("answered rightly", "answered wrongly", "by translation", "its own", "refused")
    header = ("case", "may be told", "clips", *answers, "first candidate right", "reasons of refusal")
    rows = [
        (
            result.case.name,
            EXPECTED[result.case.expected],
            str(result.num_clips),
            shown_interval(result.right, 2),
            shown_interval(result.wrong, 2),
            str(result.wrong_translations),
            str(result.wrong_own),
            shown_interval(result.refused, 2),
            shown_number(result.first_right, 2),
            ", ".join(f"{reason} {count}" for reason, count in list(result.reasons.items())[:_SHOWN_REASONS]),
        )
        for result in cases
        if result.num_clips
    ]
    note = (
        "Of the wrong answers `by translation` counts those that no known sentence gave, and `its own` those with a "
        "known sentence that the clip was made from: the milder mistake. `first candidate right` counts it told or "
        "not. Clips of one signer are not independent: with few signers the intervals are too narrow."
    )
    return f"## What is answered\n\n{markdown_table(header, rows)}\n\n{note}"


def _figure_table(report: StressReport) -> str:
    header = ("clips", "known", "strange", "AUROC", "FPR at 95% TPR", "AURC", "ECE")
    rows = [
        (
            figures.name,
            str(figures.num_known),
            str(figures.num_strange),
            shown_interval(figures.auroc),
            *(shown_number(value) for value in (figures.fpr_at_95_tpr, figures.aurc, figures.ece)),
        )
        for figures in report.figures
    ]
    return "## How well confidence tells\n\n" + markdown_table(header, rows)


def _reason_table(report: StressReport) -> str:
    found = _reasons(counted(report.outcomes))
    total = max(sum(found.values()), 1)
    rows = [(reason, str(count), f"{count / total:.2f}") for reason, count in found.items()]
    return "## Reasons of refusal\n\n" + markdown_table(("reason", "clips", "share"), rows)
