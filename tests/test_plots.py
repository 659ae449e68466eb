from pathlib import Path

import numpy as np

from signtalk.history import HISTORY_COLUMNS
from signtalk.plots import (
    plot_bars,
    plot_embedding_map,
    plot_gate,
    plot_similarities,
    plot_training_curves,
    smoothed,
)


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
