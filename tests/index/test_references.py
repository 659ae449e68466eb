"""One contract for every engine that holds references.

Milvus Lite is tested where pymilvus is installed. SIGNTALK_MILVUS=http://HOST:19530 runs the same tests against a
server; what they make there is dropped afterwards.
"""

import json
import os

import numpy as np
import pytest

from made.reference_worker import kill_while_adding, opened
from made.references import FRAMES, MILVUS, PROJECTION, encoded, entry
from signtalk.errors import ArtifactError, DataError
from signtalk.files import sha256_text
from signtalk.index.index import SentenceIndex
from signtalk.index.large import LargeIndex
from signtalk.index.large_files import write_large_index
from signtalk.index.references import Hit, InMemory, Only, widened
from signtalk.recognition.scoring import ScoringConfig, score_sentences

SERVER = os.environ.get("SIGNTALK_MILVUS", "")
NUM = 60


def made_clips(num=NUM, first=0):
    entries = [
        entry(f"c{n}", f"text {n % 20}", f"{n % 20:02}", f"Text '{n % 20}\" ?") for n in range(first, first + num)
    ]
    varied = [
        type(each)(**{**vars(each), "category": "Ward" if n % 3 else "home", "signer_id": f"S0{n % 4}"})
        for n, each in enumerate(entries, first)
    ]
    return SentenceIndex.build(encoded(num, seed=first + 3), varied, "model-1")


def place_of(tmp_path):
    return SERVER or tmp_path / "references.db"


@pytest.fixture
def drop_from_server():
    yield
    if SERVER:
        import pymilvus

        client = pymilvus.MilvusClient(SERVER, token=os.environ.get("SIGNTALK_MILVUS_TOKEN", ""))
        client.drop_collection(f"signtalk_{sha256_text('model-1')[:24]}")
        client.close()


@pytest.fixture(params=[MILVUS])
def store(tmp_path, drop_from_server):
    store = opened(place_of(tmp_path))
    yield store
    store.close()


def filled_with_clips(kind, tmp_path):
    if kind == "memory":
        yield InMemory(made_clips())
    elif kind == "large":
        write_large_index(tmp_path / "large", [made_clips()], "model-1", FRAMES)
        yield LargeIndex(tmp_path / "large", "model-1")
    else:
        store = opened(place_of(tmp_path))
        store.add(made_clips())
        yield store
        store.close()


@pytest.fixture(params=["memory", "large", MILVUS])
def searched(request, tmp_path, drop_from_server):
    yield from filled_with_clips(request.param, tmp_path)


@pytest.fixture(params=["large", MILVUS])
def filled(request, tmp_path, drop_from_server):
    yield from filled_with_clips(request.param, tmp_path)


def ids(hits):
    return [[hit.clip_id for hit in of_query] for of_query in hits]


def test_search_gives_the_nearest_clips_with_all_that_is_known_of_them(searched):
    index, queries = made_clips(), encoded(5, seed=99).embeddings
    expected = index.search(queries, 7)
    hits = searched.search(queries, 7)
    assert ids(hits) == [[index.entries[row].clip_id for row in rows] for rows in expected.rows]
    np.testing.assert_allclose([[hit.similarity for hit in row] for row in hits], expected.similarities, atol=2e-3)
    assert [hit.rank for hit in hits[0]] == list(range(1, 8))
    first, known = hits[0][0], index.entries[expected.rows[0, 0]]
    assert (first.sentence, first.signer_id) == (known.sentence, known.signer_id)
    assert (first.category, first.feature_path) == (known.category, known.feature_path)


@pytest.mark.parametrize(
    "only",
    [
        Only(categories=("ward",)),
        Only(signers=("s01", "S03")),
        Only(("HOME",), ("s00",)),
        Only(("nowhere",)),
        Only(text_keys=("text 7", "text 12")),
        Only(("ward",), text_keys=("text 0",)),
        Only(text_keys=("text 7 and more",)),
        Only(text_keys=("zebra",)),
    ],
)
def test_search_finds_only_what_it_may(searched, only):
    index, query = made_clips(), encoded(1, seed=98).embeddings
    allowed = [row for row in index.search(query, NUM).rows[0] if only.allows(index.entries[row])]
    assert ids(searched.search(query, 9, only)) == [[index.entries[row].clip_id for row in allowed[:9]]]


def test_names_are_listed_where_the_engine_knows_them(searched):
    categories, signers = searched.names("categories"), searched.names("signers")
    if categories is None:  # Milvus holds hashes
        assert signers is None
    else:
        assert set(categories) == {"Ward", "home"}
        assert set(signers) == {"S00", "S01", "S02", "S03"}


def test_a_clip_that_was_found_reads_well_and_can_be_written_as_json():
    hit = Hit.of(entry("a1", "where does it hurt", "12", "Where does it hurt?"), 1, 0.8312)
    assert str(hit) == "1. Where does it hurt? (clip a1, 0.83)"
    assert json.loads(json.dumps(hit.to_dict())) == {
        "rank": 1, "similarity": 0.8312, "clip_id": "a1", "video_file": "a1.mp4", "feature_path": "clips/a1.npz",
        "sentence_id": "12", "sentence": "Where does it hurt?", "category": "at the chemist, mornings",
        "signer_id": "s01",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("enough_from", "further_up_to", "most", "looks"),
    [
        (0, 10**6, 10**6, [12]),  # at once
        (100, 10**6, 10**6, [12, 48, 192]),  # three looks
        (10**9, 10**6, 300, [12, 48, 192, 300]),  # never: up to the most
        (10**9, 40, 10**6, [12, 48]),  # never, but there is no further clip
        (10**9, 10**6, 5, [5]),
    ],
)
def test_more_and_more_clips_are_looked_at_until_they_say_enough(enough_from, further_up_to, most, looks):
    seen = []

    def look(k):
        seen.append(k)
        return f"clips up to {k}", np.array([False, k < enough_from and k <= further_up_to])

    assert widened(look, 3, most) == f"clips up to {looks[-1]}"
    assert seen == looks


