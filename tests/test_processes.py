import functools
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import loky
import pytest

from made.alive import children_of, is_running
from made.mapped import (
    Stubborn,
    ends_elsewhere,
    in_two_processes,
    refuses_five,
    slow,
    stubborn,
    warns_of_thirds,
    with_process,
)
from signtalk import processes
from signtalk.errors import ClipError
from signtalk.processes import ordered_map

ITEMS = list(range(20))
SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell without job control has it ignored in the background
sys.path[:0] = {paths!r}
from made.mapped import slow, with_process
from signtalk import processes
print("begun", flush=True)
processes.usable_cores, processes._LEAST_ITEMS, processes._CHUNK = (lambda: 2), 4, 2
with processes.ordered_map({function}, range(20)) as results:
    for result in results:
        print(result, flush=True)
"""


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    in_two_processes(monkeypatch)


def script(folder: Path, function: str) -> Path:
    """A user's script without `if __name__ == "__main__"`."""
    path = folder / "script.py"
    path.write_text(SCRIPT.format(paths=[entry for entry in sys.path if entry], function=function))
    return path


@pytest.mark.usefixtures("two")
def test_results_come_in_order_from_two_other_processes_which_end() -> None:
    with ordered_map(with_process, ITEMS) as results:
        values, where = zip(*results, strict=True)
        assert list(values) == ITEMS
    assert os.getpid() not in where
    assert 1 <= len(set(where)) <= 2
    assert not any(is_running(process) for process in set(where))


def test_few_items_and_one_core_need_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def here() -> bool:
        with ordered_map(with_process, ITEMS) as results:
            return [*results] == [(item, os.getpid()) for item in ITEMS]

    monkeypatch.setattr(processes, "usable_cores", lambda: 8)
    assert here()
    in_two_processes(monkeypatch)
    monkeypatch.setattr(processes, "usable_cores", lambda: 1)
    assert here()


@pytest.mark.parametrize("python", ["", "frozen", "/no/such/python"])
@pytest.mark.usefixtures("two")
def test_where_no_worker_can_be_started_this_process_does_it_all(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if python == "frozen":  # `sys.executable` would be the program itself, begun anew
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    else:
        monkeypatch.setattr(sys, "executable", python)
    with ordered_map(with_process, ITEMS) as results:
        assert [*results] == [(item, os.getpid()) for item in ITEMS]


@pytest.mark.usefixtures("two")
def test_a_system_without_semaphores_does_it_all_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("/dev/shm")

    monkeypatch.setattr(loky, "ProcessPoolExecutor", refuse)
    with ordered_map(with_process, ITEMS) as results:
        assert [*results] == [(item, os.getpid()) for item in ITEMS]


@pytest.mark.usefixtures("two")
def test_an_error_is_raised_at_its_turn_and_tells_where_it_arose() -> None:
    values = []
    with pytest.raises(ClipError, match="clip 5: damaged") as caught, ordered_map(refuses_five, ITEMS) as results:
        for value in results:
            values.append(value)
    assert values == [0, 1, 2, 3, 4]
    assert caught.traceback[-1].name == "refuses_five"
    assert caught.value.__context__ is None  # no word of the worker that met it first


@pytest.mark.usefixtures("two")
def test_an_error_that_cannot_travel_is_raised_as_it_is() -> None:
    with pytest.raises(Stubborn, match="0 is odd"), ordered_map(stubborn, ITEMS) as results:
        next(results)


@pytest.mark.usefixtures("two")
def test_the_death_of_a_worker_costs_nothing_but_time() -> None:
    with ordered_map(functools.partial(ends_elsewhere, home=os.getpid()), ITEMS) as results:
        assert [*results] == ITEMS


@pytest.mark.usefixtures("two")
def test_warnings_are_given_here_once_each_as_the_filters_here_say() -> None:
    with warnings.catch_warnings(record=True) as caught, ordered_map(warns_of_thirds, ITEMS) as results:
        warnings.simplefilter("always")
        assert [*results] == ITEMS
    assert [str(warning.message) for warning in caught] == [f"{item} is odd" for item in ITEMS[::3]]
    same = functools.partial(warns_of_thirds, words="all the same")
    with warnings.catch_warnings(record=True) as caught, ordered_map(same, ITEMS) as results:
        warnings.simplefilter("default")
        assert [*results] == ITEMS
    assert [str(warning.message) for warning in caught] == ["all the same"]
    with pytest.raises(UserWarning, match="0 is odd"), ordered_map(warns_of_thirds, ITEMS) as results:
        next(results)  # pytest makes errors of them


@pytest.mark.usefixtures("two")
def test_few_items_are_under_way_whoever_waits() -> None:
    class Watched(list[int]):
        most = 0

        def __getitem__(self, where: slice) -> list[int]:
            self.most = max(self.most, where.stop)
            return super().__getitem__(where)

    items = Watched(range(100))
    with ordered_map(with_process, items) as results:
        for done in range(1, 41):
            next(results)
            assert items.most <= done + 2 * 2 * 2


@pytest.mark.parametrize("from_stdin", [False, True])
def test_a_script_without_a_guard_runs_once(from_stdin: bool, tmp_path: Path) -> None:
    path = script(tmp_path, "with_process")
    text = path.read_text() if from_stdin else None
    command = [sys.executable, "-" if from_stdin else str(path)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=True)
    first, *results = done.stdout.splitlines()
    assert first == "begun"
    assert [int(line[1:].split(",")[0]) for line in results] == ITEMS
    assert done.stderr == ""


def test_a_program_that_needs_no_worker_does_not_load_loky() -> None:
    words = "import sys, signtalk.data.check, signtalk.data.packed; print('loky' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "end", "early"),
    [
        (signal.SIGINT, os.killpg, False),  # Ctrl+C on a terminal
        (signal.SIGINT, os.killpg, True),
        (signal.SIGTERM, os.kill, True),
        (signal.SIGKILL, os.kill, False),  # a system without memory
        (signal.SIGKILL, os.killpg, False),
    ],
)
def test_workers_end_with_their_process_and_say_nothing(
    how: signal.Signals, end: Callable[[int, int], None], early: bool, tmp_path: Path
) -> None:
    path = script(tmp_path, slow.__name__)
    command = [sys.executable, str(path)]
    parent = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "begun\n"
    if early:
        while len(children_of(parent.pid)) < 4:
            time.sleep(0.001)
        time.sleep(0.05)  # the last one has begun to import, and loky cannot yet have spoken to it
    else:
        assert parent.stdout.readline() == "0\n"
    children = children_of(parent.pid)
    assert len(children) == 4  # two workers, and loky's two helpers, which go last
    began = time.monotonic()
    end(parent.pid, how)
    _, errors = parent.communicate(timeout=20)
    while any(is_running(process) for process in children) and time.monotonic() < began + 20:
        time.sleep(0.05)
    semaphores = [*Path("/dev/shm").glob(f"sem.loky-{parent.pid}-*")]
    for path in semaphores:
        path.unlink()
    assert bool(semaphores) == (how == signal.SIGKILL and end is os.killpg)  # nobody is left to take them away
    assert not any(is_running(process) for process in children)
    assert time.monotonic() - began < 10
    assert errors.count("Traceback") == (1 if how == signal.SIGINT else 0)
    assert errors == "" or how == signal.SIGINT
