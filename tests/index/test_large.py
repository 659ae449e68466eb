import json

import numpy as np
import pytest

from made.references import ENTRIES, FRAMES, PROJECTION, WIDTH, encoded, entry, small_index
from signtalk.errors import ArtifactError, DataError
from signtalk.index.index import SentenceIndex, unit_rows
from signtalk.index.large import LargeIndex, is_large_index, write_large_index
from signtalk.index.references import Only
from signtalk.recognition.scoring import ScoringConfig, score_sentences

NUM, SENTENCES = 400, 130


def made_index(num=NUM, seed=3):
    entries = [entry(f"c{n}", f"text {n * 7 % SENTENCES}", f"{n * 7 % SENTENCES:03}") for n in range(num)]
    return SentenceIndex.build(encoded(num, seed=seed), entries, "model-1")


def parts_of(index, size=90):
    names = [each.clip_id for each in index.entries]
    for start in range(0, len(names), size):
        yield index.without([*names[:start], *names[start + size :]])


def packed(tmp_path, index, exact_up_to=50_000):
    write_large_index(tmp_path / "large", parts_of(index), "model-1", FRAMES + 1, exact_up_to)
    return LargeIndex(tmp_path / "large", "model-1")


def test_it_holds_what_was_packed_in_parts(tmp_path):
    index = made_index()
    large = packed(tmp_path, index)
    assert (len(large), large.num_sentences, large.encoder_id) == (NUM, SENTENCES, "model-1")
    assert tuple(large.entries) == index.entries
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
    whole = np.argsort(-index.prototype_matrix() @ query[0])[:15]  # the last ones may differ by a clip
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
