"""Rows as a section of the results page, between two markers, so that a later run replaces what it measured anew.

Row ... -> section -> replace_section -> docs/results.md
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from folds import Figures
from rows import Range, Row
from signtalk.errors import DataError
from signtalk.files import write_text
from suites import Published

_DIGITS = {"parameters": 0, "minutes": 1, "ms": 1, **dict.fromkeys(("chrf_seen", "chrf_unseen"), 1)}
_DIGITS |= dict.fromkeys(("bleu_seen", "bleu_unseen"), 1)
_TITLES = {
    "r1": "R@1", "r5": "R@5", "mrr": "MRR", "wer_seen": "WER", "wer_unseen": "WER unseen", "chrf_seen": "chrF",
    "chrf_unseen": "chrF unseen", "bleu_seen": "BLEU", "bleu_unseen": "BLEU unseen", "enrolled_1": "R@1 enrolled k=1",
    "enrolled_2": "R@1 enrolled k=2", "search_seen": "R@1 text to clip", "search_unseen": "R@1 text to clip, unseen",
    "written": "R@1 only written", "written_mrr": "MRR only written", "written_known": "R@1 beside written",
    "auroc": "AUROC", "auroc_right": "AUROC right", "fpr_right": "FPR right", "ece": "ECE", "covered": "covered",
    "set_size": "set size", "choices_right": "choices right", "accepted": "accepted", "precision": "precision",
    "prototype_accepted": "prototype accepted", "prototype_precision": "prototype precision",
    "parameters": "parameters", "minutes": "training min", "ms": "ms a clip",
}  # fmt: skip
_BEYOND_RANKS = tuple(name for name in _TITLES if name not in ("r1", "r5", "mrr"))
_LEGEND = (
    "R@1, R@5 and MRR are over all queries of all folds and seeds, with 95% intervals that resample sentences; the "
    "other figures are means over folds and seeds. *unseen*: sentences that training never saw, by signers it never "
    "saw. *text to clip*: texts and paraphrases among the test signers' clips. *only written*: unseen sentences in "
    "the index without a clip; *beside written*: trained sentences beside them. *AUROC*: known against unknown "
    "clips; *AUROC right*: right answers against all that must be refused (wrong answers, unknown and idle clips), "
    "*FPR right* of which are accepted where 95% of the right answers are. *covered*: candidate sets that hold the "
    "right sentence. *accepted*, *precision*: of the gate, and of the prototype's on the same clips. "
    "*ms a clip*: features to embedding, one clip at a time."
)


@dataclass(frozen=True)
class Page:
    """What a section is about.

    Attributes:
        name: of the suite; the marker.
        title: data set and protocol.
        published: rows of others.
    """

    name: str
    title: str
    published: tuple[Published, ...] = ()


def section(page: Page, rows: Sequence[Row]) -> str:
    """The section of a suite, without its markers: a table of all rows, then how each came about and its folds."""
    parts = [f"## {page.name}: {page.title}", _LEGEND, _overview(rows, page.published)]
    parts += [_details(row) for row in rows]
    return "\n\n".join(parts) + "\n"


def replace_section(path: Path, name: str, text: str) -> None:
    """Put a section into the page: in place of the one of this name, or at the end.

    Raises:
        DataError: the page has one of the section's markers without the other.
    """
    first, last = f"<!-- quality:{name} -->", f"<!-- /quality:{name} -->"
    page = path.read_text(encoding="utf-8") if path.exists() else "# Results\n"
    block = f"{first}\n{text.strip()}\n{last}"
    if page.count(first) != page.count(last) or page.count(first) > 1 or page.find(first) > page.find(last):
        raise DataError(f"{path}: the markers {first} and {last} do not fit each other; repair them or delete both")
    if first in page:
        before, after = page.split(first)[0], page.split(last)[1]
        write_text(path, before + block + after)
    else:
        write_text(path, page.rstrip("\n") + "\n\n" + block + "\n")


def _overview(rows: Sequence[Row], published: Sequence[Published]) -> str:
    columns: list[tuple[str, Callable[[Row], str], Callable[[Published], str]]] = [
        ("model", lambda row: row.origin.label, lambda other: f"{other.label} ({other.source})"),
        ("folds x seeds", lambda row: f"{row.num_folds} x {len(row.seeds)}", lambda _: ""),
        ("R@1 (95%)", lambda row: _interval(row.r1), lambda other: _number(other.r1)),
        ("mean of folds", lambda row: _number(row.mean.r1), lambda _: ""),
        ("worst fold", lambda row: f"{row.worst_fold[1]:.3f} {row.worst_fold[0]}", lambda other: _number(other.worst)),
        ("R@5 (95%)", lambda row: _interval(row.r5), lambda _: ""),
        ("MRR (95%)", lambda row: _interval(row.mrr), lambda other: _number(other.mrr)),
    ]
    header = [title for title, _, _ in columns]
    body = [[cell(row) for _, cell, _ in columns] for row in rows]
    body += [[cell(other) for _, _, cell in columns] for other in published]
    for name in _names_present([row.mean for row in rows]):
        header.append(_TITLES[name])
        for line, row in zip(body, rows, strict=False):
            line.append(_figure(row.mean, name))
    return _table(header, [line + [""] * (len(header) - len(line)) for line in body])


def _details(row: Row) -> str:
    origin = row.origin
    settings = f"`{', '.join(origin.settings)}`" if origin.settings else "none"
    seeds = f"seeds {', '.join(map(str, row.seeds))}, " if any(line.figures.minutes for line in row.folds) else ""
    facts = (
        f"### {origin.label}\n\n{origin.date}: `{origin.command}`\n\n"
        f"Model `{origin.model}`, {seeds}changes to the recipe: {settings}; code {', '.join(row.code)}, "
        f"{' and '.join(row.machines)}."
    )
    if row.pooled_ece is not None:
        facts += f" Calibration error over all folds together: {row.pooled_ece:.3f}."
    if origin.note:
        facts += f" {origin.note}"
    names = _names_present([line.figures for line in row.folds])
    header = ["left out", "seed", "queries", "R@1", "R@5", "MRR", *(_TITLES[name] for name in names), "split"]
    body = [
        [line.fold, str(line.seed), str(line.num_queries)]
        + [_figure(line.figures, name) for name in ("r1", "r5", "mrr", *names)]
        + [f"`{line.split_hash[:12]}`"]
        for line in row.folds
    ]
    mean = [_figure(row.mean, name) for name in ("r1", "r5", "mrr", *names)]
    body.append(["**mean**", "", "", *mean, ""])
    return "\n\n".join([facts, _table(header, body), *_by_signer(row)])


def _by_signer(row: Row) -> list[str]:
    """R@1 of each signer, where a fold tests several."""
    if len(row.by_signer) <= row.num_folds:
        return []
    body = [[who, _number(score), str(count)] for who, (score, count) in row.by_signer.items()]
    return [_table(["signer", "R@1", "queries"], body)]


def _names_present(figures: Sequence[Figures]) -> list[str]:
    return [name for name in _BEYOND_RANKS if any(getattr(each, name) is not None for each in figures)]


def _figure(figures: Figures, name: str) -> str:
    value = getattr(figures, name)
    return "-" if value is None else f"{value:,.{_DIGITS.get(name, 3)}f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(found: Range) -> str:
    if found.low is None or found.high is None:
        return _number(found.estimate)
    return f"{found.estimate:.3f} ({found.low:.3f}-{found.high:.3f})"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)
