"""A thumb that answers yes or no is not found in real signing; the page's own rule, in node."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from made.real import real_clips
from made.thumbs import write_thumb
from made.web import NODE, ROOT, needs_node
from signtalk.landmarks.clip import LandmarkClip, regular_timestamps
from signtalk.landmarks.wire import decode_clip, encode_clip

ASPECT, FRAMES_A_SECOND = 4 / 3, 30.0


def answers(clips: list[LandmarkClip], folder: Path) -> list[list[str]]:
    """What each clip would answer to a question that stands there."""
    (folder / "clips").write_bytes(b"".join(encode_clip(clip) for clip in clips))
    job = {"file": str(folder / "clips"), "counts": [clip.num_frames for clip in clips]}
    (folder / "job.json").write_text(json.dumps(job))
    command = [str(NODE), str(ROOT / "tests" / "web" / "thumb_runner.mjs"), str(folder / "job.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: list[list[str]] = json.loads(done.stdout)
    return told


@needs_node
def test_made_up_thumbs_are_found(tmp_path: Path) -> None:
    paths = [write_thumb(tmp_path / "up", 2), write_thumb(tmp_path / "down", 2, down=True)]
    paths.append(write_thumb(tmp_path / "brief", 0.5))
    assert answers([decode_clip(path.read_bytes()) for path in paths], tmp_path) == [["yes"], ["no"], []]


@needs_node
@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "most"), [("asl_words_3signers", 0.002), ("asl_words_17signers", 0.005), ("asl_medical_sentences", 0.002)]
)
def test_real_signing_hardly_ever_answers(name: str, most: float, tmp_path: Path) -> None:
    clips = [clip_of(each.landmarks) for each in real_clips(name)]
    pressed = sum(bool(told) for told in answers(clips, tmp_path))
    assert len(clips) > 500 and pressed <= most * len(clips)


def clip_of(rows: np.ndarray) -> LandmarkClip:
    """A clip of (T, 540) raw rows, NaN = missing."""
    pose = rows[:, :132].reshape(-1, 33, 4)
    points = np.concatenate([pose[..., :3], rows[:, 132:].reshape(len(rows), -1, 3)], axis=1).astype(np.float32)
    points[np.isnan(points).any(axis=-1)] = np.nan
    visibility = np.full((len(rows), 33), np.nan, dtype=np.float32)
    return LandmarkClip(points, visibility, regular_timestamps(len(rows), FRAMES_A_SECOND), ASPECT)
