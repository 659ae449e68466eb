import numpy as np
import pytest

from made.references import ENTRIES, FRAMES, PROJECTION, WIDTH, assert_same, encoded, entry, small_index
from signtalk.errors import ArtifactError, SignTalkError
from signtalk.index.index import SentenceIndex


def test_build_keeps_rows_together_and_clears_padding():
    clips = encoded(5)
    index = SentenceIndex.build(clips, ENTRIES, "model-1")
    assert len(index) == 5
    np.testing.assert_array_equal(index.embeddings, clips.embeddings)
    np.testing.assert_array_equal(index.projection_lengths, clips.memory_valid.sum(axis=1))
    kept = np.where(clips.memory_valid[..., None], clips.projections, 0)
    np.testing.assert_array_equal(index.projections, kept.astype(np.float16))
    assert index.row_of == {"a1": 0, "b1": 1, "a2": 2, "c1": 3, "b2": 4}


def test_batches_of_different_lengths_make_the_index_of_their_union():
    whole = encoded(5)
    parts = (part for part in (whole.select(slice(0, 2)), whole.select(slice(2, 5)), encoded(0, num_frames=2)))
    assert_same(SentenceIndex.build(parts, ENTRIES, "model-1"), small_index())


def test_same_text_is_one_sentence_under_its_smallest_id():
    index = small_index()
    assert list(index.sentences) == ["null", "open your mouth", "where does it hurt"]
    assert {key: rows.tolist() for key, rows in index.sentences.items()} == {
        "null": [3],
        "open your mouth": [1, 4],
        "where does it hurt": [0, 2],
    }
    assert [index.entries[row].clip_id for row in index.groups.canonical_rows] == ["c1", "b1", "a2"]


def test_prototypes_are_the_mean_direction_and_a_lone_clip_is_its_own():
    index = small_index()
    expected = []
    for key in index.groups.text_keys:
        mean = np.mean([index.embeddings[row] for row in index.sentences[key]], axis=0)
        expected.append(mean / np.linalg.norm(mean))
    np.testing.assert_allclose(index.centroid_matrix(), expected, atol=1e-6)
    np.testing.assert_allclose(index.centroid_matrix()[0], index.embeddings[3], atol=1e-6)
    stored = index.stored_prototypes()
    assert stored.sentence_ids.tolist() == ["3", "105"]  # "105" sorts before "12": ids are texts
    assert stored.counts.tolist() == [2, 2]


def test_embeddings_that_cancel_give_a_prototype_of_zeros_not_nan():
    clips = encoded(2)
    clips.embeddings[1] = -clips.embeddings[0]
    index = SentenceIndex.build(clips, [entry("a", "yes"), entry("b", "yes")], "m")
    np.testing.assert_array_equal(index.centroid_matrix(), np.zeros((1, WIDTH)))


def test_search_equals_sorting_all_similarities():
    index = SentenceIndex.build(encoded(300, seed=1), [entry(f"c{n}", f"text {n % 90}") for n in range(300)], "m")
    queries = encoded(40, seed=2).embeddings
    neighbours = index.search(queries, 7)
    expected = queries.astype(np.float64) @ index.embeddings.T.astype(np.float64)
    np.testing.assert_array_equal(neighbours.rows, np.argsort(-expected, axis=1)[:, :7])
    np.testing.assert_allclose(neighbours.similarities, -np.sort(-expected, axis=1)[:, :7], atol=1e-6)
    np.testing.assert_allclose(index.all_similarities(queries), expected, atol=1e-6)
    assert neighbours.rows.dtype == np.int64


def test_equal_similarities_come_in_order_of_row_and_k_is_bounded_by_n():
    clips = encoded(3)
    clips.embeddings[:] = clips.embeddings[0]
    index = SentenceIndex.build(clips, [entry(name, name) for name in "xyz"], "m")
    assert index.search(clips.embeddings[:1], 10).rows.tolist() == [[0, 1, 2]]


def test_an_empty_index_answers_nothing(tmp_path):
    index = SentenceIndex.build([], [], "model-1")
    queries = encoded(2).embeddings
    assert len(index) == 0
    assert index.search(queries, 5).rows.shape == (2, 0)
    assert index.all_similarities(queries).shape == (2, 0)
    assert index.centroid_matrix().shape[0] == 0
    assert dict(index.sentences) == {}
    index.save(tmp_path / "index")
    assert_same(SentenceIndex.load(tmp_path / "index"), index)
    assert_same(index.add(encoded(5), ENTRIES), small_index())


def test_no_query_gives_no_row():
    assert small_index().search(encoded(0).embeddings, 3).rows.shape == (0, 3)