def test_narrowed_has_every_clip_of_the_nearest_sentences_as_they_were_added(filled):
    index, query = made_clips(), encoded(1, seed=97)
    narrowed = filled.narrowed(query.embeddings, 5).index
    nearest = [index.entries[row].text_key for row in index.search(query.embeddings, NUM).rows[0]]
    assert set(list(dict.fromkeys(nearest))[:5]) <= set(narrowed.sentences)
    for each, row in narrowed.row_of.items():
        there = index.row_of[each]
        assert narrowed.entries[row] == index.entries[there]
        length = index.projection_lengths[there]
        assert narrowed.projection_lengths[row] == length
        frames = np.asarray(narrowed.projections)[row, :length]
        np.testing.assert_array_equal(frames, index.projections[there, :length])
        np.testing.assert_allclose(narrowed.embeddings[row], index.embeddings[there], atol=1e-3)
    for key in narrowed.sentences:
        assert len(narrowed.sentences[key]) == len(index.sentences[key])


def test_answers_are_those_of_the_same_clips_in_memory(filled):
    queries, config = encoded(3, seed=96), ScoringConfig(rerank_sentences=6)
    for query in range(3):
        alone = queries.select(slice(query, query + 1))
        expected = score_sentences(alone, made_clips(), config).candidates(0, 5)
        candidates = score_sentences(alone, filled.narrowed(alone.embeddings, 12).index, config).candidates(0, 5)
        assert [each.clip_id for each in candidates] == [each.clip_id for each in expected]
        np.testing.assert_allclose([e.similarity for e in candidates], [e.similarity for e in expected], atol=2e-3)


def test_an_empty_store_answers_nothing(store):
    query = encoded(1).embeddings
    assert len(store) == 0
    assert store.search(query, 3) in (((),), ())
    assert len(store.narrowed(query, 3).index) == 0
    assert store.delete(["c1"]) == 0
    store.add(SentenceIndex.build((), (), "model-1"))
    assert len(store) == 0


def test_what_was_added_is_met_at_once_and_what_was_deleted_no_more(store):
    store.add(made_clips(10))
    more = made_clips(5, first=10)
    store.add(more)
    assert len(store) == 15
    assert ids(store.search(more.embeddings[2:3], 1)) == [["c12"]]
    assert store.delete(["c12", "c3", "not there"]) == 2
    assert len(store) == 13
    assert "c12" not in ids(store.search(more.embeddings[2:3], 15))[0]
    assert "c12" not in store.narrowed(more.embeddings[2:3], 20).index.row_of
    store.add(more.without([f"c{n}" for n in (10, 11, 13, 14)]))
    assert ids(store.search(more.embeddings[2:3], 1)) == [["c12"]]


def test_a_clip_that_is_there_and_one_of_another_model_are_refused(store):
    store.add(made_clips(4))
    with pytest.raises(DataError, match="c2 is there already"):
        store.add(made_clips(2, first=2))
    assert len(store) == 4
    other = SentenceIndex.build(encoded(1), [entry("x", "x")], "model-2")
    with pytest.raises(ArtifactError, match="expected those of model-1"):
        store.add(other)
    written = made_clips(1).with_written(encoded(1).embeddings, [type(entry("w", "w"))(**{
        **vars(entry("w", "written")), "kind": "written"})])  # fmt: skip
    with pytest.raises(ValueError, match="no clip"):
        store.add(written)
    assert len(store) == 4


def test_what_was_confirmed_is_there_when_it_is_opened_again(store, tmp_path):
    store.add(made_clips(8))
    store.delete(["c5"])
    store.close()
    again = opened(place_of(tmp_path))
    try:
        assert len(again) == 7
        narrowed = again.narrowed(made_clips(8).embeddings[:1], 20).index
        assert sorted(narrowed.row_of) == [f"c{n}" for n in range(8) if n != 5]
        assert narrowed.projections.shape[2] == PROJECTION
    finally:
        again.close()


def test_damaged_files_are_told_and_never_read_as_something_else(store, tmp_path):
    if SERVER:
        pytest.skip("a server's files are its own")
    store.add(made_clips(8))
    store.close()
    place = place_of(tmp_path)
    expected = sorted(each.clip_id for each in made_clips(8).entries)
    for path in sorted(path for path in place.rglob("*") if path.is_file() and path.stat().st_size):
        whole = path.read_bytes()
        for damaged in (whole[: len(whole) // 2], whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]):
            kept = {each: each.read_bytes() for each in place.rglob("*") if each.is_file()}
            path.write_bytes(damaged)
            try:
                again = opened(place)
            except ArtifactError:
                pass
            else:  # damage that does not matter, or is met when it is read
                try:
                    index = again.narrowed(made_clips(8).embeddings[:1], 20).index
                    assert sorted(index.row_of) == expected, path
                except ArtifactError:
                    pass
                finally:
                    again.close()
            for each, data in kept.items():
                each.parent.mkdir(parents=True, exist_ok=True)
                each.write_bytes(data)


@pytest.mark.slow
def test_killed_while_adding_nothing_that_was_confirmed_is_lost(store, tmp_path):
    store.close()
    assert kill_while_adding(place_of(tmp_path), rounds=2, seed=5)
