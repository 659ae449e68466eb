"""Pictures of training and evaluation, as PNG files; the only importer of matplotlib.

Every function takes plain arrays and a path, draws without a screen, and writes atomically. matplotlib is imported
when the first picture is drawn: figures are worth having without pictures, see `no_pictures`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

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
_BINS = 10
_LINE_WIDTH = 58
_LINES = 3
_LEGEND_WIDTH = 44
_LOSSES, _FOUND = "training losses, by part", "validation: right sentence found"
_PANELS = {
    _LOSSES: {
        "train_loss": "all together", "supcon_loss": "contrast of clips", "class_loss": "sentence (ArcFace)",
        "ce_loss": "text, next token", "ctc_loss": "words in order (CTC)", "mask_loss": "hidden frames",
        "align_loss": "signs and texts",
    },
    _FOUND: {"val_retrieval_top1": "ranked first (R@1)", "val_retrieval_mrr": "MRR"},
    "validation: text written by the decoder": {
        "val_decoder_wer": "word error rate", "val_decoder_exact": "right word for word",
    },
    "validation: two views of one clip (diagnostic)": {
        "val_inst_top1": "own other view is nearest", "val_pos_sim": "similarity to own other view",
        "val_neg_sim": "to the nearest other clip",
    },
}  # fmt: skip
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


def no_pictures() -> str:
    """Why no picture can be drawn here; "" where they can."""
    try:
        import matplotlib  # noqa: F401 - whether it is there is all that is asked
    except ModuleNotFoundError:
        return "No pictures: matplotlib is not installed (pip install 'signtalk[train]')."
    return ""


@contextmanager
def _picture(
    path: Path, columns: int = 1, rows: int = 1, size: tuple[float, float] = (5.2, 3.8)
) -> Iterator[list[Any]]:
    """Axes to draw on, row by row, each of `size` inches; the picture is written when the block ends."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

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


def shown_range(values: npt.NDArray[np.floating]) -> tuple[float, float]:
    """Limits of an axis that show how values settle: the first tenth of them may lie outside.

    Args:
        values: (..., E) over epochs; NaN is passed over.

    Returns:
        Lowest and highest of the rest, with a margin; 0 and 1 without any value.
    """
    settled = values[..., values.shape[-1] // 10 :]
    seen = settled[np.isfinite(settled)] if np.isfinite(settled).any() else values[np.isfinite(values)]
    if not seen.size:
        return 0.0, 1.0
    low, high = float(seen.min()), float(seen.max())
    margin = 0.05 * (high - low) or 0.05 * max(abs(high), 1.0)
    return low - margin, high + margin


def plot_training_curves(rows: Sequence[Mapping[str, Any]], best_epoch: int, path: Path) -> None:
    """Losses (smoothed over 5 epochs, logarithmic), retrieval, texts and views over epochs; the best epoch marked.

    Args:
        rows: one an epoch, keys `history.HISTORY_COLUMNS`; an empty cell was not measured.
        best_epoch: the one that is shipped; 0 before the first evaluation.
        path: the file.
    """
    epochs = np.array([row["epoch"] for row in rows], dtype=np.float64)
    with _picture(path, columns=2, rows=2, size=(6.4, 4.2)) as axes:
        for axis, (title, names) in zip(axes, _PANELS.items(), strict=True):
            columns = {label: _column(rows, name) for name, label in names.items()}
            measured = {label: values for label, values in columns.items() if not np.isnan(values).all()}
            if title == _LOSSES:
                measured = {label: smoothed(values) for label, values in measured.items()}
            _draw_panel(axis, title, epochs, measured)
            if best_epoch:
                axis.axvline(best_epoch, color="black", linestyle=":", linewidth=1.2, label=f"best epoch: {best_epoch}")
            if measured:
                axis.legend(fontsize=8, title="last value", title_fontsize=8)
            else:
                _say(axis, "not measured yet")


def _draw_panel(
    axis: Any, title: str, epochs: npt.NDArray[np.float64], measured: Mapping[str, npt.NDArray[np.float64]]
) -> None:
    for label, values in measured.items():
        seen = ~np.isnan(values)
        marker = None if title == _LOSSES else "."
        axis.plot(epochs[seen], values[seen], label=f"{label}: {values[seen][-1]:.3g}", linewidth=1.5, marker=marker)
    drawn = np.array(list(measured.values())).reshape(len(measured), len(epochs))
    if title == _LOSSES and drawn.size and np.nanmin(drawn) > 0:
        _set_logarithmic(axis)
    else:
        axis.set_ylim((0, 1.02) if title == _FOUND else shown_range(drawn))
    axis.set(title=title, xlabel="epoch", xlim=(min(1.0, *epochs) - 0.5, max(1.0, *epochs) + 0.5))
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(alpha=0.3, which="both")


def _set_logarithmic(axis: Any) -> None:
    """A logarithmic axis with plain numbers instead of powers."""
    from matplotlib.ticker import LogFormatter

    axis.set_yscale("log")
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.0, 0.4)))


