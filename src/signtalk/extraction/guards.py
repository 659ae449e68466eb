"""What a run's executor does with one video, in whatever process and machine: each thread has a guarded child.

    extract_guarded(task) in a thread --the thread's own GuardedExtractor--> Outcome

`signtalk.extraction.run` submits it. A child with loaded models outlives the videos that it extracts.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from signtalk.errors import DataError, SignTalkError
from signtalk.extraction.clip import ExtractionConfig
from signtalk.extraction.storage import RemoteFolder
from signtalk.extraction.worker import GuardConfig, GuardedExtractor, Outcome, Task

_GUARDS: dict[int, GuardedExtractor] = {}
"""The guard of each thread of this process."""
_BUSY: set[int] = set()
_GUARDS_LOCK = threading.Lock()
_THREAD = threading.local()


def extract_guarded(
    task: Task, guard: GuardConfig, config: ExtractionConfig, landmarker: str, storage: RemoteFolder | None = None
) -> Outcome:
    """Extract one video in the calling thread's own child process.

    Args:
        task: the video.
        guard: how the child process is started and watched.
        config: what is done to the clip.
        landmarker: as `landmarker_name` gave it; clips of one folder are made by one.
        storage: where the files go; None = into the data folder, which this machine must see.

    Raises:
        DataError: this machine does not see the data folder, or cannot read or write the storage.
        SignTalkError: the child process cannot be started, or has another landmarker; or the thread's run has ended.
    """
    folder = task.clip_path.parent
    if storage is None and not folder.is_dir():
        raise DataError(f"{folder}: not there on {socket.gethostname()}; all machines must see it under this path")
    if not task.video.is_file():
        return Outcome(task.clip_id, "not_found", f"{task.video}: not there on {socket.gethostname()}")
    with _guard_of_thread(guard, config) as extractor:
        found = _started_landmarker(extractor)
        if found != landmarker:
            raise SignTalkError(
                f"{socket.gethostname()}: its landmarker is {found}, another worker's is {landmarker}; "
                "install the same packages and models everywhere"
            )
        return extractor.extract(task) if storage is None else _extract_into(storage, extractor, task)


def _extract_into(storage: RemoteFolder, extractor: GuardedExtractor, task: Task) -> Outcome:
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


def landmarker_name(guard: GuardConfig, config: ExtractionConfig) -> str:
    """Name and models of the landmarker that the executor's workers have.

    Raises:
        SignTalkError: it cannot work there.
    """
    with _guard_of_thread(guard, config) as extractor:
        return _started_landmarker(extractor)


def end_with(ended: threading.Event) -> None:
    """Tie the calling thread to a run: once `ended` is set it gets no guard any more."""
    _THREAD.ended = ended


def close_guards(idle_only: bool = False) -> None:
    """End the child processes of this process: all, or those that extract nothing now."""
    with _GUARDS_LOCK:
        keys = [key for key in _GUARDS if not (idle_only and key in _BUSY)]
        guards = [_GUARDS.pop(key) for key in keys]
    for guard in guards:
        guard.close()


@contextmanager
def _guard_of_thread(guard: GuardConfig, config: ExtractionConfig) -> Iterator[GuardedExtractor]:
    key = threading.get_ident()
    ended: threading.Event | None = getattr(_THREAD, "ended", None)
    with _GUARDS_LOCK:  # so that `close_guards` after `ended.set()` misses no guard
        if ended is not None and ended.is_set():
            raise SignTalkError("extraction was ended; start the command again to go on")
        if key not in _GUARDS or not _GUARDS[key].is_for(guard, config):
            if key in _GUARDS:
                _GUARDS[key].close()
            _GUARDS[key] = GuardedExtractor(guard, config)
        extractor = _GUARDS[key]
        _BUSY.add(key)
    try:
        yield extractor
    finally:
        with _GUARDS_LOCK:
            _BUSY.discard(key)


def _started_landmarker(extractor: GuardedExtractor) -> str:
    extractor.start()
    return f"{extractor.landmarker} {extractor.models_sha256}"
