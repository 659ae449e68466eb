"""A person records takes on the recorder's page, made-up clips before a browser's fake camera."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from made.landmarker_bundle import made_bundle
from made.service import wait_until_ready
from made.takes import made_up_takes
from made.web import CHROMIUM, MODULES, NODE, ROOT, needs_browser
from signtalk.bundle.web import PAGE
from signtalk.data.check import check_folder
from signtalk.data.manifest import load_manifest

TEXTS: dict[str, str] = json.loads((PAGE / "texts" / "en.json").read_text())
SENTENCES = ("Where does it hurt?", "The pump beeps")


@contextmanager
def recorder(folder: Path) -> Iterator[str]:
    """The address of the page, of a recorder in a process of its own."""
    (folder / "sentences.txt").write_text("\n".join(SENTENCES))
    models = made_bundle(folder / "holistic_landmarker.task")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "signtalk", "record", folder / "sentences.txt", "--out", folder / "signs", "--takes", "2",
        "--port", port, "--models", models, "--no-open", "--videos",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [str(part) for part in command], env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        wait_until_ready(f"127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}/recorder.html"
    finally:
        process.kill()
        process.communicate()


@needs_browser
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_takes_are_recorded_looked_at_kept_and_deleted(tmp_path: Path) -> None:
    takes, _ = made_up_takes(tmp_path, seed=11, num_words=3)
    with recorder(tmp_path) as url:
        job = {"url": url, "chromium": CHROMIUM, "out": str(tmp_path), "takes": [take["clip"] for take in takes]}
        job |= {"kept": TEXTS["recorder.kept"]}
        job["axe"] = str(MODULES / "axe-core" / "axe.min.js")
        (tmp_path / "job.json").write_text(json.dumps(job))
        done = subprocess.run(
            [NODE, ROOT / "tests" / "web" / "recorder_page.mjs", tmp_path / "job.json"],
            capture_output=True, text=True, timeout=540, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    steps = seen["steps"]
    assert seen["complaints"] == []
    assert [each for each in seen["findings"] if each["impact"] in ("serious", "critical")] == []
    assert steps["first"]["sentence"] == SENTENCES[0]
    assert steps["waiting"] == []  # nothing can be done to another sentence before the reply
    assert steps["looked"] == [TEXTS["recorder.look"]] * 3
    assert [each["sentence"] for each in steps["kept"]] == [SENTENCES[0], SENTENCES[1], SENTENCES[1]]
    assert {each["told"] for each in steps["kept"]} == {TEXTS["recorder.kept"]}
    # Of the first sentence one take was deleted: there the next day begins.
    assert steps["again"]["sentence"] == SENTENCES[0]
    assert "take 2 of 2; 2 of 4" in steps["again"]["progress"]
    manifest = load_manifest(tmp_path / "signs")
    assert [record.clip_id for record in manifest.records] == ["0001_s01_1", "0002_s01_1"]
    assert check_folder(tmp_path / "signs").problems == ()
    films = sorted((tmp_path / "signs" / "videos").iterdir())
    assert [film.name for film in films] == ["0001_s01_1.webm", "0002_s01_1.webm"]
    assert all(film.read_bytes()[:4] == b"\x1aE\xdf\xa3" and film.stat().st_size > 10_000 for film in films)  # Matroska
