from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.checkpoint import tiny_checkpoint
from made.drawn import drawn_folder
from signtalk.bundle.bundle import open_bundle, verify_bundle
from signtalk.data.manifest import Manifest, load_manifest
from signtalk.errors import DataError, ExportRefusedError
from signtalk.export import adapt
from signtalk.export.adapt import adapt_bundle
from signtalk.export.base import export_base
from signtalk.export.initial import load_initial
from signtalk.landmarks.clip import PARTS, load_clip, save_clip
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.training.adapt import Adaptation, AdaptConfig, AskedOnce

CONFIG = AdaptConfig(steps=2, sentences=2, clips=2)
GAIN = Adaptation(AskedOnce(0.5, 0.6, 2, 0), AskedOnce(0.8, 0.9, 4, 0), num_questions=9, by="people", gain_low=0.1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("base") / "base.zip"
    return export_base(tiny_checkpoint("conv-transformer"), DecisionConfig(), out, "Apache-2.0")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return drawn_folder(tmp_path_factory.mktemp("data"), sentences=3, people=2)


@pytest.mark.slow
def test_the_new_bundle_knows_the_clips_and_the_old_one_stays(
    base: Path, data: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapt, "cross_validate", lambda *_: GAIN)
    before = base.read_bytes()
    made = adapt_bundle(str(base), data, tmp_path / "adapted.zip", CONFIG)
    assert (made.num_clips, made.num_sentences, base.read_bytes()) == (6, 3, before)
    verify_bundle(made.bundle)
    assert load_initial(str(made.bundle)).encoder_id != load_initial(str(base)).encoder_id
    with open_bundle(made.bundle) as bundle:
        assert sorted(bundle.recognizer.index.sentences) == ["sign 0", "sign 1", "sign 2"]
        assert bundle.manifest.origin["adapted"]["cross_validation"] == GAIN.to_dict()
        assert bundle.signs is not None
    with pytest.raises(ExportRefusedError, match="holds 3 sentences"):
        adapt_bundle(str(made.bundle), data, tmp_path / "again.zip", CONFIG)
    with pytest.raises(DataError, match="is there already"):
        adapt_bundle(str(base), data, made.bundle, CONFIG)


@pytest.mark.slow
def test_without_a_gain_nothing_is_written(
    base: Path, data: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapt, "cross_validate", lambda *_: Adaptation(GAIN.before, GAIN.before, 9, "people", 0.0))
    with pytest.raises(ExportRefusedError, match="no gain is certain: of 9 questions"):
        adapt_bundle(str(base), data, tmp_path / "adapted.zip", CONFIG)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_clips_that_may_not_teach_alone_may_not_teach_together(base: Path, tmp_path: Path) -> None:
    data = drawn_folder(tmp_path / "data", sentences=3, people=2)
    for name in ("left_hand", "right_hand"):
        record = data.records[0]
        clip = load_clip(record.feature_path)
        landmarks = clip.landmarks.copy()
        landmarks[:, PARTS[name]] = np.nan
        save_clip(record.feature_path, replace(clip, landmarks=landmarks))
    with pytest.raises(DataError, match=r"1 of 6 clips cannot teach.*0% of the frames show a hand"):
        adapt_bundle(str(base), load_manifest(data.root), tmp_path / "adapted.zip", CONFIG)
    assert not (tmp_path / "adapted.zip").exists()
