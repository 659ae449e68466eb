"""What several tests share: one small run of the whole chain on made-up clips and graphs of tiny models, made once."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

from made.small_run import SmallRun, files_of, is_made, make_small_run

# No time limit for one example: a shared machine may stall at any of them.
settings.register_profile("signtalk", deadline=None)
settings.load_profile("signtalk")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What tests start as processes of their own finds the modules of `made` as well.
TESTS = str(Path(__file__).resolve().parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [TESTS, os.environ.get("PYTHONPATH")]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no process waits for another at the end; else as they were found."""
    items.sort(key=lambda item: -max((mark.args[0] for mark in item.iter_markers("timeout")), default=0))


def for_all_workers(factory: pytest.TempPathFactory, name: str) -> Path:
    """A path that every process of this session of tests knows; whoever makes it holds the lock beside it."""
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRun]:
    """The shared run; a test that changes it fails the session: see `own_run`."""
    shared = for_all_workers(tmp_path_factory, "small_run")
    with FileLock(f"{shared}.lock"):
        if not is_made(shared):
            make_small_run(shared)
    before = files_of(shared)
    yield SmallRun(shared)
    assert files_of(shared) == before, "a test wrote into the shared run; let it take `own_run`"


@pytest.fixture
def own_run(small_run: SmallRun, tmp_path: Path) -> SmallRun:
    """A copy of the shared run, file times kept, for tests that change it."""
    shutil.copytree(small_run.out, tmp_path / "own_run")
    return SmallRun(tmp_path / "own_run")


@pytest.fixture(scope="session")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """Write the graphs of a tiny model of some kind and width into a folder; each is made once a session.

    Tests of what all kinds have in common take "conv-transformer": each further kind costs ten seconds.
    """
    from made.checkpoint import tiny_checkpoint
    from signtalk.export.graphs import write_graphs

    def write(folder: Path, kind: str, width: int = 16) -> None:
        shared = for_all_workers(tmp_path_factory, f"graphs-{kind}-{width}")
        with FileLock(f"{shared}.lock"):
            if not shared.exists():
                part = shared.with_suffix(".part")
                part.mkdir()
                write_graphs(tiny_checkpoint(kind, width=width, with_texts=True), part)
                part.rename(shared)
        shutil.copytree(shared, folder, dirs_exist_ok=True)

    return write


@pytest.fixture
def port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a page open."""
    monkeypatch.setattr("signtalk.service.listening.check_address", lambda *_: None)


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
