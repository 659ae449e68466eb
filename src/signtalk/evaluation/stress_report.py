"""A stress test as files: `stress.json`, `stress.md`, pictures, and `stress.html` with all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import numpy as np

from signtalk.evaluation.pages import Grid, Section, html_page, markdown_page
from signtalk.evaluation.plots import (
    Confidences,
    no_pictures,
    plot_reliability,
    plot_risk_coverage,
    plot_roc,
    plot_verdicts,
)
from signtalk.evaluation.stress import CaseResult, QueryOutcome, StressReport, Verdict, counted, judged
from signtalk.evaluation.stress_cases import EXPECTED
from signtalk.evaluation.tables import shown_interval, shown_number, without_nan
from signtalk.files import write_json, write_text

_TITLE = "Stress test"
_SHOWN_REASONS = 3
_CASE_NOTE = (
    "Of the wrong answers `by translation` counts those that no known sentence gave, and `its own` those with a "
    "known sentence that the clip was made from: the milder mistake. `first candidate right` counts it told or "
    "not. Clips of one signer are not independent: with few signers the intervals are too narrow."
)


def write_stress(report: StressReport, folder: Path) -> tuple[Path, ...]:
    """Write everything into `folder`; without matplotlib no pictures, see `plots.no_pictures`.

    Returns:
        The files that were written.
    """
    write_json(folder / "stress.json", stress_json(report))
    write_text(folder / "stress.md", stress_markdown(report))
    reason = no_pictures()
    pictures = {} if reason else _draw(report, folder)
    sections = _sections(report, _wrong_answers(report))
    sections += [Section("Pictures", (reason,))] if reason else []
    write_text(folder / "stress.html", html_page(_TITLE, sections, pictures))
    return (*(folder / f"stress.{kind}" for kind in ("json", "md", "html")), *pictures.values())


def _draw(report: StressReport, folder: Path) -> dict[str, Path]:
    """Every picture of a stress test, by what stands below it."""
    names = ("cases", "risk-coverage", "reliability", "roc", "by-signer")
    cases, risk, reliability, roc, by_signer = (folder / f"{name}.png" for name in names)
    everything = judged(report.outcomes)
    recorded = [outcome for outcome in everything if outcome.case.recorded]
    parts = {"as recorded": _confidences(recorded), "all cases": _confidences(everything)}
    plot_verdicts(_by_case(report.cases, report.outcomes), "what was answered, by case", cases)
    plot_risk_coverage(parts, risk)
    plot_reliability(parts, reliability)
    known = _confidences([outcome for outcome in recorded if outcome.is_known])
    groups = dict.fromkeys(outcome.case.group for outcome in everything if not outcome.is_known)
    strange = {
        group: _confidences([o for o in everything if o.case.group == group and not o.is_known]) for group in groups
    }
    plot_roc(known, strange, roc)
    plot_verdicts(_by_signer(counted(report.outcomes)), "what was answered, by signer", by_signer)
    return {
        "What was answered, by case": cases,
        "Share of wrong answers against the share of clips answered": risk,
        "Whether the confidence holds what it says": reliability,
        "Known clips accepted against strange ones": roc,
        "What was answered, by signer": by_signer,
    }


def _confidences(outcomes: Sequence[QueryOutcome]) -> Confidences:
    return Confidences(
        confidence=np.array([outcome.confidence for outcome in outcomes], dtype=np.float64),
        correct=np.array([outcome.first_right for outcome in outcomes], dtype=np.bool_),
        accepted=np.array([outcome.accepted for outcome in outcomes], dtype=np.bool_),
    )


def _verdicts(outcomes: Sequence[QueryOutcome]) -> dict[str, int]:
    counts = Counter(outcome.verdict for outcome in outcomes)
    return {verdict: counts[verdict] for verdict in get_args(Verdict)}


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
            for o in _wrong_answers(report)
        ],
    }


def _plain_result(result: CaseResult) -> dict[str, Any]:
    plain: dict[str, Any] = without_nan(asdict(result))
    del plain["case"]
    return plain


def _reasons(outcomes: Sequence[QueryOutcome]) -> dict[str, int]:
    return dict(Counter(outcome.reason for outcome in outcomes if outcome.verdict == "refused").most_common())


def stress_markdown(report: StressReport) -> str:
    """The report as a page; of the wrong answers the first of each case."""
    wrong = _wrong_answers(report)
    firsts = {outcome.case.name: outcome for outcome in reversed(wrong)}
    title = f"Wrong answers: {len(wrong)}, the first of each case"
    return markdown_page(_TITLE, _sections(report, list(reversed(firsts.values())), title))


def _wrong_answers(report: StressReport) -> list[QueryOutcome]:
    return [outcome for outcome in report.outcomes if outcome.verdict.startswith("wrong")]


def _sections(report: StressReport, wrong: Sequence[QueryOutcome], title: str = "Wrong answers") -> list[Section]:
    head = f"Model `{report.encoder_id[:16]}`, {report.num_sentences} sentences in the index. Intervals are 95%."
    sections = [
        Section("", (head, *(f"**Mind:** {note}." for note in report.notes))),
        Section("What is answered", (_case_grid(report.cases), _CASE_NOTE)),
        Section("How well confidence tells", (_figure_grid(report),)),
        Section("Reasons of refusal", (_reason_grid(report),)),
    ]
    if wrong:
        rows = ((o.case.name, o.clip_id, " + ".join(o.own_keys) or "-", o.told) for o in wrong)
        sections.append(Section(title, (Grid.of(("case", "clip", "made from", "answered"), rows),)))
    not_run = [(result.case.name, result.not_run) for result in report.cases if result.not_run]
    if not_run:
        sections.append(Section("Not run", (Grid.of(("case", "why"), not_run),)))
    return sections


def _case_grid(cases: Sequence[CaseResult]) -> Grid:
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
    return Grid.of(header, rows)


def _figure_grid(report: StressReport) -> Grid:
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
    return Grid.of(header, rows)


def _reason_grid(report: StressReport) -> Grid:
    counts = _reasons(counted(report.outcomes))
    total = max(sum(counts.values()), 1)
    rows = [(reason, str(count), f"{count / total:.2f}") for reason, count in counts.items()]
    return Grid.of(("reason", "clips", "share"), rows)
