"""Runs the scripts that drive the page in a browser, against the stand-in for the service or another address."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from made.camera import write_camera
from made.web import BROWSERS, NODE, ROOT


@contextmanager
def page_service(model: Path | None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The stand-in's address, and its process."""
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    pytest.importorskip("websockets")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, ROOT / "tests" / "made" / "page_service.py", str(port), *([str(model)] if model else [])]
    url = f"http://127.0.0.1:{port}/"
    with subprocess.Popen(command) as process:
        try:
            for _ in range(300):
                try:
                    with urlopen(f"{url}v1/config", timeout=5):
                        break
                except OSError:
                    time.sleep(0.1)
            yield url, process
        finally:
            process.send_signal(signal.SIGCONT)  # where a test stopped it
            process.terminate()


def drive(scenario: str, folder: Path, film: Path | None, model: Path | None) -> dict[str, Any]:
    """What a browser saw that went through a scenario of live_page.mjs on the page of the stand-in."""
    from made.page_service import KEY as STAND_IN_KEY

    with page_service(model) as (url, _):
        return drive_at(url, STAND_IN_KEY, scenario, folder, film)


def steps_of(script: str, scenario: str, folder: Path, **more: Any) -> dict[str, Any]:
    """What each step of a scenario told on the page of the stand-in; whatever stood there is looked at, too.

    Args:
        script: of tests/web.
        scenario: of the script.
        folder: where pictures of the page are written.
        more: as `drive_at` takes it.
    """
    with page_service(None) as (url, process):
        seen = drive_at(url, "", scenario, folder, script=script, process=process.pid, **more)
    check_always(seen)
    assert seen["console"] == []
    steps: dict[str, Any] = seen["steps"]
    return steps


def drive_at(
    url: str,
    key: str,
    scenario: str,
    folder: Path,
    film: Path | None = None,
    *,
    script: str = "live_page.mjs",
    browser: str = "chromium",
    **more: Any,
) -> dict[str, Any]:
    """What a browser saw that went through a scenario on the page at an address.

    Args:
        url: of the page.
        key: of the service; "" = an offline page.
        scenario: of the script.
        folder: for pictures of the page.
        film: before the camera; moving shapes without one.
        script: of this folder's sibling `web`.
        browser: a name in `BROWSERS`.
        more: that the script's job holds, too.
    """
    camera = folder / "camera.y4m"
    write_camera(camera, film)
    job = {"url": url, browser: BROWSERS[browser], "camera": str(camera), "out": str(folder)}
    job |= {"scenario": scenario, "key": key, **more}
    done = subprocess.run(
        [NODE, ROOT / "tests" / "web" / script, json.dumps(job)],
        capture_output=True, text=True, timeout=540, check=False,
    )  # fmt: skip
    camera.unlink()
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def check_always(seen: dict[str, Any]) -> None:
    """What holds in each state of the page."""
    assert seen["outside"] == []
    assert seen["wide"] == []
    assert [finding for finding in seen["axe"] if finding["impact"] in ("serious", "critical")] == []
