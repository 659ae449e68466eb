import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.data_folder import data_folder
from made.mapped import in_two_processes
from signtalk.data import check as data_check
from signtalk.data.check import check_folder
from signtalk.data.manifest import ClipRecord, clip_of_record, load_manifest, table_path
from signtalk.errors import DataError
from signtalk.files import read_csv, write_csv
from signtalk.landmarks.clip import save_clip
from signtalk.synthetic.dataset import SyntheticConfig, write_dataset


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made_up") / "data"
    write_dataset(folder, SyntheticConfig(num_sentences=8, num_signers=3, num_idle=3))
    return folder


@pytest.fixture
def folder(made_up: Path, tmp_path: Path) -> Path:
    shutil.copytree(made_up, tmp_path / "data")
    return tmp_path / "data"


def test_the_report_counts_what_is_there(folder: Path) -> None:
    manifest = load_manifest(folder)
    seen: list[tuple[int, int]] = []
    report = check_folder(folder, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(manifest.records),) * 2
    document = report.to_dict()
    assert document["signers"] == {s: sum(r.signer_id == s for r in manifest.records) for s in manifest.signers}
    assert len(document["clips_by_sentence"]) == len(manifest.classes)
    assert document["problems"] == []
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
    monkeypatch.setattr(
        data_check, "clip_of_record", lambda record: read.append(record.clip_id) or clip_of_record(record)
    )
    assert check_folder(folder).to_dict() == first.to_dict()
    assert read == []
    path = load_manifest(folder).records[4].feature_path
    path.touch()
    check_folder(folder)
    assert len(read) == 1


def test_what_cannot_be_of_a_clip_is_told(folder: Path) -> None:
    assert not {"upside_down", "pixels", "frame_rate"} & {each.kind for each in check_folder(folder).warnings}
    first, second, third = [record for record in load_manifest(folder).records if not record.is_idle][:3]
    clip = clip_of_record(first)
    turned = clip.landmarks.copy()
    turned[..., 1] = 1 - turned[..., 1]
    save_clip(first.feature_path, replace(clip, landmarks=turned))
    clip = clip_of_record(second)
    pixels = (clip.landmarks * [640, 480, 1]).astype(np.float32)
    save_clip(second.feature_path, replace(clip, landmarks=pixels))
    clip = clip_of_record(third)
    save_clip(third.feature_path, replace(clip, timestamps_s=clip.timestamps_s / 40))
    report = check_folder(folder)
    doubts = {
        each.clip_id: each.kind for each in report.warnings if each.kind in ("upside_down", "pixels", "frame_rate")
    }
    assert doubts == {first.clip_id: "upside_down", second.clip_id: "pixels", third.clip_id: "frame_rate"}
    assert check_folder(folder).warnings == report.warnings  # also from the cache


def odd_folder(folder: Path) -> tuple[ClipRecord, ...]:
    """Ten clips, two of which cannot be read."""
    records = data_folder(folder).records
    records[4].feature_path.write_bytes(b"no clip")
    records[6].feature_path.write_bytes(b"no clip either")
    return records


def test_two_processes_find_and_keep_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd_folder(tmp_path)
    alone = check_folder(tmp_path)
    kept = (tmp_path / data_check.CACHE_NAME).read_bytes()
    (tmp_path / data_check.CACHE_NAME).unlink()
    in_two_processes(monkeypatch)
    monkeypatch.setattr(data_check, "clip_of_record", None)  # nothing is read in this process
    seen: list[tuple[int, int]] = []
    assert check_folder(tmp_path, progress=lambda done, total: seen.append((done, total))) == alone
    assert seen == [(number, 10) for number in range(1, 11)]
    assert (tmp_path / data_check.CACHE_NAME).read_bytes() == kept


@pytest.mark.slow
def test_a_check_in_two_processes_goes_on_and_is_strict_as_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = odd_folder(tmp_path)[4]
    alone = check_folder(tmp_path)
    cache = tmp_path / data_check.CACHE_NAME
    kept = cache.read_bytes()
    with pytest.raises(DataError) as refused:
        check_folder(tmp_path, strict=True)
    cache.unlink()
    in_two_processes(monkeypatch)
    monkeypatch.setattr(data_check, "clip_of_record", None)  # nothing is read in this process

    def stop(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_folder(tmp_path, progress=stop)
    first = cache.read_bytes()
    assert first == b"".join(kept.splitlines(keepends=True)[:4])
    assert check_folder(tmp_path) == alone
    assert cache.read_bytes() == first + b"\n" + kept[len(first) :]
    cache.unlink()
    with pytest.raises(DataError, match=f"^{bad.clip_id}: ") as refused_by_two:
        check_folder(tmp_path, strict=True)
    assert str(refused_by_two.value) == str(refused.value)
    assert cache.read_bytes() == b"".join(kept.splitlines(keepends=True)[:6])  # what came after the bad clip is dropped


def test_a_clip_that_vanishes_meanwhile_is_told_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = data_folder(tmp_path)
    monkeypatch.setattr(data_check, "scan_manifest", lambda _: manifest)
    path = manifest.records[2].feature_path
    data = path.read_bytes()
    path.unlink()
    (problem,) = check_folder(tmp_path).problems
    assert problem.message == f"{path}: cannot be read (No such file or directory)"
    path.write_bytes(data)
    assert check_folder(tmp_path).problems == ()
