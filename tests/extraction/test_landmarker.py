"""Runs MediaPipe where it and a bundle are there; what holds for missing ones is tested without."""

import builtins
import os
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from signtalk.errors import ArtifactError, MissingExtraError
from signtalk.extraction import landmarker
from signtalk.extraction.landmarker import MediaPipeLandmarker
from signtalk.extraction.video import read_frames
from signtalk.landmarks.clip import PARTS

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="module")
def real():
    """The landmarker with a real bundle; skipped without one, or without MediaPipe's system libraries."""
    path = Path(os.environ.get("SIGNTALK_MODELS", SHARED / "models"))
    try:
        landmarker = MediaPipeLandmarker(path)
    except (ArtifactError, MissingExtraError) as error:
        pytest.skip(str(error))
    yield landmarker
    landmarker.close()


@pytest.fixture(scope="module")
def real_frames():
    path = Path(os.environ.get("SIGNTALK_DATA", SHARED / "data")) / "videos" / "isl_Hello.mp4"
    if not path.is_file():
        pytest.skip(f"no {path}; SIGNTALK_DATA names the folder of the real clips")
    return [frame for frame, _ in zip(read_frames(path), range(40), strict=False)]


def tracked(real, frames):
    tracker = real.tracker()
    try:
        return [tracker.track(frame.image, round(frame.timestamp_s * 1000)) for frame in frames]
    finally:
        tracker.close()


@pytest.mark.real
@pytest.mark.slow
def test_a_real_person_is_tracked_alike_twice(real, real_frames):
    first, second = tracked(real, real_frames), tracked(real, real_frames)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.points, b.points, equal_nan=True)
        assert np.array_equal(a.visibility, b.visibility, equal_nan=True)
    points = np.stack([frame.points for frame in first])
    seen = {part: (~np.isnan(points[:, columns, 0])).mean() for part, columns in PARTS.items()}
    assert min(seen.values()) > 0.9
    # The signer's left hand is on the right of the picture.
    assert np.nanmedian(points[:, PARTS["left_hand"], 0]) > np.nanmedian(points[:, PARTS["right_hand"], 0])
    assert np.nanmean(np.stack([frame.visibility for frame in first])[:, 11:13]) > 0.9


@pytest.mark.real
def test_two_people_are_both_found(real, real_frames):
    image = real_frames[0].image
    assert len(real.find_people(image)) == 1
    people = real.find_people(np.ascontiguousarray(np.concatenate([image, image], axis=1)))
    assert sorted(float(person.box[[0, 2]].mean()) > 0.5 for person in people) == [False, True]


@pytest.mark.real
def test_nobody_gives_nan(real):
    frame = tracked(real, [type("Frame", (), {"image": np.zeros((90, 120, 3), np.uint8), "timestamp_s": 0.0})()])[0]
    assert np.isnan(frame.points).all() and np.isnan(frame.visibility).all()
    assert real.find_people(np.zeros((90, 120, 3), np.uint8)) == []


def test_another_release_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(landmarker, "find_bundle", lambda _given: tmp_path)
    monkeypatch.setattr(metadata, "version", lambda _name: "0.10.35")
    with pytest.raises(MissingExtraError, match=r"0\.10\.35 is installed; SignTalk uses 0\.10\.33"):
        MediaPipeLandmarker()


def test_no_mediapipe_names_the_extra(monkeypatch, tmp_path):
    def version(_name):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(landmarker, "find_bundle", lambda _given: tmp_path)
    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(MissingExtraError, match=r"signtalk\[extract\]"):
        MediaPipeLandmarker()


def test_missing_system_libraries_are_named(monkeypatch, tmp_path):
    real_import = builtins.__import__

    def without_gl(name, *args, **kwargs):
        if name.startswith("mediapipe"):
            raise ImportError("libGL.so.1: cannot open shared object file")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(landmarker, "find_bundle", lambda _given: tmp_path)
    monkeypatch.setattr(metadata, "version", lambda _name: landmarker.MEDIAPIPE_VERSION)
    monkeypatch.setattr(builtins, "__import__", without_gl)
    with pytest.raises(MissingExtraError, match="libgl1 libegl1 libgles2"):
        MediaPipeLandmarker()
