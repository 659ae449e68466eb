"""Extraction on many machines: the scheduling of `run` on the executor of a dask cluster.

    ExtractionPlan --extract_on_cluster(scheduler's address)--> the same data folder as on one machine

Each thread of a dask worker has a guarded child process with a landmarker of its own. Videos and data folder lie where
all machines see them under the same paths: workers write the clips, this process the journal and the tables. With
`RunOptions.storage` only the videos must be seen by all.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from signtalk.data.records import Progress
from signtalk.errors import MissingExtraError, SignTalkError
from signtalk.extraction.guards import Guards, Orders
from signtalk.extraction.inputs import ExtractionPlan
from signtalk.extraction.run import ExtractionResult, RunOptions, WorkerPool, extract_on
from signtalk.extraction.worker import Task, TaskOutcome

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 20.0
FIRST_WORKER_S = 60.0
_GUARDS = Guards()
"""Those of a dask worker's threads: the worker outlives the runs, and the next run takes its children over."""


class WorkerGuards:
    """The guards of whatever dask worker it is called in: this is sent to the worker, child processes are not."""

    def landmarker_name(self, orders: Orders) -> str:
        """As `Guards.landmarker_name`."""
        return _GUARDS.landmarker_name(orders)

    def extract(self, task: Task, orders: Orders, landmarker: str) -> TaskOutcome:
        """As `Guards.extract`."""
        return _GUARDS.extract(task, orders, landmarker)

    def close_idle(self) -> None:
        """As `Guards.close_idle`: other runs of the cluster keep those that they use."""
        _GUARDS.close_idle()


def extract_on_cluster(
    plan: ExtractionPlan, options: RunOptions, address: str, progress: Progress | None = None
) -> ExtractionResult:
    """Extract a plan on a running cluster, as `extract_videos` does on one machine.

    Machines may join and leave; a video whose worker dies is done by another. It is set aside when it lay with more
    dead workers than the scheduler's setting `distributed.scheduler.allowed-failures`.

    Args:
        plan: what to do.
        options: how.
        address: of the scheduler, such as tcp://10.0.0.1:8786.
        progress: called with the number of finished videos and of all.

    Raises:
        DataError: the folder cannot be written, or a machine does not see it or the videos.
        MissingExtraError: dask.distributed is not installed.
        SignTalkError: no scheduler or no worker answers, or a worker cannot extract.
    """
    guards = WorkerGuards()
    with _connected(address) as client:
        executor = client.get_executor(pure=False)  # pure: what a dead client left half done would be waited for
        try:
            pool = WorkerPool(executor, lambda: _num_threads(client, address), guards)
            return extract_on(pool, plan, options, progress)
        finally:
            executor.shutdown(wait=False)
            with suppress(Exception):  # when the cluster is gone, so are they
                client.run(guards.close_idle)


def _connected(address: str) -> Client:
    """A client of a scheduler that has at least one worker."""
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise MissingExtraError("--cluster needs dask: pip install 'signtalk[cluster]'") from error
    try:
        get_address_host_port(address)  # of no address dask's client would be told, and then wait for its end in vain
    except ValueError as error:
        raise SignTalkError(f"{address}: no address of a scheduler ({error}); expected tcp://HOST:PORT") from error
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SignTalkError(
            f"{address}: no dask scheduler answers ({error}); start one with `dask scheduler` and give its address"
        ) from error
    try:
        client.wait_for_workers(1, timeout=FIRST_WORKER_S)
    except (OSError, TimeoutError) as error:
        client.close()
        raise SignTalkError(
            f"{address}: no worker came within {FIRST_WORKER_S:.0f} s; start some with `dask worker {address}`"
        ) from error
    return client


def _num_threads(client: Client, address: str) -> int:
    try:
        return sum(client.nthreads().values())
    except (OSError, TimeoutError) as error:
        raise SignTalkError(
            f"{address}: the scheduler was lost ({error}); start it and its workers, and this command again"
        ) from error
