from pathlib import Path

import numpy as np

from signtalk.evaluation.plots import (
    Confidences,
    plot_bars,
    plot_embedding_map,
    plot_gate,
    plot_reliability,
    plot_risk_coverage,
    plot_roc,
    plot_similarities,
    plot_training_curves,
    plot_verdicts,
    smoothed,
)
from signtalk.training.history import HISTORY_COLUMNS


def is_png(path: Path) -> bool:
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and path.stat().st_size > 3000


def test_smoothing_is_a_trailing_mean_that_passes_gaps() -> None:
    found = smoothed(np.array([np.nan, 1.0, np.nan, 3.0]), window=2)
    np.testing.assert_array_equal(found, [np.nan, 1.0, 1.0, 3.0])


def test_every_picture_is_drawn(tmp_path: Path) -> None:
    rows = [dict.fromkeys(HISTORY_COLUMNS, "") | {"epoch": e, "train_loss": 1.0 / e} for e in (1, 2, 3)]
    plot_training_curves(rows, 2, tmp_path / "curves.png")
    rng = np.random.default_rng(0)
    plot_similarities(rng.random(20), np.full(20, np.nan), tmp_path / "similarities.png")
    plot_gate(rng.random(20), rng.random(20) < 0.5, rng.random(5), tmp_path / "gate.png")
    plot_gate(rng.random(20), rng.random(20) < 0.5, np.zeros(0), tmp_path / "known.png")
    plot_bars({"a": 1.0, "b" * 90: 0.5}, "title", "label", tmp_path / "bars.png")
    plot_bars({}, "nothing", "label", tmp_path / "nothing.png")
    plot_embedding_map(rng.random((9, 4)), list("abcabcabc"), list("AAABBBCCC"), tmp_path / "map.png")
    plot_embedding_map(rng.random((1, 4)), ["a"], ["A"], tmp_path / "one.png")
    pictures = sorted(tmp_path.iterdir())
    assert len(pictures) == 8
    assert [path.name for path in pictures if not is_png(path)] == []


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
