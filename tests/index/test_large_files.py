"""The files of a large index: written whole, refused when damaged."""

import json
import os

import numpy as np
import pytest

from made.large import made_index, packed
from made.references import ENTRIES, FRAMES, WIDTH, encoded, entry, small_index
from signtalk.errors import ArtifactError, DataError
from signtalk.index.index import SentenceIndex
from signtalk.index.large import LargeIndex
from signtalk.index.large_files import PROJECTIONS_FILE, StoredRows, is_large_index, write_large_index


def test_what_does_not_belong_is_refused_and_nothing_is_left(tmp_path):
    index, folder = small_index(), tmp_path / "large"
    with pytest.raises(DataError, match="there twice"):
        write_large_index(folder, [index, index], "model-1", FRAMES)
    with pytest.raises(ArtifactError, match="encoder model-1"):
        write_large_index(folder, [index], "model-2", FRAMES)
    with pytest.raises(ValueError, match="at most 5 frames"):
        write_large_index(folder, [index], "model-1", FRAMES - 1)
    other = SentenceIndex.build(encoded(1, width=WIDTH + 1), [entry("x", "x")], "model-1")
    with pytest.raises(ValueError, match="widths"):
        write_large_index(folder, [index, other], "model-1", FRAMES)
    assert [path.name for path in tmp_path.iterdir()] == [".large.lock"]
    folder.mkdir()
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"holds notes\.txt"):
        write_large_index(folder, [index], "model-1", FRAMES)


def test_a_packer_that_was_killed_leaves_the_old_one_and_nothing_for_good(tmp_path):
    packed(tmp_path, small_index())
    (tmp_path / "large").rename(tmp_path / ".large.previous")  # killed between the two renames
    (tmp_path / ".large.writing-abcd1234").mkdir()
    (tmp_path / ".large.writing-abcd1234" / "projections.bin").write_bytes(b"half of many gigabytes")
    assert len(LargeIndex(tmp_path / "large", "model-1")) == len(small_index())
    assert len(packed(tmp_path, small_index().without(["a1"]))) == len(small_index()) - 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".large.lock", "large"]


@pytest.mark.parametrize("name", ["embeddings.bin", "entries.bin", "names.json", "vectors.faiss", "projections.bin"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone"])
def test_damage_is_found_when_it_is_opened(tmp_path, name, damage):
    packed(tmp_path, made_index(), exact_up_to=100)
    path = tmp_path / "large" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data[:-1] if damage == "cut" else data)
    if damage == "gone":
        path.unlink()
    if name == "projections.bin" and damage == "flip":  # the one file that is too large to be read each time
        LargeIndex(tmp_path / "large")
    with pytest.raises(ArtifactError, match=name):
        LargeIndex(tmp_path / "large", check=True)


def test_another_version_or_model_or_place_is_refused(tmp_path):
    packed(tmp_path, small_index())
    with pytest.raises(ArtifactError, match="pack an index of this model"):
        LargeIndex(tmp_path / "large", "model-2")
    assert is_large_index(tmp_path / "large")
    path = tmp_path / "large" / "index.json"
    header = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**header, "large_index_version": 2}), encoding="utf-8")
    with pytest.raises(ArtifactError, match="large_index_version"):
        LargeIndex(tmp_path / "large")
    path.write_text(json.dumps({**header, "files": {}}), encoding="utf-8")
    with pytest.raises(ArtifactError, match="expected"):
        LargeIndex(tmp_path / "large")
    with pytest.raises(ArtifactError, match="no such file"):
        LargeIndex(tmp_path / "none")
    small_index().save(tmp_path / "small")
    assert not is_large_index(tmp_path / "small") and not is_large_index(tmp_path / "none")
    assert len(ENTRIES) == 5


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system cannot be told what will be read")
def test_rows_are_announced_once_each_and_the_file_is_closed_in_the_end(tmp_path, monkeypatch):
    index, told = made_index(20), []
    packed(tmp_path, index)
    shape = (20, FRAMES + 1, index.projections.shape[2])
    stored = StoredRows(tmp_path / "large" / PROJECTIONS_FILE, shape)
    monkeypatch.setattr(os, "posix_fadvise", lambda *call: told.append(call))
    stored.announce(np.array([[7, 2], [2, 7]]))
    row = stored.rows[0].nbytes
    descriptor = told[0][0]
    assert told == [(descriptor, place * row, row, os.POSIX_FADV_WILLNEED) for place in (2, 7)]
    del stored
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)


def test_where_nothing_can_be_announced_the_same_is_read(tmp_path, monkeypatch):
    index = made_index(20)
    queries = encoded(3, seed=8).embeddings
    large = packed(tmp_path, index)

    def refused(*_: int) -> None:
        raise OSError("no such thing here")

    def check(large: LargeIndex) -> None:
        near = large.narrowed(queries, 4).index
        rows = [index.row_of[each.clip_id] for each in near.entries]
        assert len(rows) >= 4
        frames = np.asarray(index.projections)[rows]
        np.testing.assert_array_equal(np.asarray(near.projections)[:, : frames.shape[1]], frames)

    monkeypatch.setattr(os, "posix_fadvise", refused, raising=False)
    check(large)
    check(large)  # it has understood
    monkeypatch.delattr(os, "posix_fadvise")
    check(LargeIndex(tmp_path / "large"))
