import sys
from pathlib import Path

import pytest

from made.data_folder import data_folder
from signtalk.data.check import DataReport, check_folder
from signtalk.data.manifest import table_path
from signtalk.data.report import plot_report, write_check
from signtalk.errors import DataError, MissingExtraError
from signtalk.files import read_csv, read_json, write_csv


@pytest.fixture
def report(tmp_path: Path) -> DataReport:
    data_folder(tmp_path / "data")
    return check_folder(tmp_path / "data")


def keep_rows(folder: Path, is_idle: str) -> None:
    columns, rows = read_csv(table_path(folder))
    write_csv(table_path(folder), columns, [row for row in rows if row["is_idle"] == is_idle])


def test_a_report_is_written_in_every_form(report: DataReport, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    paths = write_check(report, tmp_path / "data")
    assert [path.name for path in paths] == ["report.json", "report.md", "data.png"]
    assert read_json(paths[0])["figures"]["clips"] == report.num_clips
    assert paths[1].read_text(encoding="utf-8") == report.to_markdown()
    assert paths[2].read_bytes()[:4] == b"\x89PNG"


def test_a_folder_without_a_usable_clip_has_a_report_and_no_picture(tmp_path: Path) -> None:
    for record in data_folder(tmp_path / "data").records:
        record.feature_path.write_bytes(b"no clip")
    report = check_folder(tmp_path / "data")
    assert [path.name for path in write_check(report, tmp_path / "data")] == ["report.json", "report.md"]
    with pytest.raises(DataError, match="no usable clip to plot"):
        plot_report(report, tmp_path / "data.png")


def test_a_folder_of_idle_clips_has_a_picture_too(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    data_folder(tmp_path / "data")
    keep_rows(tmp_path / "data", is_idle="1")
    report = check_folder(tmp_path / "data")
    assert report.num_clips == report.num_idle > 0
    plot_report(report, tmp_path / "data.png")
    assert (tmp_path / "data.png").read_bytes()[:4] == b"\x89PNG"


def test_without_matplotlib_the_extra_is_named(
    report: DataReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"matplotlib: pip install 'signtalk\[train\]'"):
        plot_report(report, tmp_path / "data.png")
