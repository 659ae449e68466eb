"""Parquet of the isolated sign contest, both ways: order, gaps, missing, damage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made.points import assert_same_points, holistic_values, kept, made_clip
from signtalk.data import parquet as parquet_files
from signtalk.data.parquet import load_parquet, save_parquet
from signtalk.errors import ClipError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
ORDER = ("face", "left_hand", "pose", "right_hand")


def contest_table(values: dict[str, np.ndarray], numbers: list[int]) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = {name: [] for name in ("frame", "row_id", "type", "landmark_index", "x", "y", "z")}
    for t, number in enumerate(numbers):
        for kind in ORDER:
            for i, (x, y, z) in enumerate(values[kind][t].tolist()):
                cells = (number, f"{number}-{kind}-{i}", kind, i, x, y, z)
                for name, cell in zip(rows, cells, strict=True):
                    rows[name].append(None if cell != cell else cell)
    return rows


def test_round_trip_is_exact_but_for_visibility(tmp_path: Path) -> None:
    clip = made_clip(aspect=None)
    save_parquet(tmp_path / "a.parquet", clip)
    loaded = load_parquet(tmp_path / "a.parquet", 25)
    assert_same_points(loaded, clip)
    assert np.isnan(loaded.visibility).all()


def test_what_is_written_has_the_contests_columns_and_rows(tmp_path: Path) -> None:
    save_parquet(tmp_path / "a.parquet", made_clip())
    table = pq.read_table(tmp_path / "a.parquet")
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("frame", "int16"), ("row_id", "string"), ("type", "string"), ("landmark_index", "int16"),
        ("x", "double"), ("y", "double"), ("z", "double"),
    ]  # fmt: skip
    assert table.num_rows == 5 * 543
    rows = table.slice(543, 543).to_pylist()
    assert [rows[i]["row_id"] for i in (0, 468, 489, 522, 542)] == [
        "1-face-0", "1-left_hand-0", "1-pose-0", "1-right_hand-0", "1-right_hand-20",
    ]  # fmt: skip


def test_the_contests_files_are_read(tmp_path: Path) -> None:
    values = holistic_values()
    values["left_hand"][0] = np.nan
    pq.write_table(pa.table(contest_table(values, [20, 21, 23])), tmp_path / "a.parquet")
    clip = load_parquet(tmp_path / "a.parquet", 10)
    np.testing.assert_array_equal(clip.landmarks, kept(values))
    np.testing.assert_allclose(clip.timestamps_s, [0, 0.1, 0.3])


def test_rows_in_any_order_and_left_out_rows_are_read(tmp_path: Path) -> None:
    values = holistic_values()
    table = pa.table(contest_table(values, [0, 1, 2]))
    order = np.random.default_rng(0).permutation(table.num_rows)
    pq.write_table(table.take(pa.array(order[5:])), tmp_path / "a.parquet")
    clip = load_parquet(tmp_path / "a.parquet", 30)
    seen = ~np.isnan(clip.landmarks)
    np.testing.assert_array_equal(clip.landmarks[seen], kept(values)[seen])
    assert seen.mean() > 0.98


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"landmark_index": 468}, "beyond its part"),
        ({"landmark_index": -1}, "beyond its part"),
        ({"landmark_index": 1}, "stands twice"),
        ({"type": "eye"}, "type 'eye'"),
        ({"type": None}, "type"),
        ({"frame": None}, "empty cells"),
        ({"x": 1e300}, "absurd"),
    ],
)
def test_odd_rows_are_refused(change: dict[str, Any], match: str, tmp_path: Path) -> None:
    rows = contest_table(holistic_values(), [0, 1, 2])
    for name, cell in change.items():
        rows[name][0] = cell
    pq.write_table(pa.table(rows), tmp_path / "a.parquet")
    with pytest.raises(ClipError, match=match):
        load_parquet(tmp_path / "a.parquet", 30)


def test_other_tables_and_damage_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"

    def refused(match: str) -> None:
        with pytest.raises(ClipError, match=match):
            load_parquet(path, 30)

    pq.write_table(pa.table({"frame": [1]}), path)
    refused("no column type")
    rows = contest_table(holistic_values(), [0, 1, 2])
    pq.write_table(pa.table(rows | {"x": ["a"] * len(rows["x"])}), path)
    refused("column x is string")
    pq.write_table(pa.table(rows | {"type": list(range(len(rows["x"])))}), path)
    refused("a.parquet")
    pq.write_table(pa.table(rows), path)
    good = path.read_bytes()
    for data in (b"", b"PAR1", good[:-20], b"\0" * 500, good[:4] + b"\xff" * 200 + good[204:]):
        path.write_bytes(data)
        refused("a.parquet")
    path.write_bytes(good)
    monkeypatch.setattr(parquet_files, "MAX_BYTES_READ", 1000)
    refused("once unpacked")


def wide_table(values: dict[str, np.ndarray], numbers: list[int]) -> dict[str, Any]:
    columns: dict[str, Any] = {"frame": np.array(numbers, dtype=np.int16)}
    for kind in ORDER:
        for i in range(values[kind].shape[1]):
            columns |= {f"{axis}_{kind}_{i}": values[kind][:, i, place] for place, axis in enumerate("xyz")}
    return columns


def test_a_row_a_frame_is_read_too(tmp_path: Path) -> None:
    values = holistic_values()
    values["left_hand"][1] = np.nan
    pq.write_table(pa.table(wide_table(values, [0, 1, 3])), tmp_path / "a.parquet")
    clip = load_parquet(tmp_path / "a.parquet", 10)
    np.testing.assert_array_equal(clip.landmarks, kept(values))
    np.testing.assert_allclose(clip.timestamps_s, [0, 0.1, 0.3])
    hands = {name: cells for name, cells in wide_table(values, [0, 1, 3]).items() if "face" not in name}
    del hands["frame"]
    pq.write_table(pa.table(hands), tmp_path / "b.parquet")
    without_face = load_parquet(tmp_path / "b.parquet", 10)
    np.testing.assert_array_equal(without_face.landmarks[:, :75], kept(values)[:, :75])
    assert np.isnan(without_face.landmarks[:, 75:]).all() and without_face.num_frames == 3


def test_several_sequences_of_rows_a_frame_are_refused(tmp_path: Path) -> None:
    table = wide_table(holistic_values(), [0, 1, 0])
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    with pytest.raises(ClipError, match=r"a\.parquet: its frames are not in order"):
        load_parquet(tmp_path / "a.parquet", 10)
    pq.write_table(pa.table(table | {"sequence_id": [7, 7, 8]}), tmp_path / "a.parquet")
    with pytest.raises(ClipError, match=r"2 clips in one file, by its column sequence_id"):
        load_parquet(tmp_path / "a.parquet", 10)
    pq.write_table(pa.table(table | {"x_pose_0": ["a", "b", "c"], "frame": [0, 1, 2]}), tmp_path / "a.parquet")
    with pytest.raises(ClipError, match="column x_pose_0 is string; expected numbers"):
        load_parquet(tmp_path / "a.parquet", 10)
