"""What the commands share: one line for an error, one document for --json, the model that answers."""

import io
import json
import sys
from pathlib import Path

import pytest

from made.small_run import SmallRun
from signtalk.cli import console
from signtalk.cli.options import ModelOptions
from signtalk.data.manifest import Problem
from signtalk.errors import ArtifactError, ConfigError

Capture = pytest.CaptureFixture[str]
PROBLEM = Problem("c1", "bad_clip", "c1.npz: no clip")


def test_a_name_that_is_not_utf8_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.BytesIO()
    with io.TextIOWrapper(stdout, encoding="utf-8", write_through=True) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        for as_json in (False, True):
            console.show({"video": "caf\udce9"}, as_json)
        console.print_error("caf\udce9: empty file")
        assert stdout.getvalue().decode().count(r"caf\udce9") == 3


def test_an_error_is_one_line_whatever_a_library_says(capsys: Capture) -> None:
    console.print_error("a.npz: bad\n\n  [bold]magic[/bold]\tnumber " + "x" * 200)
    assert capsys.readouterr().err == "a.npz: bad [bold]magic[/bold] number " + "x" * 200 + "\n"


def test_values_are_lines_or_one_document(capsys: Capture) -> None:
    values = {"written": "runs/[a].npz", "left_out": [{"Ü": 1}], "clips": 3}
    console.show(values, as_json=False)
    assert capsys.readouterr().out.splitlines() == ["written: runs/[a].npz", 'left_out: [{"Ü": 1}]', "clips: 3"]
    console.show(values, as_json=True)
    assert json.loads(capsys.readouterr().out) == values


def test_a_document_is_neither_wrapped_nor_coloured(capsys: Capture) -> None:
    console.print_json({"text": "Où? " * 100})
    assert capsys.readouterr().out == '{\n  "text": "' + "Où? " * 100 + '"\n}\n'


def test_what_is_left_out_is_told_once(capsys: Capture) -> None:
    rows = console.tell_left_out([PROBLEM, PROBLEM], as_json=False)
    assert capsys.readouterr().err == "left out: 2 (first: c1: c1.npz: no clip)\n"
    assert rows == console.tell_left_out([PROBLEM, PROBLEM], as_json=True) == [vars(PROBLEM)] * 2
    assert console.tell_left_out([], as_json=False) == []
    assert capsys.readouterr().err == ""
    assert console.in_json(True, rows) == {"left_out": rows}
    assert console.in_json(False, rows) == {}


@pytest.mark.parametrize("which", [ModelOptions(), ModelOptions(run=Path("a"), bundle=Path("b.zip"))])
def test_a_model_is_named_once(which: ModelOptions) -> None:
    with pytest.raises(ConfigError, match="give either --run or --bundle"):
        console.open_model(which)


def test_the_model_that_is_named_is_opened(small_run: SmallRun) -> None:
    with console.open_model(ModelOptions(bundle=small_run.bundle)) as bundle:
        assert str(small_run.bundle) in repr(bundle)
    with pytest.raises(ArtifactError, match="no such"):
        console.open_model(ModelOptions(run=small_run.out / "none"))


def test_an_index_that_is_read_must_be_there(tmp_path: Path) -> None:
    assert console.existing(None) is None
    with pytest.raises(ArtifactError, match="no such index; `signtalk enroll` makes one"):
        console.existing(tmp_path / "ward")


def test_a_bar_says_how_fast_it_goes(capsys: Capture) -> None:
    with console.ProgressBar("checking", hidden=True) as bar:
        bar(1, 9)
        bar(9, 9)
    assert capsys.readouterr().out == ""


def test_a_bar_that_never_began_ends_without_a_word(capsys: Capture) -> None:
    with pytest.raises(ConfigError), console.ProgressBar("checking", hidden=False):
        raise ConfigError("bad")
    assert capsys.readouterr().err == ""
