#!/usr/bin/env python3
"""Rows of a suite as a page that can be read: tables of at most eight columns, every other figure in the JSON beside.

    python benchmarks/results_page.py        # all pages of docs/results and the picture, from benchmarks/results

Row ... -> store_row -> benchmarks/results/SUITE.json -> section -> docs/results/SUITE.md
                                                      -> results_plot -> docs/pictures/results.png
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from folds import Figures
from rows import Range, Row, load_rows, store_row
from signtalk.errors import DataError, SignTalkError
from signtalk.files import write_text
from suites import PUBLISHED, SUITES, Published, suite_named

PROJECT = Path(__file__).resolve().parent.parent
ROWS = PROJECT / "benchmarks" / "results"
PAGES = PROJECT / "docs" / "results"
PICTURE = PROJECT / "docs" / "pictures" / "results.png"

_DIGITS = {"parameters": 0, "minutes": 1, "ms": 1, **dict.fromkeys(("chrf_seen", "chrf_unseen"), 1)}
_DIGITS |= dict.fromkeys(("bleu_seen", "bleu_unseen"), 1)
_TITLES = {
    "r1": "R@1", "r5": "R@5", "mrr": "MRR", "wer_seen": "WER", "wer_unseen": "WER unseen", "chrf_seen": "chrF",
    "chrf_unseen": "chrF unseen", "bleu_seen": "BLEU", "bleu_unseen": "BLEU unseen", "enrolled_1": "R@1 enrolled k=1",
    "enrolled_2": "R@1 enrolled k=2", "search_seen": "R@1 text to clip", "search_unseen": "R@1 text to clip, unseen",
    "written": "R@1 only written", "written_mrr": "MRR only written", "written_known": "R@1 beside written",
    "auroc": "AUROC", "auroc_right": "AUROC right", "fpr_right": "FPR right", "ece": "ECE", "covered": "covered",
    "known_2": "R@1, 2 sentences known", "known_5": "R@1, 5 known", "known_10": "R@1, 10 known",
    "known_20": "R@1, 20 known", "known_random_10": "R@1, any 10 known", "known_accepted": "accepted, 10 known",
    "known_precision": "precision, 10 known",
    "set_size": "set size", "choices_right": "choices right", "accepted": "accepted", "precision": "precision",
    "prototype_accepted": "prototype accepted", "prototype_precision": "prototype precision",
    "parameters": "parameters", "minutes": "training min", "ms": "ms a clip",
}  # fmt: skip
_BEYOND_RANKS = tuple(name for name in _TITLES if name not in ("r1", "r5", "mrr"))
_OF_A_FOLD = ("r1", "mrr", "accepted", "precision")
_MAX_COLUMNS = 8
_ABOVE = """<!-- Made by benchmarks/results_page.py; do not edit. -->
What the columns mean: [how to read the results](how-to-read.md)."""


@dataclass(frozen=True)
class Page:
    """What a section is about.

    Attributes:
        name: of the suite.
        title: data set and protocol.
        published: rows of others.
        data: where every figure stands, as the page tells it.
    """

    name: str
    title: str
    published: tuple[Published, ...] = ()
    data: str = "summary.json"


def page_of(name: str) -> Page:
    """The page of a suite.

    Raises:
        DataError: there is no such suite.
    """
    suite = suite_named(name)
    return Page(name, f"{suite.data}, {suite.protocol}", PUBLISHED.get(name, ()), f"benchmarks/results/{name}.json")


def section(page: Page, rows: Sequence[Row], level: int = 2) -> str:
    """All rows in one table, their other figures in a second, then how each came about and its folds.

    Args:
        page: what it is about.
        rows: of the suite.
        level: of the heading, 1 for a page of its own.
    """
    marks = "#" * level
    parts = [
        f"{marks} {page.name}",
        f"{page.title}. All figures of all folds: `{page.data}`.",
        _overview(rows, page.published),
        *_other_figures(rows, f"{marks}#"),
        *(_details(row, f"{marks}#") for row in rows),
    ]
    return "\n\n".join(parts) + "\n"


def publish(name: str, row: Row, pages: Path) -> Path:
    """Keep a row with the suite's rows of the repository, and write the suite's page anew; returns the page.

    Args:
        name: of the suite.
        row: replaces the one of its label.
        pages: folder of the pages.
    """
    return _write_page(name, store_row(ROWS / f"{name}.json", row), pages)


def all_pages(pages: Path = PAGES) -> dict[Path, str]:
    """What each page of a suite that was measured must hold.

    Raises:
        ArtifactError: a file of rows is of another version.
    """
    return {
        pages / f"{name}.md": _page_text(name, load_rows(ROWS / f"{name}.json"))
        for name in SUITES
        if (ROWS / f"{name}.json").is_file()
    }


def typed_command(script: str, words: Sequence[str]) -> str:
    """The command that made a page, for others to type: where a folder lay on one machine tells them nothing.

    Args:
        script: of this folder, without its ending.
        words: its arguments as typed; of an absolute path the last part is told, behind `--option=` as well.
    """
    parts = (word.rpartition("=") for word in words)
    told = (
        f"{option}{equals}{Path(value).name if Path(value).is_absolute() else value}" for option, equals, value in parts
    )
    return shlex.join(["python", f"benchmarks/{script}.py", *told])


def replace_section(path: Path, name: str, text: str) -> None:
    """Put a section into a page: in place of the one of this name, or at the end.

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


