"""What a pool of threads extracts videos with: each thread has a guarded child, and whoever made the pool ends them.

    Guards.extract(task) in a thread --the thread's own GuardedExtractor--> TaskOutcome

`signtalk.extraction.run` submits it. A child with loaded models outlives the videos that it extracts.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from signtalk.errors import DataError, SignTalkError
from signtalk.extraction.clip import ExtractionConfig
from signtalk.extraction.storage import RemoteFolder
from signtalk.extraction.worker import GuardConfig, GuardedExtractor, Task, TaskOutcome


@dataclass(frozen=True)
class Orders:
    """What holds for all videos of a run, wherever they are extracted.

    Attributes:
        guard: how the child processes are started and watched.
        config: what is done to the clips.
        storage: where the files go; None = into the data folder, which every machine must see.
    """

    guard: GuardConfig
    config: ExtractionConfig
    storage: RemoteFolder | None = None


class Extractors(Protocol):
    """Extracts in whatever thread it is called; picklable where that thread is in another process."""

    def landmarker_name(self, orders: Orders) -> str:
        """Name and models of the landmarker that the thread's child has."""
        ...

    def extract(self, task: Task, orders: Orders, landmarker: str) -> TaskOutcome:
        """Extract one video in the thread's child.

        Args:
            task: the video, and where its clip goes.
            orders: how it is extracted.
            landmarker: how the child makes its landmarker.
        """
        ...


class Guards:
    """The child processes of the threads of one pool; no other pool's are among them."""

    def __init__(self) -> None:
        self._of_thread: dict[int, GuardedExtractor] = {}
        self._busy: set[int] = set()
        self._closed = False
        self._lock = threading.Lock()

    def landmarker_name(self, orders: Orders) -> str:
        """Name and models of the landmarker that the calling thread's child has.

        Raises:
            SignTalkError: it cannot work there, or the guards were closed.
        """
        with self._own(orders) as extractor:
            return _started_landmarker(extractor)

    def extract(self, task: Task, orders: Orders, landmarker: str) -> TaskOutcome:
        """Extract one video in the calling thread's own child process.

        Args:
            task: the video.
            orders: what holds for all videos of the run.
            landmarker: as `landmarker_name` gave it; clips of one folder are made by one.

        Raises:
            DataError: this machine does not see the data folder, or cannot read or write the storage.
            SignTalkError: the child process cannot be started, or has another landmarker; or the guards were closed.
        """
        folder = task.clip_path.parent
        if orders.storage is None and not folder.is_dir():
            raise DataError(f"{folder}: not there on {socket.gethostname()}; all machines must see it under this path")
        if not task.video.is_file():
            return TaskOutcome(task.clip_id, "not_found", f"{task.video}: not there on {socket.gethostname()}")
        with self._own(orders) as extractor:
            own = _started_landmarker(extractor)
            if own != landmarker:
                raise SignTalkError(
                    f"{socket.gethostname()}: its landmarker is {own}, another worker's is {landmarker}; "
                    "install the same packages and models everywhere"
                )
            if orders.storage is None:
                return extractor.extract(task)
            return _extract_into(orders.storage, extractor, task)

    def close(self) -> None:
        """End all children for good, whatever they do: a thread that has a video but no child yet starts none."""
        with self._lock:
            self._closed = True
            extractors = list(self._of_thread.values())
            self._of_thread.clear()
        for extractor in extractors:
            extractor.close()

    def close_idle(self) -> None:
        """End the children that extract nothing now; a thread that needs one again starts it."""
        with self._lock:
            idle = [thread for thread in self._of_thread if thread not in self._busy]
            extractors = [self._of_thread.pop(thread) for thread in idle]
        for extractor in extractors:
            extractor.close()

    @contextmanager
    def _own(self, orders: Orders) -> Iterator[GuardedExtractor]:
        """The calling thread's extractor, made anew where the orders have changed."""
        thread = threading.get_ident()
        with self._lock:  # so that `close` misses none
            if self._closed:
                raise SignTalkError("extraction was ended; start the command again to go on")
            extractor = self._of_thread.get(thread)
            if extractor is None or not extractor.is_for(orders.guard, orders.config):
                if extractor is not None:
                    extractor.close()
                extractor = self._of_thread[thread] = GuardedExtractor(orders.guard, orders.config)
            self._busy.add(thread)
        try:
            yield extractor
        finally:
            with self._lock:
                self._busy.discard(thread)


def _extract_into(storage: RemoteFolder, extractor: GuardedExtractor, task: Task) -> TaskOutcome:
    """Extract in a folder of this machine; a clip that is there already is taken if it would come out the same."""
    with tempfile.TemporaryDirectory(prefix="signtalk-") as folder:
        clip = Path(folder) / task.clip_path.name
        rows = Path(folder) / task.prototype_path.name if task.prototype_path else None
        storage.get(task.clip_path, clip)
        outcome = extractor.extract(replace(task, clip_path=clip, prototype_path=rows))
        if not outcome.kind:
            if rows is not None and task.prototype_path is not None:
                storage.put(rows, task.prototype_path)
            storage.put(clip, task.clip_path)
        return outcome


def _started_landmarker(extractor: GuardedExtractor) -> str:
    extractor.start()
    return f"{extractor.landmarker} {extractor.models_sha256}"
