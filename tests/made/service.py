"""A service over the small run's bundle, and clips to ask it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from signtalk.bundle.bundle import open_bundle
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.data.records import ClipRecord
from signtalk.landmarks.clip import LandmarkClip
from signtalk.service.app import create_app
from signtalk.service.films import SignFilms
from signtalk.service.model import ServiceModel
from signtalk.service.settings import ServiceSettings

KEY = "a-key-of-more-than-16-letters"
BEARER = {"Authorization": f"Bearer {KEY}"}
CLIP = {"Content-Type": "application/vnd.signtalk.clip"}


@contextmanager
def asked_service(bundle: Path, **settings: Any) -> Iterator[tuple[TestClient, ServiceModel]]:
    """A client of a service with these settings."""
    shown = SignFilms(settings["films"]) if "films" in settings else None
    with open_bundle(bundle) as opened:
        model = ServiceModel(opened, settings.get("personal"), settings.get("keep_clips", False), shown)
        with TestClient(create_app(model, ServiceSettings(**settings)), client=("10.0.0.1", 1)) as client:
            yield client, model


def signing(data: Path, count: int = 3) -> list[tuple[ClipRecord, LandmarkClip]]:
    """The first clips of a data folder in which somebody signs."""
    records = [record for record in load_manifest(data).records if not record.is_idle][:count]
    return [(record, clip_of_record(record)) for record in records]


def json_of(clip: LandmarkClip) -> dict[str, Any]:
    """The clip as the JSON of docs/protocol.md, by hand."""
    parts = {"pose": (0, 33), "left_hand": (33, 54), "right_hand": (54, 75), "face": (75, 169)}
    frames = []
    for landmarks, visibility, time_s in zip(clip.landmarks, clip.visibility, clip.timestamps_s, strict=True):
        frame: dict[str, Any] = {"time_s": float(time_s)}
        for name, (start, stop) in parts.items():
            scores = visibility if name == "pose" else np.full(stop - start, np.nan)
            points: list[Any] = [
                None if np.isnan(point[0]) else [float(x) for x in (*point, score) if not np.isnan(x)]
                for point, score in zip(landmarks[start:stop], scores, strict=True)
            ]
            frame[name] = None if points == [None] * len(points) else points
        frames.append(frame)
    return {"aspect": clip.aspect, "frames": frames}


@contextmanager
def running_service(bundle: Path, *arguments: object, key: str = "") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A service in a process of its own: its address, and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "signtalk", "serve", bundle, "--port", port, *arguments]
    environment = {**os.environ, "SIGNTALK_KEY": key, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [str(part) for part in command], env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        wait_until_ready(f"127.0.0.1:{port}", process)
        yield f"127.0.0.1:{port}", process
    finally:
        process.kill()
        process.communicate()


def wait_until_ready(address: str, process: subprocess.Popen[str], seconds: float = 60) -> None:
    """Wait for the service; urllib asks, which costs a hundredth of what a client that could also do TLS costs."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()[1]
        try:
            with urllib.request.urlopen(f"http://{address}/readyz", timeout=10):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the service did not start")
