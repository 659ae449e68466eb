"""The real commands in this process, and their failures: one line, exit code 2, nothing left behind."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

import signtalk
from made.commands import run_cli
from made.small_run import SmallRun
from signtalk.cli.main import app
from signtalk.data.manifest import load_manifest, table_path
from signtalk.data.splits import Split
from signtalk.files import read_csv, write_csv

QUICK = 3
"""Times the processor time of a command of two words by the same library, the interpreter's start included."""

HELP = """
import sys, time
{main}
sys.argv = ["signtalk", "--help"]
try:
    main()
finally:
    print(time.process_time(), *sorted({{name.split(".")[0] for name in sys.modules}}), file=sys.stderr)
"""
OURS = "from signtalk.cli.main import main"
SMALLEST = """
import typer
main = typer.Typer()
@main.command()
def one(number: int = typer.Option(1, help="A number.")) -> None: "One."
@main.command()
def two() -> None: "Two."
"""


def commands_of(group: Any, *before: str) -> Iterator[str]:
    """The names of all commands, such as "data check"."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, *before, name)
        else:
            yield " ".join((*before, name))


COMMANDS = list(commands_of(typer.main.get_command(app)))


def test_help_is_quick_and_names_every_command() -> None:
    """The best of three by turns, in processor time: a busy machine slows all that runs beside it."""
    plain = {**os.environ, "COVERAGE_PROCESS_START": ""}
    runs = [
        subprocess.run(
            [sys.executable, "-c", HELP.format(main=code)], capture_output=True, text=True, check=True, env=plain
        )
        for _ in range(3)
        for code in (OURS, SMALLEST)
    ]
    assert set(runs[0].stderr.split()) & {"numpy", "torch", "onnxruntime", "pydantic", "scipy"} == set()
    seconds = [float(run.stderr.split()[0]) for run in runs]
    assert min(seconds[::2]) < QUICK * min(seconds[1::2]), seconds
    for command in COMMANDS:
        assert f" {command.split()[0]} " in runs[0].stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(monkeypatch, *command.split(), "--help") == 0
    assert f"signtalk {command}" in " ".join(capsys.readouterr().out.split())


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == signtalk.__version__


@pytest.mark.slow
def test_the_whole_chain_by_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, split, run = tmp_path / "data", tmp_path / "split.json", tmp_path / "run"

    def ask(*arguments: object) -> dict[str, object]:
        assert run_cli(monkeypatch, *arguments, "--json") == 0
        document: dict[str, object] = json.loads(capsys.readouterr().out)
        return document

    ask("data", "synthesize", data, "--sentences", 12, "--signers", 3)
    assert len(ask("data", "check", data)["clips_by_sentence"]) == 12
    assert ask("data", "pack", data, "--out", tmp_path / "store", "--recipe", "tiny")["left_out"] == []
    made = ask("data", "split", data, "--test-signer", "C", "--val-fraction", 0.2, "--out", split)
    assert made["test"] > 0
    stats = ask("data", "stats", data, "--split", split, "--out", tmp_path / "global_stats.npz")
    assert stats["clips"] == made["train"] == len(np.load(tmp_path / "global_stats.npz")["seq_lengths"])
    small = ("--recipe", "tiny", "--set", "optimiser.epochs=1")
    assert ask("train", data, "--split", split, "--out", run, *small)["epochs"] == 1
    assert ask("index", run, "--data", data)["num_references"] == made["train"]
    report = ask("evaluate", run, "--data", data)
    assert report["split_hash"] == made["hash"]
    assert (run / "report" / "report.md").is_file()
    clip = next(data.rglob("*C.npz"))
    answers = ask("recognize", clip, "--run", run)
    assert answers[str(clip)]["candidates"][0]["rank"] == 1
    old = ask("recognize", clip, "--run", run, "--prototype-gate")
    assert old[str(clip)]["reason"] in {"", "low_similarity", "ambiguous_top2", "prototype_disagreement"}


def bad_calls(small_run: SmallRun, tmp_path: Path) -> dict[str, tuple[object, ...]]:
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "text.txt").write_text("x")
    np.save(tmp_path / "wrong.npy", np.zeros((5, 7), dtype=np.float32))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    split = small_run.run / "split.json"
    train = ("train", small_run.data, "--split", split, "--out")
    return {
        "no folder": ("data", "check", tmp_path / "none"),
        "no run": ("evaluate", tmp_path / "none", "--data", small_run.data),
        "empty clip": ("recognize", tmp_path / "empty.npy", "--run", small_run.run),
        "wrong shape": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run),
        "pickled clip": ("recognize", tmp_path / "objects.npy", "--run", small_run.run),
        "not a clip": ("recognize", tmp_path / "text.txt", "--run", small_run.run),
        "search nowhere": ("search", "pain"),
        "search for nothing": ("search", "?!", "--run", small_run.run),
        "no such category": ("search", "pain", "--run", small_run.run, "--category", "astronomy"),
        "no sentences": ("index", small_run.run, "--data", small_run.data, "--written", tmp_path / "none.txt"),
        "neither run nor bundle": ("recognize", tmp_path / "wrong.npy"),
        "not a bundle": ("bundle", "verify", tmp_path / "text.txt"),
        "no such recipe": (*train, tmp_path / "new", "--recipe", "best"),
        "no such setting": (*train, tmp_path / "new", "--set", "optimiser.speed=3"),
        "setting out of range": (*train, tmp_path / "new", "--set", "optimiser.epochs=-1"),
        "run exists": (*train, small_run.run, "--recipe", "tiny"),
        "nothing to resume": (*train, tmp_path / "new", "--resume"),
        "unwritable": ("data", "synthesize", tmp_path / "text.txt" / "below"),
        "unknown signer": ("data", "split", small_run.data, "--test-signer", "Z", "--out", tmp_path / "s.json"),
        "bad fraction": ("data", "split", small_run.data, "--val-fraction", "7", "--out", tmp_path / "s.json"),
        "sizes that do not fit": (*train, tmp_path / "new", "--set", "network.num_heads=5"),
        "texts that do not fit": (*train, tmp_path / "new", "--set", "network.max_tokens=2"),
        "export into a run": ("export", small_run.run, "--out", small_run.run),
        "signers without need": (
            "data",
            "split",
            small_run.data,
            "--protocol",
            "unseen_sentence",
            "--test-size",
            "2",
            "--out",
            tmp_path / "s.json",
        ),
        "unknown option": ("data", "check", small_run.data, "--hurry"),
        "no smoothing": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run, "--smoothing-alpha", "0"),
        "no frame rate": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run, "--fps", "0"),
        "negative frame rate": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run, "--fps", "-5"),
        "nan frame rate": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run, "--fps", "nan"),
        "nan smoothing": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run, "--smoothing-alpha", "nan"),
        "nan precision": ("index", small_run.run, "--data", small_run.data, "--precision", "nan"),
    }


# Options that typer refuses by itself, in a box.
BOXED = {
    "unknown option", "no smoothing", "no frame rate", "negative frame rate", "nan frame rate", "nan smoothing",
    "nan precision",
}  # fmt: skip


def test_bad_input_is_one_line_and_exit_code_2(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = bad_calls(small_run, tmp_path)
    before = sorted(tmp_path.iterdir())
    for name, arguments in calls.items():
        assert run_cli(monkeypatch, *arguments) == 2, name
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err, name
        if name not in BOXED:
            assert printed.err.startswith("signtalk: "), name
            assert len(printed.err.strip().splitlines()) == 1, (name, printed.err)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_what_is_left_out_is_told_by_every_command(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run, split = tmp_path / "data", tmp_path / "run", tmp_path / "split.json"
    shutil.copytree(small_run.data, data)
    columns, rows = read_csv(table_path(data))
    wordless = Path(rows[0]["video_file"]).stem
    rows[0]["sentence"], rows[0]["text_variations"] = "?!", ""
    write_csv(table_path(data), columns, rows)
    make_split = ("data", "split", data, "--test-signer", "C", "--out", split)
    assert run_cli(monkeypatch, *make_split) == 0
    assert capsys.readouterr().err.startswith(f"left out: 1 (first: {wordless}: the text '?!' holds no word")
    assert run_cli(monkeypatch, *make_split, "--json") == 0
    printed = capsys.readouterr()
    assert [problem["clip_id"] for problem in json.loads(printed.out)["left_out"]] == [wordless]
    assert printed.err == ""
    manifest = load_manifest(data)
    broken = Split.load(split, manifest).records(manifest, "train")[0]
    broken.feature_path.write_bytes(b"no clip")
    train = ("train", data, "--split", split, "--out", run, "--recipe", "tiny", "--set", "optimiser.epochs=1")
    assert run_cli(monkeypatch, *train, "--json") == 0
    left_out = [wordless, broken.clip_id]
    assert [problem["clip_id"] for problem in json.loads(capsys.readouterr().out)["left_out"]] == left_out
    for command in (("index", run, "--data", data), ("evaluate", run, "--data", data)):
        assert run_cli(monkeypatch, *command) == 0
        assert "left out: 2 (first: " in capsys.readouterr().err


def test_a_fault_of_the_system_that_nobody_foresaw_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "x"))

    monkeypatch.setattr("signtalk.synthetic.dataset.write_dataset", full)
    assert run_cli(monkeypatch, "data", "synthesize", tmp_path / "made-up") == 2
    why = "cannot be read or written (No space left on device); check the path and the disk"
    assert capsys.readouterr().err == f"signtalk: {tmp_path}/x: {why}\n"


def test_a_package_that_is_missing_names_its_extra_and_any_other_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(name: str) -> Any:
        def load_manifest(*_: object, **__: object) -> None:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

        return load_manifest

    stats = ("data", "stats", tmp_path, "--split", tmp_path / "s.json")
    monkeypatch.setattr("signtalk.data.manifest.load_manifest", lacking("sklearn.preprocessing"))
    assert run_cli(monkeypatch, *stats) == 2
    error = capsys.readouterr().err
    assert error.startswith("signtalk: ")
    assert "signtalk[train]" in error
    monkeypatch.setattr("signtalk.data.manifest.load_manifest", lacking("nobody_knows"))
    with pytest.raises(ModuleNotFoundError, match="nobody_knows"):
        run_cli(monkeypatch, *stats)
