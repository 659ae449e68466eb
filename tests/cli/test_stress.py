"""`signtalk stress` over a run and a bundle, and what it refuses."""

import json
from pathlib import Path

import pytest

from made.blocked import WITHOUT_TORCH, ran_without
from made.commands import run_cli
from made.small_run import SmallRun
from signtalk.training.names import SPLIT_NAME


@pytest.fixture
def ask(monkeypatch, capsys):
    def asked(*arguments, code=0):
        assert run_cli(monkeypatch, "stress", *arguments) == code
        told = capsys.readouterr()
        return told if code or "--json" not in arguments else json.loads(told.out)

    return asked


@pytest.mark.slow
def test_a_run_and_its_bundle_are_asked_the_same(own_run: SmallRun, tmp_path: Path, ask) -> None:
    by_run = ask(own_run.data, "--run", own_run.run, "--limit", 2, "--json")
    more = ("--split", own_run.run / SPLIT_NAME, "--out", tmp_path / "bundle", "--limit", 2, "--json")
    by_bundle = ask(own_run.data, "--bundle", own_run.bundle, *more)
    folders = (own_run.run / "stress", tmp_path / "bundle")
    assert len({frozenset(path.name for path in folder.iterdir()) for folder in folders}) == 1
    counts = [[(case["name"], case["num_clips"]) for case in found["cases"]] for found in (by_run, by_bundle)]
    assert counts[0] == counts[1]
    assert by_run["notes"] == by_bundle["notes"]
    assert by_run["left_out"] == []


@pytest.mark.slow
def test_a_page_is_printed_with_the_files(own_run: SmallRun, tmp_path: Path, ask) -> None:
    more = ("--limit", 1, "--other", own_run.data, "--role", "val")
    told = ask(own_run.data, "--run", own_run.run, "--out", tmp_path / "out", *more)
    assert "| another language | not sure | 1 |" in told.out
    assert "validation clips are asked" in told.out
    assert (tmp_path / "out" / "stress.md").read_text().strip() in told.out
    assert (tmp_path / "out" / "by-signer.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--bundle", "b.zip"), "give --out"),
        (("--run", "r", "--split", "s.json"), "--split is for a bundle"),
        ((), "give --out"),
        (("--out", "o"), "give either --run or --bundle"),
        (("--run", "r", "--out", __file__), "a file; give --out a folder"),
    ],
)
def test_what_does_not_fit_is_one_line(own_run: SmallRun, ask, arguments, said) -> None:
    told = ask(own_run.data, *arguments, code=2)
    assert said in told.err
    assert len(told.err.strip().splitlines()) == 1


@pytest.mark.slow
def test_a_bundle_is_asked_where_neither_torch_nor_matplotlib_is_installed(own_run: SmallRun, tmp_path: Path) -> None:
    blocked = (*WITHOUT_TORCH, "matplotlib", "scipy", "sklearn", "pandas", "jiwer", "sacrebleu")
    command = ("stress", own_run.data, "--bundle", own_run.bundle, "--out", tmp_path / "out", "--limit", 1)
    code = "from signtalk.cli.main import main\nsys.argv = ['signtalk', *ARGUMENTS]\nmain()"
    printed = ran_without(blocked, code, *command)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"stress.json", "stress.md", "stress.html"}
    assert "No pictures: matplotlib is not installed" in " ".join(printed.split())
    assert "No pictures" in (tmp_path / "out" / "stress.html").read_text()
    assert (tmp_path / "out" / "stress.md").read_text().strip() in printed
