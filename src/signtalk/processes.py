"""One function of many items on all cores that may be used, with what one process would have given.

    function, items -> ordered_map --loky--> a worker for each core --> results in the items' order
    start_workers -> an executor, for work of another form

Threads gain nothing here: NumPy's calls are short and hold the interpreter. A worker of loky is a fresh Python that
knows nothing of the user's script, so that scripts without a guard, notebooks and commands are served alike.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from multiprocessing import Pipe, resource_tracker
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from signtalk.threads import usable_cores

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_LEAST_ITEMS = 128
"""Items that must be there for each worker: in the time that it takes to start, one process packs that many clips."""
_CHUNK = 8
"""Items of a request: it costs a part of a millisecond, a clip several."""
_AHEAD = 2
"""Requests for each worker that are under way or wait to be taken: more would only fill the memory."""
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # a worker is for one core
    "PYTHONSAFEPATH": "1",  # a `random.py` in the working directory is not Python's
    "LOKY_MAX_MEMORY_LEAK_SIZE": "1e18",  # a worker that has read a long clip goes on
}
_QUIET_TRACKER = "ignore::UserWarning:loky.backend.resource_tracker"
"""Where this process is killed, loky's own helper takes its semaphores away and would call them leaked."""
_TOLD: dict[str, dict[Any, Any]] = {}
"""By source file which warnings were given, as Python keeps for each module: workers do not repeat each other."""


@contextmanager
def ordered_map(function: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[Iterator[_Result]]:
    """`map(function, items)` on all usable cores; leave the block at any moment, and nothing goes on behind it.

    Few items, or one core, are done in this process as they are asked for. So is what is left when an item fails or a
    worker dies, or where none can be started.

    Args:
        function: of a module (or a `functools.partial` of one), which depends on nothing but its item; values and
            items can be pickled.
        items: whose results are wanted.

    Yields:
        The results in the items' order. An error of an item is raised when its turn comes.
    """
    count = min(usable_cores(), len(items) // _LEAST_ITEMS)
    with ExitStack() as at_end:
        pool = start_workers(count, at_end) if count > 1 else None
        yield map(function, items) if pool is None else _results(function, items, pool, _AHEAD * count)


def start_workers(count: int, at_end: ExitStack) -> Any:
    """An executor of worker processes, which end with this process, too, even if it is killed.

    Args:
        count: of the workers.
        at_end: ends them, whatever they do, when it is closed.

    Returns:
        None where none can be started.
    """
    if not sys.executable or getattr(sys, "frozen", False):  # a frozen program would begin anew
        return None
    with suppress(Exception):  # the system allows no more processes or pipes, or has no semaphores
        life, _ = (at_end.enter_context(end) for end in Pipe(duplex=False))
        from loky import ProcessPoolExecutor  # here alone: `import signtalk` and a service do without it
        from loky.backend import resource_tracker as loky_tracker

        sys.warnoptions.append(_QUIET_TRACKER)  # what it is started with
        try:
            loky_tracker.ensure_running()
        finally:
            sys.warnoptions.remove(_QUIET_TRACKER)
        pool = ProcessPoolExecutor(count, env=_ENVIRONMENT, initializer=_live_with, initargs=(life,))
        at_end.callback(pool.shutdown, kill_workers=True)
        with _interrupts_blocked():
            pool.submit(int)  # starts the workers
        return pool
    return None


def _results(function: Callable[[_Item], _Result], items: Sequence[_Item], pool: Any, ahead: int) -> Iterator[_Result]:
    starts = range(0, len(items), _CHUNK)
    unasked = iter(starts)
    asked: deque[Any] = deque()
    for start in starts:
        outcomes = None
        with suppress(Exception):  # an item's own comes again here, with the warnings before it
            for other in islice(unasked, ahead - len(asked)):
                asked.append(pool.submit(_outcomes, function, items[other : other + _CHUNK]))
            outcomes = asked.popleft().result()
        if outcomes is None:
            yield from map(function, items[start:])
            return
        for value, caught in outcomes:
            for message, category, path, line in caught:
                warnings.warn_explicit(message, category, path, line, registry=_TOLD.setdefault(path, {}))
            yield value


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """What starts here is deaf to Ctrl+C, before `_live_with` too."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # the first worker would start it, which lets interrupts through again
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _live_with(parent: Connection) -> None:
    """Begin a worker that ends when the other end of `parent` closes, and says nothing at Ctrl+C."""

    def wait() -> None:
        parent.poll(None)
        os._exit(0)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for systems where nothing could be blocked before
    Thread(target=wait, daemon=True).start()


def _outcomes(function: Callable[[Any], Any], chunk: Sequence[Any]) -> list[tuple[Any, list[tuple[Any, ...]]]]:
    """For each item its value and the warnings on the way."""
    outcomes = []
    for item in chunk:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")  # which ones are shown is for the process that asked to say
            value = function(item)
        outcomes.append((value, [(w.message, w.category, w.filename, w.lineno) for w in caught]))
    return outcomes
