"""How many pictures a second the live page looks at, against tasks-vision alone in the same browser.

    python benchmarks/page_speed.py --models MODELS --results docs/results/page_speed.md

Rounds of a few seconds alternate: a bare page (a camera, a <video>, `detectForVideo` on it, nothing else), then the
live page of a service on this machine, then the other way round. Both use HolisticLandmarker in 640 x 480. What counts
is the ratio of two rounds side by side, so that other programs on the machine meet both. Needs node, a Chromium and
`make web`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from results_page import replace_section, typed_command
from signtalk.bundle.base import new_bundle
from signtalk.extraction.models import LANDMARKER_NAME, find_bundle
from signtalk.files import write_json

SECTION = "page_speed"
_WIDTH, _HEIGHT, _FPS = 640, 480, 30
_SCRIPT = Path(__file__).with_suffix(".mjs")
_LINE = 100
_LEAST_PICTURES = 4
_RESAMPLED = 4000


@dataclass(frozen=True)
class Ratio:
    """The live page over the bare one: median of the pairs of rounds and its 95 % interval (bootstrap over pairs)."""

    median: float
    low: float
    high: float
    pairs: int


def rate(times_ms: Sequence[float]) -> float:
    """Pictures a second of a round, from when each was done; NaN where there are too few to tell."""
    if len(times_ms) < _LEAST_PICTURES:
        return float("nan")
    return 1000 * (len(times_ms) - 1) / (times_ms[-1] - times_ms[0])


def ratio_of(bare: Sequence[float], page: Sequence[float], seed: int = 0) -> Ratio:
    """The ratio of rates side by side; pairs in which either is NaN are left out."""
    ratios = np.array(page) / np.array(bare)
    ratios = ratios[np.isfinite(ratios)]
    if not len(ratios):
        return Ratio(*[float("nan")] * 3, pairs=0)
    rng = np.random.default_rng(seed)
    medians = np.median(ratios[rng.integers(0, len(ratios), (_RESAMPLED, len(ratios)))], axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    return Ratio(float(np.median(ratios)), float(low), float(high), len(ratios))


def write_camera(path: Path, film: Path | None) -> None:
    """A film for Chromium's fake camera, which repeats it; moving grey shapes without a film."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{_WIDTH} H{_HEIGHT} F{_FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for planes in _of_film(film) if film else _made_up():
            file.write(b"FRAME\n" + planes.tobytes())


def _of_film(film: Path) -> Iterator[np.ndarray]:
    """Every picture in the camera's height, cut or grey at both sides, as planes of YUV 4:2:0."""
    import av

    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            wide = round(frame.width * _HEIGHT / frame.height / 2) * 2
            picture = frame.reformat(width=wide, height=_HEIGHT, format="rgb24").to_ndarray()
            canvas = np.full((_HEIGHT, _WIDTH, 3), 128, dtype=np.uint8)
            width = min(wide, _WIDTH)
            left, cut = (_WIDTH - width) // 2, (wide - width) // 2
            canvas[:, left : left + width] = picture[:, cut : cut + width]
            yield av.VideoFrame.from_ndarray(canvas, format="rgb24").to_ndarray(format="yuv420p")


