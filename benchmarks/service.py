"""How a service holds under load, against the prototype's way of serving the same clips, in one run.

    python benchmarks/service.py runs/demo/export/sign_encoder_bundle.zip runs/demo/data --results PAGE

Measured: latency of 1, 16 and 64 clients; the highest rate without an error; live streams at camera speed; overload and
what follows it; memory over a long run (`--minutes`). The service is another process; the clients share its machine.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import io
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from results_page import replace_section, typed_command
from service_clients import Asked, Client, Connection, Streamed, closed_loop, open_loop, stream
from signtalk.arrays import FloatArray
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.files import write_json
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.legacy_rows import to_prototype_rows
from signtalk.landmarks.wire import CLIP_MEDIA_TYPE, FrameArray, clip_of_frames, decode_frames, encode_clip
from signtalk.segmentation.segmenter import spans_of

SECTION = "service"
_HEADER = 12
_RATES = (2, 5, 10, 15, 20, 30, 40, 60, 80, 120)
_REST_S = 2.0


@contextmanager
def running(command: list[str], port: int, ready: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a process of its own, ended at the end of the block."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=Path(__file__).parent)
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit(f"{shlex.join(command)} ended with {process.returncode}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{ready}", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def memory_mb(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def streams_of(clips: list[LandmarkClip], count: int, fps: float) -> list[FrameArray]:
    """Frames of made streams: a sentence, rest, a sentence, each at `fps`, with rest before and after."""
    made = []
    for number in range(count):
        parts, at = [], 0.0
        for clip in (clips[number % len(clips)], clips[(number + 1) % len(clips)]):
            frames = decode_frames(encode_clip(clip)[_HEADER:])
            frames = frames[np.searchsorted(frames["time_s"], np.arange(0, frames["time_s"][-1], 1 / fps))]
            rest = np.repeat(frames[:1], round(_REST_S * fps))
            parts += [rest, frames]
        frames = np.concatenate([*parts, rest])
        frames["time_s"] = at + np.arange(len(frames)) / fps
        made.append(frames)
    return made


async def streamed(port: int, made: list[FrameArray], aspect: float | None) -> Streamed:
    """All streams at once, begun within two seconds of each other."""
    found = Streamed()
    found.expected = sum(len(spans_of(clip_of_frames(frames, aspect))) for frames in made)
    waits = np.linspace(0, 2, len(made))
    await asyncio.gather(*(stream(port, each, aspect, wait, found) for each, wait in zip(made, waits, strict=True)))
    return found


def row(name: str, asked: Asked) -> tuple[str, ...]:
    """A line of the table."""
    times = [f"{asked.percentile(share):.0f}" for share in (0.5, 0.95, 0.99)]
    return name, *times, f"{asked.rate:.1f}", str(asked.refused), str(len(asked.failed))


async def load(
    make: Client, bodies: list[bytes], clients: tuple[int, ...], seconds: float
) -> tuple[list[tuple[str, ...]], dict[int, Asked]]:
    """Latency of so many clients that ask one after the other."""
    await closed_loop(make, bodies, 1, min(seconds, 3))
    found = {count: await closed_loop(make, bodies, count, seconds) for count in clients}
    return [row(f"{count} clients", asked) for count, asked in found.items()], found


async def highest_rate(make: Client, bodies: list[bytes], seconds: float) -> tuple[float, list[tuple[str, ...]]]:
    """The highest of the rates at which every request is answered, and within twice the time of the lowest rate."""
    best, rows = 0.0, []
    for rate in _RATES:
        asked = await open_loop(make, bodies, rate, seconds)
        rows.append(row(f"{rate} a second", asked))
        if asked.failed or asked.refused or asked.percentile(0.95) > 2000:
            break
        best = rate
    return best, rows


def prototype_rows(clips: list[LandmarkClip], folder: Path) -> list[bytes]:
    """References of the prototype's kind in a folder, and bodies to ask it with."""
    bodies = []
    for number, clip in enumerate(clips):
        rows: FloatArray = to_prototype_rows(clip)
        np.save(folder / f"{number:05}.npy", rows)
        buffer = io.BytesIO()
        np.save(buffer, rows)
        bodies.append(buffer.getvalue())
    return bodies


