"""What tests of the page share: where its programs are, what a test needs of them, and how a job is given to node."""

import functools
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made.landmarker_bundle import made_bundle
from signtalk.arrays import FloatArray
from signtalk.bundle.base import new_bundle
from signtalk.bundle.bundle import Bundle, open_bundle
from signtalk.bundle.web import PAGE, VENDOR_NAME, export_web
from signtalk.index.encoded import Encoded
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import extract_features
from signtalk.landmarks.wire import encode_clip

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "web" / "node_modules"
ORT = MODULES / "onnxruntime-web" / "dist" / "ort.node.min.mjs"
PLAYWRIGHT = MODULES / "playwright-core" / "index.js"
NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")

Ask = Callable[..., Any]


def needs(present: bool, lacks: str, required: bool = IN_CI) -> Callable[[Any], Any]:
    """A mark for tests that need a program: skipped without it, failed without it where it is required.

    Args:
        present: whether the program is there.
        lacks: what is told where it is not.
        required: CI checks that Python and the page agree; a skip there would hide that nothing was checked.
    """
    if present:
        return lambda test: test
    if not required:
        return pytest.mark.skip(reason=lacks)

    def failing(test: Any) -> Any:
        @functools.wraps(test)
        def fail(*_: Any, **__: Any) -> None:
            pytest.fail(f"CI must run this test: {lacks}")

        return fail

    return failing


needs_node = needs(NODE is not None, "node is not installed")
needs_ort = needs(NODE is not None and ORT.is_file(), "node or onnxruntime-web is not installed; run `make web`")
_with_browser = needs(
    None not in (NODE, CHROMIUM) and PLAYWRIGHT.is_file() and (PAGE / VENDOR_NAME).is_dir(),
    "no Chromium, playwright-core or vendor folder; install a browser and run `make web`",
    required=False,  # the page's bytes and numbers are checked in node; a browser is no part of the project
)


def needs_browser(test: Any) -> Any:
    """A mark for tests in a browser; one that fails is run once more, and pytest's summary names it as run again.

    Camera, detector, service and page share the processor there: a machine that stops for a second may stop between a
    picture and its answer. A page that is wrong fails twice.
    """
    return pytest.mark.flaky(reruns=1)(_with_browser(test))


BROWSERS = {"chromium": CHROMIUM, "firefox": FIREFOX}
SECOND_BROWSER = "firefox" if FIREFOX else "chromium"
"""Of two tests of one thing, by a service and by an offline page, one runs in Chromium, the other in this one."""


def in_each_browser(test: Any) -> Any:
    """A mark for tests that take `browser`, a name in `BROWSERS`: Chromium, and Firefox where it is installed."""
    lacks = pytest.mark.skipif(FIREFOX is None, reason="no Firefox; install firefox-esr")
    names = pytest.mark.parametrize("browser", ["chromium", pytest.param("firefox", marks=lacks)])
    return names(needs_browser(test))


def asked_in_node(
    folder: Path, task: str, clips: tuple[LandmarkClip, ...], script: str = "engine_runner.mjs", **job: Any
) -> Any:
    """What a script of tests/web answers to a job; `folder` takes its files."""
    files = [folder / f"{task}{number}.clip" for number in range(len(clips))]
    for file, clip in zip(files, clips, strict=True):
        file.write_bytes(encode_clip(clip))
    path = folder / f"{task}.json"
    path.write_text(json.dumps({"task": task, "clips": [str(file) for file in files], "ort": str(ORT), **job}))
    command = [str(NODE), str(ROOT / "tests" / "web" / script), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@contextmanager
def offline_page(folder: Path) -> Iterator[str]:
    """The address of a plain web server with the offline page of an empty bundle."""
    with open_bundle(new_bundle(folder / "clinic.zip")) as bundle:
        export_web(bundle, folder / "page", made_bundle(folder / "holistic_landmarker.task"))
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=folder / "page")) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def encoded_by_python(bundle: Bundle, clips: Sequence[LandmarkClip]) -> tuple[Encoded, FloatArray]:
    """What the network says of clips, and their hand speeds."""
    encoder = bundle.recognizer.encoder
    features = [extract_features(clip, encoder.feature_config) for clip in clips]
    encoded = encoder.encode(
        np.stack([each.features for each in features]), np.stack([each.valid for each in features])
    )
    return encoded, np.array([each.motion for each in features], dtype=np.float32)


def encoded_files(folder: Path, encoded: Encoded) -> list[dict[str, Any]]:
    """What the network said of clips, as `engine_runner.mjs` reads it; `folder` takes the files."""
    parts = []
    for n in range(encoded.num_clips):
        arrays = {
            "embedding": encoded.embeddings[n],
            "projections": encoded.projections[n],
            "memory": encoded.memory[n],
            "valid": encoded.memory_valid[n],
            "words": encoded.word_log_probs[n],
        }
        for name, array in arrays.items():
            array.astype("<f8").tofile(folder / f"{name}{n}.bin")
        files = {name: str(folder / f"{name}{n}.bin") for name in arrays}
        given = {"attention_mean": float(encoded.attention_mean[n]), "vocabulary": encoded.word_log_probs.shape[2]}
        parts.append({**files, **given})
    return parts
