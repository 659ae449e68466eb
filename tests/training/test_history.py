from pathlib import Path

import pytest

from made.networks import small_model
from signtalk.data.packed import PackedClips
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.files import read_csv
from signtalk.landmarks.features import FeatureConfig
from signtalk.training.history import HISTORY_COLUMNS, RunHistory
from signtalk.training.recipe import Recipe
from signtalk.training.validation import ValidationMeasures, ValidationSet

NAN = float("nan")


def measures(mrr: float) -> ValidationMeasures:
    return ValidationMeasures(0.5, mrr, NAN, NAN, NAN, 1.0, 0.0, 0.0)


@pytest.fixture
def history(tmp_path: Path) -> RunHistory:
    return RunHistory(tmp_path, Recipe(), SentenceTokenizer.fit(["pain"]))


def data() -> ValidationSet:
    import numpy as np

    store = PackedClips(FeatureConfig(), (), np.zeros((0, 1, 1), dtype=np.float16))
    return ValidationSet(store, (), (), SentenceTokenizer.fit(["pain"]), "hash")


def test_the_best_epoch_is_the_last_of_the_highest(history: RunHistory, tmp_path: Path) -> None:
    scores = [history.record(e, {"train": 1.0}, measures(mrr), 0.1, small_model(), data())
              for e, mrr in enumerate([0.2, 0.6, 0.6, 0.4])]  # fmt: skip
    assert scores == [0.2, 0.6, 0.6, 0.6]
    assert history.best_epoch == 3
    assert history.evaluations_without_gain == 2  # since the score was first reached
    columns, rows = read_csv(tmp_path / "training_history.csv")
    assert tuple(columns) == HISTORY_COLUMNS
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[0]["val_inst_top1"] == ""  # not measured, not 0
    history.finish()
    assert (tmp_path / "training_curves.png").read_bytes()[:4] == b"\x89PNG"


def test_the_state_travels_with_the_checkpoint(history: RunHistory, tmp_path: Path) -> None:
    history.record(0, {"train": 1.0}, measures(0.3), 0.1, small_model(), data())
    other = RunHistory(tmp_path, Recipe(), SentenceTokenizer.fit(["pain"]))
    other.from_state(history.to_state())
    assert other.rows == history.rows
    assert (other.best_epoch, other.best_score) == (1, 0.3)
    assert other.record(1, {}, None, 0.1, small_model(), data()) == 0.3
    assert other.evaluations_without_gain == 0  # an epoch that was not measured does not count
    other.record(2, {}, measures(0.1), 0.1, small_model(), data())
    assert other.evaluations_without_gain == 1
    assert len(history.rows) == 1
