"""`signtalk export` and `signtalk bundle` as commands: what they print, and what they refuse."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import signtalk
from made.commands import terminal
from made.small_run import SmallRun
from signtalk.bundle.bundle import open_bundle
from signtalk.bundle.web import WebExport
from signtalk.landmarks.clip import save_clip
from signtalk.recognition.decision import write_decision
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.synthetic.endless import EndlessConfig, draw_group


@pytest.fixture
def exported_before(small_run: SmallRun, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let an export leave the files of the small run's; what it was to ship."""
    extras: list[Any] = []

    def export_bundle(_checkpoint: Any, _index: Any, _decision: Any, out: Path, given: Any) -> Path:
        extras.append(given)
        shutil.copytree(small_run.out / "export", out, dirs_exist_ok=True)
        return out / small_run.bundle.name

    monkeypatch.setattr("signtalk.export.run.export_bundle", export_bundle)
    return extras


def test_an_export_shows_its_files_and_encoders(
    small_run: SmallRun, tmp_path: Path, ask: Any, exported_before: list[Any]
) -> None:
    out = tmp_path / "shipped"
    options = ("--data", small_run.data, "--out", out, "--licence", "mit", "--no-signs")
    with terminal(200):
        printed = ask("export", small_run.run, *options)
    for path in filter(Path.is_file, out.iterdir()):
        assert path.name in printed.out
    offered = [line for line in printed.out.splitlines() if "offered" in line]
    assert len(offered) == 1
    assert {line.strip("│ ").split()[0] for line in printed.out.splitlines() if "0." in line} >= {"fp32"}
    assert (exported_before[0].licence, exported_before[0].signs) == ("mit", None)


def test_an_export_without_its_data_says_what_is_missing(
    small_run: SmallRun, tmp_path: Path, ask: Any, exported_before: list[Any]
) -> None:
    out = tmp_path / "shipped"
    assert "no --data" in " ".join(ask("export", small_run.run, "--out", out).err.split())
    told = ask("export", small_run.run, "--out", out, "--json")
    assert told["bundle"] == str(out / small_run.bundle.name)
    assert any("no --data" in note for note in told["notes"])
    assert told["variants"]["offered"]
    assert told["left_out"] == []
    assert all(extras.signs is None for extras in exported_before)


def test_the_policy_of_an_export_is_that_of_its_bundle(
    small_run: SmallRun, tmp_path: Path, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies: list[str] = []

    def export_bundle(_checkpoint: Any, _index: Any, decision: DecisionConfig, out: Path, _extras: Any) -> Path:
        policies.append(decision.policy)
        shutil.copytree(small_run.out / "export", out, dirs_exist_ok=True)
        return out / small_run.bundle.name

    monkeypatch.setattr("signtalk.export.run.export_bundle", export_bundle)
    for options in ((), ("--policy", "research"), ("--policy", "strict")):
        ask("export", small_run.run, "--out", tmp_path / "shipped", *options)
    assert policies == [signtalk.Run(small_run.run).decision().policy, "research", "strict"]


def test_a_bundle_is_verified_and_unpacked(small_run: SmallRun, tmp_path: Path, ask: Any) -> None:
    told = ask("bundle", "verify", small_run.bundle, "--json")
    assert told["verified"] == str(small_run.bundle)
    assert max(told["largest_differences"].values()) < 1e-3
    files = ask("bundle", "unpack", small_run.bundle, tmp_path / "a", "--json")["files"]
    assert sorted(files) == sorted(
        str(p.relative_to(tmp_path / "a")) for p in (tmp_path / "a").rglob("*") if p.is_file()
    )
    assert json.loads((tmp_path / "a" / "export_manifest.json").read_text())["files"].keys() <= set(files)
    with terminal(200):
        assert "export_manifest.json" in ask("bundle", "unpack", small_run.bundle, tmp_path / "b").out
    assert "b: " in ask("bundle", "unpack", small_run.bundle, tmp_path / "b", code=2).err  # not empty any more


@pytest.mark.slow
def test_a_new_bundle_is_asked_taught_and_asked_again(
    tmp_path: Path, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step says what the next one is."""
    monkeypatch.chdir(tmp_path)
    for person, drawn in enumerate(draw_group(EndlessConfig(seed=11, people=2), 2)):
        save_clip(tmp_path / f"{person}.npz", drawn.clip)
    assert ask("new", "clinic.zip").out.splitlines()[-1] == (
        "next: signtalk enroll TEXT CLIP... --bundle clinic.zip --index FOLDER"
    )
    asked = ask("recognize", "1.npz", "--bundle", "clinic.zip")
    assert "not sure: empty_index" in asked.out
    assert "teach some with `signtalk enroll`" in asked.err
    ask("enroll", "The pump beeps", "0.npz", "--bundle", "clinic.zip", "--index", "ward")
    again = ask("recognize", "0.npz", "1.npz", "--bundle", "clinic.zip", "--index", "ward")
    assert "The pump beeps" in again.out
    assert again.err == ""


def test_a_page_of_own_sentences_alone_decides_by_this_places_calibration(
    small_run: SmallRun, tmp_path: Path, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles: list[Any] = []

    def export(bundle: Any, out: Path, _: Any) -> WebExport:
        bundles.append(bundle)
        return WebExport(out, 0, 0, 0)

    monkeypatch.setattr("signtalk.bundle.web.export_web", export)
    with open_bundle(small_run.bundle) as opened:
        fitted = DecisionConfig(gate=GateConfig(threshold=0.123), translate=False)
        write_decision(tmp_path / "here.json", fitted, {}, opened.recognizer.index.encoder_id)
    ask("bundle", "web", small_run.bundle, tmp_path / "page")
    ask("bundle", "web", small_run.bundle, tmp_path / "page", "--only-own", "--calibration", tmp_path / "here.json")
    plain, own = bundles
    assert len(plain.recognizer.index) > 0 and len(own.recognizer.index) == 0
    assert own.recognizer.decision.gate.threshold == 0.123
