"""What is written of a data folder's check.

    DataReport -> write_check -> .signtalk/report.json, report.md, data.png

The report itself and what it says stand in `signtalk.data.check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from signtalk.data.check import CACHE_NAME, DataReport
from signtalk.errors import DataError, missing_extra
from signtalk.files import atomic_path, write_json, write_text

_MAX_BARS = 40


def write_check(report: DataReport, folder: Path) -> tuple[Path, ...]:
    """Write `report.json`, `report.md` and, where a clip is usable, the plots into `.signtalk` of the folder.

    Returns:
        The files.

    Raises:
        DataError: they cannot be written.
    """
    target = (folder / CACHE_NAME).parent
    paths = [target / "report.json", target / "report.md"]
    write_json(paths[0], report.to_dict())
    write_text(paths[1], report.to_markdown())
    if report.num_clips:
        paths.append(target / "data.png")
        plot_report(report, paths[-1])
    return tuple(paths)


def plot_report(report: DataReport, path: Path) -> None:
    """Draw clip lengths, motion and clips a sentence as one picture, its format by the path's suffix.

    Raises:
        MissingExtraError: matplotlib is not installed.
        DataError: the report has no clips, or the path cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra(error, "a plot") from error
    if not report.num_clips:
        raise DataError(f"{report.folder}: no usable clip to plot")
    figure = Figure(figsize=(12, 3.5), layout="constrained")
    panels: tuple[tuple[Sequence[float], str, str], ...] = (
        (report.lengths, "frames of a clip", "clips"),
        (report.motions, "mean motion energy of a clip", "clips"),
        (tuple(report.clips_by_sentence.values()), "clips of a sentence", "sentences"),
    )
    panels = tuple(panel for panel in panels if panel[0])  # a folder of idle clips has no sentence
    for axes, (values, title, unit) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        whole = isinstance(values[0], int) and max(values) - min(values) < _MAX_BARS
        bins = np.arange(min(values), max(values) + 2) - 0.5 if whole else _MAX_BARS
        axes.hist(values, bins=bins, color="tab:blue")
        axes.set_xlabel(title)
        axes.set_ylabel(unit)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
