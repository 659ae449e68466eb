"""An evaluation as files for people and machines: `report.json`, `report.md`, pictures, and all in `report.html`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from signtalk.evaluation.pages import Bullets, Grid, Part, Section, html_page, markdown_page
from signtalk.evaluation.plots import (
    Confidences,
    no_pictures,
    plot_bars,
    plot_embedding_map,
    plot_gate,
    plot_similarities,
)
from signtalk.evaluation.results import (
    ChoiceResult,
    EvaluationReport,
    GateResult,
    KnownSigner,
    OneAnswer,
    OpenSet,
    ReportArrays,
    Retrieval,
    SetResult,
    TextResult,
    TextSearch,
    WrongClip,
)
from signtalk.evaluation.tables import shown_interval as _range
from signtalk.evaluation.tables import shown_number as _number
from signtalk.evaluation.tables import without_nan as _without_nan
from signtalk.files import write_json, write_text


def write_report(report: EvaluationReport, folder: Path, title: str = "Evaluation") -> tuple[Path, ...]:
    """Write everything into `folder`; without matplotlib no pictures, see `plots.no_pictures`.

    Args:
        report: what was measured.
        folder: made when it is missing.
        title: of the page.

    Returns:
        The files that were written.
    """
    sections = _sections(report)
    write_json(folder / "report.json", report_json(report))
    write_text(folder / "report.md", markdown_page(title, sections))
    reason = no_pictures()
    pictures = {} if reason or report.arrays is None else _draw(report, report.arrays, folder)
    notes = (_wrong_section(report.wrong_clips), *([Section("Pictures", (reason,))] if reason else []))
    write_text(folder / "report.html", html_page(title, (*sections, *notes), pictures))
    return (*(folder / f"report.{kind}" for kind in ("json", "md", "html")), *pictures.values())


def _draw(report: EvaluationReport, arrays: ReportArrays, folder: Path) -> dict[str, Path]:
    """Every picture of an evaluation, by what stands below it."""
    names = ("gate", "similarities", "embedding_map", "by_signer", "by_category", "confused")
    gate, similarities, embedding_map, by_signer, by_category, confused = (folder / f"{name}.png" for name in names)
    plot_gate(
        Confidences(arrays.confidences, arrays.correct, arrays.accepted),
        Confidences(
            arrays.unknown_confidences, np.zeros(len(arrays.unknown_confidences), np.bool_), arrays.unknown_accepted
        ),
        gate,
    )
    plot_similarities(arrays.right_similarities, arrays.wrong_similarities, similarities)
    entries = arrays.index.entries
    plot_embedding_map(
        np.concatenate([arrays.embeddings, arrays.index.embeddings]),
        (*arrays.text_keys, *(entry.text_key for entry in entries)),
        (*arrays.signers, *(entry.signer_id for entry in entries)),
        embedding_map,
    )
    headline = report.retrieval[0]
    for path, groups, what in (
        (by_signer, headline.by_signer, "signer"),
        (by_category, headline.by_category, "category"),
    ):
        bars = {f"{group or 'unnamed'} ({count} clips)": score for group, (score, count) in groups.items()}
        plot_bars(bars, f"R@1 by {what}: {headline.name}", "share of clips whose sentence ranks first", path)
    pairs = {f"signed: {right}\ntaken for: {wrong}": float(count) for right, wrong, count in report.confused}
    plot_bars(pairs, "sentences that were confused, told or not", "clips", confused)
    return {
        "The gate: what it lets through, whether its confidence holds, and how it tells known from unknown": gate,
        "Scores of the right and of the best other sentence": similarities,
        "Embeddings of clips, nearest in meaning side by side": embedding_map,
        "Recognition by signer": by_signer,
        "Recognition by category": by_category,
        "Sentences that were confused": confused,
    }


def report_json(report: EvaluationReport) -> dict[str, Any]:
    """Plain JSON values; what is not known is null."""
    plain: dict[str, Any] = _without_nan(asdict(replace(report, arrays=None)))
    del plain["arrays"]
    return plain


def report_markdown(report: EvaluationReport, title: str) -> str:
    """The report as a page."""
    return markdown_page(title, _sections(report))


def _sections(report: EvaluationReport) -> tuple[Section, ...]:
    head = f"Split `{report.split_hash[:16]}`, model `{report.encoder_id[:16]}`. Intervals are 95%."
    sections = [Section("", (head,)), _retrieval_section(report.retrieval)]
    if report.known_signers:
        sections.append(_known_signer_section(report.known_signers))
    if report.searches:
        sections.append(_search_section(report.searches))
    if report.open_set is not None:
        sections.append(_open_set_section(report.open_set))
    if report.enrolled_gates:
        sections.append(_enrolled_section(report.enrolled_gates))
    if report.answers:
        sections.append(_answers_section(report.answers))
    sections += [_text_section(text) for text in report.texts]
    if report.confused:
        rows = ((right, wrong, str(count)) for right, wrong, count in report.confused)
        sections.append(Section("Most confused sentences", (Grid.of(("signed", "taken for", "times"), rows),)))
    if report.absent:
        sections.append(Section("Not measured", (Grid.of(("protocol", "why"), report.absent.items()),)))
    return tuple(sections)


def _wrong_section(clips: Sequence[WrongClip]) -> Section:
    """Every clip that was not told what it should be."""
    header = ("clip", "signer", "told", "right", "reason", "first candidate", "confidence")
    rows = (
        (c.clip_id, c.signer_id, c.told or "not sure", c.expected, c.reason or "-", c.candidate, f"{c.confidence:.2f}")
        for c in sorted(clips, key=lambda clip: not clip.told)  # wrong answers first, then refusals
    )
    answered = sum(bool(clip.told) for clip in clips)
    note = f"Clips answered wrongly: {answered}. Known clips that were not answered: {len(clips) - answered}."
    return Section("Wrong clips", (note, Grid.of(header, rows)) if clips else (note,))


def _retrieval_section(retrieval: Sequence[Retrieval]) -> Section:
    header = ("protocol", "queries", "sentences", "R@1", "R@5", "MRR")
    rows = (
        (r.name, str(r.num_queries), str(r.num_sentences), _range(r.recall_at_1), _range(r.recall_at_5), _range(r.mrr))
        for r in retrieval
    )
    return Section("Recognition", (Grid.of(header, rows),))


def _known_signer_section(measured: Sequence[KnownSigner]) -> Section:
    header = ("sentences known", "chosen", "queries", "R@1 before", "R@1 after", "by signer", "answered", "precision")
    rows = (
        (
            str(each.num_sentences),
            each.chosen,
            str(each.num_queries),
            _range(each.before),
            _range(each.after),
            ", ".join(f"{name} {_number(was)} -> {_number(now)}" for name, (was, now) in each.by_signer.items()),
            f"{_number(each.accepted_before)} -> {_number(each.accepted_after)}",
            f"{_number(each.precision_before)} -> {_number(each.precision_after)}",
        )
        for each in measured
    )
    note = "A new signer signs so many known sentences; all their other sentences are asked, before and after."
    return Section("Knowing the signer", (note, Grid.of(header, rows)))


def _search_section(searches: Sequence[TextSearch]) -> Section:
    header = ("protocol", "texts", "clips", "R@1", "R@5", "MRR", "R@1 without paraphrases")
    rows = (
        (
            s.name,
            str(s.num_queries),
            str(s.num_clips),
            *(_range(measure) for measure in (s.recall_at_1, s.recall_at_5, s.mrr)),
            _number(s.canonical),
        )
        for s in searches
    )
    return Section("Clips found by text", (Grid.of(header, rows),))


def _open_set_section(open_set: OpenSet) -> Section:
    figures = (
        ("known, unknown and idle queries", f"{open_set.num_known}, {open_set.num_unknown}, {open_set.num_idle}"),
        ("unknown queries are", open_set.unknown_kind),
        ("AUROC of the confidence, known against unknown", _number(open_set.auroc)),
        ("unknown accepted where 95% of the known are", _number(open_set.fpr_at_95_tpr)),
        ("AUROC, right answers against all that must be refused", _number(open_set.auroc_right)),
        ("of these accepted where 95% of the right answers are", _number(open_set.fpr_right)),
        ("accuracy at 80% coverage of the known", _number(open_set.accuracy_at_80)),
        ("expected calibration error", _number(open_set.ece)),
        *_set_rows(open_set.sets),
        ("choices offered to known, to unknown queries", _offers(open_set.choices)),
        ("of all offers, those that hold the right sentence", _range(open_set.choices.right)),
    )
    header = (
        "gate",
        "known accepted",
        "precision of answers",
        "known answered wrongly",
        "unknown accepted",
        "idle accepted",
    )
    reasons = (
        f"{gate.name}: " + ", ".join(f"{reason or 'accepted'} {count}" for reason, count in gate.reasons.items())
        for gate in open_set.gates
    )
    parts: list[Part] = [Grid.of(("figure", "value"), figures), Grid.of(header, map(_gate_row, open_set.gates))]
    parts += [f"**Mind:** {open_set.gate_note}."] if open_set.gate_note else []
    return Section("Open set", (*parts, "Reasons:", Bullets(tuple(reasons))))


def _enrolled_section(gates: Sequence[GateResult]) -> Section:
    header = ("protocol", "answered (coverage)", "precision of answers", "answered wrongly", "answered without it")
    rows = [
        (
            gate.name,
            _range(gate.known_accepted),
            _range(gate.precision),
            _number(gate.known_wrong),
            _range(gate.unknown_accepted),
        )
        for gate in gates
    ]
    note = "Each clip is asked twice: with its sentence enrolled, and without it. Policy: research."
    return Section("Enrolled sentences: what the gate answers", (Grid.of(header, rows), note))


def _set_rows(sets: SetResult | None) -> list[tuple[str, str]]:
    if sets is None:
        return [("candidate sets", "none: too few validation clips")]
    covered = f"candidate sets that hold the right sentence ({sets.promised:.0%} promised)"
    return [(covered, _range(sets.covered)), ("sentences in a set, mean", _number(sets.mean_size, 1))]


def _offers(choices: ChoiceResult) -> str:
    return f"{_range(choices.known_offered)}, {_range(choices.unknown_offered)}"


def _gate_row(gate: GateResult) -> tuple[str, ...]:
    return (
        gate.name,
        _range(gate.known_accepted),
        _range(gate.precision),
        _number(gate.known_wrong),
        _range(gate.unknown_accepted),
        _range(gate.idle_accepted),
    )


def _answers_section(answers: Sequence[OneAnswer]) -> Section:
    header = ("protocol", "clips", "known sentence", "translation", "precision, word for word", "answered wrongly")
    rows = [
        (a.name, str(a.num_clips), _number(a.by_sentence), _number(a.by_translation), _range(a.precision), wrong)
        for a, wrong in ((answer, _number(answer.wrong)) for answer in answers)
    ]
    return Section('One answer: a known sentence, else a translation, else "not sure"', (Grid.of(header, rows),))


def _text_section(text: TextResult) -> Section:
    measures = text.measures
    figures = (
        ("clips", str(text.num_clips)),
        ("WER", _range(measures.wer)),
        ("BLEU", _range(measures.bleu, 1)),
        ("chrF", _range(measures.chrf, 1)),
        ("exact", _range(measures.exact_match)),
    )
    signatures = f"Signatures: `{text.signatures[0]}`, `{text.signatures[1]}`"
    examples = Grid.of(("signed", "written"), text.examples)
    return Section(f"Translation: {text.name}", (Grid.of(("measure", "value"), figures), signatures, examples))


def closing_summary(paths: Iterable[Path], with_pictures: bool = False) -> Table:
    """A table of the files that exist, with their sizes; where pictures belong to them, why they cannot be drawn."""
    table = Table(title="Files", caption=(no_pictures() or None) if with_pictures else None)
    table.add_column("file", overflow="fold")
    table.add_column("size", justify="right")
    for path in paths:
        if path.is_file():
            table.add_row(str(path), f"{path.stat().st_size:,} bytes")
    return table
