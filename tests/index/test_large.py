import numpy as np
import pytest

from made.large import NUM, SENTENCES, made_index, packed
from made.references import FRAMES, PROJECTION, encoded, entry, small_index
from signtalk.index.index import SentenceIndex, unit_rows
from signtalk.index.large import LargeIndex
from signtalk.index.large_files import write_large_index
from signtalk.index.references import Only
from signtalk.recognition.scoring import ScoringConfig, score_sentences


def test_it_holds_what_was_packed_in_parts(tmp_path):
    index = made_index()
    large = packed(tmp_path, index)
    assert (len(large), large.num_sentences, large.encoder_id) == (NUM, SENTENCES, "model-1")
    assert tuple(large.entries) == index.entries
    assert large.entries[-1] == index.entries[-1]
    assert large.entries.at(np.array([0, 2], dtype=np.uint32)) == (index.entries[0], index.entries[2])
    assert tuple(large.sentence_texts()) == index.sentence_texts
    whole = large.narrowed(encoded(1).embeddings, SENTENCES)
    np.testing.assert_array_equal(whole.classes, np.arange(SENTENCES))
    rows = [whole.index.row_of[each.clip_id] for each in index.entries]
    np.testing.assert_allclose(whole.index.embeddings[rows], index.embeddings, atol=1e-3)
    np.testing.assert_array_equal(np.asarray(whole.index.projections)[rows, :FRAMES], index.projections)
    np.testing.assert_array_equal(whole.index.projection_lengths[rows], index.projection_lengths)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".large.lock", "large"]


def test_a_narrowed_index_has_every_clip_of_the_nearest_sentences_and_of_those_named(tmp_path):
    index = made_index()
    large = packed(tmp_path, index)
    query = encoded(1, seed=5).embeddings
    narrowed = large.narrowed(query, 10, np.array([[3, 77]]))
    nearest = index.search(query, NUM).rows[0]
    said = list(dict.fromkeys(index.groups.class_of_row[nearest].tolist()))
    assert {3, 77, *said[:10]} <= set(narrowed.classes.tolist())
    assert len(narrowed.classes) < SENTENCES
    assert [index.groups.text_keys[c] for c in narrowed.classes] == list(narrowed.index.groups.text_keys)
    for key, rows in narrowed.index.sentences.items():
        expected = [index.entries[row].clip_id for row in index.sentences[key]]
        assert [narrowed.index.entries[row].clip_id for row in rows] == expected


def test_scores_of_a_narrowed_index_are_those_of_the_whole_one(tmp_path):
    index = made_index()
    large = packed(tmp_path, index)
    queries = encoded(4, seed=6)
    config = ScoringConfig(rerank_sentences=12)
    whole = score_sentences(queries, index, config)
    for query in range(4):
        alone = queries.select(slice(query, query + 1))
        scores = score_sentences(alone, large.narrowed(alone.embeddings, 40).index, config)
        for place, (expected, candidate) in enumerate(
            zip(whole.candidates(query, 12), scores.candidates(0, 12), strict=True)
        ):
            assert candidate.clip_id == expected.clip_id, place
            assert candidate.similarity == pytest.approx(expected.similarity, abs=2e-3)
            assert candidate.dtw_distance == pytest.approx(expected.dtw_distance, rel=1e-6)


def test_one_sentence_with_most_clips_does_not_hide_the_others(tmp_path):
    clips = encoded(600, seed=8)
    clips.embeddings[:500] = clips.embeddings[0]
    entries = [entry(f"c{n}", "hello" if n < 500 else f"text {n}") for n in range(600)]
    index = SentenceIndex.build(clips, entries, "model-1")
    narrowed = packed(tmp_path, index).narrowed(clips.embeddings[:1], 30)
    assert len(narrowed.classes) >= 30
    assert 64 <= len(narrowed.index.sentences["hello"]) <= 500


def test_lists_that_hold_one_sentence_do_not_hide_the_others(tmp_path):
    clips = encoded(1200, seed=8, width=16)
    said = np.arange(1200) % 40
    clips.embeddings[:] = unit_rows(clips.embeddings[said] + 0.02 * clips.embeddings)
    index = SentenceIndex.build(clips, [entry(f"c{n}", f"text {number}") for n, number in enumerate(said)], "model-1")
    large = packed(tmp_path, index, exact_up_to=100)
    query = unit_rows(clips.embeddings[:1] + 0.1 * clips.embeddings[7])
    near = {int(large.entries[row].text_key[5:]) for row in large._engine.search(query, 1200)[0][0] if row >= 0}
    assert len(near) < 20  # the lists alone would not do
    narrowed = large.narrowed(query, 20)
    keys = set(narrowed.index.groups.text_keys)
    whole = np.argsort(-index.centroid_matrix() @ query[0])[:15]  # the last ones may differ by a clip
    assert {index.groups.text_keys[number] for number in whole} <= keys
    assert len(keys) < 40


def test_projections_are_read_when_they_are_asked_for(tmp_path):
    index = made_index()
    rows = packed(tmp_path, index).narrowed(encoded(1).embeddings, 20).index.projections
    assert rows.shape[1:] == (FRAMES + 1, PROJECTION) and rows.dtype == np.float16
    np.testing.assert_array_equal(rows[np.array([4, 1]), :3], np.asarray(rows)[[4, 1], :3])


def test_lists_are_used_for_many_clips_and_the_recall_is_kept(tmp_path):
    large = packed(tmp_path, made_index(), exact_up_to=100)
    assert large.report.kind == "ivf" and large.report.recall >= 0.98
    assert LargeIndex(tmp_path / "large").report == large.report
    queries = encoded(20, seed=6).embeddings
    expected = made_index().search(queries, 5).rows
    nearest = [[int(hit.clip_id[1:]) for hit in row] for row in large.search(queries, 5)]
    assert np.mean([len({*a} & {*b}) / 5 for a, b in zip(nearest, expected.tolist(), strict=True)]) > 0.9


def test_search_looks_only_at_what_it_may(tmp_path):
    index = small_index()
    write_large_index(tmp_path / "large", [index], "model-1", FRAMES)
    large = LargeIndex(tmp_path / "large")
    query = encoded(1, seed=2).embeddings
    only = Only(categories=("AT THE CHEMIST, mornings",), signers=("s01",))
    by_looking = large.search(query, 9, only)
    by_engine = LargeIndex(tmp_path / "large", looked_through=1).search(query, 9, only)
    assert [hit.clip_id for hit in by_engine[0]] == [hit.clip_id for hit in by_looking[0]]
    assert large.search(query, 9, Only(signers=("s02",))) == ((),)


def test_an_empty_one_answers_nothing(tmp_path):
    write_large_index(tmp_path / "large", [], "model-1", FRAMES)
    large = LargeIndex(tmp_path / "large")
    assert len(large) == 0 and list(large.sentence_texts()) == []
    assert large.search(np.ones((1, 0), np.float32), 3) == ((),)
    assert len(large.narrowed(np.ones((1, 0), np.float32), 3).index) == 0
