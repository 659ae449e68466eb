"""`signtalk calibrate` over a run and a bundle, and what it refuses."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest, write_manifest
from signtalk.files import read_json


@pytest.fixture
def local(small_run: SmallRun, tmp_path: Path) -> Path:
    """A folder of clips as another camera might have seen them: those of the tested signer under new names."""
    records = [record for record in load_manifest(small_run.data).records if record.signer_id == "C"]
    new = [replace(record, video_file=f"local{number}.mp4", signer_id="L") for number, record in enumerate(records)]
    folder = tmp_path / "local"
    folder.mkdir()
    write_manifest(folder, new)
    return folder


def copied_run(small_run: SmallRun, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_run.run, tmp_path / "run"))


def test_a_runs_own_data_fits_everything_on_its_validation_clips(small_run, tmp_path, ask):
    run = copied_run(small_run, tmp_path)
    before = read_json(run / "decision.json")
    told = ask("calibrate", small_run.data, "--run", run, "--json")
    assert told["written"] == str(run / "decision.json")
    assert read_json(run / "decision.json")["decision"] == before["decision"]  # same promises, same clips
    ask("calibrate", small_run.data, "--run", run, "--precision", "0.6", "--unknown-share", "0.05", "--json")
    assert read_json(run / "decision.json")["decision"]["gate"]["precision_asked"] == 0.6
    text = " ".join(ask("calibrate", small_run.data, "--run", run, "--out", tmp_path / "other.json").out.split())
    assert "Calibration" in text
    assert "candidate sets reach to" in text
    assert read_json(run / "decision.json")["decision"]["gate"]["precision_asked"] == 0.6  # --out leaves it


@pytest.mark.parametrize("kind", ["run", "bundle"])
def test_local_clips_fit_the_gate_and_recognize_decides_by_it(kind, small_run, tmp_path, local, ask):
    source = {"run": small_run.run, "bundle": small_run.bundle}[kind]
    here = tmp_path / "here.json"
    settings = ("--precision", "0.6", "--coverage", "0.6", "--choice-precision", "0.3", "--unknown-share", "0.1")
    told = ask("calibrate", local, f"--{kind}", source, "--out", here, *settings, "--json")
    assert told["num_known"] > 0
    assert isinstance(told["too_few"], list)
    assert told["candidate_sets"]["coverage"] == 0.6
    assert told["before_after"]["before"]["num_queries"] == told["before_after"]["after"]["num_queries"] > 0
    text = " ".join(ask("calibrate", local, f"--{kind}", source, "--out", here, *settings).out.split())
    assert "trained: " in text and "enrolled: not proven" in text
    assert "the same clips before" in text and "the same clips now" in text
    clip = load_manifest(local).records[0].feature_path
    plain = ask("recognize", clip, f"--{kind}", source, "--json")[str(clip)]
    fitted = ask("recognize", clip, f"--{kind}", source, "--calibration", here, "--json")[str(clip)]
    assert plain["candidates"][0]["sentence"] == fitted["candidates"][0]["sentence"]
    assert fitted["num_possible"] >= 1
    assert fitted["outcome"] in ("answer", "choices", "not_sure")
    assert fitted["confidence"] != plain["confidence"] or not told["gate"].get("threshold")


def test_a_clip_that_cannot_be_used_is_left_out_and_told(small_run, tmp_path, local, ask):
    records = list(load_manifest(local).records)
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(b"no clip")
    write_manifest(local, [replace(records[0], feature_path=damaged), *records[1:]])
    asked = ("calibrate", local, "--bundle", small_run.bundle, "--out", tmp_path / "here.json")
    left_out = ask(*asked, "--json")["left_out"]
    assert [(each["clip_id"], each["kind"]) for each in left_out] == [("local0", "bad_clip")]
    assert "left out: 1 (first: local0: " in " ".join(ask(*asked).err.split())


def test_too_few_clips_leave_the_gate_as_it_was(small_run, tmp_path, local, ask):
    manifest, run = load_manifest(local), copied_run(small_run, tmp_path)
    write_manifest(local, manifest.records[:2])
    before = (run / "decision.json").read_bytes()
    told = ask("calibrate", local, "--run", run, code=2)
    assert "too few of one kind to fit a gate" in told.err
    assert (run / "decision.json").read_bytes() == before
    ask("calibrate", local, "--bundle", small_run.bundle, "--out", tmp_path / "x.json", code=2)
    assert not (tmp_path / "x.json").exists()


def test_what_it_refuses(small_run, tmp_path, local, ask):
    told = ask("calibrate", local, "--bundle", small_run.bundle, code=2)
    assert "a bundle is never changed; give --out" in told.err
    told = ask("calibrate", small_run.data, "--bundle", small_run.bundle, "--out", tmp_path / "x.json", code=2)
    assert "belong to the model's own data" in told.err
    mixed = load_manifest(small_run.data).records[:3] + load_manifest(local).records[:3]
    write_manifest(local, mixed)
    told = ask("calibrate", local, "--run", small_run.run, "--out", tmp_path / "x.json", code=2)
    assert "belong to the model's own data" in told.err
    assert not (tmp_path / "x.json").exists()
    told = ask("calibrate", local, "--run", small_run.run, "--bundle", small_run.bundle, "--out", "x.json", code=2)
    assert "either --run or --bundle" in told.err


def test_another_models_calibration_is_refused(small_run, tmp_path, local, ask):
    other = tmp_path / "other.json"
    content = read_json(small_run.run / "decision.json") | {"encoder_id": "somebody else's"}
    other.write_text(json.dumps(content))
    clip = load_manifest(local).records[0].feature_path
    told = ask("recognize", clip, "--run", small_run.run, "--calibration", other, code=2)
    assert "fitted for another model" in told.err
