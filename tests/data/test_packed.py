import json
from pathlib import Path

import numpy as np
import pytest

from made.data_folder import data_folder
from made.mapped import in_two_processes
from made.small_run import SmallRun
from signtalk.data import packed as store_module
from signtalk.data.manifest import ClipRecord, clip_of_record, load_manifest
from signtalk.data.packed import load_store, pack_clips
from signtalk.errors import ArtifactError, DataError
from signtalk.landmarks.features import FeatureConfig, extract_features

CONFIG = FeatureConfig(num_frames=16)


def test_a_store_gives_the_features_of_the_clips(small_run: SmallRun, tmp_path: Path) -> None:
    records = load_manifest(small_run.data).records[:6]
    seen: list[tuple[int, int]] = []
    store = pack_clips(records, CONFIG, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 6) for i in range(1, 7)]
    assert isinstance(store.rows, np.memmap)
    features, valid = store.features(store.positions_of([record.clip_id for record in records]))
    for row, record in enumerate(records):
        alone = extract_features(clip_of_record(record), CONFIG)
        np.testing.assert_array_equal(valid[row], alone.valid)
        np.testing.assert_allclose(features[row], alone.features, atol=0.02)  # half precision
        assert store.motions[row] == pytest.approx(alone.motion, rel=1e-5)


def test_a_finished_store_is_not_made_again_and_a_changed_one_is(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = load_manifest(small_run.data).records[:3]
    pack_clips(records, CONFIG, tmp_path)
    calls = []
    monkeypatch.setattr(store_module, "clip_of_record", lambda record: calls.append(record) or clip_of_record(record))
    pack_clips(records, CONFIG, tmp_path)
    assert calls == []
    pack_clips(records, FeatureConfig(num_frames=16, use_face=True), tmp_path)
    assert len(calls) == 3


def test_a_killed_run_goes_on_after_the_last_complete_clip(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = load_manifest(small_run.data).records[:5]
    whole = pack_clips(records, CONFIG, tmp_path / "whole")

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack_clips(records, CONFIG, tmp_path / "part", progress=stop)
    assert not (tmp_path / "part" / "clips.json").exists()
    with (tmp_path / "part" / "frames.f16.partial").open("ab") as frames:
        frames.write(b"half a clip")
    with (tmp_path / "part" / "clips.json.partial").open("a") as log:
        log.write('{"clip_id": "ha')
    calls = []
    monkeypatch.setattr(
        store_module, "clip_of_record", lambda record: calls.append(record.clip_id) or clip_of_record(record)
    )
    resumed = pack_clips(records, CONFIG, tmp_path / "part")
    assert calls == [record.clip_id for record in records[3:]]
    np.testing.assert_array_equal(resumed.rows, whole.rows)
    assert resumed.clips == whole.clips


def test_one_bad_clip_is_left_out_unless_strict(small_run: SmallRun, tmp_path: Path) -> None:
    import shutil
    from dataclasses import replace

    good = load_manifest(small_run.data).records[:2]
    bad_path = tmp_path / "bad.npz"
    shutil.copy(small_run.data / "processed_metadata.csv", bad_path)
    records = (good[0], replace(good[1], clip_id="bad", feature_path=bad_path))
    store = pack_clips(records, CONFIG, tmp_path / "store")
    assert [problem.clip_id for problem in store.problems] == ["bad"]
    assert store.positions_of(["bad", good[0].clip_id]).tolist() == [0]
    with pytest.raises(DataError, match="bad"):
        pack_clips(records, CONFIG, tmp_path / "strict", strict=True)
    with pytest.raises(DataError, match="no clip could be packed"):
        pack_clips(records[1:], CONFIG, tmp_path / "none")
    with pytest.raises(DataError, match="has no clip 'other'"):
        store.positions_of(["other"])


def test_a_clip_that_was_repaired_is_packed(small_run: SmallRun, tmp_path: Path) -> None:
    import shutil
    from dataclasses import replace

    good = load_manifest(small_run.data).records[:2]
    path = tmp_path / "clip.npz"
    path.write_bytes(b"no clip")
    records = (good[0], replace(good[1], feature_path=path))
    assert len(pack_clips(records, CONFIG, tmp_path / "store").problems) == 1
    with pytest.raises(DataError, match=good[1].clip_id):  # a store without it is no excuse
        pack_clips(records, CONFIG, tmp_path / "store", strict=True)
    shutil.copy(good[1].feature_path, path)
    store = pack_clips(records, CONFIG, tmp_path / "store", strict=True)
    assert (len(store.clips), store.problems) == (2, ())


def odd_records(folder: Path) -> tuple[ClipRecord, ...]:
    """Ten clips, two of which cannot be read."""
    records = data_folder(folder).records
    records[4].feature_path.write_bytes(b"no clip")
    records[6].feature_path.write_bytes(b"no clip either")
    return records


def store_bytes(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "frames.f16").read_bytes(), (folder / "clips.json").read_bytes()


def test_two_processes_pack_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = odd_records(tmp_path / "data")
    pack_clips(records, CONFIG, tmp_path / "one")
    in_two_processes(monkeypatch)
    monkeypatch.setattr(store_module, "clip_of_record", None)  # nothing is read in this process
    seen: list[tuple[int, int]] = []
    pack_clips(records, CONFIG, tmp_path / "two", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 10) for number in range(1, 11)]
    assert store_bytes(tmp_path / "two") == store_bytes(tmp_path / "one")


@pytest.mark.slow
def test_packing_in_two_processes_goes_on_and_is_strict_as_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = odd_records(tmp_path / "data")
    pack_clips(records, CONFIG, tmp_path / "one")
    in_two_processes(monkeypatch)
    monkeypatch.setattr(store_module, "clip_of_record", None)  # nothing is read in this process

    def stop(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack_clips(records, CONFIG, tmp_path / "two", progress=stop)
    log = (tmp_path / "two" / "clips.json.partial").read_text().splitlines()[1:]
    assert [json.loads(line)["clip_id"] for line in log] == [record.clip_id for record in records[:3]]
    pack_clips(records, CONFIG, tmp_path / "two")
    assert store_bytes(tmp_path / "two") == store_bytes(tmp_path / "one")
    with pytest.raises(DataError, match=f"^{records[4].clip_id}: .*without --strict"):
        pack_clips(records, CONFIG, tmp_path / "strict", strict=True)


@pytest.mark.parametrize("damage", ["version", "json", "short", "missing", "fields"])
def test_damage_is_told(damage: str, small_run: SmallRun, tmp_path: Path) -> None:
    pack_clips(load_manifest(small_run.data).records[:2], CONFIG, tmp_path)
    table = tmp_path / "clips.json"
    content = json.loads(table.read_text())
    if damage == "version":
        table.write_text(json.dumps({**content, "format_version": 9}))
    elif damage == "json":
        table.write_text("{")
    elif damage == "fields":
        table.write_text(json.dumps({**content, "clips": [{"x": 1}]}))
    elif damage == "short":
        frames = tmp_path / "frames.f16"
        frames.write_bytes(frames.read_bytes()[:-2])
    else:
        (tmp_path / "frames.f16").unlink()
    with pytest.raises(ArtifactError, match=str(tmp_path)):
        load_store(tmp_path)


def test_a_folder_that_cannot_be_written_is_told(small_run: SmallRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        pack_clips(load_manifest(small_run.data).records[:1], CONFIG, tmp_path / "file" / "store")
