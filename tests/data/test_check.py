import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.small_run import SmallRun
from signtalk.data import check as data_check
from signtalk.data.check import check_folder, plot_report, write_global_stats
from signtalk.data.manifest import clip_of_record, load_manifest, table_path
from signtalk.errors import DataError
from signtalk.files import load_arrays, read_csv, write_csv
from signtalk.landmarks.clip import save_clip
from signtalk.landmarks.legacy_rows import prototype_rows_of


@pytest.fixture
def folder(small_run: SmallRun, tmp_path: Path) -> Path:
    shutil.copytree(small_run.data, tmp_path / "data")
    return tmp_path / "data"


def test_the_report_counts_what_is_there(folder: Path) -> None:
    manifest = load_manifest(folder)
    seen: list[tuple[int, int]] = []
    report = check_folder(folder, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(manifest.records),) * 2
    found = report.to_json()
    assert found["signers"] == {s: sum(r.signer_id == s for r in manifest.records) for s in manifest.signers}
    assert len(found["clips_by_sentence"]) == len(manifest.classes)
    assert found["problems"] == []
    assert report.lengths == tuple(record.num_frames for record in manifest.records)
    assert "clips" in report.to_markdown()
    assert report.to_table().row_count > 8


def test_damage_and_oddities_are_told(folder: Path) -> None:
    columns, rows = read_csv(table_path(folder))
    paths = [folder / row["feature_path"] for row in rows]
    paths[0].write_bytes(b"no clip")
    shutil.copy(paths[2], paths[1])
    rows[3]["num_frames"] = "7"
    write_csv(table_path(folder), columns, rows)
    report = check_folder(folder)
    assert [problem.clip_id for problem in report.problems] == [Path(rows[0]["video_file"]).stem]
    kinds = {warning.kind for warning in report.warnings}
    assert kinds >= {"same_content", "frame_count"}
    with pytest.raises(DataError, match=Path(rows[0]["video_file"]).stem):
        check_folder(folder, strict=True)


def test_hands_that_do_not_move_are_told_at_any_frame_rate(folder: Path) -> None:
    record = next(record for record in load_manifest(folder).records if not record.is_idle)
    clip = clip_of_record(record)
    frozen = np.repeat(clip.landmarks[:1], clip.num_frames, axis=0)
    save_clip(record.feature_path, replace(clip, landmarks=frozen))
    warnings = {(w.clip_id, w.kind) for w in check_folder(folder).warnings}
    assert (record.clip_id, "still") in warnings
    assert sum(kind == "still" for _, kind in warnings) == 1


def test_files_that_did_not_change_are_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = check_folder(folder)
    read = []
    real = data_check._check_clip
    monkeypatch.setattr(data_check, "_check_clip", lambda record: read.append(record.clip_id) or real(record))
    assert check_folder(folder).to_json() == first.to_json()
    assert read == []
    path = load_manifest(folder).records[4].feature_path
    path.touch()
    check_folder(folder)
    assert len(read) == 1


def test_statistics_are_those_of_all_frames_of_the_given_clips(folder: Path, tmp_path: Path) -> None:
    records = load_manifest(folder).records[:5]
    found = load_arrays(write_global_stats(folder, records, tmp_path / "global_stats.npz"))
    rows = np.concatenate([prototype_rows_of(clip_of_record(record)) for record in records]).astype(np.float64)
    np.testing.assert_allclose(found["feature_mean"], rows.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(found["feature_std"], np.sqrt(np.maximum(rows.var(axis=0), 1e-8)), atol=1e-4)
    assert found["seq_lengths"].tolist() == [record.num_frames for record in records]
    assert found["seq_lengths"].dtype == np.int32


def test_a_folder_of_idle_clips_has_a_picture_too(folder: Path, tmp_path: Path) -> None:
    columns, rows = read_csv(table_path(folder))
    write_csv(table_path(folder), columns, [row for row in rows if row["is_idle"] == "1"])
    report = check_folder(folder)
    assert report.num_clips == report.num_idle > 0
    plot_report(report, tmp_path / "data.png")
    assert (tmp_path / "data.png").read_bytes()[:4] == b"\x89PNG"


def test_the_plots_are_a_picture(folder: Path, tmp_path: Path) -> None:
    plot_report(check_folder(folder), tmp_path / "data.png")
    assert (tmp_path / "data.png").read_bytes()[:4] == b"\x89PNG"
