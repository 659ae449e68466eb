"""`import` and `export-clips` as commands, and their failures."""

import json
from pathlib import Path

import pytest

from made.commands import run_cli
from signtalk.data.manifest import load_manifest
from signtalk.synthetic.dataset import SyntheticConfig, write_dataset

Patch, Capture = pytest.MonkeyPatch, pytest.CaptureFixture[str]


@pytest.mark.slow
def test_out_and_in_again_is_a_folder_that_is_checked_and_packed(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    write_dataset(tmp_path / "data", SyntheticConfig(num_sentences=2, num_signers=3))
    sent, back = tmp_path / "sent", tmp_path / "back"
    assert run_cli(monkeypatch, "export-clips", tmp_path / "data", "--format", "mp-data", "--out", sent, "--json") == 0
    num_clips = json.loads(capsys.readouterr().out)["clips"]
    (sent / "idle" / "0" / "3.npy").write_bytes(b"damaged")
    assert run_cli(monkeypatch, "import", sent, "--format", "mp-data", "--out", back, "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert done["clips"] == num_clips - 1 == len(load_manifest(back, strict=True).records)
    assert [problem["kind"] for problem in done["left_out"]] == ["bad_clip"]
    assert run_cli(monkeypatch, "data", "pack", back, "--out", tmp_path / "store", "--strict") == 0
    assert run_cli(monkeypatch, "import", sent, "--format", "mp-data", "--out", tmp_path / "no", "--strict") == 2
    assert "3.npy" in capsys.readouterr().err
    assert run_cli(monkeypatch, "import", sent, "--format", "xml", "--out", tmp_path / "no") == 2
    assert "pose, json, mp-data, parquet" in " ".join(capsys.readouterr().err.split())


def test_notes_are_told_once_and_stand_in_the_document(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    few = SyntheticConfig(num_sentences=2, num_signers=1, clips_per_sentence=(1, 1), num_idle=0)
    write_dataset(tmp_path / "data", few)
    sent = tmp_path / "sent"
    assert run_cli(monkeypatch, "export-clips", tmp_path / "data", "--format", "json", "--out", sent) == 0
    table = sent / "metadata.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    lines = [lines[0] + ",hand", *(line + ",left" for line in lines[1:])]
    table.write_text("\n".join(lines), encoding="utf-8")
    capsys.readouterr()
    arguments = ("import", sent, "--format", "json", "--out")
    assert run_cli(monkeypatch, *arguments, tmp_path / "a") == 0
    told = " ".join(capsys.readouterr().err.split())
    assert told.count("note: ") == 1 and "columns that are not used: 'hand'" in told
    assert run_cli(monkeypatch, *arguments, tmp_path / "b", "--json") == 0
    said = capsys.readouterr()
    assert "'hand'" in json.loads(said.out)["notes"][0] and "hand" not in said.err
