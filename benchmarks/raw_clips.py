#!/usr/bin/env python3
"""Write a set of the shared real clips as a data folder of SignTalk's own containers, raw landmarks.

    python benchmarks/raw_clips.py asl_sentences_3signers DATA

Reads the sets through `signdata.py` in SIGNTALK_DATA (default ../shared/data); nothing of them is part of the
project. A label that starts with "_rest" is idle. Sentence ids, clip ids and signers are those of
`signdata.py export`, so that the splits of both forms deal out the same clips.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from signtalk.errors import ClipError
from signtalk.landmarks import LandmarkClip, checked_landmarks, regular_timestamps, save_clip
from signtalk.manifest import ClipRecord, describe_clip, write_manifest

ROOT = Path(__file__).resolve().parent.parent


def load_signdata() -> ModuleType:
    """The module that reads the shared sets; exits with a message where they are not there."""
    path = Path(os.environ.get("SIGNTALK_DATA", ROOT.parent / "shared" / "data")) / "signdata.py"
    spec = importlib.util.spec_from_file_location("signdata", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise SystemExit(f"{path}: not there; set SIGNTALK_DATA to the folder of the shared clips")
    module = importlib.util.module_from_spec(spec)
    sys.modules["signdata"] = module
    spec.loader.exec_module(module)
    return module


def to_clip(rows: np.ndarray[Any, Any], fps: float) -> LandmarkClip:
    """(T, 540) raw columns with NaN where a part was not detected, as a clip."""
    pose = rows[:, :132].reshape(-1, 33, 4)
    points = np.concatenate([pose[..., :3], rows[:, 132:].reshape(len(rows), -1, 3)], axis=1)
    return LandmarkClip(checked_landmarks(points, "clip"), pose[..., 3].copy(), regular_timestamps(len(rows), fps))


def main() -> None:
    """Write every clip and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    signdata = load_signdata()
    clips = signdata.load(options.set)
    ids = {label: number for number, label in enumerate(sorted({clip.label for clip in clips}), start=1)}
    taken: Counter[tuple[int, str]] = Counter()
    records = []
    for source in clips:
        sentence_id = ids[source.label]
        taken[sentence_id, source.signer] += 1
        name = f"{sentence_id}_{source.signer}_{taken[sentence_id, source.signer]}"
        try:
            clip = to_clip(source.landmarks, signdata.FPS)
        except ClipError as error:
            print(f"left out {name}: {error}", file=sys.stderr)
            continue
        path = options.out.absolute() / "clips" / f"{name}.npz"
        save_clip(path, clip)
        idle = source.label.startswith("_rest")
        text = "" if idle else source.label.replace("_", " ").strip().capitalize()
        numbers = describe_clip(clip)
        records.append(
            ClipRecord(
                clip_id=name, video_file=f"{name}.mp4", feature_path=path, sentence_id=str(sentence_id), sentence=text,
                category=options.set, signer_id=source.signer, variations=(text,) if text else (),
                num_frames=numbers.num_frames, fps=signdata.FPS, motion_mean=numbers.motion_mean,
                motion_p95=numbers.motion_p95, mean_visibility=numbers.mean_visibility, is_idle=idle,
                session=source.session,
            )
        )  # fmt: skip
    print(write_manifest(options.out, records))


if __name__ == "__main__":
    main()
