#!/usr/bin/env python3
"""The picture of the live page: a made-up signer before a made-up camera, answered by the real service.

    python docs/pictures/make_page.py runs/demo/export/sign_encoder_bundle.zip docs/pictures/live_page.png

Needs Node, Chromium and `make web`. Nobody is in the picture: the landmarks of a clip by `signtalk.synthetic` go in
where MediaPipe's would, and the camera's picture is a figure that is drawn from them. What the page says is what
`signtalk serve` answers.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from signtalk.bundle.bundle import open_bundle
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import encode_clip
from signtalk.synthetic.dataset import SyntheticConfig, generate_clips

SCRIPT = Path(__file__).with_suffix(".mjs")
TEXT = "Where is the pain?"
_PATIENCE_S = 60


def main(arguments: list[str] | None = None) -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--text", default=TEXT, help="the sentence that is signed; the bundle must know it")
    given = parser.parse_args(arguments)
    node = shutil.which("node")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if node is None or chromium is None:
        sys.exit("node or Chromium is missing; install both, and run `make web`")
    with tempfile.TemporaryDirectory() as temporary, served(given.bundle) as url:
        clip = Path(temporary) / "signing.clip"
        clip.write_bytes(encode_clip(signing(given.bundle, given.text)))
        job = {"url": url, "chromium": chromium, "clip": str(clip), "picture": str(given.picture), "text": given.text}
        subprocess.run([node, SCRIPT, json.dumps(job)], check=True)


def signing(bundle: Path, text: str) -> LandmarkClip:
    """A made-up clip of a sentence that the bundle answers."""
    known = [sentence.variations[0] for sentence in SyntheticConfig(near_misses=False, num_sentences=1).sentences]
    if text not in known:
        sys.exit(f"'{text}' is no sentence that `signtalk synth` makes up, such as '{known[0]}'")
    config = SyntheticConfig(
        num_sentences=1, first_sentence=known.index(text), near_misses=False, clips_per_sentence=(5, 5), num_idle=0,
        difficulty=0.5, detector_errors=0.0,
    )  # fmt: skip
    with open_bundle(bundle) as opened:
        for each in generate_clips(config):
            if opened.recognizer.recognize([each.clip])[0].text == text:
                return each.clip
    sys.exit(f"the bundle answers '{text}' to no made-up clip of it; choose another --text")


@contextmanager
def served(bundle: Path) -> Iterator[str]:
    """The address of `signtalk serve`, running."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-m", "signtalk", "serve", str(bundle), "--port", str(port)]
    with subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(f"{url}readyz", process)
            yield url
        finally:
            process.terminate()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until an address answers."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    sys.exit("the service did not start")


if __name__ == "__main__":
    main()