def test_enrolment_makes_a_new_index_and_leaves_the_old_one():
    index = small_index()
    longer = encoded(1, seed=5, num_frames=FRAMES + 2)
    larger = index.add(longer, [entry("d1", "open your mouth")])
    assert (len(index), len(larger)) == (5, 6)
    assert larger.sentences["open your mouth"].tolist() == [1, 4, 5]
    assert larger.projections.shape == (6, FRAMES + 2, PROJECTION)
    np.testing.assert_array_equal(larger.projections[:5, :FRAMES], index.projections)
    assert larger.search(longer.embeddings, 1).rows.tolist() == [[5]]
    assert_same(larger.without(["d1"]).add(encoded(0), []), larger.without(["d1"]))


def test_adding_clips_of_another_width_is_refused():
    with pytest.raises(ValueError, match="widths"):
        small_index().add(encoded(1, width=WIDTH + 1), [entry("d1", "x")])


def test_leaving_clips_or_sentences_out():
    index = small_index()
    assert [e.clip_id for e in index.without(["b1", "not there"]).entries] == ["a1", "a2", "c1", "b2"]
    lacking = index.without_sentences({"where does it hurt"})
    assert [e.clip_id for e in lacking.entries] == ["b1", "c1", "b2"]
    np.testing.assert_array_equal(lacking.embeddings, index.embeddings[[1, 3, 4]])
    np.testing.assert_array_equal(lacking.projections, index.projections[[1, 3, 4]])
    assert len(index.without([e.clip_id for e in ENTRIES])) == 0
    with pytest.raises(ValueError, match="collection"):
        index.without("a1")


def test_an_index_that_lacks_nothing_is_itself():
    index = small_index()
    assert index.without(["elsewhere"]) is index.without_sentences([]) is index


def test_save_and_load_give_the_same_index(tmp_path):
    index = small_index()
    index.save(tmp_path / "deep" / "index")
    loaded = SentenceIndex.load(tmp_path / "deep" / "index", encoder_id="model-1")
    assert_same(loaded, index)
    assert isinstance(loaded.projections, np.memmap)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["index"]


def test_an_index_can_be_saved_over_the_folder_it_is_mapped_from(tmp_path):
    index = small_index()
    index.save(tmp_path / "index")
    loaded = SentenceIndex.load(tmp_path / "index")
    loaded.without(["a1"]).save(tmp_path / "index")
    assert_same(SentenceIndex.load(tmp_path / "index"), index.without(["a1"]))
    np.testing.assert_array_equal(loaded.projections, index.projections)  # the old one goes on working


def test_the_prototypes_files_keep_their_names_and_columns(tmp_path):
    small_index().save(tmp_path / "index")
    assert np.load(tmp_path / "index" / "embeddings.npy").shape == (5, WIDTH)
    header = (tmp_path / "index" / "embeddings_map.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.startswith("video_file,feature_path,sentence_id,sentence,category")
    with np.load(tmp_path / "index" / "prototypes.npz") as archive:
        assert sorted(archive.files) == ["counts", "embeddings", "sentence_ids"]


def test_an_index_of_another_model_is_refused(tmp_path):
    small_index().save(tmp_path / "index")
    with pytest.raises(ArtifactError, match="made by encoder model-1"):
        SentenceIndex.load(tmp_path / "index", encoder_id="model-2")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.embeddings.__setitem__((2, 0), np.nan), "unit length, first that of clip a2"),
        (lambda e: e.embeddings.__imul__(1.1), "5 embeddings not of unit length"),
        (lambda e: e.projections.__setitem__((0, 0, 0), 1e6), "not finite in half precision"),
        (lambda e: e.memory_valid.__setitem__(1, False), "a clip needs a frame"),
    ],
)
def test_damaged_encodings_are_refused(change, message):
    clips = encoded(5)
    change(clips)
    with pytest.raises(ValueError, match=message):
        SentenceIndex.build(clips, ENTRIES, "m")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (ENTRIES[:4], "for 4 entries"),
        ([*ENTRIES[:4], ENTRIES[0]], "clip a1 is there twice"),
        ([*ENTRIES[:4], entry("idle", "")], "clip idle says nothing"),
    ],
)
def test_entries_that_do_not_belong_are_refused(entries, message):
    with pytest.raises(ValueError, match=message):
        SentenceIndex.build(encoded(5), entries, "m")


def test_arrays_of_other_types_are_refused():
    index = small_index()
    with pytest.raises(ValueError, match="expected float32, float16, int64"):
        SentenceIndex(
            index.embeddings, index.projections.astype(np.float32), index.projection_lengths, index.entries, "m"
        )


@pytest.mark.parametrize(("queries", "k"), [(np.zeros((2, WIDTH), np.float32), 0), (np.zeros((2, 3), np.float32), 1)])
def test_wrong_searches_are_refused(queries, k):
    with pytest.raises(ValueError, match="expected"):
        small_index().search(queries, k)


def test_every_error_of_loading_is_one_of_ours(tmp_path):
    with pytest.raises(SignTalkError):
        SentenceIndex.load(tmp_path)


def test_clips_of_a_sentence_are_told_by_name() -> None:
    index = small_index()
    assert index.clips_of("where does it hurt") == ("a1", "a2")
    assert index.clips_of("never indexed") == ()
