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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from signtalk.data.manifest import ClipRecord, describe_clip, write_manifest
from signtalk.errors import ClipError, DataError, SignTalkError
from signtalk.landmarks.clip import LandmarkClip, checked_landmarks, regular_timestamps, save_clip

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, eq=False)
class SourceClip:
    """A clip that is to become a container and a row of the table.

    Attributes:
        clip_id: unique in its data folder.
        sentence_id: number of the label among the sorted labels of the set, from 1.
        label: word, phrase or sentence as the set writes it.
        signer_id: who is left out together.
        session: recording day.
        clip: raw landmarks.
    """

    clip_id: str
    sentence_id: str
    label: str
    signer_id: str
    session: str
    clip: LandmarkClip

    @property
    def is_idle(self) -> bool:
        """Nothing is signed."""
        return self.label.startswith("_rest")

    @property
    def text(self) -> str:
        """What the clip says; "" when it is idle."""
        return "" if self.is_idle else self.label.replace("_", " ").strip().capitalize()


def load_signdata() -> ModuleType:
    """The module that reads the shared sets.

    Raises:
        DataError: it is not there.
    """
    path = Path(os.environ.get("SIGNTALK_DATA", ROOT.parent / "shared" / "data")) / "signdata.py"
    spec = importlib.util.spec_from_file_location("signdata", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise DataError(f"{path}: not there; set SIGNTALK_DATA to the folder of the shared clips")
    module = importlib.util.module_from_spec(spec)
    sys.modules["signdata"] = module
    spec.loader.exec_module(module)
    return module


def to_clip(rows: np.ndarray[Any, Any], fps: float) -> LandmarkClip:
    """(T, 540) raw columns with NaN where a part was not detected, as a clip."""
    pose = rows[:, :132].reshape(-1, 33, 4)
    points = np.concatenate([pose[..., :3], rows[:, 132:].reshape(len(rows), -1, 3)], axis=1)
    return LandmarkClip(checked_landmarks(points, "clip"), pose[..., 3].copy(), regular_timestamps(len(rows), fps))


def source_clips(name: str, session_as_signer: bool = False) -> Iterator[SourceClip]:
    """The clips of a shared set; one that shows nothing is left out with a line on stderr.

    Args:
        name: of the set.
        session_as_signer: take the session for the signer, so that one person's days can be left out in turn.

    Raises:
        DataError: the shared clips are not there, or there is no such set.
    """
    signdata = load_signdata()
    try:
        clips = signdata.load(name)
    except FileNotFoundError as error:
        raise DataError(f"{error.filename}: no set '{name}' there; `python signdata.py list` names them") from error
    ids = {label: number for number, label in enumerate(sorted({clip.label for clip in clips}), start=1)}
    taken: Counter[tuple[int, str]] = Counter()
    for source in clips:
        sentence_id, signer = ids[source.label], source.session if session_as_signer else source.signer
        taken[sentence_id, signer] += 1
        clip_id = f"{sentence_id}_{signer}_{taken[sentence_id, signer]}"
        try:
            clip = to_clip(source.landmarks, signdata.FPS)
        except ClipError as error:
            print(f"left out {clip_id}: {error}", file=sys.stderr)
            continue
        yield SourceClip(clip_id, str(sentence_id), source.label, signer, source.session, clip)


def write_clips(out: Path, clips: Iterable[SourceClip], category: str) -> Path:
    """Write containers and, last of all, the table: a folder with a table is complete.

    Returns:
        The path of the table.
    """
    return write_manifest(out, [_written(out.absolute() / "clips", source, category) for source in clips])


def _written(folder: Path, source: SourceClip, category: str) -> ClipRecord:
    path = folder / f"{source.clip_id}.npz"
    save_clip(path, source.clip)
    numbers = describe_clip(source.clip)
    return ClipRecord(
        clip_id=source.clip_id,
        video_file=f"{source.clip_id}.mp4",
        feature_path=path,
        sentence_id=source.sentence_id,
        sentence=source.text,
        category=category,
        signer_id=source.signer_id,
        variations=(source.text,) if source.text else (),
        num_frames=numbers.num_frames,
        fps=round(source.clip.fps, 3),
        motion_mean=numbers.motion_mean,
        motion_p95=numbers.motion_p95,
        mean_visibility=numbers.mean_visibility,
        is_idle=source.is_idle,
        session=source.session,
    )


def main() -> int:
    """Write every clip and the table; 2 when the clips are not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    try:
        print(write_clips(options.out, source_clips(options.set), options.set))
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
