"""Many videos to a data folder: scheduled, watched, resumable.

    ExtractionPlan --extract_videos(executor)--> outcomes in a journal --finish_extraction--> the folder's tables

One scheduling code: it submits to a `concurrent.futures.Executor`. On one machine that is a pool of threads, each
with a guarded child process (`signtalk.extraction.guards`); on many machines dask's (`signtalk.extraction.cluster`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

from signtalk.data.manifest import ClipNumbers, write_manifest
from signtalk.data.records import CLIPS_FOLDER, ClipRecord, Problem, Progress, grouped_notes
from signtalk.errors import DataError, SignTalkError
from signtalk.extraction.clip import ExtractionConfig
from signtalk.extraction.guards import Extractors, Guards, Orders
from signtalk.extraction.inputs import ExtractionPlan, VideoJob
from signtalk.extraction.labels import MissingVideo
from signtalk.extraction.quality import ClipQuality, QualityFences, fit_fences, quality_names
from signtalk.extraction.storage import RemoteFolder
from signtalk.extraction.worker import GuardConfig, Task, TaskOutcome
from signtalk.files import remove_unfinished, sha256_text, write_csv
from signtalk.landmarks.plausible import notes_of_idle

JOURNAL_NAME = ".signtalk/extraction.jsonl"
PROTOTYPE_FOLDER = "prototype"
_LOOK_AGAIN_S = 5.0
"""After so long the workers are counted again, though no video was finished."""
_PROTOTYPE_ROWS = "features/pose_data"


@dataclass(frozen=True)
class RunOptions:
    """How videos are extracted into a data folder.

    Attributes:
        out: the folder; made if it is not there.
        config: what is done to the clips.
        guard: how the child processes are started and watched.
        prototype: also write the prototype's files into `prototype/`, a data folder of its own.
        keep_low_quality: keep clips in the table that stand apart in quality.
        retry_failed: try again what failed in an earlier run.
        storage: where clips go, and copies of the tables; None = into `out`, which otherwise keeps tables and journal.
    """

    out: Path
    config: ExtractionConfig = field(default_factory=ExtractionConfig)
    guard: GuardConfig = field(default_factory=GuardConfig)
    prototype: bool = False
    keep_low_quality: bool = False
    retry_failed: bool = False
    storage: RemoteFolder | None = None


@dataclass(frozen=True)
class ExtractedVideo:
    """A job that gave a clip."""

    job: VideoJob
    clip_path: Path
    numbers: ClipNumbers
    quality: ClipQuality
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ExtractionResult:
    """A finished extraction.

    Attributes:
        clips: jobs that gave a clip, rejected ones included, in the plan's order.
        failed: videos without a clip, and why.
        fences: the limits that were fitted on the clips.
        num_done_before: jobs that an earlier run had finished.
        tables: files that were written.
        missing: rows of the table whose video is not there.
        notes: what is odd about clips and tables, a sentence each.
    """

    clips: tuple[ExtractedVideo, ...]
    failed: tuple[Problem, ...]
    fences: QualityFences
    num_done_before: int
    tables: tuple[Path, ...]
    missing: tuple[MissingVideo, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rejected(self) -> tuple[ExtractedVideo, ...]:
        """Clips of low quality."""
        return tuple(clip for clip in self.clips if clip.reasons)


@dataclass(frozen=True)
class WorkerPool:
    """Where videos are extracted.

    Attributes:
        executor: its threads may be in other processes and machines, where paths must mean the same files.
        num_threads: how many threads it has now; asked again and again, for machines come and go.
        extractors: what the threads extract with; sent to them with each task.
    """

    executor: Executor
    num_threads: Callable[[], int]
    extractors: Extractors


def extract_videos(
    plan: ExtractionPlan, options: RunOptions, workers: int = 1, progress: Progress | None = None
) -> ExtractionResult:
    """Extract a plan on this machine, and write the data folder's tables.

    Killed at any moment it goes on when called again: finished clips are not made twice.

    Args:
        plan: what to do.
        options: how.
        workers: processes that extract, each on one core.
        progress: called with the number of finished videos and of all.

    Raises:
        DataError: the folder cannot be written, or another extraction is writing it.
        SignTalkError: extraction cannot work here: a package, a system library or the models are missing.
    """
    guards = Guards()
    with ThreadPoolExecutor(workers, "extract") as executor:
        try:
            return extract_on(WorkerPool(executor, lambda: workers, guards), plan, options, progress)
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            guards.close()  # a thread that waits for its child ends at once


def extract_on(
    pool: WorkerPool, plan: ExtractionPlan, options: RunOptions, progress: Progress | None = None
) -> ExtractionResult:
    """As `extract_videos`, on any pool, such as that of a dask cluster.

    Args:
        pool: where the videos are extracted.
        plan: what to do.
        options: how.
        progress: called with the number of finished videos and of all.
    """
    _make_folders(options)
    orders = Orders(options.guard, options.config, options.storage)
    landmarker = pool.executor.submit(pool.extractors.landmarker_name, orders).result()
    with _Journal(options.out, landmarker, options.config) as journal:
        _sweep(options.out)
        stored = options.storage.paths() if options.storage else None
        is_there = Path.is_file if stored is None else stored.__contains__
        tasks = {job.clip_id: _task(job, options) for job in plan.jobs}
        outcomes: dict[str, TaskOutcome | None] = {
            job.clip_id: journal.earlier(job, tasks[job.clip_id], options.retry_failed, is_there) for job in plan.jobs
        }
        open_jobs = [job for job in plan.jobs if outcomes[job.clip_id] is None]
        num_before = len(plan.jobs) - len(open_jobs)
        report = progress or (lambda _done, _total: None)
        report(num_before, len(plan.jobs))
        in_order = {job.clip_id: job for job in open_jobs}
        for outcome in _run(pool, [tasks[job.clip_id] for job in open_jobs], orders, landmarker):
            outcomes[outcome.clip_id] = outcome
            journal.add(in_order[outcome.clip_id], outcome)
            num_before += 1
            report(num_before, len(plan.jobs))
        _sweep(options.out)  # what a killed worker left
    finished = [(job, done) for job in plan.jobs if (done := outcomes[job.clip_id]) is not None]
    return _finish(plan, finished, options, len(plan.jobs) - len(open_jobs))


def _run(pool: WorkerPool, tasks: Sequence[Task], orders: Orders, landmarker: str) -> Iterator[TaskOutcome]:
    """Outcomes as they come.

    A task is under way for each worker and none waits there: submitting costs milliseconds, and a cluster blames every
    task that lies with a worker when it dies.
    """
    waiting = iter(tasks)
    running: dict[Future[TaskOutcome], Task] = {}
    while True:
        free = max(pool.num_threads(), 1) - len(running)
        for task in islice(waiting, max(free, 0)):
            running[pool.executor.submit(pool.extractors.extract, task, orders, landmarker)] = task
        if not running:
            return
        for future in wait(running, timeout=_LOOK_AGAIN_S, return_when=FIRST_COMPLETED).done:
            yield _outcome(future, running.pop(future))


def _outcome(future: Future[TaskOutcome], task: Task) -> TaskOutcome:
    """The outcome of a task that ended; raises what makes all others useless."""
    try:
        outcome = future.result()
    except SignTalkError:
        raise  # a machine cannot extract at all
    except CancelledError as error:
        raise SignTalkError(
            "the cluster's scheduler was lost; start it and its workers, and this command again"
        ) from error
    except Exception as error:  # noqa: BLE001 - a cluster gives up on a task whose machines keep dying
        outcome = TaskOutcome(task.clip_id, "crashed", f"{task.video}: {type(error).__name__}: {error}")
    if outcome.kind == "not_written":  # the next one could not be either
        raise DataError(outcome.message)
    if outcome.kind == "not_found" and task.video.is_file():
        raise DataError(f"{outcome.message}, but here; all machines must see the videos under the same path")
    return outcome


class _Journal:
    """A line for each finished video, so that a later run skips it without opening its clip."""

    def __init__(self, out: Path, landmarker: str, config: ExtractionConfig) -> None:
        self._path = out / JOURNAL_NAME
        self._made_by = sha256_text(f"{landmarker} {config.model_dump_json()}")
        self._known: dict[str, TaskOutcome] = {}
        self._handle: IO[str]

    def __enter__(self) -> _Journal:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = self._path.open("a+", encoding="utf-8", errors="replace")
        except OSError as error:
            raise DataError(f"{self._path}: cannot be written ({error.strerror}); choose another folder") from error
        self._lock()
        self._handle.seek(0)
        for line in self._handle:
            with suppress(ValueError, KeyError, TypeError):  # half a line, or another version's: done again
                value = json.loads(line)
                self._known[value["key"]] = TaskOutcome.from_dict(value["outcome"])
        self._handle.write("\n")
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # a full disk: `add` told, and half a line is done again
            self._handle.close()

    def earlier(
        self, job: VideoJob, task: Task, retry_failed: bool, is_there: Callable[[Path], bool]
    ) -> TaskOutcome | None:
        """The outcome of an earlier run, if video and settings are the same and its files are there."""
        outcome = self._known.get(self._key(job))
        if outcome is None or (outcome.kind and retry_failed):
            return None
        wanted = [] if outcome.kind else [path for path in (task.clip_path, task.prototype_path) if path]
        return outcome if all(map(is_there, wanted)) else None

    def add(self, job: VideoJob, outcome: TaskOutcome) -> None:
        """Write an outcome down.

        Raises:
            DataError: the disk is full.
        """
        try:
            self._handle.write(json.dumps({"key": self._key(job), "outcome": outcome.to_dict()}) + "\n")
            self._handle.flush()
        except OSError as error:
            raise DataError(f"{self._path}: cannot be written ({error.strerror}); check the disk") from error

    def _key(self, job: VideoJob) -> str:
        try:
            status = job.video.stat()
            stamp = [status.st_size, status.st_mtime_ns]
        except OSError:
            stamp = []
        return sha256_text(json.dumps([job.clip_id, str(job.video), *stamp, self._made_by]))

    def _lock(self) -> None:
        """Keep a second extraction out; the system frees the lock of a process that was killed."""
        try:
            import fcntl
        except ImportError:  # not on this system
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._handle.close()
            if not isinstance(error, BlockingIOError):
                raise DataError(
                    f"{self._path}: cannot be locked ({error.strerror}); use a file system with locks"
                ) from error
            raise DataError(
                f"{self._path}: another extraction is writing this folder; wait for it, or end it"
            ) from error


def _make_folders(options: RunOptions) -> None:
    clips = options.out / CLIPS_FOLDER
    here = options.out if options.storage else clips
    try:
        here.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{here}: cannot be made ({error.strerror}); choose a folder you may write to") from error
    if options.storage:
        rows = options.out / PROTOTYPE_FOLDER / _PROTOTYPE_ROWS
        options.storage.prepare(folder.absolute() for folder in ([clips, rows] if options.prototype else [clips]))


def _sweep(out: Path) -> None:
    """Remove unfinished files of a run that was killed."""
    for folder in (out / CLIPS_FOLDER, out / PROTOTYPE_FOLDER / _PROTOTYPE_ROWS, out):
        remove_unfinished(folder)


def _task(job: VideoJob, options: RunOptions) -> Task:
    rows = options.out / PROTOTYPE_FOLDER / _PROTOTYPE_ROWS / f"{job.file_stem}.npy"
    clip = options.out / CLIPS_FOLDER / f"{job.file_stem}.npz"
    return Task(job.clip_id, job.video.absolute(), clip.absolute(), rows.absolute() if options.prototype else None)


def _finish(
    plan: ExtractionPlan, finished: Sequence[tuple[VideoJob, TaskOutcome]], options: RunOptions, num_before: int
) -> ExtractionResult:
    """Judge the clips against each other and write the tables."""
    signed = (outcome.quality for job, outcome in finished if not job.label.is_idle)
    fences = fit_fences([quality for quality in signed if quality is not None])
    clips: list[ExtractedVideo] = []
    failed = list(plan.problems)
    for job, outcome in finished:
        if outcome.numbers is None or outcome.quality is None:
            failed.append(Problem(job.clip_id, outcome.kind, outcome.message))
        else:
            path = _task(job, options).clip_path
            reasons = fences.reasons(outcome.quality, job.label.is_idle)
            clips.append(ExtractedVideo(job, path, outcome.numbers, outcome.quality, reasons))
    tables = _write_tables(plan, clips, failed, options)
    if options.storage:
        for table in tables:
            options.storage.put(table, table.absolute())
    notes = grouped_notes(
        note for job, done in finished for note in (notes_of_idle(done.notes) if job.label.is_idle else done.notes)
    )
    return ExtractionResult(tuple(clips), tuple(failed), fences, num_before, tables, notes=notes)


def _write_tables(
    plan: ExtractionPlan, clips: Sequence[ExtractedVideo], failed: Sequence[Problem], options: RunOptions
) -> tuple[Path, ...]:
    out = options.out
    kept = [clip for clip in clips if options.keep_low_quality or not clip.reasons]
    tables = [write_manifest(out, [_record(clip, clip.clip_path, clip.quality.fps) for clip in kept])]
    if options.prototype:
        rows = out / PROTOTYPE_FOLDER / _PROTOTYPE_ROWS
        records = [_record(clip, (rows / f"{clip.job.file_stem}.npy").absolute(), clip.quality.fps) for clip in kept]
        tables.append(write_manifest(out / PROTOTYPE_FOLDER, records))
    columns: tuple[str, ...] = ("clip_id", "kind", "reason")
    lines: list[dict[str, object]] = [
        {"clip_id": p.clip_id, "kind": p.kind, "reason": " ".join(p.message.split())} for p in failed
    ]
    tables.append(_written(out / "failed_videos.csv", columns, lines))
    columns = ("video_file", "reasons", "kept", *quality_names())
    lines = [
        {"video_file": clip.job.video_file, "reasons": "; ".join(clip.reasons), "kept": int(options.keep_low_quality)}
        | vars(clip.quality)
        for clip in clips
        if clip.reasons
    ]
    tables.append(_written(out / "low_quality_videos.csv", columns, lines))
    missing: list[dict[str, object]] = [dict(vars(video)) for video in plan.missing]
    tables.append(_written(out / "missing_videos.csv", ("video_file", "sentence_id", "sentence"), missing))
    return tuple(tables)


def _written(path: Path, columns: tuple[str, ...], lines: Sequence[dict[str, object]]) -> Path:
    write_csv(path, columns, lines)
    return path


def _record(clip: ExtractedVideo, feature_path: Path, fps: float) -> ClipRecord:
    label, numbers = clip.job.label, clip.numbers
    return ClipRecord(
        clip_id=clip.job.clip_id,
        video_file=clip.job.video_file,
        feature_path=feature_path,
        sentence_id=label.sentence_id,
        sentence=label.sentence,
        category=label.category,
        signer_id=label.signer,
        variations=label.variations,
        num_frames=numbers.num_frames,
        fps=min(max(fps, 1.0), 1000.0) if math.isfinite(fps) else 30.0,
        motion_mean=numbers.motion_mean,
        motion_p95=numbers.motion_p95,
        mean_visibility=numbers.mean_visibility,
        is_idle=label.is_idle,
        session=label.session,
        detection_ratio=numbers.detection_ratio,
        motion_p50=numbers.motion_p50,
        motion_max=numbers.motion_max,
    )
