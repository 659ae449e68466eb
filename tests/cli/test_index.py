"""`signtalk index`: what is indexed, and sentences that nobody has signed."""

import json
import shutil
from pathlib import Path
from typing import Any

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


def test_people_read_what_was_indexed_and_what_comes_next(own_run: SmallRun, tmp_path: Path, ask: Any) -> None:
    (tmp_path / "new.txt").write_text("The zebra is here\n", encoding="utf-8")
    printed = ask("index", own_run.run, "--data", own_run.data, "--written", tmp_path / "new.txt")
    assert printed.out.splitlines()[0].startswith("clips indexed: ")
    assert "What the validation clips say" in printed.out
    assert printed.out.splitlines()[-1] == f"next: signtalk evaluate {own_run.run} --data {own_run.data}"
    assert "words of them are unknown: The zebra is here" in printed.err
