"""What tests of the page's engine share: where its programs are, and how a job is given to it."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from signtalk.bundle.web import PAGE
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import encode_clip

ROOT = Path(__file__).resolve().parents[2]
ORT = ROOT / "web" / "node_modules" / "onnxruntime-web" / "dist" / "ort.node.min.mjs"
PLAYWRIGHT = ROOT / "web" / "node_modules" / "playwright-core" / "index.js"
NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

Ask = Callable[..., Any]


def asked_in_node(folder: Path, task: str, clips: tuple[LandmarkClip, ...], **job: Any) -> Any:
    """What web_engine_runner.mjs answers to a job; `folder` takes its files."""
    files = [folder / f"{task}{number}.clip" for number in range(len(clips))]
    for file, clip in zip(files, clips, strict=True):
        file.write_bytes(encode_clip(clip))
    path = folder / f"{task}.json"
    path.write_text(json.dumps({"task": task, "clips": [str(file) for file in files], "ort": str(ORT), **job}))
    command = [str(NODE), str(ROOT / "tests" / "web" / "engine_runner.mjs"), str(PAGE / "engine"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
