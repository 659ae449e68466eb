"""`signtalk index`: what is indexed, and sentences that nobody has signed."""

import json
import shutil
from pathlib import Path

import pytest

from made.commands import run_cli
from made.small_run import SmallRun
from signtalk.index.index import SentenceIndex


def test_sentences_are_written_into_an_index(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run.run, run)
    known = SentenceIndex.load(run / "index").entries[0].sentence
    (tmp_path / "new.csv").write_text(f"sentence,category\nThe zebra is here,animals\n{known},x\n", encoding="utf-8")
    index = ("index", run, "--data", small_run.data, "--json")
    assert run_cli(monkeypatch, *index) == 0
    before = json.loads(capsys.readouterr().out)
    assert run_cli(monkeypatch, *index, "--written", tmp_path / "new.csv") == 0
    after = json.loads(capsys.readouterr().out)
    assert after["written"]["num"] + len(after["written"]["already"]) == 2
    assert after["written"]["unknown_words"] == ["The zebra is here"]
    assert after["num_sentences"] == before["num_sentences"] + after["written"]["num"]
    assert after["num_references"] == before["num_references"]
    clip = next(small_run.data.rglob("*.npz"))
    assert run_cli(monkeypatch, "recognize", clip, "--run", run, "--json") == 0
    assert json.loads(capsys.readouterr().out)[str(clip)]["candidates"]
    assert run_cli(monkeypatch, "search", "the zebra", "--run", run, "--json", "-k", 99) == 0
    assert "The zebra is here" not in {hit["sentence"] for hit in json.loads(capsys.readouterr().out)["clips"]}
