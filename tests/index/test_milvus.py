"""What only Milvus has; test_references holds it to the contract of all engines."""

import importlib.util
import sys

import numpy as np
import pytest

from made.references import encoded, entry, small_index
from signtalk.errors import ArtifactError, DataError, MissingExtraError
from signtalk.index.encoded import Encoded
from signtalk.index.index import SentenceIndex
from signtalk.index.milvus import MilvusStore, is_milvus_address

needs_milvus = pytest.mark.skipif(
    importlib.util.find_spec("pymilvus") is None, reason="pymilvus is missing: pip install 'signtalk[milvus]'"
)
PLACES = {"http://10.0.0.1:19530": True, "https://cloud": True, "here/references.db": True, "folder": False}


@pytest.mark.parametrize(("place", "expected"), PLACES.items())
def test_an_address_is_told_from_a_folder(place, expected):
    assert is_milvus_address(place) == expected


def test_a_folder_is_no_address():
    with pytest.raises(ValueError, match="no address of Milvus"):
        MilvusStore("folder", "model-1")


def test_without_pymilvus_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'signtalk\[milvus\]'"):
        MilvusStore("references.db", "model-1")


@pytest.mark.slow
@needs_milvus
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_clips_of_two_models_never_meet(tmp_path):
    first = MilvusStore(str(tmp_path / "references.db"), "model-1")
    first.add(small_index())
    second = MilvusStore(str(tmp_path / "references.db"), "model-2")
    assert (len(first), len(second)) == (5, 0)
    second.add(small_index("model-2").without(["a1"]))
    assert (len(first), len(second)) == (5, 4)
    first.close()


@needs_milvus
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_who_came_first_sees_what_others_add(tmp_path):
    first, second = (MilvusStore(str(tmp_path / "references.db"), "model-1") for _ in range(2))
    assert (len(first), first.delete(["a1"]), first.search(encoded(1).embeddings, 3)) == (0, 0, ((),))
    second.add(small_index())
    assert len(first) == 5
    assert len(first.search(encoded(1).embeddings, 3)[0]) == 3
    assert first.delete(["a1"]) == 1
    first.close()


@needs_milvus
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_sentences_of_more_clips_than_one_answer_holds_are_all_there(tmp_path):
    store = MilvusStore(str(tmp_path / "references.db"), "model-1", most_a_request=20)
    entries = [entry(f"c{n:02}", f"text {n % 10}") for n in range(60)]
    index = SentenceIndex.build(encoded(60), entries, "model-1")
    store.add(index)
    narrowed = store.narrowed(encoded(1, seed=4).embeddings, 8).index
    near = index.search(encoded(1, seed=4).embeddings, 20).rows[0].tolist()
    assert {entries[row].clip_id for row in near} <= set(narrowed.row_of)
    assert {entries[row].text_key for row in near} == set(narrowed.sentences)
    assert {len(rows) for rows in narrowed.sentences.values()} == {6}
    store.close()


@needs_milvus
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_clip_that_no_row_can_hold_is_refused(tmp_path):
    frames = np.ones((1, 400, 64), dtype=np.float32)
    valid, one = np.ones((1, 400), dtype=np.bool_), np.zeros(1, dtype=np.float32)
    clip = Encoded(encoded(1).embeddings, frames, frames[..., :2], valid, one, frames[..., :0])
    store = MilvusStore(str(tmp_path / "references.db"), "model-1")
    with pytest.raises(DataError, match="400 frames of 64 numbers are more than a row"):
        store.add(SentenceIndex.build(clip, [entry("long", "long")], "model-1"))
    assert len(store) == 0
    store.close()


@needs_milvus
def test_what_is_no_store_is_told_in_one_line(tmp_path):
    (tmp_path / "references.db").write_text("hello", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"references\.db: Milvus says"):
        MilvusStore(str(tmp_path / "references.db"), "model-1")
