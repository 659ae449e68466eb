import threading
from pathlib import Path

import numpy as np
import pytest

from made.data_folder import data_folder
from made.encoder import MadeEncoder
from made.references import encoded
from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.data.packed import PackedClips, pack_clips
from signtalk.errors import ArtifactError
from signtalk.recognition.asked import Asked, asked_packed, encode_all, encode_packed, index_records


def test_clips_are_asked_in_order_and_what_could_not_be_packed_is_left_out(tmp_path: Path) -> None:
    manifest, encoder = data_folder(tmp_path), MadeEncoder()
    store = pack_clips(manifest.records[1:6], encoder.feature_config, tmp_path / "store")
    clips = asked_packed(encoder, store, reversed(manifest.records[:4]))
    assert clips is not None
    assert [record.clip_id for record in clips.records] == ["3", "2", "1"]
    assert clips.own_ids == [("3",), ("2",), ("1",)]
    assert clips.keys == [record.text_key for record in clips.records]
    assert clips.encoded.num_clips == 3
    np.testing.assert_array_equal(clips.motions, store.motions[[2, 1, 0]])
    assert asked_packed(encoder, store, manifest.records[:1]) is None
    with pytest.raises(ValueError, match="no encoded batch"):
        encode_all(encoder, store, np.zeros(0, np.int64))


def test_many_clips_are_encoded_a_block_at_a_time(tmp_path: Path) -> None:
    manifest, encoder = data_folder(tmp_path), MadeEncoder()
    store = pack_clips(manifest.records, encoder.feature_config, tmp_path / "store")
    which = np.arange(130) % len(store.clips)
    assert [part.num_clips for part in encode_packed(encoder, store, which)] == [64, 64, 2]
    assert encode_all(encoder, store, which).num_clips == 130


def test_one_block_is_read_ahead_and_what_fails_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest, encoder = data_folder(tmp_path), MadeEncoder()
    store = pack_clips(manifest.records, encoder.feature_config, tmp_path / "store")
    read, features = list[int](), PackedClips.features

    def counted(self: PackedClips, which: IntArray) -> tuple[FloatArray, BoolArray]:
        read.append(len(which))
        if len(read) == 4:
            raise ArtifactError("the store broke")
        return features(self, which)

    monkeypatch.setattr(PackedClips, "features", counted)
    before = threading.active_count()
    blocks = encode_packed(encoder, store, np.arange(320) % len(store.clips))
    assert next(blocks).num_clips == 64
    assert len(read) <= 2
    with pytest.raises(ArtifactError, match="the store broke"):
        list(blocks)
    assert threading.active_count() == before
    left = encode_packed(encoder, store, np.arange(320) % len(store.clips))
    next(left)
    left.close()  # type: ignore[attr-defined]  # as a consumer that stops early does
    assert threading.active_count() == before


def test_an_index_holds_the_packed_clips_that_sign(tmp_path: Path) -> None:
    manifest, encoder = data_folder(tmp_path), MadeEncoder()
    store = pack_clips(manifest.records[2:], encoder.feature_config, tmp_path / "store")
    index = index_records(encoder, store, manifest.records, "model-1", manifest.root)
    signing = [record.clip_id for record in manifest.records[2:] if not record.is_idle]
    assert [entry.clip_id for entry in index.entries] == signing
    assert index.encoder_id == "model-1"
    assert index.entries[0].feature_path == "clips/2.npz"


def test_of_many_so_many_are_drawn_in_their_order(tmp_path: Path) -> None:
    manifest, encoder = data_folder(tmp_path), MadeEncoder()
    records = manifest.records[:5]
    store = pack_clips(records, encoder.feature_config, tmp_path / "store")
    asked = asked_packed(encoder, store, records)
    assert asked is not None and asked.at_most(5) is asked
    some = asked.at_most(3)
    rows = [int(record.clip_id) for record in some.records]
    assert len(set(rows)) == 3 and rows == sorted(rows)
    assert [record.clip_id for record in asked.at_most(3).records] == [record.clip_id for record in some.records]
    np.testing.assert_array_equal(some.encoded.embeddings, asked.encoded.embeddings[rows])
    np.testing.assert_array_equal(some.motions, asked.motions[rows])


def test_what_is_drawn_has_no_rhythm(tmp_path: Path) -> None:
    record = data_folder(tmp_path).records[0]
    many = Asked((record,) * 1276, encoded(1276), np.arange(1276, dtype=np.float32))
    drawn = many.at_most(256).motions.astype(int)  # every fifth: a table by sentence and take would give first takes
    assert np.bincount(drawn % 5, minlength=5).min() > 30