def _say(axis: Any, text: str) -> None:
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center")


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> npt.NDArray[np.float64]:
    return np.array([row[name] if row[name] != "" else np.nan for row in rows], dtype=np.float64)


def plot_similarities(right: npt.NDArray[np.floating], wrong: npt.NDArray[np.floating], path: Path) -> None:
    """Histograms of the score of the right sentence and of the best other one.

    Args:
        right: (Q,) scores of the right sentences.
        wrong: (Q,) scores of the best other ones.
        path: of the PNG.
    """
    with _picture(path) as (axis,):
        for values, name, colour in ((right, "right sentence", "tab:green"), (wrong, "best other", "tab:red")):
            seen = values[~np.isnan(values)]
            if len(seen):
                axis.hist(seen, bins=30, alpha=0.6, label=name, color=colour)
        axis.set(title="score of the right and of the best other sentence", xlabel="score", ylabel="queries")
        axis.legend()


def plot_gate(known: Confidences, unknown: Confidences, path: Path) -> None:
    """Risk-coverage, reliability with the number of clips, and ROC of the confidence, side by side.

    Args:
        known: queries whose sentence is indexed.
        unknown: queries that have no right answer; may be empty.
        path: the file.
    """
    both = Confidences(
        confidence=np.concatenate([known.confidence, unknown.confidence]),
        correct=np.append(known.correct, unknown.correct),
        accepted=np.append(known.accepted, unknown.accepted),
    )
    with _picture(path, columns=3, size=(5.6, 4.6)) as axes:
        _draw_risk_coverage(axes[0], {"known clips": known})
        axes[0].set_title("wrong answers against answered clips")
        _draw_reliability(axes[1], axes[1].twinx(), both)
        strange = {"unknown clips": unknown} if len(unknown.confidence) else {}
        _draw_roc(axes[2], known, strange)


def _draw_risk_coverage(axis: Any, parts: Mapping[str, Confidences]) -> None:
    """Share of wrong answers against the share of clips answered, a curve a part; a dot where the gate stands."""
    highest = 0.0
    for number, (name, part) in enumerate(parts.items()):
        curve, colour = risk_coverage(part.confidence, part.correct), f"C{number}"
        label = f"{name} ({len(part.correct)}), area {aurc(part.confidence, part.correct):.3f}"
        axis.step(curve.coverage, curve.risk, where="post", color=colour, label=label)
        highest = max(highest, float(curve.risk.max()))
        if part.accepted.any():
            answered, wrong = float(part.accepted.mean()), 1 - float(part.correct[part.accepted].mean())
            label = f"gate: answers {answered:.0%}, {wrong:.1%} of these wrong"
            axis.plot(answered, wrong, "o", markersize=9, color=colour, markeredgecolor="black", label=label)
            highest = max(highest, wrong)
    axis.set(xlabel="share of clips answered", ylabel="share of answers wrong", xlim=(0, 1.02))
    axis.set_ylim(-0.03 * max(highest, 0.05), 1.25 * max(highest, 0.05))  # so that a small risk is seen too
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, loc="upper left")


def _draw_reliability(axis: Any, counts: Any, part: Confidences) -> None:
    """Stated against observed accuracy; behind it, on `counts`, how many clips have which confidence."""
    edges = np.linspace(0, 1, _BINS + 1)
    numbers, _ = np.histogram(part.confidence, bins=edges)
    bars = counts.bar(edges[:-1], numbers, width=1 / _BINS, align="edge", color="0.88", edgecolor="white")
    counts.bar_label(bars, labels=[str(number) if number else "" for number in numbers], fontsize=8, color="0.4")
    counts.set(ylabel="clips of this confidence (grey)", ylim=(0, 1.6 * max(1, int(numbers.max()))))
    axis.set_zorder(counts.get_zorder() + 1)
    axis.patch.set_visible(False)
    bins = reliability_bins(part.confidence, part.correct, num_bins=_BINS)
    axis.plot([0, 1], [0, 1], linestyle=":", color="grey", label="as promised")
    label = f"seen, mean gap (ECE) {expected_calibration_error(reliability_bins(part.confidence, part.correct)):.3f}"
    axis.plot(bins.confidence, bins.accuracy, marker="o", label=label)
    axis.set(xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1.04))
    axis.set_title(f"reliability ({len(part.correct)} clips)")
    axis.legend(fontsize=8, loc="upper left")


