"""One function of many items on all cores that may be used, with what one process would have given.

    function, items -> ordered_map --pickles--> a worker for each core --> results in the items' order

Threads gain nothing here: NumPy's calls are short and hold the interpreter. A worker is `python -c` and no child of
`multiprocessing`, which has two ways. It copies this process, of whose threads (PyTorch's) the copy knows nothing; or
it runs the user's script again in each child, where `signtalk.train(...)` without `if __name__ == "__main__"` would
begin anew. Our worker knows nothing of the script, so that scripts, notebooks and commands are served alike.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from signtalk.threads import usable_cores

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_LEAST_ITEMS = 128
"""Items that must be there for each worker: in the time that it takes to start, one process packs that many clips."""
_CHUNK = 8
"""Items of a request: it costs a tenth of a millisecond, a clip several."""
_AHEAD = 2
"""Requests for each worker that are under way or wait to be taken: more would only fill the memory."""
_COMMAND = "from signtalk.processes import answer_requests; answer_requests()"
_TOLD: dict[str, dict[Any, Any]] = {}
"""By source file which warnings were given, as Python keeps for each module: workers do not repeat each other."""


class _WorkerDiedError(Exception):
    """A worker ended without an answer."""


@dataclass(frozen=True)
class _Outcome:
    """What the function made of one item: a value or an error, and the warnings that it gave on the way."""

    value: Any
    error: Exception | None
    warnings: tuple[tuple[Warning, type[Warning], str, int], ...]

    def taken(self) -> Any:
        """The value; warnings are given and the error is raised, as if the function had run here."""
        for message, category, path, line in self.warnings:
            warnings.warn_explicit(message, category, path, line, registry=_TOLD.setdefault(path, {}))
        if self.error is not None:
            raise self.error
        return self.value


@contextmanager
def ordered_map(function: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[Iterator[_Result]]:
    """`map(function, items)` on all usable cores; leave the block at any moment, and nothing goes on behind it.

    Few items, or one core, are done in this process as they are asked for. So is what is left when a worker dies, or
    where none can be started.

    Args:
        function: of a module (or a `functools.partial` of one), which depends on nothing but its item; values and
            items can be pickled.
        items: whose results are wanted.

    Yields:
        The results in the items' order. An error of an item is raised when its turn comes.
    """
    count = min(usable_cores(), len(items) // _LEAST_ITEMS)
    workers = _started(count) if count > 1 else []
    if not workers:
        yield map(function, items)
        return
    with ThreadPoolExecutor(len(workers), "worker") as threads:
        try:
            yield _results(function, items, workers, threads)
        finally:
            for worker in workers:
                worker.kill()  # a thread that waits for its answer goes on at once
            threads.shutdown(cancel_futures=True)
            for worker in workers:
                _close(worker)


def _results(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    workers: Sequence[subprocess.Popen[bytes]],
    threads: ThreadPoolExecutor,
) -> Iterator[_Result]:
    idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
    for worker in workers:
        idle.put(worker)
    starts = range(0, len(items), _CHUNK)
    unasked = iter(starts)
    asked: deque[Future[list[_Outcome]]] = deque()
    for start in starts:
        for other in islice(unasked, _AHEAD * len(workers) - len(asked)):
            asked.append(threads.submit(_ask, idle, function, items[other : other + _CHUNK]))
        try:
            outcomes = asked.popleft().result()
        except _WorkerDiedError:  # such as for want of memory, which this process alone may have
            yield from map(function, items[start:])
            return
        for outcome in outcomes:
            yield outcome.taken()


def _ask(
    idle: SimpleQueue[subprocess.Popen[bytes]], function: Callable[[_Item], _Result], chunk: Sequence[_Item]
) -> list[_Outcome]:
    request = pickle.dumps((function, chunk))
    worker = idle.get()
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(request)
        worker.stdin.flush()
        return [_Outcome(*fields) for fields in pickle.load(worker.stdout)]
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        raise _WorkerDiedError from error
    finally:
        idle.put(worker)


def _started(count: int) -> list[subprocess.Popen[bytes]]:
    """Up to `count` workers; none where `sys.executable` is no Python that could be one."""
    if not sys.executable or getattr(sys, "frozen", False):
        return []
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, filter(None, sys.path))),  # what can be imported here can be there
        "OMP_NUM_THREADS": "1",  # a worker is for one core
    }
    # Ctrl+C on a terminal goes to all processes of a group: workers are ended by this one, without words of their own.
    group: dict[str, Any] = {"process_group": 0}
    if sys.platform == "win32":
        group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    workers = []
    with suppress(OSError):  # the system allows no more processes
        for _ in range(count):
            workers.append(
                subprocess.Popen(
                    (sys.executable, "-P", "-c", _COMMAND),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=environment,
                    **group,
                )
            )
    return workers


def _close(worker: subprocess.Popen[bytes]) -> None:
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        with suppress(OSError):  # what was not yet sent to a dead process
            if pipe is not None:
                pipe.close()


def answer_requests() -> None:
    """Answer the requests of standard input until it ends: all that a worker does."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not stand between the answers
    with suppress(OSError, EOFError, pickle.UnpicklingError):  # nobody asks or listens any more
        while True:
            function, chunk = pickle.load(sys.stdin.buffer)
            pickle.dump(_outcomes(function, chunk), answers)
            answers.flush()
    os._exit(0)  # without a last try to send what nobody reads


def _outcomes(function: Callable[[Any], Any], chunk: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Fields of an `_Outcome` for each item, up to the first error."""
    outcomes: list[tuple[Any, ...]] = []
    for item in chunk:
        value, error = None, None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")  # which ones are shown is for the process that asked to say
            try:
                value = function(item)
            except Exception as raised:  # noqa: BLE001 - raised again where it was asked
                error = _portable(raised)
        outcomes.append((value, error, tuple((w.message, w.category, w.filename, w.lineno) for w in caught)))
        if error is not None:
            break
    return outcomes


def _portable(error: Exception) -> Exception:
    """The error, with a note of where it arose; one that does not outlast pickling is told in another's words."""
    note = f"in a worker process:\n{''.join(traceback.format_exception(error))}"
    try:
        portable: Exception = pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - its class may do what it likes there
        portable = RuntimeError(f"{type(error).__name__}: {error}")
    portable.add_note(note)
    return portable
