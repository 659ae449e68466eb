from pathlib import Path

import numpy as np
import pytest

from made.blocked import ran_without
from signtalk.evaluation import plots
from signtalk.evaluation.plots import (
    Confidences,
    no_pictures,
    plot_bars,
    plot_embedding_map,
    plot_gate,
    plot_reliability,
    plot_risk_coverage,
    plot_roc,
    plot_similarities,
    plot_training_curves,
    plot_verdicts,
    shown_range,
    smoothed,
)
from signtalk.training.history import HISTORY_COLUMNS

NOBODY = Confidences(np.zeros(0), np.zeros(0, bool), np.zeros(0, bool))


def is_png(path: Path) -> bool:
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and path.stat().st_size > 3000


@pytest.fixture
def figures(monkeypatch) -> list:
    """Every matplotlib figure that is drawn while the test runs."""
    from matplotlib.figure import Figure

    drawn: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *args, **named: (drawn.append(self), save(self, *args, **named))
    )
    return drawn


def test_smoothing_is_a_trailing_mean_that_passes_gaps() -> None:
    values = smoothed(np.array([np.nan, 1.0, np.nan, 3.0]), window=2)
    np.testing.assert_array_equal(values, [np.nan, 1.0, 1.0, 3.0])


def test_the_first_epochs_do_not_squeeze_the_rest() -> None:
    values = np.concatenate([np.linspace(50, 3, 10), np.linspace(1.0, 0.5, 90)])
    low, high = shown_range(values)
    assert 0.4 < low < 0.5
    assert 1.0 < high < 1.1
    assert shown_range(np.array([7.0, np.nan])) == pytest.approx((6.65, 7.35))
    assert shown_range(np.full((2, 3), np.nan)) == (0.0, 1.0)
    assert shown_range(np.zeros((0, 3))) == (0.0, 1.0)


def test_curves_name_each_part_and_the_best_epoch(tmp_path: Path, figures: list) -> None:
    rows = [
        dict.fromkeys(HISTORY_COLUMNS, "")
        | {"epoch": e, "train_loss": 30.0 / e, "align_loss": 0.5, "val_decoder_wer": 1}
        for e in range(1, 31)
    ]
    plot_training_curves(rows, 27, tmp_path / "curves.png")
    losses, retrieval, texts, _ = figures[0].axes
    assert losses.get_yscale() == "log"
    labels = [text.get_text() for text in losses.get_legend().get_texts()]
    assert labels == ["all together: 1.07", "signs and texts: 0.5", "best epoch: 27"]
    assert [text.get_text() for text in retrieval.texts] == ["not measured yet"]
    assert texts.get_legend() is not None
    assert {axis.get_xlabel() for axis in figures[0].axes} == {"epoch"}


def test_reliability_tells_the_number_of_clips_of_each_confidence(tmp_path: Path, figures: list) -> None:
    confidence = np.array([0.05, 0.95, 0.96, 0.97])
    plot_gate(Confidences(confidence, confidence > 0.5, confidence > 0.5), NOBODY, tmp_path / "gate.png")
    counts = figures[0].axes[-1]
    assert [text.get_text() for text in counts.texts] == ["1", *[""] * 8, "3"]
    assert "clips" in counts.get_ylabel()
    risk = figures[0].axes[0]
    assert [text.get_text() for text in risk.get_legend().get_texts()] == [
        "known clips (4), area 0.062", "gate: answers 75%, 0.0% of these wrong",
    ]  # fmt: skip
    assert (risk.get_xlabel(), risk.get_ylabel()) == ("share of clips answered", "share of answers wrong")


def test_bars_stand_beside_whole_sentences(tmp_path: Path, figures: list) -> None:
    sentence = "Since when does it hurt here, and is it $5 or $6 worse than it was on the day before yesterday?"
    plot_bars({f"signed: {sentence}\ntaken for: no": 2.0, "b": 1.0}, "title", "clips", tmp_path / "bars.png")
    axis = figures[0].axes[0]
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert names[0].replace("\n", " ") == f"signed: {sentence} taken for: no"
    assert max(len(line) for line in names[0].splitlines()) <= 58
    assert [text.get_text() for text in axis.texts] == ["2", "1"]
    plot_bars({f"{i}": 1.0 for i in range(30)}, "title", "clips", tmp_path / "many.png")
    assert len(figures[1].axes[0].patches) == 25
    assert figures[1].get_figheight() > 3 * figures[0].get_figheight()


@pytest.mark.slow
def test_every_picture_is_drawn(tmp_path: Path) -> None:
    rows = [dict.fromkeys(HISTORY_COLUMNS, "") | {"epoch": e, "train_loss": 1.0 / e} for e in (1, 2, 3)]
    plot_training_curves(rows, 2, tmp_path / "curves.png")
    rng = np.random.default_rng(0)
    plot_similarities(rng.random(20), np.full(20, np.nan), tmp_path / "similarities.png")
    some = Confidences(rng.random(20), rng.random(20) < 0.5, rng.random(20) < 0.5)
    plot_gate(some, some, tmp_path / "gate.png")
    plot_gate(some, NOBODY, tmp_path / "known.png")
    plot_bars({"a": 1.0, "b" * 90: 0.5}, "title", "label", tmp_path / "bars.png")
    plot_bars({}, "nothing", "label", tmp_path / "nothing.png")
    plot_embedding_map(rng.random((9, 4)), list("abcabcab$"), list("AAABBBCCC"), tmp_path / "map.png")
    plot_embedding_map(rng.random((1, 4)), ["a"], ["A"], tmp_path / "one.png")
    pictures = sorted(tmp_path.iterdir())
    assert len(pictures) == 8
    assert [path.name for path in pictures if not is_png(path)] == []


@pytest.mark.slow
def test_pictures_of_a_stress_test_are_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(30)
    some = Confidences(confidence, rng.random(30) < confidence, confidence > 0.8)
    none = Confidences(confidence[:1], np.zeros(1, bool), np.zeros(1, bool))
    parts = {"recorded": some, "nothing accepted": none}
    plot_risk_coverage(parts, tmp_path / "risk.png")
    plot_reliability(parts, tmp_path / "reliability.png")
    plot_roc(some, {"unknown": some, "one": none}, tmp_path / "roc.png")
    plot_roc(some, {}, tmp_path / "nobody.png")
    counts = {"right": 3, "wrong sentence": 1, "wrong translation": 0, "refused": 2}
    plot_verdicts({f"case {i}": counts for i in range(30)}, "title", tmp_path / "many.png")
    plot_verdicts({"case": dict.fromkeys(counts, 0)}, "title", tmp_path / "one.png")
    plot_verdicts({}, "nothing", tmp_path / "none.png")
    pictures = sorted(tmp_path.iterdir())
    assert len(pictures) == 7
    assert [path.name for path in pictures if not is_png(path)] == []


def test_without_matplotlib_it_says_so() -> None:
    assert no_pictures() == ""
    code = f"import {plots.__name__} as plots; print(plots.no_pictures())"
    assert "matplotlib is not installed" in ran_without(("matplotlib",), code)
