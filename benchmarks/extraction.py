#!/usr/bin/env python3
"""How fast videos become clips, against bare MediaPipe on frames that are decoded already, in one run.

    python benchmarks/extraction.py VIDEOS
    python benchmarks/extraction.py VIDEOS --clips 6 --repeats 3 --json extraction.json

The yardstick calls HolisticLandmarker alone, a fresh one a clip as extraction has it, in this process, on frames in
memory. SignTalk's side is the whole chain (hashing, looking for people, decoding, tracking, repairs, figures, the
clip's file) in one guarded process, and in two at once. Every repetition takes all three one after the other, and a
ratio compares two of one repetition, so that a busy machine slows both; with fewer free cores than processes the
ratio for two falls short of what the code can do. The ratio of processor seconds does not depend on other programs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from signtalk.extraction import ExtractionConfig
from signtalk.extraction_inputs import list_videos
from signtalk.extraction_worker import GuardConfig, GuardedExtractor, Task
from signtalk.landmarker import MediaPipeLandmarker
from signtalk.video import VideoFrame, read_frames


@dataclass(frozen=True)
class Timing:
    """One repetition's frames a second of wall time, and processor seconds a frame."""

    bare_fps: float
    one_fps: float
    two_fps: float
    bare_cpu_s: float
    one_cpu_s: float

    @property
    def ratios(self) -> dict[str, float]:
        """The claims: extraction against bare MediaPipe, with one process and with two, and by processor time."""
        return {
            "one process / bare": self.one_fps / self.bare_fps,
            "two processes / bare": self.two_fps / self.bare_fps,
            "two processes / one": self.two_fps / self.one_fps,
            "processor time, bare / one": self.bare_cpu_s / self.one_cpu_s,
        }


def bare(landmarker: MediaPipeLandmarker, clips: list[list[VideoFrame]]) -> tuple[float, float]:
    """Wall and processor seconds of MediaPipe alone."""
    wall, cpu = time.perf_counter(), time.process_time()
    for frames in clips:
        tracker = landmarker.tracker()
        for frame in frames:
            tracker.track(frame.image, round(frame.timestamp_s * 1000))
        tracker.close()
    return time.perf_counter() - wall, time.process_time() - cpu


def extraction(guards: list[GuardedExtractor], videos: list[Path]) -> tuple[float, float]:
    """Wall and processor seconds of the whole chain, the videos shared between the guards."""
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
        return time.perf_counter() - wall, sum(map(_cpu_seconds, guards)) - cpu


def _cpu_seconds(guard: GuardedExtractor) -> float:
    """Processor seconds that a guard's process has used; NaN where /proc is missing."""
    status = Path(f"/proc/{guard.process_id}/stat")
    if not status.exists():
        return float("nan")
    fields = status.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(videos: list[Path], repeats: int) -> list[Timing]:
    """The repetitions, after a warm-up of every process."""
    landmarker = MediaPipeLandmarker()
    clips = [list(read_frames(video)) for video in videos]
    num_frames = sum(map(len, clips))
    guards = [GuardedExtractor(GuardConfig(), ExtractionConfig()) for _ in range(2)]
    timings = []
    try:
        for guard in guards:
            extraction([guard], videos[:1])
        bare(landmarker, clips[:1])
        for number in range(repeats):
            (bare_s, bare_cpu), (one_s, one_cpu) = bare(landmarker, clips), extraction(guards[:1], videos)
            two_s, _ = extraction(guards, videos)
            timings.append(
                Timing(
                    num_frames / bare_s,
                    num_frames / one_s,
                    num_frames / two_s,
                    bare_cpu / num_frames,
                    one_cpu / num_frames,
                )
            )
            print(f"{number + 1}: {timings[-1]}", flush=True)
    finally:
        for guard in guards:
            guard.close()
    return timings


def main() -> None:
    """Measure and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--clips", type=int, default=6, help="how many videos, the first by name")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the repetitions there")
    arguments = parser.parse_args()
    videos = list_videos(arguments.videos)[: arguments.clips]
    timings = measure(videos, arguments.repeats)
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"{len(videos)} videos, {arguments.repeats} repetitions, {load}")
    for name in timings[0].ratios:
        values = [timing.ratios[name] for timing in timings]
        print(f"{name}: median {statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(timing) for timing in timings], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
