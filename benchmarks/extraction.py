#!/usr/bin/env python3
"""How fast videos become clips, against bare MediaPipe on frames that are decoded already, in one run.

    python benchmarks/extraction.py VIDEOS
    python benchmarks/extraction.py VIDEOS --clips 6 --repeats 3 --results docs/results/extraction.md

The yardstick calls HolisticLandmarker alone, a fresh one a clip as extraction has it, in this process, on frames in
memory. SignTalk's side is the whole chain (hashing, looking for people, decoding, tracking, repairs, figures, the
clip's file) in one guarded process, and in two at once. Every repetition takes all of them one after the other, and a
ratio compares two of one repetition, so that a busy machine slows both; with fewer free cores than processes the
ratio for two falls short of what the code can do. The ratio of processor seconds does not depend on other programs.

MediaPipe runs parts of its graph beside each other, so bare MediaPipe alone keeps more than one core busy, and two
processes cannot be twice as fast where there are not twice as many cores: the ceiling is printed. What a core gives
is measured as well, with every process held to one core of its own, where the system can do so.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from signtalk.extraction.clip import ExtractionConfig
from signtalk.extraction.inputs import list_videos
from signtalk.extraction.landmarker import MEDIAPIPE_VERSION, MediaPipeLandmarker
from signtalk.extraction.video import VideoFrame, read_frames
from signtalk.extraction.worker import GuardConfig, GuardedExtractor, Task

SECTION = "extraction_speed"


@dataclass(frozen=True)
class Timing:
    """One way of working through all videos.

    Attributes:
        fps: frames a second of wall time.
        cpu_s: processor seconds a frame; NaN where the system does not tell.
    """

    fps: float
    cpu_s: float

    @property
    def cores(self) -> float:
        """How many cores were kept busy on average."""
        return self.fps * self.cpu_s


@dataclass(frozen=True)
class Repetition:
    """All ways, one after the other; those on one core each are None where processes cannot be held to a core."""

    bare: Timing
    one: Timing
    two: Timing
    bare_on_core: Timing | None
    one_on_core: Timing | None
    two_on_cores: Timing | None

    def ratios(self, num_cores: int) -> dict[str, float]:
        """What is claimed, by name.

        Args:
            num_cores: that all of them shared.
        """
        found = {
            "one process / bare": self.one.fps / self.bare.fps,
            "two processes / bare": self.two.fps / self.bare.fps,
            "ceiling of two processes / bare": min(2.0, num_cores / self.bare.cores),
            "two processes / one": self.two.fps / self.one.fps,
            "processor time, bare / one": self.bare.cpu_s / self.one.cpu_s,
            "cores that bare keeps busy": self.bare.cores,
        }
        if self.bare_on_core and self.one_on_core:
            found["one process on one core / bare on one core"] = self.one_on_core.fps / self.bare_on_core.fps
        if self.bare_on_core and self.two_on_cores:
            found["two processes on a core each / bare on one core"] = self.two_on_cores.fps / self.bare_on_core.fps
            found["two processes on a core each / two not held"] = self.two_on_cores.fps / self.two.fps
        return found


@contextmanager
def held_to(cores: set[int]) -> Iterator[None]:
    """Hold this thread, and the threads and processes that it starts meanwhile, to some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def usable_cores() -> list[int]:
    """Numbers of the cores that this process may use; none where processes cannot be held to one."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []


def bare(landmarker: MediaPipeLandmarker, clips: list[list[VideoFrame]]) -> Timing:
    """MediaPipe alone. Its threads belong to a clip's tracker, so they are held wherever this thread is held."""
    wall, cpu = time.perf_counter(), time.process_time()
    for frames in clips:
        tracker = landmarker.tracker()
        for frame in frames:
            tracker.track(frame.image, round(frame.timestamp_s * 1000))
        tracker.close()
    return _timing(clips, time.perf_counter() - wall, time.process_time() - cpu)


