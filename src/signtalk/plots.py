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
from signtalk.metrics import reliability_bins

_SMOOTHED_EPOCHS = 5
_MAX_COLOURS = 10


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


def plot_similarities(right: npt.NDArray[np.floating], wrong: npt.NDArray[np.floating], path: Path) -> None:
    """Histograms of the score of the right sentence and of the best other one."""
    with _picture(path) as (axis,):
        for values, name, colour in ((right, "right sentence", "tab:green"), (wrong, "best other", "tab:red")):
            seen = values[~np.isnan(values)]
            if len(seen):
                axis.hist(seen, bins=30, alpha=0.6, label=name, color=colour)
        axis.set(title="score of the right and of the best other sentence", xlabel="score", ylabel="queries")
        axis.legend()


def plot_gate(
    confidence: npt.NDArray[np.floating], correct: npt.NDArray[np.bool_], unknown: npt.NDArray[np.floating], path: Path
) -> None:
    """Risk-coverage, reliability and ROC of the confidence, side by side."""
    with _picture(path, columns=3) as axes:
        order = np.argsort(-confidence, kind="stable")
        answered = np.arange(1, len(order) + 1)
        axes[0].plot(answered / len(order), np.cumsum(~correct[order]) / answered)
        axes[0].set(title="risk-coverage (known)", xlabel="coverage", ylabel="share of wrong answers", ylim=(0, 1))
        bins = reliability_bins(np.concatenate([confidence, unknown]), np.append(correct, np.zeros(len(unknown), bool)))
        axes[1].plot([0, 1], [0, 1], linestyle=":", color="grey")
        axes[1].plot(bins.confidence, bins.accuracy, marker="o")
        axes[1].set(title="reliability", xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
        thresholds = np.sort(np.concatenate([confidence, unknown, [np.inf]]))[::-1]
        if len(unknown):
            false = [(unknown >= t).mean() for t in thresholds]
            axes[2].plot(false, [(confidence >= t).mean() for t in thresholds])
        axes[2].plot([0, 1], [0, 1], linestyle=":", color="grey")
        axes[2].set(title="ROC: known against unknown", xlabel="unknown accepted", ylabel="known accepted")


def plot_bars(values: Mapping[str, float], title: str, label: str, path: Path, limit: int = 25) -> None:
    """Horizontal bars, the first `limit` entries."""
    names = list(values)[:limit]
    with _picture(path) as (axis,):
        axis.barh(range(len(names)), [values[name] for name in names])
        axis.set_yticks(range(len(names)), labels=[name[:60] for name in names], fontsize=6)
        axis.invert_yaxis()
        axis.set(title=title, xlabel=label)


def plot_embedding_map(
    embeddings: npt.NDArray[np.floating], sentences: Sequence[str], signers: Sequence[str], path: Path
) -> None:
    """The first two principal components of clips, coloured by sentence and by signer; rare names are grey."""
    centred = embeddings - embeddings.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ directions[:2].T if len(directions) > 1 else np.zeros((len(embeddings), 2))
    with _picture(path, columns=2) as axes:
        for axis, names, title in ((axes[0], sentences, "by sentence"), (axes[1], signers, "by signer")):
            known, which, counts = np.unique(np.array(names), return_inverse=True, return_counts=True)
            shown = np.argsort(-counts, kind="stable")[:_MAX_COLOURS]
            axis.scatter(*flat[~np.isin(which, shown)].T, color="lightgrey", s=6)
            for number, name in enumerate(shown.tolist()):
                axis.scatter(*flat[which == name].T, color=f"C{number}", s=14, label=str(known[name])[:32])
            axis.set(title=f"embeddings {title} ({len(known)})", xticks=[], yticks=[])
            axis.legend(fontsize=5, loc="best")
