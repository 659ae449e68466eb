"""Extraction on a dask cluster of real processes, some of which are killed."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from made.videos import CRASH, WORKER, contents, signing, small_set, write_video
from signtalk.errors import DataError, MissingExtraError, SignTalkError
from signtalk.extraction.cluster import extract_on_cluster
from signtalk.extraction.inputs import plan_extraction
from signtalk.extraction.run import RunOptions, extract_videos
from signtalk.extraction.storage import RemoteFolder
from signtalk.extraction.worker import GuardConfig

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="needs dask: pip install 'signtalk[cluster]'"
)
SLOWLY = GuardConfig(command=(sys.executable, str(WORKER), "0.008"))


class Cluster:
    """A scheduler and workers as `dask scheduler` and `dask worker` start them, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.address = self._said("scheduler at:").split()[-1]

    def add_worker(self, *arguments: str) -> None:
        self._start("worker", self.address, "--nthreads", "1", "--no-dashboard", *arguments)

    def _start(self, *arguments: str) -> None:
        environment = os.environ | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "2"}
        with (self._folder / f"{len(self.processes)}.log").open("wb") as log:
            command = [sys.executable, "-m", "dask", *arguments]
            self.processes.append(
                subprocess.Popen(command, cwd=self._folder, env=environment, stderr=log, start_new_session=True)
            )

    def _said(self, words: str) -> str:
        for _ in range(600):
            for line in (self._folder / "0.log").read_text().splitlines():
                if words in line.lower():
                    return line
            time.sleep(0.05)
        raise AssertionError((self._folder / "0.log").read_text())

    def kill(self, number: int) -> None:
        """Kill a process with all that it started, as a machine that loses its power."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.processes[number].pid, signal.SIGKILL)
        self.processes[number].wait()


@pytest.fixture
def cluster(tmp_path_factory):
    machines = Cluster(tmp_path_factory.mktemp("cluster"))
    yield machines
    for number in range(len(machines.processes)):
        machines.kill(number)


@pytest.mark.slow
@needs_dask
@pytest.mark.parametrize("stored", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_worker_killed_on_the_way_changes_nothing(cluster, tmp_path, stored):
    small_set(tmp_path / "videos", 6)
    plan = plan_extraction(tmp_path / "videos")
    for _ in range(2):
        cluster.add_worker("--no-nanny")
    killed = []

    def kill_one(done: int, total: int) -> None:
        if done == 2 and not killed:
            killed.append(done)
            threading.Timer(0.2, cluster.kill, [1]).start()  # when it is amid the next one

    data = tmp_path / ("far" if stored else "out")
    storage = RemoteFolder(f"file://{data}", tmp_path / "out") if stored else None
    options = RunOptions(tmp_path / "out", guard=SLOWLY, prototype=True, storage=storage)
    result = extract_on_cluster(plan, options, cluster.address, kill_one)
    assert killed and len(result.clips) == 6 and result.failed == ()
    extract_videos(plan, RunOptions(tmp_path / "one", guard=SLOWLY, prototype=True))
    assert contents(data) == contents(tmp_path / "one")
    again = extract_on_cluster(plan, options, cluster.address)
    assert again.num_done_before == 6


@pytest.mark.slow
@needs_dask
def test_a_video_that_kills_its_workers_is_set_aside_and_workers_are_replaced(cluster, tmp_path):
    small_set(tmp_path / "videos", 3)
    write_video(tmp_path / "videos" / "2B.mp4", [*signing(3), CRASH])
    cluster.add_worker("--nworkers", "2")
    guard = GuardConfig(command=(*SLOWLY.command, "kill the guard too"))
    result = extract_on_cluster(plan_extraction(tmp_path / "videos"), RunOptions(tmp_path / "out", guard=guard),
                                cluster.address)  # fmt: skip
    assert [(problem.clip_id, problem.kind) for problem in result.failed] == [("2B", "crashed")]
    assert "3 different workers" in result.failed[0].message
    assert len(result.clips) == 3


@pytest.mark.slow
@needs_dask
def test_a_lost_scheduler_ends_the_run_and_blames_no_video(monkeypatch, cluster, tmp_path):
    monkeypatch.setattr("signtalk.extraction.cluster.CONNECT_S", 2.0)
    small_set(tmp_path / "videos", 3)
    plan = plan_extraction(tmp_path / "videos")
    cluster.add_worker("--no-nanny")
    options = RunOptions(tmp_path / "out", guard=SLOWLY)

    def kill_scheduler(done: int, total: int) -> None:
        if done == 1:
            threading.Timer(0.2, cluster.kill, [0]).start()  # when the next video is under way

    with pytest.raises(SignTalkError, match="scheduler was lost"):
        extract_on_cluster(plan, options, cluster.address, kill_scheduler)
    result = extract_videos(plan, options)
    assert result.num_done_before == 1 and len(result.clips) == 3 and result.failed == ()


@needs_dask
@pytest.mark.slow
def test_what_a_machine_does_not_see_or_have_is_told(cluster, tmp_path):
    small_set(tmp_path / "videos", 1)
    plan = plan_extraction(tmp_path / "videos")
    cluster.add_worker("--no-nanny")
    options = RunOptions(tmp_path / "out", guard=GuardConfig(command=(sys.executable, "-c", "exit('no models')")))
    with pytest.raises(SignTalkError, match="no models"):
        extract_on_cluster(plan, options, cluster.address)
    options = RunOptions(tmp_path / "out", guard=SLOWLY)
    clips = tmp_path / "out" / "clips"
    with pytest.raises(DataError, match=r"out/clips: not there on .*all machines must see it"):
        extract_on_cluster(plan, options, cluster.address, lambda *_: clips.rmdir() if clips.is_dir() else None)


@needs_dask
def test_no_scheduler_is_one_clear_line(monkeypatch, tmp_path):
    small_set(tmp_path / "videos", 1)
    monkeypatch.setattr("signtalk.extraction.cluster.CONNECT_S", 0.5)
    refused = "no address of a scheduler .*; expected tcp://HOST:PORT"
    places = {"tcp://127.0.0.1:9": "no dask scheduler answers", "nonsense://here": refused, "nonsense": refused}
    for address, told in places.items():
        with pytest.raises(SignTalkError, match=told):
            extract_on_cluster(plan_extraction(tmp_path / "videos"), RunOptions(tmp_path / "out"), address)


@needs_dask
def test_no_worker_is_one_clear_line(monkeypatch, cluster, tmp_path):
    small_set(tmp_path / "videos", 1)
    monkeypatch.setattr("signtalk.extraction.cluster.FIRST_WORKER_S", 0.5)
    with pytest.raises(SignTalkError, match="no worker came"):
        extract_on_cluster(plan_extraction(tmp_path / "videos"), RunOptions(tmp_path / "out"), cluster.address)


def test_without_dask_the_extra_is_named(monkeypatch, tmp_path):
    small_set(tmp_path / "videos", 1)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"signtalk\[cluster\]"):
        extract_on_cluster(plan_extraction(tmp_path / "videos"), RunOptions(tmp_path / "out"), "tcp://127.0.0.1:9")