def _page_text(name: str, rows: Sequence[Row]) -> str:
    text = section(page_of(name), rows, level=1)
    title, rest = text.split("\n", 1)
    return f"{title}\n\n{_ABOVE}\n{rest}"


def _write_page(name: str, rows: Sequence[Row], pages: Path) -> Path:
    path = pages / f"{name}.md"
    write_text(path, _page_text(name, rows))
    return path


def _overview(rows: Sequence[Row], published: Sequence[Published]) -> str:
    columns: list[tuple[str, Callable[[Row], str], Callable[[Published], str]]] = [
        ("model", lambda row: row.origin.label, lambda other: f"{other.label} ({other.source})"),
        ("folds x seeds", lambda row: f"{row.num_folds} x {len(row.seeds)}", lambda _: ""),
        ("R@1 (95%)", lambda row: interval_text(row.r1), lambda other: _number(other.r1)),
        ("mean of folds", lambda row: _number(row.mean.r1), lambda _: ""),
        ("worst fold", lambda row: f"{row.worst_fold[1]:.3f} {row.worst_fold[0]}", lambda other: _number(other.worst)),
        ("R@5 (95%)", lambda row: interval_text(row.r5), lambda _: ""),
        ("MRR (95%)", lambda row: interval_text(row.mrr), lambda other: _number(other.mrr)),
    ]
    body = [[cell(row) for _, cell, _ in columns] for row in rows]
    body += [[cell(other) for _, _, cell in columns] for other in published]
    return table([title for title, _, _ in columns], body)


def _other_figures(rows: Sequence[Row], marks: str) -> list[str]:
    """A line a figure and a column a row; rows of ranks alone have none."""
    measured = [row for row in rows if _names_present([row.mean])]
    if not measured:
        return []
    most = _MAX_COLUMNS - 1
    parts = [f"{marks} Means over folds and seeds"]
    for start in range(0, len(measured), most):
        some = measured[start : start + most]
        body = [[_TITLES[name], *(_figure(row.mean, name) for row in some)] for name in _names_present_in(some)]
        parts.append(table(["figure", *(row.origin.label for row in some)], body))
    return parts


def _details(row: Row, marks: str) -> str:
    origin = row.origin
    settings = f"`{', '.join(origin.settings)}`" if origin.settings else "none"
    seeds = f"seeds {', '.join(map(str, row.seeds))}; " if any(line.figures.minutes for line in row.folds) else ""
    facts = [
        f"* {origin.date}: `{origin.command}`",
        f"* Model `{origin.model}`; {seeds}changes to the recipe: {settings}.",
        f"* Code {', '.join(row.code)}; {' and '.join(row.machines)}.",
    ]
    if row.pooled_ece is not None:
        facts.append(f"* Calibration error over all folds together: {row.pooled_ece:.3f}.")
    if origin.note:
        facts.append(f"* {origin.note}")
    names = [name for name in _OF_A_FOLD if name in ("r1", "mrr", *_names_present_in([row]))]
    header = ["left out", "seed", "queries", *(_TITLES[name] for name in names), "split"]
    body = [
        [line.fold, str(line.seed), str(line.num_queries)]
        + [_figure(line.figures, name) for name in names]
        + [f"`{line.split_hash[:12]}`"]
        for line in row.folds
    ]
    body.append(["**mean**", "", "", *(_figure(row.mean, name) for name in names), ""])
    return "\n\n".join([f"{marks} {origin.label}", "\n".join(facts), table(header, body), *_by_signer(row)])


def _by_signer(row: Row) -> list[str]:
    """R@1 of each signer, where a fold tests several."""
    if len(row.by_signer) <= row.num_folds:
        return []
    body = [[who, _number(score), str(count)] for who, (score, count) in row.by_signer.items()]
    return [table(["signer", "R@1", "queries"], body)]


def _names_present(figures: Sequence[Figures]) -> list[str]:
    return [name for name in _BEYOND_RANKS if any(getattr(each, name) is not None for each in figures)]


def _names_present_in(rows: Sequence[Row]) -> list[str]:
    return _names_present([line.figures for row in rows for line in row.folds])


def _figure(figures: Figures, name: str) -> str:
    value = getattr(figures, name)
    return "-" if value is None else f"{value:,.{_DIGITS.get(name, 3)}f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def interval_text(over: Range) -> str:
    """A mean with its interval, where it has one."""
    if over.low is None or over.high is None:
        return _number(over.estimate)
    return f"{over.estimate:.3f} ({over.low:.3f}-{over.high:.3f})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table.

    Raises:
        ValueError: it is too wide to be read.
    """
    if len(header) > _MAX_COLUMNS:
        raise ValueError(f"{len(header)} columns; a page has at most {_MAX_COLUMNS}")
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all pages and the picture; 2 when the rows cannot be read, with the reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, default=PAGES, help="folder of the pages")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="PNG of R@1 by suite and fold")
    options = parser.parse_args(arguments)
    from results_plot import plot_suites  # here, for it brings matplotlib

    try:
        for path, text in all_pages(options.pages).items():
            write_text(path, text)
            print(path)
        plot_suites({name: load_rows(ROWS / f"{name}.json") for name in SUITES}, options.picture)
        print(options.picture)
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