def _draw_roc(axis: Any, known: Confidences, strange: Mapping[str, Confidences]) -> None:
    """Known clips accepted against strange ones accepted, a curve for each kind; dots: the gate."""
    axis.plot([0, 1], [0, 1], linestyle=":", color="grey", label="chance")
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
    axis.set(title=f"ROC against {len(known.confidence)} known clips; dots: the gate", ylim=(0, 1.02))
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, loc="lower right")


def plot_bars(values: Mapping[str, float], title: str, label: str, path: Path, limit: int = 25) -> None:
    """Horizontal bars with their values, the first `limit` entries; a name may have several lines.

    Args:
        values: by name; the name stands beside the bar in full.
        title: over the picture.
        label: what the values are.
        path: the file.
        limit: most bars.
    """
    bars = {_lines(name): value for name, value in list(values.items())[:limit]}
    lines = sum(max(2, name.count("\n") + 1) for name in bars)
    with _picture(path, size=(8.4, 1.4 + 0.21 * max(lines, 3))) as (axis,):
        places = range(len(bars))
        drawn = axis.barh(places, list(bars.values()), height=0.6)
        axis.bar_label(drawn, labels=[f"{value:.3g}" for value in bars.values()], padding=3, fontsize=9)
        axis.set_yticks(places, labels=list(bars), fontsize=9, parse_math=False)
        axis.set(title=title, xlabel=label, ylim=(max(len(bars), 1) - 0.4, -0.6))
        if all(float(value).is_integer() for value in bars.values()):  # counts
            axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set_xlim(0, 1.12 * max(bars.values(), default=1.0) or 1.0)
        axis.grid(alpha=0.3, axis="x")
        if not bars:
            _say(axis, "none")


def _lines(name: str) -> str:
    """A name whose every line takes at most `_LINES` that fit beside a picture."""
    wrapped = (
        textwrap.wrap(line, _LINE_WIDTH, max_lines=_LINES, placeholder=" ...") or [""] for line in name.split("\n")
    )
    return "\n".join(part for lines in wrapped for part in lines)


def plot_embedding_map(
    embeddings: npt.NDArray[np.floating], sentences: Sequence[str], signers: Sequence[str], path: Path
) -> None:
    """The first two principal components of clips, coloured by sentence and by signer; rare names are grey.

    Args:
        embeddings: (N, D).
        sentences: of each clip.
        signers: of each clip.
        path: of the PNG.
    """
    centred = embeddings - embeddings.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ directions[:2].T if len(directions) > 1 else np.zeros((len(embeddings), 2))
    with _picture(path, columns=2, size=(7.0, 4.6)) as axes:
        for axis, names, title in ((axes[0], sentences, "by sentence"), (axes[1], signers, "by signer")):
            known, which, counts = np.unique(np.array(names), return_inverse=True, return_counts=True)
            frequent = np.argsort(-counts, kind="stable")[:_MAX_COLOURS]
            axis.scatter(*flat[~np.isin(which, frequent)].T, color="lightgrey", s=6)
            for number, name in enumerate(frequent.tolist()):
                axis.scatter(*flat[which == name].T, color=f"C{number}", s=14, label=_in_legend(str(known[name])))
            axis.set(title=f"embeddings {title} ({len(known)})", xticks=[], yticks=[])
            axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))


def _in_legend(name: str) -> str:
    """A name from outside, in which a dollar begins no formula."""
    return textwrap.shorten(name, _LEGEND_WIDTH, placeholder=" ...").replace("$", r"\$")


def plot_risk_coverage(parts: Mapping[str, Confidences], path: Path) -> None:
    """Share of wrong answers against the share of queries answered; a dot where the gate stands."""
    with _picture(path, size=(7.0, 4.6)) as (axis,):
        _draw_risk_coverage(axis, parts)
        axis.set_title("wrong answers against answered clips; dot: the gate")


def plot_reliability(parts: Mapping[str, Confidences], path: Path) -> None:
    """Stated against observed accuracy of each part, and how many queries have which confidence."""
    with _picture(path, columns=len(parts), size=(6.0, 4.6)) as axes:
        for axis, (name, part) in zip(axes, parts.items(), strict=True):
            _draw_reliability(axis, axis.twinx(), part)
            axis.set_title(f"{name} ({len(part.correct)} clips)")


def plot_roc(known: Confidences, strange: Mapping[str, Confidences], path: Path) -> None:
    """Known clips accepted against strange ones accepted, a curve for each kind; dots: the gate.

    Args:
        known: clips of indexed sentences.
        strange: other clips, by kind.
        path: of the PNG.
    """
    with _picture(path, size=(7.0, 5.2)) as (axis,):
        _draw_roc(axis, known, strange)


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
        axis.set_yticks(range(len(rows)), labels=names, fontsize=8, parse_math=False)
        axis.set(title=title, xlabel="share of clips", xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6))
        axis.figure.legend(ncols=4, fontsize=8, loc="outside lower center")
