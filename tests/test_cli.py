"""The real commands in this process, and their failures: one line, exit code 2, nothing left behind."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import SmallRun
from signtalk import cli


def run_cli(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["signtalk", *map(str, arguments)])
    try:
        cli.main()
    except SystemExit as done:
        return int(done.code or 0)
    return 0


def test_help_is_quick_and_names_every_command() -> None:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "signtalk", "--help"], capture_output=True, text=True, check=True)
    took = time.perf_counter() - started
    bare = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import typer.rich_utils"], capture_output=True, check=True)
    assert took < 4 * (time.perf_counter() - bare)  # no torch, no NumPy: little more than typer itself
    for command in ("train", "index", "evaluate", "recognize", "export", "demo", "data", "bundle"):
        assert command in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "train", "index", "evaluate", "recognize", "export", "demo", "data check", "data pack", "data synthesize",
        "data split", "data stats", "bundle verify",
    ],
)  # fmt: skip
def test_every_command_has_help_with_an_example(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(monkeypatch, *command.split(), "--help") == 0
    assert f"signtalk {command}" in " ".join(capsys.readouterr().out.split())


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == "0.1.0"


def test_the_whole_chain_by_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, split, run = tmp_path / "data", tmp_path / "split.json", tmp_path / "run"

    def ask(*arguments: object) -> dict[str, object]:
        assert run_cli(monkeypatch, *arguments, "--json") == 0
        found: dict[str, object] = json.loads(capsys.readouterr().out)
        return found

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


def test_tables_for_people(
    small_run: SmallRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = next(small_run.data.rglob("*.npz"))
    for arguments in (
        ("data", "check", small_run.data),
        ("evaluate", small_run.run, "--data", small_run.data),
        ("recognize", clip, "--bundle", small_run.bundle),
        ("export", small_run.run, "--out", small_run.out / "again"),
        ("bundle", "verify", small_run.bundle),
        ("demo", "--small", "--out", small_run.out),
    ):
        assert run_cli(monkeypatch, *arguments) == 0
        assert len(capsys.readouterr().out) > 50


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
        "unknown option": ("data", "check", small_run.data, "--hurry"),
    }


def test_bad_input_is_one_line_and_exit_code_2(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = bad_calls(small_run, tmp_path)
    before = sorted(tmp_path.iterdir())
    for name, arguments in calls.items():
        assert run_cli(monkeypatch, *arguments) == 2, name
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err, name
        if name != "unknown option":  # typer draws a box
            assert printed.err.startswith("signtalk: "), name
            assert len(printed.err.strip().splitlines()) == 1, (name, printed.err)
    assert sorted(tmp_path.iterdir()) == before


def test_one_bad_clip_among_others_is_left_out(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"PK\x03\x04 no zip")
    good = next(small_run.data.rglob("*.npz"))
    assert run_cli(monkeypatch, "recognize", bad, good, "--run", small_run.run, "--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)[str(bad)] is None
    assert "left out" in printed.err
    assert run_cli(monkeypatch, "recognize", bad, good, "--run", small_run.run, "--strict") == 2
