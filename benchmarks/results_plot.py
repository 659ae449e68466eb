"""R@1 of every suite and fold as one picture.

{suite: rows} -> bars_of -> Bar ... -> plot_suites -> docs/pictures/results.png
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rows import Row
from signtalk.files import atomic_path
from suites import ASKED, PUBLISHED

_COLOURS = {"fold": "tab:blue", "mean": "black", "asked": "tab:green", "yardstick": "tab:red"}


@dataclass(frozen=True)
class Bar:
    """One suite in the picture; R@1 each.

    Attributes:
        name: of the suite.
        folds: mean over seeds of each fold.
        estimate: over all queries.
        asked: what was asked for; None where another measure was.
        yardstick: of untrained DTW; None where it was not measured.
    """

    name: str
    folds: tuple[float, ...]
    estimate: float
    asked: float | None
    yardstick: float | None


def bars_of(rows: Mapping[str, Sequence[Row]]) -> list[Bar]:
    """The recipe `default` of each suite that was measured; of several rows of it (a seed each) the mean counts."""
    bars = []
    for name, all_rows in rows.items():
        trained = [row for row in all_rows if row.origin.label.split(",")[0] == "default"]
        if not trained:
            continue
        by_fold: dict[str, list[float]] = {}
        for line in (line for row in trained for line in row.folds):
            by_fold.setdefault(line.fold, []).append(line.figures.r1)
        untrained = [row.r1.estimate for row in all_rows if row.origin.label == "dtw"]
        untrained += [other.r1 for other in PUBLISHED.get(name, ()) if other.label.startswith("DTW") and other.r1]
        bars.append(
            Bar(
                name=name,
                folds=tuple(float(np.mean(scores)) for scores in by_fold.values()),
                estimate=float(np.mean([row.r1.estimate for row in trained])),
                asked=ASKED.get(name),
                yardstick=untrained[0] if untrained else None,
            )
        )
    return bars


def _count(folds: Sequence[float]) -> str:
    return "1 fold" if len(folds) == 1 else f"{len(folds)} folds"


def plot_suites(rows: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Draw a line a suite: its folds, their mean, what was asked for and what untrained DTW reaches.

    Args:
        rows: of each suite, in the order of the picture from top to bottom.
        path: of the PNG.
    """
    bars = bars_of(rows)
    figure = Figure(figsize=(8.2, 0.42 * len(bars) + 1.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for place, bar in enumerate(bars):
        axes.plot(bar.folds, [place] * len(bar.folds), "o", color=_COLOURS["fold"], alpha=0.45, markersize=7)
        axes.plot(bar.estimate, place, "|", color=_COLOURS["mean"], markersize=20, markeredgewidth=2.5)
        if bar.asked is not None:
            axes.plot(bar.asked, place, "^", color=_COLOURS["asked"], markersize=8)
        if bar.yardstick is not None:
            axes.plot(bar.yardstick, place, "x", color=_COLOURS["yardstick"], markersize=8, markeredgewidth=2)
    legend = {
        "a fold (mean of its seeds)": ("o", _COLOURS["fold"]), "all queries": ("|", _COLOURS["mean"]),
        "asked for": ("^", _COLOURS["asked"]), "untrained DTW": ("x", _COLOURS["yardstick"]),
    }  # fmt: skip
    for label, (mark, colour) in legend.items():
        axes.plot([], [], mark, color=colour, label=label, markersize=8)
    axes.set_yticks(range(len(bars)), [f"{bar.name} ({_count(bar.folds)})" for bar in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("R@1: part of the clips whose own sentence ranks first")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png", metadata={"Software": None})
