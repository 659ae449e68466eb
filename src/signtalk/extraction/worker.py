"""Extraction in a process of its own, so that a video that hangs or crashes the decoder takes nothing else along.

    GuardedExtractor.extract(task) --JSON lines--> serve_tasks(landmarker) in a child process --> TaskOutcome

The guard restarts a child that died and ends one that hangs. It schedules nothing: whoever owns threads or machines
gives each its own guard (`signtalk.extraction.guards`).
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, Field

from signtalk.data.manifest import ClipNumbers
from signtalk.errors import ClipError, DataError, MissingExtraError, SignTalkError
from signtalk.extraction.clip import ExtractionConfig, extract_to_file
from signtalk.extraction.landmarker import Landmarker, MediaPipeLandmarker
from signtalk.extraction.quality import ClipQuality
from signtalk.extraction.video import pyav

MAX_TRIES = 3
"""A video that ends its worker this often is set aside."""
_START_LIMIT_S = 300.0
_PROGRESS_EVERY_S = 0.5
END_LIMIT_S = 5.0
"""So long a child may take to end."""


@dataclass(frozen=True)
class Task:
    """One video to extract.

    Attributes:
        clip_id: for messages.
        video: the file.
        clip_path: the clip file to write.
        prototype_path: where to write the prototype's columns too; None = nowhere.
    """

    clip_id: str
    video: Path
    clip_path: Path
    prototype_path: Path | None = None


@dataclass(frozen=True)
class TaskOutcome:
    """What became of a task.

    Attributes:
        clip_id: of the task.
        kind: "" when the clip was written; else a short fixed name of what went wrong.
        message: why not.
        numbers: figures for the table; None without a clip.
        quality: figures of the clip; None without a clip.
        notes: what is odd about the clip, a sentence each.
    """

    clip_id: str
    kind: str = ""
    message: str = ""
    numbers: ClipNumbers | None = None
    quality: ClipQuality | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> TaskOutcome:
        """The reverse of `to_dict`; TypeError or KeyError when it is none."""
        numbers, quality = value["numbers"], value["quality"]
        return cls(
            str(value["clip_id"]),
            str(value["kind"]),
            str(value["message"]),
            ClipNumbers(**numbers) if numbers else None,
            ClipQuality(**quality) if quality else None,
            tuple(map(str, value.get("notes", ()))),
        )


class GuardConfig(BaseModel, frozen=True, extra="forbid"):
    """How the child process is started and watched.

    Attributes:
        command: starts a process that calls `serve_tasks`; None = this module, by the Python of the guard, which on
            another machine may lie elsewhere.
        time_limit_s: seconds that one video may take.
        stall_limit_s: seconds that may pass without a new frame of it.
    """

    command: tuple[str, ...] | None = None
    time_limit_s: float = Field(default=1800.0, gt=0)
    stall_limit_s: float = Field(default=60.0, gt=0)


class GuardedExtractor:
    """A child process that extracts one video after the other; used by one thread at a time.

    Another thread may close it; then it starts no child ever again.

    Args:
        guard: how to start and watch it.
        config: what is done to the clips.
    """

    def __init__(self, guard: GuardConfig, config: ExtractionConfig) -> None:
        self._guard, self._config = guard, config
        self._child: _Child | None = None
        self._closed = False
        self._lock = threading.Lock()  # a child is never started beside or after `close`
        self.landmarker = ""
        self.models_sha256 = ""

    def is_for(self, guard: GuardConfig, config: ExtractionConfig) -> bool:
        """Whether it was made with these settings."""
        return (self._guard, self._config) == (guard, config)

    def start(self) -> None:
        """Start the child and wait until its models are loaded; nothing to do when it runs.

        Raises:
            MissingExtraError: a package or a system library is missing.
            SignTalkError: it cannot work here for another reason, such as missing models; or it was closed.
        """
        with self._lock:
            self._refuse_closed()
            if self._child is not None and self._child.runs():
                return
            self._end_child()
            child = self._child = _Child(self._guard.command or (sys.executable, "-m", "signtalk.extraction.worker"))
        ready = child.next_line(_START_LIMIT_S)  # without the lock, so that `close` need not wait
        if ready is None or "ready" not in ready:
            said = (ready or {}).get("setup_error") or child.last_words() or "no answer"
            with self._lock:
                self._refuse_closed()
                self._end_child()
            kind = MissingExtraError if (ready or {}).get("missing_extra") else SignTalkError
            raise kind(f"extraction cannot start: {said}")
        self.landmarker, self.models_sha256 = ready["ready"]

    @property
    def process_id(self) -> int | None:
        """Of the child; None when none runs."""
        child = self._child
        return child.process_id if child is not None else None

    def extract(self, task: Task) -> TaskOutcome:
        """Extract one video; never raises for what the video did.

        Raises:
            SignTalkError: the child cannot be started at all, or the guard was closed.
        """
        for _ in range(MAX_TRIES):
            self.start()
            outcome, last_words = self._attempt(task)
            if outcome is not None:
                return outcome
        return TaskOutcome(
            task.clip_id,
            "crashed",
            f"{task.video}: ended its worker {MAX_TRIES} times ({last_words or 'it said nothing'}); convert it again",
        )

    def close(self) -> None:
        """End the child, whatever it does, for good."""
        with self._lock:
            self._closed = True
            self._end_child()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise SignTalkError("extraction was ended; start the command again to go on")

    def _end_child(self) -> None:
        """Only with the lock held."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def _attempt(self, task: Task) -> tuple[TaskOutcome | None, str]:
        """One try: an outcome, or None and the child's last words when it died."""
        with self._lock:
            self._refuse_closed()
            child = self._child
            assert child is not None
        request = asdict(task) | {"config": self._config.model_dump(mode="json")}
        child.send(json.dumps(request, default=str))
        began = time.monotonic()
        while True:
            left = self._guard.time_limit_s - (time.monotonic() - began)
            answer = child.next_line(min(self._guard.stall_limit_s, left)) if left > 0 else None
            if answer is None and child.runs():
                with self._lock:
                    self._end_child()
                spent = time.monotonic() - began
                reason = "no new frame" if left > self._guard.stall_limit_s else "not done"
                message = f"{task.video}: {reason} after {spent:.0f} s; set aside"
                return TaskOutcome(task.clip_id, "time_limit", message), ""
            if answer is None:
                words = child.last_words()
                with self._lock:
                    self._refuse_closed()
                    self._end_child()
                return None, words
            if "outcome" in answer:
                return TaskOutcome.from_dict(answer["outcome"]), ""


