"""An evaluation as files people and machines read: `report.json`, `report.md` and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from signtalk.evaluation.plots import plot_bars, plot_embedding_map, plot_gate, plot_similarities
from signtalk.evaluation.results import (
    ChoiceResult,
    EvaluationReport,
    GateResult,
    OneAnswer,
    OpenSet,
    Retrieval,
    SetResult,
    TextResult,
    TextSearch,
)
from signtalk.evaluation.tables import markdown_table as _table
from signtalk.evaluation.tables import shown_interval as _range
from signtalk.evaluation.tables import shown_number as _number
from signtalk.evaluation.tables import without_nan as _without_nan
from signtalk.files import write_json, write_text


def write_report(report: EvaluationReport, folder: Path, title: str = "Evaluation") -> tuple[Path, ...]:
    """Write everything into `folder`.

    Returns:
        The files that were written.
    """
    paths = [folder / "report.json", folder / "report.md"]
    write_json(paths[0], report_json(report))
    write_text(paths[1], report_markdown(report, title))
    evidence = report.evidence
    if evidence is None:
        return tuple(paths)
    names = ("similarities", "gate", "embedding_map", "by_signer", "by_category", "confused")
    pictures = {name: folder / f"{name}.png" for name in names}
    plot_similarities(evidence.right_similarities, evidence.wrong_similarities, pictures["similarities"])
    plot_gate(evidence.confidences, evidence.correct, evidence.unknown_confidences, pictures["gate"])
    entries = evidence.index.entries
    plot_embedding_map(
        np.concatenate([evidence.embeddings, evidence.index.embeddings]),
        (*evidence.text_keys, *(entry.text_key for entry in entries)),
        (*evidence.signers, *(entry.signer_id for entry in entries)),
        pictures["embedding_map"],
    )
    headline = report.retrieval[0]
    for name, groups in (("by_signer", headline.by_signer), ("by_category", headline.by_category)):
        shown = {f"{group} ({count})": score for group, (score, count) in groups.items()}
        plot_bars(shown, f"R@1 {name.replace('_', ' ')}", "R@1", pictures[name])
    pairs = {f"{right[:28]} -> {wrong[:28]}": float(count) for right, wrong, count in report.confused}
    plot_bars(pairs, "most confused sentences", "times", pictures["confused"])
    return (*paths, *pictures.values())


def report_json(report: EvaluationReport) -> dict[str, Any]:
    """Plain JSON values; what is not known is null."""
    plain: dict[str, Any] = _without_nan(asdict(replace(report, evidence=None)))
    del plain["evidence"]
    return plain


def report_markdown(report: EvaluationReport, title: str) -> str:
    """The report as a page."""
    parts = [
        f"# {title}",
        f"Split `{report.split_hash[:16]}`, model `{report.encoder_id[:16]}`. Intervals are 95%.",
        _retrieval_table(report.retrieval),
    ]
    if report.searches:
        parts.append(_search_table(report.searches))
    if report.open_set is not None:
        parts.append(_open_set_section(report.open_set))
    if report.answers:
        parts.append(_answers_section(report.answers))
    parts += [_text_section(text) for text in report.texts]
    if report.confused:
        rows = ((right, wrong, str(count)) for right, wrong, count in report.confused)
        parts.append("## Most confused sentences\n\n" + _table(("signed", "answered", "times"), rows))
    if report.absent:
        parts.append("## Not measured\n\n" + _table(("protocol", "why"), report.absent.items()))
    return "\n\n".join(parts) + "\n"


def _retrieval_table(retrieval: Sequence[Retrieval]) -> str:
    header = ("protocol", "queries", "sentences", "R@1", "R@5", "MRR")
    rows = (
        (r.name, str(r.num_queries), str(r.num_sentences), _range(r.recall_at_1), _range(r.recall_at_5), _range(r.mrr))
        for r in retrieval
    )
    return "## Recognition\n\n" + _table(header, rows)


def _search_table(searches: Sequence[TextSearch]) -> str:
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
    return "## Clips found by text\n\n" + _table(header, rows)


def _open_set_section(found: OpenSet) -> str:
    figures = (
        ("known, unknown and idle queries", f"{found.num_known}, {found.num_unknown}, {found.num_idle}"),
        ("unknown queries are", found.unknown_kind),
        ("AUROC of the confidence, known against unknown", _number(found.auroc)),
        ("unknown accepted where 95% of the known are", _number(found.fpr_at_95_tpr)),
        ("AUROC, right answers against all that must be refused", _number(found.auroc_right)),
        ("of these accepted where 95% of the right answers are", _number(found.fpr_right)),
        ("accuracy at 80% coverage of the known", _number(found.accuracy_at_80)),
        ("expected calibration error", _number(found.ece)),
        *_set_rows(found.sets),
        ("choices offered to known, to unknown queries", _offers(found.choices)),
        ("of all offers, those that hold the right sentence", _range(found.choices.right)),
    )
    header = (
        "gate",
        "known accepted",
        "precision of answers",
        "known answered wrongly",
        "unknown accepted",
        "idle accepted",
    )
    gates = (_gate_row(gate) for gate in found.gates)
    reasons = "\n".join(
        f"* {gate.name}: " + ", ".join(f"{reason or 'accepted'} {count}" for reason, count in gate.reasons.items())
        for gate in found.gates
    )
    note = f"\n\n**Mind:** {found.gate_note}." if found.gate_note else ""
    tables = f"{_table(('figure', 'value'), figures)}\n\n{_table(header, gates)}"
    return f"## Open set\n\n{tables}{note}\n\nReasons:\n\n{reasons}"


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


def _answers_section(answers: Sequence[OneAnswer]) -> str:
    header = ("protocol", "clips", "known sentence", "translation", "precision, word for word", "answered wrongly")
    rows = [
        (a.name, str(a.num_clips), _number(a.by_sentence), _number(a.by_translation), _range(a.precision), wrong)
        for a, wrong in ((answer, _number(answer.wrong)) for answer in answers)
    ]
    return '## One answer: a known sentence, else a translation, else "not sure"\n\n' + _table(header, rows)


def _text_section(text: TextResult) -> str:
    measures = text.measures
    figures = (
        ("clips", str(text.num_clips)),
        ("WER", _range(measures.wer)),
        ("BLEU", _range(measures.bleu, 1)),
        ("chrF", _range(measures.chrf, 1)),
        ("exact", _range(measures.exact_match)),
    )
    return (
        f"## Translation: {text.name}\n\n{_table(('measure', 'value'), figures)}\n\n"
        f"Signatures: `{text.signatures[0]}`, `{text.signatures[1]}`\n\n" + _table(("signed", "written"), text.examples)
    )


def closing_summary(paths: Iterable[Path], title: str = "Files") -> Table:
    """A table of the files that exist, with their sizes; others are not named."""
    table = Table(title=title)
    table.add_column("file")
    table.add_column("size", justify="right")
    for path in paths:
        if path.is_file():
            table.add_row(str(path), f"{path.stat().st_size:,} bytes")
    return table
