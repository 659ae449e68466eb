"""MP_Data folders both ways: column order, zeros as missing, gaps, damage."""

from pathlib import Path

import numpy as np
import pytest

from made.points import assert_same_points, holistic_values, kept, made_clip
from signtalk.data.mp_data import LAYOUTS, find_repetitions, frame_files, is_repetition, load_frames, save_frames
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
    refused(r"1\.npy: 1629 numbers, 1662 in the frame before")
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


def rows_of(layout, values):
    """(T, numbers) as tools write them that keep other parts."""
    parts = []
    for name, count, width in layout:
        points = np.zeros((len(values[name]), count, width))
        points[:, : values[name].shape[1], :3] = values[name]
        points[..., 3:] = 0.5
        parts.append(points.reshape(len(points), -1))
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("size", LAYOUTS)
def test_every_size_that_people_have_is_read(tmp_path: Path, size: int) -> None:
    values = holistic_values()
    values["face"][..., 1] = 0.3 + values["face"][..., 1] / 10  # smaller than the body, as faces are
    rows = rows_of(LAYOUTS[size], values)
    assert rows.shape == (3, size)
    for number, row in enumerate(rows):
        np.save(tmp_path / f"{number}.npy", row)
    np.save(tmp_path / "whole.npy", rows)
    shown = {name for name, _, _ in LAYOUTS[size]}
    expected = kept({name: points if name in shown else points * np.nan for name, points in values.items()})
    for path in (tmp_path, tmp_path / "whole.npy"):
        np.testing.assert_array_equal(load_frames(path, 25).landmarks, expected)


@pytest.mark.parametrize("first", ["pose", "face"])
def test_both_orders_of_543_points_are_told_apart(tmp_path: Path, first: str) -> None:
    values = holistic_values()
    values["pose"][..., 1] = np.linspace(0.1, 0.9, 33)
    values["face"][..., 1] = np.linspace(0.2, 0.4, 468)
    contest = ("face", "left_hand", "pose", "right_hand")
    order = ("pose", "face", "left_hand", "right_hand") if first == "pose" else contest
    np.save(tmp_path / "a.npy", np.concatenate([values[name] for name in order], axis=1))
    np.testing.assert_array_equal(load_frames(tmp_path / "a.npy", 30).landmarks, kept(values))


@pytest.mark.parametrize("name", ["frame_{}.npy", "frame-{:04}.NPY", "help_7_frame{}.npy", "{:03}.npy"])
def test_frames_are_in_the_order_of_their_numbers_whatever_they_are_called(tmp_path: Path, name: str) -> None:
    values = holistic_values()
    for number, row in zip((2, 9, 10), tutorial_rows(values), strict=True):
        np.save(tmp_path / "x.npy", row)
        (tmp_path / "x.npy").rename(tmp_path / name.format(number))
    assert sorted(frame_files(tmp_path)) == [2, 9, 10]
    clip = load_frames(tmp_path, 10)
    np.testing.assert_allclose(clip.timestamps_s, [0, 0.7, 0.8])
    np.testing.assert_array_equal(clip.landmarks, kept(values))


def test_recordings_of_several_names_in_one_folder_are_refused(tmp_path: Path) -> None:
    for name in ("help_0", "help_1", "yes_0"):
        np.save(tmp_path / f"{name}.npy", np.ones(1662))
    with pytest.raises(ClipError, match=r"frames of several names, help_, yes_; one folder a recording"):
        load_frames(tmp_path, 30)


def test_whole_numbers_are_read_unless_the_fractions_are_gone(tmp_path: Path) -> None:
    np.save(tmp_path / "0.npy", np.arange(225) % 90 + 1)
    assert load_frames(tmp_path, 30).num_frames == 1
    np.save(tmp_path / "0.npy", np.arange(225) % 2)
    with pytest.raises(ClipError, match="fractions were cut off"):
        load_frames(tmp_path, 30)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((4, 126)), "two hands alone.*shoulders"),
        (np.ones((4, 540)), r"array of shape \(4, 540\); expected 225, 258, 1629, 1659, 1662, 1692"),
        (np.ones((4, 543, 2)), "array of shape"),
        (np.ones(1662), "one frame of a recording"),
        (np.ones((0, 1662)), "0 frames"),
        (np.full((2, 225), "x"), "expected numbers"),
    ],
)
def test_an_array_that_is_no_recording_is_told(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ClipError, match=message):
        load_frames(tmp_path / "a.npy", 30)


def test_frames_of_two_kinds_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "0.npy", np.ones(1662))
    np.save(tmp_path / "1.npy", np.ones(258))
    with pytest.raises(ClipError, match=r"1\.npy: 258 numbers, 1662 in the frame before"):
        load_frames(tmp_path, 30)


def test_recordings_are_told_from_other_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((4, 540), np.float32))
    assert not is_repetition(tmp_path / "a.npy") and not is_repetition(tmp_path)
    np.save(tmp_path / "b.npy", np.ones((4, 1662)))
    assert is_repetition(tmp_path / "b.npy") and find_repetitions(tmp_path) == [tmp_path / "a.npy", tmp_path / "b.npy"]
    np.save(tmp_path / "0.npy", np.ones(1662))
    assert is_repetition(tmp_path) and find_repetitions(tmp_path) == [tmp_path]
    assert not is_repetition(tmp_path / "none.npy")


@pytest.mark.parametrize("shape", [(1, 1662), (1662, 1), (1, 1, 1662)])
def test_frames_saved_as_a_row_or_a_column_are_one_recording(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = holistic_values()
    for number, row in enumerate(tutorial_rows(values)):
        (tmp_path / "hello" / "0").mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / "hello" / "0" / f"{number}.npy", row.reshape(shape))
    assert find_repetitions(tmp_path) == [tmp_path / "hello" / "0"]
    np.testing.assert_array_equal(load_frames(tmp_path / "hello" / "0", 30).landmarks, kept(values))
