#!/usr/bin/env python3
"""Whether the page's engine answers as Python does, clip by clip, and how long either takes; needs node and `make web`.

    python benchmarks/web_engine.py runs/demo/export/sign_encoder_bundle.zip runs/demo/data/clips --clips 150

Both answer the same clips from the same bundle, one after the other; node runs ONNX Runtime's WebAssembly on one
thread, as a browser does. Ratios of times are the claim, milliseconds describe the machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.bundle.bundle import open_bundle
from signtalk.bundle.web import write_web_bundle
from signtalk.errors import ClipError
from signtalk.landmarks.clip import LandmarkClip, load_clip
from signtalk.landmarks.wire import encode_clip

ROOT = Path(__file__).resolve().parent.parent
ORT = ROOT / "web" / "node_modules" / "onnxruntime-web" / "dist" / "ort.node.min.mjs"
_SAID = ("outcome", "reason", "accepted", "text", "text_source", "sentence", "translation", "num_possible")
_NUMBERS = ("confidence", "motion_mean", "translation_score", "translation_confidence")
_FIGURES = ("similarity", "raw_similarity", "proto_similarity", "dtw_distance", "dtw_score", "text_score")

Answer = dict[str, Any]


def compare(bundle: Path, clips: list[LandmarkClip]) -> dict[str, Any]:
    """Answer clips both ways: how many answers differ, the largest differences, and median times."""
    with tempfile.TemporaryDirectory() as temporary, open_bundle(bundle) as opened:
        folder = Path(temporary)
        write_web_bundle(opened, folder / "web")
        expected, kept, seconds = [], [], []
        for clip in clips:
            started = time.perf_counter()
            try:
                (answer,) = opened.recognizer.recognize([clip])
            except ClipError:
                continue
            seconds.append(time.perf_counter() - started)
            expected.append(answer.to_dict())
            kept.append(clip)
        told = ask_node(folder, kept)
    pairs = list(zip(told["answers"], json.loads(json.dumps(expected)), strict=True))
    return {
        "clips": len(kept),
        "left_out": len(clips) - len(kept),
        "outcomes": dict(Counter(answer["outcome"] for answer in expected)),
        "different": sum(_said(found) != _said(truth) for found, truth in pairs),
        "largest_difference": _largest_differences(pairs),
        "python_ms": round(1000 * float(np.median(seconds)), 1),
        "node_ms": round(float(np.median(told["milliseconds"])), 1),
    }


def ask_node(folder: Path, clips: list[LandmarkClip]) -> dict[str, Any]:
    """What the engine says in node to the bundle in `folder`/web."""
    files = [folder / f"{number}.clip" for number in range(len(clips))]
    for file, clip in zip(files, clips, strict=True):
        file.write_bytes(encode_clip(clip))
    job = {"task": "whole", "clips": list(map(str, files)), "ort": str(ORT), "bundle": str(folder / "web")}
    (folder / "job.json").write_text(json.dumps(job))
    node = shutil.which("node")
    if node is None or not ORT.is_file():
        sys.exit("node or onnxruntime-web is missing; install Node.js 20 or newer and run `make web`")
    runner = ROOT / "tests" / "web" / "engine_runner.mjs"
    command = [node, str(runner), str(folder / "job.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"node: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _said(answer: Answer) -> list[Any]:
    lists = [[each["text_key"] for each in answer[name]] for name in ("candidates", "choices")]
    return [*(answer[name] for name in _SAID), *lists]


def _largest_differences(pairs: list[tuple[Answer, Answer]]) -> dict[str, float]:
    worst = dict.fromkeys((*_NUMBERS, *_FIGURES), 0.0)
    for found, truth in pairs:
        compared = [(name, found[name], truth[name]) for name in _NUMBERS]
        for one, other in zip(found["candidates"], truth["candidates"], strict=True):
            compared += [(name, one[name], other[name]) for name in _FIGURES]
        for name, one, other in compared:
            if (one is None) != (other is None):
                worst[name] = float("inf")
            elif one is not None:
                worst[name] = max(worst[name], abs(one - other))
    return {name: float(f"{value:.2g}") for name, value in worst.items()}


def main(arguments: list[str] | None = None) -> None:
    """Compare, and print a JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("folder", type=Path, help="folder of .npz clips")
    parser.add_argument("--clips", type=int, default=100, help="so many, spread over the folder")
    asked = parser.parse_args(arguments)
    paths = sorted(asked.folder.glob("*.npz"))
    chosen = np.unique(np.linspace(0, len(paths) - 1, min(asked.clips, len(paths))).astype(int)).tolist()
    print(json.dumps(compare(asked.bundle, [load_clip(paths[place]) for place in chosen]), indent=2))


if __name__ == "__main__":
    main()