class _Child:
    """The process, a thread that reads its lines, and the file of its standard error."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=_quiet_environment()
            )
        except OSError as error:
            self._errors.close()
            raise SignTalkError(f"{command[0]}: cannot be started ({error.strerror})") from error
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        # The thread holds the pipe alone, never the guard, so that a forgotten guard still ends its child.
        threading.Thread(target=_read_lines, args=(self._process.stdout, self._lines), daemon=True).start()
        self._finalizer = weakref.finalize(self, _end, self._process)

    @property
    def process_id(self) -> int:
        return self._process.pid

    def send(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # when it died: next_line tells
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def next_line(self, timeout_s: float) -> dict[str, Any] | None:
        """The next message; None when none came in time or the process ended, which `runs` tells apart."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if line is None:
            _wait_or_kill(self._process)  # it says no more, so it is of no use, even if it runs
        return line

    def runs(self) -> bool:
        return self._process.poll() is None

    def last_words(self) -> str:
        """How it ended, and the last line that it wrote to standard error."""
        said = b""
        with suppress(ValueError):  # the guard was closed meanwhile, and this file with it
            self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 4096))
            said = self._errors.read()
        lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
        code = self._process.poll()
        ended = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return f"{ended}: {lines[-1].strip()}" if lines else ended

    def end(self) -> None:
        self._finalizer()
        self._errors.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    _wait_or_kill(process)
    if process.stdin is not None:
        with suppress(OSError):  # what was not yet sent to a dead process
            process.stdin.close()


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    """Wait for its end, a short while; then kill it, and wait as long for what the system holds in a call."""
    try:
        process.wait(END_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_LIMIT_S)


def _read_lines(pipe: IO[bytes], lines: queue.Queue[dict[str, Any] | None]) -> None:
    """Messages, then None when the pipe ended; lines that are none are skipped: libraries may write past our own."""
    with pipe:  # closed here: closing it elsewhere would wait for the reading
        for line in pipe:
            with suppress(ValueError, RecursionError):
                message = json.loads(line)
                if isinstance(message, dict):
                    lines.put(message)
    lines.put(None)


def _quiet_environment() -> dict[str, str]:
    """The environment for one worker of several: its numeric libraries use one thread each."""
    return {"OMP_NUM_THREADS": "1", "GLOG_minloglevel": "2", "TF_CPP_MIN_LOG_LEVEL": "2"} | os.environ


def serve_tasks(make_landmarker: Callable[[], Landmarker]) -> None:
    """The child's loop: read tasks from standard input, answer on standard output, end with standard input.

    Args:
        make_landmarker: called once, at the start.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not stand between the answers
    try:
        pyav()
        landmarker = make_landmarker()
    except SignTalkError as error:
        _answer(answers, {"setup_error": str(error), "missing_extra": isinstance(error, MissingExtraError)})
        return
    _answer(answers, {"ready": [landmarker.name, landmarker.models_sha256]})
    tasks: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read_tasks, args=(tasks,), daemon=True).start()
    while True:
        _answer(answers, {"outcome": _outcome(json.loads(tasks.get()), landmarker, answers).to_dict()})


def _read_tasks(tasks: queue.Queue[str]) -> None:
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)  # the guard is gone, so nobody waits for the video at hand; files are written atomically


def _outcome(request: dict[str, Any], landmarker: Landmarker, answers: IO[str]) -> TaskOutcome:
    clip_id = request["clip_id"]
    prototype = request["prototype_path"]
    last = time.monotonic()

    def on_frame() -> None:
        nonlocal last
        if time.monotonic() - last > _PROGRESS_EVERY_S:
            last = time.monotonic()
            _answer(answers, {"progress": clip_id})

    try:
        extracted = extract_to_file(
            Path(request["video"]),
            Path(request["clip_path"]),
            landmarker,
            ExtractionConfig.model_validate(request["config"]),
            on_frame,
            Path(prototype) if prototype else None,
        )
    except ClipError as error:
        return TaskOutcome(clip_id, "unusable", str(error))
    except DataError as error:
        return TaskOutcome(clip_id, "not_written", str(error))
    except Exception as error:  # noqa: BLE001 - one video never stops the run; the kind tells that it is a fault of ours
        return TaskOutcome(clip_id, "error", f"{request['video']}: {type(error).__name__}: {error}")
    return TaskOutcome(clip_id, "", "", extracted.numbers, extracted.quality, extracted.clip.notes)


def _answer(answers: IO[str], value: dict[str, Any]) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


if __name__ == "__main__":
    serve_tasks(MediaPipeLandmarker)
