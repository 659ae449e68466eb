"""Statistics of clips as pictures: a panel a statistic and a line a set, and the spectra of trembling.

{set: Measured} -> plot_statistics, plot_spectra -> SVG
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from clip_statistics import FREQUENCIES, STATISTICS
from signtalk.arrays import Float64Array
from signtalk.files import atomic_path

_COLUMNS = 3
_MADE_UP, _REAL = "tab:red", "tab:blue"
_STYLE = {"svg.fonttype": "none", "svg.hashsalt": "realism", "font.size": 8.0, "axes.titlesize": 8.0}
_SPECTRA = {"tips": "fingertips about their wrist, squared palms/Hz", "wrists": "wrists, squared shoulder widths/Hz"}


def plot_statistics(values: Mapping[str, Mapping[str, Float64Array]], names: Sequence[str], path: Path) -> None:
    """Draw a panel a statistic: of each set the median, the middle half and the middle eight tenths of its clips.

    Args:
        values: by set, then by statistic, (N,) of its clips; the last set is the made-up one.
        names: of the statistics.
        path: of the SVG.
    """
    rows = -(-len(names) // _COLUMNS)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.6, 0.35 + (0.45 + 0.16 * len(values)) * rows), layout="constrained")
        panels = np.atleast_2d(figure.subplots(rows, _COLUMNS, sharey=True))
        for axes, name in zip(panels.flat, names, strict=False):
            for place, statistics in enumerate(values.values()):
                _draw_line(axes, statistics[name], place, place == len(values) - 1)
            axes.set_title(STATISTICS[name].title)
            axes.grid(axis="x", alpha=0.3)
        for axes in panels.flat[len(names) :]:
            axes.set_visible(False)
        panels[0, 0].set_yticks(range(len(values)), list(values))
        panels[0, 0].invert_yaxis()
        _save(figure, path)


def plot_spectra(spectra: Mapping[str, Mapping[str, Float64Array]], path: Path) -> None:
    """Draw the median spectrum of each set, of fingertips and of wrists.

    Args:
        spectra: by set, then "tips" and "wrists", (N, F) of its clips; the last set is the made-up one.
        path: of the SVG.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.6, 3.6), layout="constrained")
        for axes, (what, title) in zip(figure.subplots(1, 2), _SPECTRA.items(), strict=True):
            for place, (name, densities) in enumerate(spectra.items()):
                is_made_up = place == len(spectra) - 1
                colour = _MADE_UP if is_made_up else f"C{place if place < 3 else place + 1}"
                middle = median_of_known(densities[what])
                if not np.isnan(middle).all():
                    axes.plot(FREQUENCIES, middle, color=colour, linewidth=2.5 if is_made_up else 1.2, label=name)
            axes.set(yscale="log", xlabel="Hz", title=title)
            axes.grid(alpha=0.3)
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
        _save(figure, path)


def median_of_known(densities: Float64Array) -> Float64Array:
    """(F,) median over the clips (N, F) that reach a frequency; NaN where fewer than a tenth of them do."""
    known = ~np.isnan(densities)
    enough = known.sum(axis=0) >= max(1, 0.1 * known.any(axis=1).sum())
    middle = np.full(densities.shape[1], np.nan)
    middle[enough] = np.nanmedian(densities[:, enough], axis=0)
    return middle


def _draw_line(axes: Axes, clips: Float64Array, place: int, is_made_up: bool) -> None:
    known = clips[~np.isnan(clips)]
    if not len(known):
        return
    colour = _MADE_UP if is_made_up else _REAL
    tenth, quarter, middle, three_quarters, nine_tenths = np.percentile(known, [10, 25, 50, 75, 90])
    axes.plot([tenth, nine_tenths], [place, place], color=colour, linewidth=1.2)
    axes.plot([quarter, three_quarters], [place, place], color=colour, linewidth=5, alpha=0.5, solid_capstyle="butt")
    axes.plot(middle, place, "|", color="black", markersize=8, markeredgewidth=1.5)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasSVG(figure)
    figure.set_facecolor("white")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