def extraction(guards: Sequence[GuardedExtractor], videos: list[Path], clips: list[list[VideoFrame]]) -> Timing:
    """The whole chain, the videos shared between the guards."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(guards)) as threads:
        tasks = [Task(video.stem, video.absolute(), Path(folder) / f"{video.stem}.npz") for video in videos]
        free = list(guards)

        def extract(task: Task) -> None:
            guard = free.pop()
            outcome = guard.extract(task)
            free.append(guard)
            if outcome.kind:
                raise SystemExit(f"{task.video}: {outcome.message}")

        wall, cpu = time.perf_counter(), sum(map(_cpu_seconds, guards))
        list(threads.map(extract, tasks))
        return _timing(clips, time.perf_counter() - wall, sum(map(_cpu_seconds, guards)) - cpu)


def _timing(clips: list[list[VideoFrame]], wall_s: float, cpu_s: float) -> Timing:
    num_frames = sum(map(len, clips))
    return Timing(num_frames / wall_s, cpu_s / num_frames)


def _cpu_seconds(guard: GuardedExtractor) -> float:
    """Processor seconds that a guard's process has used; NaN where /proc is missing."""
    status = Path(f"/proc/{guard.process_id}/stat")
    if not status.exists():
        return float("nan")
    fields = status.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(videos: list[Path], repeats: int) -> list[Repetition]:
    """The repetitions, after a warm-up of every process."""
    landmarker, cores = MediaPipeLandmarker(), usable_cores()
    clips = [list(read_frames(video)) for video in videos]
    with ExitStack() as stack:
        guards = [_started(stack, None) for _ in range(2)]
        held = [_started(stack, core) for core in cores[:2]]
        for guard in [*guards, *held]:
            extraction([guard], videos[:1], clips[:1])
        bare(landmarker, clips[:1])
        repetitions = []
        for number in range(repeats):
            repetitions.append(_repetition(landmarker, guards, held, videos, clips))
            print(f"{number + 1}: {repetitions[-1]}", flush=True)
    return repetitions


def _started(stack: ExitStack, core: int | None) -> GuardedExtractor:
    """A guard whose process runs, held to a core if one is given, and ends with the stack."""
    guard = GuardedExtractor(GuardConfig(), ExtractionConfig())
    stack.callback(guard.close)
    if core is None:
        guard.start()
    else:
        with held_to({core}):
            guard.start()
    return guard


def _repetition(
    landmarker: MediaPipeLandmarker,
    guards: list[GuardedExtractor],
    held: list[GuardedExtractor],
    videos: list[Path],
    clips: list[list[VideoFrame]],
) -> Repetition:
    on_core = None
    free = bare(landmarker, clips)
    one, two = extraction(guards[:1], videos, clips), extraction(guards, videos, clips)
    if held:
        with held_to(set(usable_cores()[:1])):
            on_core = bare(landmarker, clips)
    one_on_core = extraction(held[:1], videos, clips) if held else None
    two_on_cores = extraction(held, videos, clips) if len(held) == 2 else None
    return Repetition(free, one, two, on_core, one_on_core, two_on_cores)


def table(repetitions: Sequence[Repetition], num_cores: int) -> list[tuple[str, str]]:
    """Each ratio's name, and its median and range."""
    found = [repetition.ratios(num_cores) for repetition in repetitions]
    columns = {name: [ratios[name] for ratios in found] for name in found[0]}
    return [
        (name, f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})")
        for name, values in columns.items()
    ]


def section_of(rows: list[tuple[str, str]], command: str, about: str) -> str:
    """The section of the results page."""
    lines = ["| measure | median (min-max) |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in rows)]
    parts = [
        "## Extraction's speed against bare MediaPipe",
        f"{datetime.datetime.now(datetime.UTC).date()}: `{command}`",
        about,
        "\n".join(lines),
        "Asked for: one process / bare at least 0.85, two processes / bare at least 1.7. Frames a second; a ratio is "
        "taken within each repetition. The ceiling is what two processes that did nothing but run MediaPipe could "
        "reach on these cores: cores / cores that bare keeps busy, at most 2. *On one core*: a process is held to one "
        "core with all its threads.",
    ]
    return "\n\n".join(parts) + "\n"


def write_section(arguments: argparse.Namespace, rows: list[tuple[str, str]], about: str) -> None:
    """Put the section into the results page, in place of an earlier one."""
    from folds import code_version  # here, for it brings torch
    from results_page import replace_section, typed_command

    words = ["VIDEOS" if word == str(arguments.videos) else word for word in sys.argv[1:]]
    command = typed_command("extraction", words)
    replace_section(arguments.results, SECTION, section_of(rows, command, f"{about}, code {code_version()}."))


def main() -> None:
    """Measure and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--clips", type=int, default=6, help="how many videos, the first by name")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the repetitions there")
    parser.add_argument("--results", type=Path, help="results page whose section is written anew")
    arguments = parser.parse_args()
    videos = list_videos(arguments.videos)[: arguments.clips]
    num_cores = len(usable_cores()) or os.cpu_count() or 1
    load = os.getloadavg()[0]
    repetitions = measure(videos, arguments.repeats)
    about = (
        f"{len(videos)} videos, {arguments.repeats} interleaved repetitions, {num_cores} cores (load {load:.1f} when "
        f"it began), MediaPipe {MEDIAPIPE_VERSION}"
    )
    rows = table(repetitions, num_cores)
    print(about)
    for name, text in rows:
        print(f"{name}: median {text}")
    if arguments.json:
        arguments.json.write_text(json.dumps(list(map(asdict, repetitions)), indent=2) + "\n", encoding="utf-8")
    if arguments.results:
        write_section(arguments, rows, about)


if __name__ == "__main__":
    main()
