"""Pictures of training and evaluation, as PNG files; the only importer of matplotlib.

Every function takes plain arrays and a path, draws without a screen, and writes atomically.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from signtalk.evaluation.retrieval import (
    aurc,
    auroc,
    expected_calibration_error,
    reliability_bins,
    risk_coverage,
)
from signtalk.files import atomic_path

_SMOOTHED_EPOCHS = 5
_MAX_COLOURS = 10
_VERDICTS = {
    "right": "tab:green", "wrong sentence": "tab:red", "wrong translation": "tab:orange", "refused": "lightgrey",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Confidences:
    """What a gate sees of some queries, (Q,) each.

    Attributes:
        confidence: of the first candidate, 0-1.
        correct: whether it is right.
        accepted: whether the gate accepts it.
    """

    confidence: npt.NDArray[np.floating]
    correct: npt.NDArray[np.bool_]
    accepted: npt.NDArray[np.bool_]


@contextmanager
def _picture(
    path: Path, columns: int = 1, rows: int = 1, size: tuple[float, float] = (5.2, 3.8)
) -> Iterator[list[Any]]:
    """Axes to draw on, row by row, each of `size` inches; the picture is written when the block ends."""
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
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


def plot_risk_coverage(parts: Mapping[str, Confidences], path: Path) -> None:
    """Share of wrong answers against the share of queries answered; a dot where the gate stands."""
    with _picture(path, size=(7.0, 4.6)) as (axis,):
        for number, (name, part) in enumerate(parts.items()):
            curve, colour = risk_coverage(part.confidence, part.correct), f"C{number}"
            label = f"{name} ({len(part.correct)}), area {aurc(part.confidence, part.correct):.3f}"
            axis.step(curve.coverage, curve.risk, where="post", color=colour, label=label)
            if part.accepted.any():
                wrong = 1 - float(part.correct[part.accepted].mean())
                axis.plot(part.accepted.mean(), wrong, marker="o", markersize=9, color=colour, markeredgecolor="black")
        axis.set(
            title="risk-coverage; dot: the gate", xlabel="share of clips answered", ylabel="share of answers wrong"
        )
        axis.set(xlim=(0, 1), ylim=(-0.02, 1.02))
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)


def plot_reliability(parts: Mapping[str, Confidences], path: Path) -> None:
    """Stated against observed accuracy, and below how many queries have which confidence."""
    with _picture(path, columns=2, size=(5.2, 4.6)) as axes:
        axes[0].plot([0, 1], [0, 1], linestyle=":", color="grey")
        for number, (name, part) in enumerate(parts.items()):
            bins = reliability_bins(part.confidence, part.correct, num_bins=10)
            label, colour = f"{name}, ECE {expected_calibration_error(bins):.3f}", f"C{number}"
            axes[0].plot(bins.confidence, bins.accuracy, marker="o", color=colour, label=label)
            edges = np.linspace(0, 1, 11)
            axes[1].hist(part.confidence, bins=list(edges), color=colour, histtype="step", linewidth=1.8, label=name)
        axes[0].set(title="reliability", xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(-0.02, 1.02))
        axes[1].set(title="how often", xlabel="confidence", ylabel="clips", xlim=(0, 1))
        for axis in axes:
            axis.grid(alpha=0.3)
            axis.legend(fontsize=8)


def plot_roc(known: Confidences, strange: Mapping[str, Confidences], path: Path) -> None:
    """Known clips accepted against strange ones accepted, a curve for each kind; dots: the gate."""
    with _picture(path, size=(7.0, 5.2)) as (axis,):
        axis.plot([0, 1], [0, 1], linestyle=":", color="grey")
        for number, (name, part) in enumerate(strange.items()):
            both = np.concatenate([known.confidence, part.confidence])
            is_known = np.arange(len(both)) < len(known.confidence)
            thresholds = np.concatenate([[np.inf], np.unique(both)[::-1]])
            accepted = [[(values >= t).mean() for t in thresholds] for values in (part.confidence, known.confidence)]
            label, colour = f"{name} ({len(part.confidence)}), area {auroc(both, is_known):.3f}", f"C{number}"
            axis.plot(accepted[0], accepted[1], color=colour, label=label)
            gate = (part.accepted.mean(), known.accepted.mean())
            axis.plot(*gate, marker="o", markersize=8, color=colour, markeredgecolor="black", clip_on=False)
        axis.set(xlabel="share of strange clips accepted", ylabel="share of known clips accepted", xlim=(0, 1))
        axis.set(title=f"ROC against {len(known.confidence)} known clips; dots: the gate", ylim=(0, 1))
        axis.grid(alpha=0.3)
        if strange:
            axis.legend(fontsize=8, loc="lower right")


def plot_verdicts(rows: Mapping[str, Mapping[str, int]], title: str, path: Path) -> None:
    """A bar for each row: shares answered rightly, answered wrongly and refused.

    Args:
        rows: by the row's name the counts of "right", "wrong sentence", "wrong translation" and "refused".
        title: over the picture.
        path: the file.
    """
    with _picture(path, size=(8.4, 1.8 + 0.27 * len(rows))) as (axis,):
        sums = np.array([max(sum(row.values()), 1) for row in rows.values()], dtype=np.float64)
        left = np.zeros(len(rows))
        for verdict, colour in _VERDICTS.items():
            shares = np.array([row[verdict] for row in rows.values()], dtype=np.float64) / sums
            axis.barh(range(len(rows)), shares, left=left, color=colour, label=verdict, edgecolor="white")
            for place in np.flatnonzero(shares >= 0.06).tolist():
                middle = left[place] + shares[place] / 2
                axis.text(middle, place, f"{shares[place]:.0%}", ha="center", va="center", fontsize=7)
            left += shares
        names = [f"{name[:60]} ({sum(row.values())})" for name, row in rows.items()]
        axis.set_yticks(range(len(rows)), labels=names, fontsize=8)
        axis.set(title=title, xlabel="share of clips", xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6))
        axis.figure.legend(ncols=4, fontsize=8, loc="outside lower center")
