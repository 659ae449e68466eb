"""MP_Data folders both ways: column order, zeros as missing, gaps, damage."""

from pathlib import Path

import numpy as np
import pytest

from made.points import assert_same_points, holistic_values, kept, made_clip
from signtalk.data.mp_data import load_frames, save_frames
from signtalk.errors import ClipError


def tutorial_rows(values: dict[str, np.ndarray]) -> np.ndarray:
    """What the tutorials write: pose with visibility, face, left hand, right hand."""
    pose = np.concatenate([values["pose"], np.full((*values["pose"].shape[:2], 1), 0.5)], axis=2)
    parts = [pose, values["face"], values["left_hand"], values["right_hand"]]
    return np.concatenate([part.reshape(len(pose), -1) for part in parts], axis=1)


def test_round_trip_is_exact(tmp_path: Path) -> None:
    clip = made_clip(num_frames=12, aspect=None)
    save_frames(tmp_path / "0", clip)
    assert sorted(path.name for path in (tmp_path / "0").iterdir())[:3] == ["0.npy", "1.npy", "10.npy"]
    loaded = load_frames(tmp_path / "0", 25)
    assert_same_points(loaded, clip)
    np.testing.assert_array_equal(loaded.visibility, clip.visibility)


def test_the_tutorials_files_are_read(tmp_path: Path) -> None:
    values = holistic_values()
    values["left_hand"][1] = 0
    rows = tutorial_rows(values)
    assert rows.shape == (3, 1662) and rows.dtype == np.float64
    for number, row in zip((3, 4, 10), rows, strict=True):
        np.save(tmp_path / f"{number}.npy", row)
    (tmp_path / "notes.npy").write_bytes(b"not a frame, by its name")
    clip = load_frames(tmp_path, 10)
    assert np.isnan(clip.landmarks[1, 33:54]).all()
    clip.landmarks[1, 33:54] = 0
    np.testing.assert_array_equal(clip.landmarks, kept(values))
    np.testing.assert_allclose(clip.timestamps_s, [0, 0.1, 0.7])
    assert (clip.visibility == 0.5).all()


def test_what_is_no_clip_is_one_clear_error(tmp_path: Path) -> None:
    def refused(match: str) -> None:
        with pytest.raises(ClipError, match=match):
            load_frames(tmp_path, 30)

    refused("no frame in it; expected 0.npy")
    np.save(tmp_path / "0.npy", np.zeros(1662))
    refused("nothing was detected")
    np.save(tmp_path / "1.npy", np.zeros(1629))
    refused("1.npy.*1629")
    np.save(tmp_path / "1.npy", np.full(1662, None), allow_pickle=True)
    refused("1.npy.*pickle|1.npy.*never read|1.npy.*not a readable")
    np.save(tmp_path / "1.npy", np.zeros(100_000))
    refused("1.npy: 800128 bytes")
    np.save(tmp_path / "1.npy", np.full(1662, 1e300))
    refused("visibility")
    np.save(tmp_path / "1.npy", np.concatenate([np.ones(132), np.full(1530, 1e300)]))
    refused("absurd")
    np.save(tmp_path / "1.npy", np.ones(1662))
    np.save(tmp_path / "01.npy", np.ones(1662))
    refused("two files")
    (tmp_path / "01.npy").rename(tmp_path / f"{10**30}.npy")
    refused("expected|too large")


def test_a_header_that_promises_more_than_the_file_holds_takes_no_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "0.npy", np.ones(1662))
    data = (tmp_path / "0.npy").read_bytes()
    (tmp_path / "0.npy").write_bytes(data.replace(b"(1662,), }    ", b"(99999999999,)}"[:14].ljust(14), 1))
    with pytest.raises(ClipError, match=r"0\.npy"):
        load_frames(tmp_path, 30)
