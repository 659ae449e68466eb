"""Fitting the gate to clips of one place, which a clinic does without torch."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from made.data_folder import data_folder
from made.encoder import MadeEncoder
from made.references import small_index
from made.small_run import SmallRun
from signtalk.bundle.bundle import open_bundle
from signtalk.calibration.before_after import BeforeAfter, Outcomes
from signtalk.calibration.calibrate import CalibrationConfig
from signtalk.calibration.local import Calibrated, calibrate_locally
from signtalk.data.manifest import load_manifest, write_manifest
from signtalk.errors import DataError
from signtalk.recognition.recognizer import DecisionConfig, Recognizer

HEAVY = (
    "torch", "lightning", "pytorch_lightning", "pytorch_metric_learning", "transformers", "matplotlib", "sklearn",
    "pandas", "jiwer", "sacrebleu", "onnx", "onnxscript", "tensorboard",
)  # fmt: skip

WITHOUT = """
import importlib.abc, json, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"{name} is not to be imported here", name=name)

HEAVY, BUNDLE, FOLDER, OUT = json.loads(sys.argv[1])
sys.meta_path.insert(0, Blocker())
"""

BY_LIBRARY = """
from pathlib import Path
from signtalk.bundle.bundle import open_bundle
from signtalk.calibration.calibrate import CalibrationConfig
from signtalk.calibration.local import calibrate_locally
from signtalk.data.manifest import load_manifest
from signtalk.recognition.decision import write_decision

config = CalibrationConfig(precision=0.6, coverage=0.6, choice_precision=0.3, unknown_share=0.1)
with open_bundle(Path(BUNDLE)) as bundle:
    fitted = calibrate_locally(bundle.recognizer, load_manifest(Path(FOLDER)), config)
    write_decision(Path(OUT), fitted.decision, fitted.report.to_dict(), bundle.recognizer.index.encoder_id)
"""

BY_COMMAND = """
from signtalk.cli.main import main

promises = ["--precision", "0.6", "--coverage", "0.6", "--choice-precision", "0.3", "--unknown-share", "0.1"]
sys.argv = ["signtalk", "calibrate", FOLDER, "--bundle", BUNDLE, "--out", OUT, *promises]
main()
"""


def run_without(heavy: tuple[str, ...], code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own in which some packages cannot be imported."""
    arguments = json.dumps([heavy, *map(str, paths)])
    command = [sys.executable, "-c", WITHOUT + code, arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def local(small_run: SmallRun, tmp_path: Path) -> Path:
    """Clips as another camera might have seen them: those of the tested signer under new names."""
    records = [record for record in load_manifest(small_run.data).records if record.signer_id == "C"]
    folder = tmp_path / "local"
    folder.mkdir()
    renamed = [replace(record, video_file=f"local{n}.mp4", signer_id="L") for n, record in enumerate(records)]
    write_manifest(folder, renamed)
    return folder


@pytest.mark.slow
def test_library_and_command_fit_a_bundles_gate_without_torch(small_run: SmallRun, tmp_path: Path, local: Path) -> None:
    decisions = []
    for name, code in (("library", BY_LIBRARY), ("command", BY_COMMAND)):
        done = run_without(HEAVY, code, small_run.bundle, local, tmp_path / f"{name}.json")
        assert done.returncode == 0, done.stderr
        decisions.append(json.loads((tmp_path / f"{name}.json").read_text()))
    assert decisions[0] == decisions[1]
    assert decisions[0]["decision"]["gate"]["fitted"]


@pytest.mark.slow
def test_without_scipy_the_command_names_what_is_missing(small_run: SmallRun, tmp_path: Path, local: Path) -> None:
    done = run_without((*HEAVY, "scipy"), BY_COMMAND, small_run.bundle, local, tmp_path / "out.json")
    assert done.returncode == 2
    assert "needs scipy" in done.stderr
    assert not (tmp_path / "out.json").exists()


def test_a_fit_that_only_takes_away_is_refused_or_told(
    small_run: SmallRun, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Outcomes(80, 0, 0, 41, 41, 10, 0)
    config = CalibrationConfig(precision=0.6, coverage=0.6, choice_precision=0.3, unknown_share=0.1)

    def fitted(after: Outcomes) -> Calibrated:
        monkeypatch.setattr("signtalk.calibration.local.compare_fits", lambda *_: BeforeAfter(before, after))
        with open_bundle(small_run.bundle) as bundle:
            return calibrate_locally(bundle.recognizer, load_manifest(local), config)

    with pytest.raises(DataError, match=r"41 of 41 offers right; after 0 of 0 answers.*the gate stays as it was"):
        fitted(replace(before, offered=0, offered_right=0))
    fewer = fitted(replace(before, offered=30, offered_right=30)).report
    assert "helps less than before" in fewer.too_few[-1]
    assert fewer.to_dict()["before_after"]["after"]["offered"] == 30
    same = fitted(before).report
    assert not any("helps less" in line for line in same.too_few)


def test_clips_that_were_seen_or_are_too_few_are_refused(tmp_path: Path) -> None:
    manifest = data_folder(tmp_path)
    recognizer = Recognizer(encoder=MadeEncoder(), index=small_index(), decision=DecisionConfig(translate=False))
    with pytest.raises(DataError, match=r"1 clips belong to the model's own data \(first 3\)"):
        calibrate_locally(recognizer, manifest, CalibrationConfig(), used={"3", "unheard of"})
    own = replace(manifest, records=(replace(manifest.records[0], clip_id="a1"),))
    with pytest.raises(DataError, match=r"first a1"):
        calibrate_locally(recognizer, own, CalibrationConfig())
    with pytest.raises(DataError, match="too few of one kind to fit a gate"):
        calibrate_locally(recognizer, manifest, CalibrationConfig())
