import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.pretraining import TINY, pretrained
from made.records import full_grid, made_manifest
from signtalk.data.manifest import ClipRecord, load_manifest
from signtalk.errors import ArtifactError, DataError
from signtalk.files import read_json
from signtalk.synthetic.dataset import SyntheticConfig, write_dataset
from signtalk.training.checkpoint import load_checkpoint
from signtalk.training.pretrain import PRETRAIN_HISTORY_NAME, PRETRAIN_NAME, PretrainResult, pretrain
from signtalk.training.trainer import TrainOptions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pretrain") / "run"


@pytest.fixture(scope="module")
def result(folder: Path) -> Iterator[PretrainResult]:
    yield pretrained(folder)


def history(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / PRETRAIN_HISTORY_NAME).read_text(encoding="utf-8").splitlines()))


def test_it_leaves_weights_a_history_and_what_it_was_made_with(folder: Path, result: PretrainResult) -> None:
    assert (result.epochs, result.clips) == (2, {})
    rows = history(folder)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert result.best_score == max(float(row["R@1 made up"]) for row in rows)
    assert read_json(folder / PRETRAIN_NAME)["config"] == TINY.model_dump(mode="json")
    checkpoint = load_checkpoint(result.best)
    assert checkpoint.features == TINY.features
    assert checkpoint.origin["epoch"] == result.best_epoch
    assert not checkpoint.model.config.spells and checkpoint.model.text_encoder is None


@pytest.mark.slow
def test_of_equally_good_epochs_the_one_that_is_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signtalk.training.pretrain.one_shot_recall", lambda *_: (0.5, 0.5))
    tied = pretrained(tmp_path / "tied")
    assert (tied.best_epoch, tied.best_score) == (2, 0.5)
    assert load_checkpoint(tied.best).origin["epoch"] == 2


@pytest.mark.slow
def test_one_that_was_stopped_goes_on_to_the_same_weights(tmp_path: Path, result: PretrainResult) -> None:
    pretrained(tmp_path / "again", stop_after=1)
    resumed = pretrained(tmp_path / "again", resume=True)
    whole, parts = load_checkpoint(result.best).model, load_checkpoint(resumed.best).model
    assert resumed.epochs == 2
    for name, tensor in whole.state_dict().items():
        np.testing.assert_allclose(parts.state_dict()[name].numpy(), tensor.numpy(), atol=1e-6, err_msg=name)


def test_a_folder_with_a_pretraining_is_not_begun_anew_nor_gone_on_with_as_another(
    folder: Path, result: PretrainResult
) -> None:
    assert result.epochs == 2
    with pytest.raises(ArtifactError, match="add --resume"):
        pretrained(folder)
    with pytest.raises(ArtifactError, match="other settings or data"):
        pretrain(TINY.model_copy(update={"seed": 1}), TrainOptions(folder, resume=True, progress=False))


def test_nothing_to_resume_and_a_folder_with_something_else_are_told(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no pretraining to resume"):
        pretrained(tmp_path / "none", resume=True)
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(DataError, match="not an empty folder"):
        pretrained(tmp_path)


@pytest.mark.parametrize(
    ("role", "records", "message"),
    [
        ("learned", full_grid(1, "AB"), "sentences to learn from: 1; expected two or more"),
        ("learned", [*full_grid(1, "AB"), *full_grid(0, "AB", idle=3)], "sentences to learn from: 1"),
        ("asked", full_grid(4, "A", takes=3), "people: 1, sentences: 4, and nobody can be asked"),
        ("asked", full_grid(1, "AB"), "people: 2, sentences: 1"),
    ],
)
def test_data_that_cannot_serve_is_refused_before_anything_is_written(
    role: str, records: list[ClipRecord], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=f"/nowhere: {message}"):
        pretrained(tmp_path / "run", **{role: [made_manifest(records)]})
    assert not (tmp_path / "run").exists()


def test_data_that_cannot_serve_once_it_is_packed_leaves_no_pretraining_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dataset(tmp_path / "data", SyntheticConfig(num_sentences=2, num_idle=0, near_misses=False))
    good = load_manifest(tmp_path / "data")
    keep = good.records[0].text_key
    broken = replace(
        good,
        records=tuple(
            record if record.text_key == keep else replace(record, feature_path=tmp_path / "data" / "none.npz")
            for record in good.records
        ),
    )

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(DataError, match="data: sentences to learn from: 1"):
        pretrained(tmp_path / "run", learned=[broken])
    monkeypatch.setattr("signtalk.training.pretrain.fit", stop)
    with pytest.raises(KeyboardInterrupt):  # goes on to the training itself
        pretrained(tmp_path / "run", learned=[good])
    assert (tmp_path / "run" / PRETRAIN_NAME).is_file()


@pytest.mark.slow
def test_recorded_clips_are_learned_from_and_asked(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", SyntheticConfig(num_sentences=3, num_idle=2, near_misses=False))
    manifest = load_manifest(tmp_path / "data")
    result = pretrained(tmp_path / "run", learned=[manifest], asked=[manifest], stop_after=1)
    assert list(result.clips.values()) == [len(manifest.records)]
    (row,) = history(tmp_path / "run")
    assert 0 <= float(row["R@1 data"]) <= 1
