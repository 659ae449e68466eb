"""What several tests share: one small run of the whole chain on made-up clips, made once a session."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from made.small_run import SmallRun

# No time limit for one example: a shared machine may stall at any of them.
settings.register_profile("signtalk", deadline=None)
settings.load_profile("signtalk")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What tests start as processes of their own finds the modules of `made` as well.
TESTS = str(Path(__file__).resolve().parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [TESTS, os.environ.get("PYTHONPATH")]))


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    from signtalk.cli.demo import SMALL, run_demo

    out = tmp_path_factory.mktemp("small_run")
    said: list[str] = []
    result = run_demo(out, SMALL, said.append, progress=False)
    assert len(said) == 8
    return SmallRun(out, result)


@pytest.fixture(scope="session")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """Write the graphs of a tiny model of some kind and width into a folder; each is made once a session."""
    from made.checkpoint import tiny_checkpoint
    from signtalk.export.graphs import write_graphs

    made: dict[tuple[str, int, int], Path] = {}

    def write(folder: Path, kind: str, seed: int = 0, width: int = 16) -> None:
        key = (kind, seed, width)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("graphs")
            write_graphs(tiny_checkpoint(kind, seed, width=width, with_texts=True), made[key])
        shutil.copytree(made[key], folder, dirs_exist_ok=True)

    return write


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command; what it printed, or its JSON document where --json was given."""
    from made.commands import run_cli

    def asked(*arguments: object, code: int = 0) -> Any:
        assert run_cli(monkeypatch, *arguments) == code
        told = capsys.readouterr()
        return told if code or "--json" not in arguments else json.loads(told.out)

    return asked


@pytest.fixture
def node(tmp_path: Path) -> Callable[..., Any]:
    """Give a job to the page's engine in node: task, clips, and what else the job needs; its answer."""
    from made.web import asked_in_node

    return lambda task, clips=(), **job: asked_in_node(tmp_path, task, clips, **job)