def _made_up() -> Iterator[np.ndarray]:
    for i in range(60):
        planes = np.full(_HEIGHT * _WIDTH * 3 // 2, 128, dtype=np.uint8)
        picture = planes[: _HEIGHT * _WIDTH].reshape(_HEIGHT, _WIDTH)
        picture[:], picture[100:300, 100 + 4 * i : 200 + 4 * i] = 90, 200
        yield planes


@contextmanager
def service(models: Path, folder: Path) -> Iterator[str]:
    """The address of a service whose bundle knows no sentence."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    bundle = new_bundle(folder / "clinic.zip")
    command = [sys.executable, "-m", "signtalk", "serve", str(bundle), "--port", str(port), "--models", str(models)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(600):
                if process.poll() is not None:
                    raise SystemExit(f"{shlex.join(command)} ended with {process.returncode}")
                try:
                    urllib.request.urlopen(f"{url}readyz", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """What the script of the same name saw, and the machine's load before and after."""
    chromium = options.chromium or shutil.which("chromium") or shutil.which("google-chrome")
    node = shutil.which("node")
    if not chromium or not node:
        raise SystemExit("node or Chromium is not there; give --chromium FILE")
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, service(find_bundle(options.models), Path(folder)) as url:
        camera = Path(folder) / "camera.y4m"
        write_camera(camera, options.film)
        job = {"url": url, "chromium": chromium, "camera": str(camera), "pairs": options.pairs,
               "seconds": options.seconds, "steady": options.steady, "flags": options.flag}  # fmt: skip
        done = subprocess.run([node, _SCRIPT, json.dumps(job)], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{_SCRIPT.name} ended with {done.returncode}")
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen | {"load": [before, os.getloadavg()[0]]}


def section_of(seen: dict[str, Any], command: str, options: argparse.Namespace) -> str:
    """The section of the results page."""
    rates = {side: [rate(times) for times in seen[side]] for side in ("bare", "page")}
    ratio = ratio_of(rates["bare"], rates["page"])
    header = ("", "pictures a second, median", "slowest round", "fastest round")
    rows = [
        (name, *(f"{pick(rates[side]):.2f}" for pick in (np.nanmedian, np.nanmin, np.nanmax)))
        for side, name in (("bare", "tasks-vision alone"), ("page", "the live page"))
    ]
    table = ["| " + " | ".join(cells) + " |" for cells in (header, ("---",) * len(header), *rows)]
    told = ", ".join(f"{page / bare:.2f}" for bare, page in zip(rates["bare"], rates["page"], strict=True))
    date = datetime.datetime.now(datetime.UTC).date()
    before, after = seen["load"]
    film = "of a real signer" if options.film else "made up"
    about = (
        f"Chromium {seen['browser']} without a graphics card, {os.cpu_count()} CPUs, load {before:.1f} before and "
        f"{after:.1f} after, of which the browser is about one and a half; {options.pairs} pairs of rounds of "
        f"{options.seconds:g} s in one browser, whose order changes; the film is {film}, 640 x 480 at 30 a second."
    )
    summary = (
        f"**The live page over tasks-vision alone: {ratio.median:.2f}**, 95 % interval {ratio.low:.2f} to "
        f"{ratio.high:.2f} ({ratio.pairs} pairs)."
    )
    told = textwrap.fill(f"Pairs: {told}.", _LINE)
    texts = (textwrap.fill(about, _LINE), textwrap.fill(summary, _LINE), "\n".join(table), told)
    return "\n\n".join(["## The live page against tasks-vision", f"{date}:\n`{command}`", *texts]) + "\n"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help=f"{LANDMARKER_NAME}, or its folder")
    parser.add_argument("--film", type=Path, help="video of a signer before the camera (default: moving shapes)")
    parser.add_argument("--pairs", type=int, default=20, help="of rounds (default 20)")
    parser.add_argument("--seconds", type=float, default=6, help="of a round (default 6)")
    parser.add_argument("--steady", type=float, default=2.5, help="seconds before each round counts (default 2.5)")
    parser.add_argument("--chromium", help="the browser's program")
    parser.add_argument("--flag", action="append", default=[], help="of the browser; repeat for several")
    parser.add_argument("--json", type=Path, help="file for every figure")
    parser.add_argument("--results", type=Path, metavar="PAGE", help="page whose section is written or replaced")
    options = parser.parse_args()
    seen = measure(options)
    section = section_of(seen, typed_command("page_speed", sys.argv[1:]), options)
    print(section)
    if options.json:
        write_json(options.json, seen)
    if options.results:
        replace_section(options.results, SECTION, section)


if __name__ == "__main__":
    main()
