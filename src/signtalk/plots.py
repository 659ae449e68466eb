"""Pictures of training and evaluation, as PNG files; the only importer of matplotlib.

Every function takes plain arrays and a path, draws without a screen, and writes atomically.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from signtalk.files import atomic_path

_SMOOTHED_EPOCHS = 5


@contextmanager
def _picture(path: Path, columns: int = 1, rows: int = 1) -> Iterator[list[Any]]:
    """Axes to draw on, row by row; the picture is written when the block ends."""
    figure = Figure(figsize=(5.2 * columns, 3.8 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    yield [figure.add_subplot(rows, columns, place + 1) for place in range(rows * columns)]
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def smoothed(values: npt.NDArray[np.floating], window: int = _SMOOTHED_EPOCHS) -> npt.NDArray[np.float64]:
    """Trailing mean over up to `window` values; NaN is passed over."""
    result = np.full(len(values), np.nan)
    for end in range(len(values)):
        recent = values[max(0, end - window + 1) : end + 1]
        if not np.isnan(recent).all():
            result[end] = np.nanmean(recent)
    return result


def plot_training_curves(rows: Sequence[Mapping[str, Any]], best_epoch: int, path: Path) -> None:
    """Loss parts (smoothed over 5 epochs), alignment, retrieval and text over epochs; the best epoch marked."""
    epochs = np.array([row["epoch"] for row in rows], dtype=np.float64)
    panels = (
        ("loss", ("train_loss", "supcon_loss", "class_loss", "ce_loss", "ctc_loss", "mask_loss")),
        ("views of a clip (diagnostic)", ("val_inst_top1", "val_pos_sim", "val_neg_sim")),
        ("retrieval", ("val_retrieval_top1", "val_retrieval_mrr")),
        ("text", ("val_decoder_wer", "val_decoder_exact")),
    )
    with _picture(path, columns=2, rows=2) as axes:
        for axis, (title, names) in zip(axes, panels, strict=True):
            for name in names:
                values = np.array([row[name] if row[name] != "" else np.nan for row in rows], dtype=np.float64)
                seen = ~np.isnan(values)
                if seen.any():
                    drawn = smoothed(values) if title == "loss" else values
                    axis.plot(epochs[seen], drawn[seen], label=name.removeprefix("val_"), linewidth=1.4)
            if best_epoch:
                axis.axvline(best_epoch, color="grey", linestyle=":", linewidth=1)
            axis.set(title=title, xlabel="epoch")
            axis.grid(alpha=0.3)
            if axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize=7)
