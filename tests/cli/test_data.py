"""`signtalk data ...`: the report of a check, the defaults of a split."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from made.commands import run_cli
from made.small_run import SmallRun
from signtalk.data.roles import SplitConfig


def test_the_split_takes_its_defaults_from_one_place(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "split.json"
    assert run_cli(monkeypatch, "data", "split", small_run.data, "--test-signer", "C", "--out", out) == 0
    defaults = SplitConfig(test_signers=("C",)).model_dump(mode="json", exclude_none=True)
    assert json.loads(out.read_text())["config"] == defaults
    given = ("--protocol", "unseen_sentence", "--test-size", "0.3", "--out", out)
    assert run_cli(monkeypatch, "data", "split", small_run.data, *given) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"signtalk: {out}: is there and holds another split") and error.count("\n") == 1
    assert json.loads(out.read_text())["config"] == defaults
    assert run_cli(monkeypatch, "data", "split", small_run.data, *given, "--force") == 0
    assert json.loads(out.read_text())["config"]["test_size"] == 0.3


def test_the_check_leaves_its_report_or_says_why_not(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(small_run.data, data)
    shutil.rmtree(data / ".signtalk")
    assert run_cli(monkeypatch, "data", "check", data, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert json.loads((data / ".signtalk" / "report.json").read_text()) == shown
    assert (data / ".signtalk" / "report.md").read_text().startswith("# Data check of")
    assert (data / ".signtalk" / "data.png").is_file()
    shutil.rmtree(data / ".signtalk")
    (data / ".signtalk").write_text("in the way")
    assert run_cli(monkeypatch, "data", "check", data) == 0
    printed = capsys.readouterr()
    assert "not written: " in printed.err
    assert "clips per sentence" in printed.out


def test_people_read_of_each_clip_that_cannot_be_used(small_run: SmallRun, tmp_path: Path, ask: Any) -> None:
    shutil.copytree(small_run.data, tmp_path / "data")
    broken = next((tmp_path / "data").rglob("*A.npz"))
    broken.write_bytes(b"no clip")
    lines = ask("data", "check", tmp_path / "data").out.splitlines()
    assert any(f": {broken.stem}: " in line and line.split(":")[0] != "written" for line in lines)
    assert lines[-1].startswith("written: ")
