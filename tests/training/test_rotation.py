"""A gate fitted in turns: what is trained, what is asked, and what of it is kept."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest
from signtalk.data.splits import make_split
from signtalk.errors import ArtifactError, ConfigError
from signtalk.files import read_json, write_json
from signtalk.training import run as run_module
from signtalk.training.names import ROTATION_FOLDER, ROTATION_NAME
from signtalk.training.rotation import rotate_run, run_recipe
from signtalk.training.run import RunFolder, calibrate_run, index_run

CONFIG = run_module.CalibrationConfig()


@pytest.fixture
def short(own_run: SmallRun, monkeypatch: pytest.MonkeyPatch) -> SmallRun:
    """The small run with a recipe of two epochs, so that turns are trained quickly."""
    raw = read_json(own_run.run / "recipe.json")
    write_json(own_run.run / "recipe.json", raw | {"optimiser": raw["optimiser"] | {"epochs": 2, "val_every": 1}})
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return own_run


def test_the_gate_is_fitted_on_everybody_as_a_new_signer(short: SmallRun) -> None:
    run, manifest = RunFolder.open(short.run), load_manifest(short.data)
    plain = index_run(run, manifest)
    turns = rotate_run(run, manifest, 2)
    people = [set(turn.split(manifest).config.val_signers) for turn in turns]
    split = run.split(manifest)
    assert set.union(*people) == {record.signer_id for record in split.records(manifest, "train")}
    assert run_recipe(turns[0].folder).optimiser.val_every == 2  # those aside choose no epoch
    assert turns[0].checkpoint.encoder_id != run.checkpoint.encoder_id
    report = index_run(run, manifest)
    assert report.to_dict()["rotation"] == [sorted(each) for each in people]
    assert report.num_references == plain.num_references
    asked = sum(len(turn.split(manifest).clips("val")) for turn in turns)
    assert report.fit.num_known == asked > plain.fit.num_known
    assert read_json(run.folder / "decision.json")["report"]["rotation"] == report.to_dict()["rotation"]
    again = calibrate_run(run, manifest, CONFIG)
    assert again.report.num_known == asked
    assert again.decision.gate.figures == run.decision().gate.figures
    weights = [(turn.folder / "best.safetensors").read_bytes() for turn in turns]
    assert [(turn.folder / "best.safetensors").read_bytes() for turn in rotate_run(run, manifest, 2)] == weights


def test_of_many_clips_some_are_asked(short: SmallRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run, manifest = RunFolder.open(short.run), load_manifest(short.data)
    rotate_run(run, manifest, 2)
    monkeypatch.setattr(run_module, "_ASKED_IN_ROTATION", 12)
    assert index_run(run, manifest).fit.num_known == 12


def test_an_unfinished_rotation_or_another_one_is_told(short: SmallRun, tmp_path: Path) -> None:
    run, manifest = RunFolder.open(short.run), load_manifest(short.data)
    folder = run.folder / ROTATION_FOLDER
    assert run.turns() == ()
    folder.mkdir()
    write_json(folder / ROTATION_NAME, {"turns": 2, "split_hash": "of another split"})
    with pytest.raises(ArtifactError, match="0 of 2 turns are trained; go on with `signtalk index --rotate 2`"):
        index_run(run, manifest)
    with pytest.raises(ArtifactError, match=r"holds a rotation of 2 turns of split of another.*asked for 2"):
        rotate_run(run, manifest, 2)
    (folder / ROTATION_NAME).write_text('{"turns": "many"}')
    with pytest.raises(ArtifactError, match="damaged; delete"):
        run.turns()
    shutil.copy(run.folder / "best.safetensors", tmp_path / "best.safetensors")
    (tmp_path / "recipe.json").write_text('{"name": "default", "speed": 1}')
    with pytest.raises(ArtifactError, match=r"recipe.json: .*speed"):
        run_recipe(tmp_path)


def test_a_split_of_one_person_cannot_rotate_and_leaves_nothing(short: SmallRun) -> None:
    run, manifest = RunFolder.open(short.run), load_manifest(short.data)
    raw = read_json(run.folder / "split.json")
    someone = next(record.signer_id for record in run.split(manifest).records(manifest, "train"))
    alone = tuple(
        record for record in manifest.records if record.signer_id in (someone, *raw["config"]["test_signers"])
    )
    assert len(alone) < len(manifest.records)
    split = run.split(manifest)

    few = replace(manifest, records=alone)
    make_split(few, split.config.model_copy(update={"val_signers": ()})).save(run.folder / "split.json")
    with pytest.raises(ConfigError, match="1 people train"):
        rotate_run(run, few, 2)
    assert not (run.folder / ROTATION_FOLDER).exists()