def measure(options: argparse.Namespace) -> tuple[list[tuple[str, ...]], list[str]]:
    """Rows of the table, and lines about the rest."""
    records = [record for record in load_manifest(options.data).records if not record.is_idle]
    clips = [clip_of_record(record) for record in records]
    asked_clips = clips[: options.asked]
    bodies = [encode_clip(clip) for clip in asked_clips]
    port = options.port
    command = [sys.executable, "-m", "signtalk", "serve", str(options.bundle.resolve()), "--port", str(port),
               "--no-page", "--max-streams", str(max(256, 2 * options.streams))]  # fmt: skip
    lines: list[str] = []

    make = partial(Connection, port, "/v1/recognize", CLIP_MEDIA_TYPE)
    with running(command, port, "/readyz") as process:
        rows, ours = asyncio.run(load(make, bodies, (1, 16, 64), options.seconds))
        best, more = asyncio.run(highest_rate(make, bodies, options.seconds))
        rows += more
        lines.append(f"Highest rate without an error, p95 under 2 s: {best:g} clips a second.")
        made = streams_of(asked_clips, options.streams, 25.0)
        found = asyncio.run(streamed(port, made, asked_clips[0].aspect))
        delay = float(np.quantile(found.delays, 0.95)) if found.delays else float("nan")
        lines.append(
            f"{options.streams} streams of 25 frames a second: {found.expected} sentences in them, {found.thinking} "
            f"found, {found.answered} answered, {len(found.failed)} errors; frames at most {found.behind_s:.2f} s "
            f"late; from a sentence's end to its answer p95 {delay:.1f} s, the segmenter's pause included."
        )
        flood = asyncio.run(closed_loop(make, bodies, 300, options.seconds))
        after = asyncio.run(closed_loop(make, bodies, 1, options.seconds))
        rows += [row("overload: 300 clients", flood), row("1 client after it", after)]
        lines += _over_time(process, make, bodies, options.minutes)
    with tempfile.TemporaryDirectory() as folder:
        old_bodies = prototype_rows(clips, Path(folder))[: options.asked]
        old_command = [sys.executable, "prototype_service.py", folder, str(port + 1)]
        with running(old_command, port + 1, "/"):
            old_rows, theirs = asyncio.run(
                load(
                    lambda: Connection(port + 1, "/", "application/octet-stream"), old_bodies, (1, 16), options.seconds
                )
            )
    rows += [(f"prototype's way, {name}", *rest) for name, *rest in old_rows]
    rates = {count: ours[count].rate / max(theirs[count].rate, 1e-9) for count in theirs}
    lines.append(
        f"Answers a second over those of the prototype's way ({len(clips)} references): "
        + ", ".join(f"{ratio:.1f}x with {count} clients" for count, ratio in rates.items())
        + "."
    )
    return rows, lines


def _over_time(process: subprocess.Popen[bytes], make: Client, bodies: list[bytes], minutes: float) -> list[str]:
    """Resident memory while a few clients ask without end, looked at every half minute."""
    if not minutes:
        return []
    sizes = []
    for _ in range(max(2, round(2 * minutes))):
        asyncio.run(closed_loop(make, bodies, 4, 30))
        sizes.append(memory_mb(process))
    told = ", ".join(f"{size:.0f}" for size in sizes)
    return [f"Memory over {minutes:g} minutes of 4 clients, every half minute: {told} MB."]


def section_of(rows: list[tuple[str, ...]], lines: list[str], command: str, options: argparse.Namespace) -> str:
    """The section of the results page."""
    header = ("load", "p50 ms", "p95 ms", "p99 ms", "answers a second", "refused", "failed")
    table = ["| " + " | ".join(cells) + " |" for cells in (header, ("---",) * len(header), *rows)]
    about = (
        f"{os.cpu_count()} CPUs shared by service and clients (load {os.getloadavg()[0]:.1f} at the end), "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}; {options.asked} made-up clips of `make "
        "demo`, sent as bytes, answered with translation. *Refused*: told to come back (429 or 503 with Retry-After)."
    )
    date = datetime.datetime.now(datetime.UTC).date()
    return "\n\n".join(["## The service under load", f"{date}: `{command}`", about, "\n".join(table), *lines]) + "\n"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("data", type=Path, help="data folder whose clips are asked")
    parser.add_argument("--seconds", type=float, default=10, help="of each load (default 10)")
    parser.add_argument("--streams", type=int, default=100, help="live streams (default 100)")
    parser.add_argument("--minutes", type=float, default=0, help="of the look at memory (default 0 = none)")
    parser.add_argument("--asked", type=int, default=40, help="different clips (default 40)")
    parser.add_argument("--port", type=int, default=8765, help="and the one after it")
    parser.add_argument("--json", type=Path, help="file for every figure")
    parser.add_argument("--results", type=Path, metavar="PAGE", help="page whose section is written or replaced")
    options = parser.parse_args()
    rows, lines = measure(options)
    command = typed_command("service", sys.argv[1:])
    section = section_of(rows, lines, command, options)
    print(section)
    if options.json:
        write_json(options.json, {"command": command, "rows": rows, "lines": lines})
    if options.results:
        replace_section(options.results, SECTION, section)


if __name__ == "__main__":
    main()
