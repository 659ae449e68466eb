import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made.references import encoded, entry, small_index
from made.warping import dtw_distances
from signtalk.index.index import SentenceIndex
from signtalk.recognition.comparison import (
    _best_of_groups,
    clip_distances,
    closest_rows,
    compare,
    exclusion_mask,
    look_order,
    warped_distances,
)


def plain_comparison(query, index, excluded):
    """Per sentence (similarity, prototype similarity, number, row) by plain loops over the references."""
    found = []
    for key in index.groups.text_keys:
        rows = [row for row in index.sentences[key].tolist() if not excluded[row]]
        if not rows:
            found.append((-np.inf, -np.inf, 0, -1))
            continue
        cosines = [float(query @ index.embeddings[row]) for row in rows]
        mean = np.sum([index.embeddings[row].astype(np.float64) for row in rows], axis=0)
        prototype = float(query @ (mean / np.linalg.norm(mean)))
        found.append((max(cosines), prototype, len(rows), rows[int(np.argmax(cosines))]))
    return found


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 0.9))
def test_equals_plain_loops_whatever_is_left_out(seed, share):
    rng = np.random.default_rng(seed)
    entries = [entry(f"c{n}", f"text {rng.integers(6)}") for n in range(15)]
    index = SentenceIndex.build(encoded(15, seed=seed), entries, "m")
    queries = encoded(4, seed=seed + 1).embeddings
    excluded = rng.random((4, 15)) < share
    comparison = compare(queries, index, excluded)
    for b in range(4):
        expected = plain_comparison(queries[b], index, excluded[b])
        np.testing.assert_allclose(comparison.similarities[b], [e[0] for e in expected], atol=1e-6)
        np.testing.assert_allclose(comparison.centroid_similarities[b], [e[1] for e in expected], atol=1e-5)
        assert comparison.num_references[b].tolist() == [e[2] for e in expected]
        assert comparison.best_rows[b].tolist() == [e[3] for e in expected]


def test_leaving_out_equals_an_index_that_never_had_the_clip():
    index, queries = small_index(), encoded(1, seed=3).embeddings
    left_out = compare(queries, index, exclusion_mask(index, [["a1"]]))
    without = compare(queries, index.without(["a1"]))
    np.testing.assert_allclose(left_out.similarities, without.similarities, atol=1e-6)
    np.testing.assert_allclose(left_out.centroid_similarities, without.centroid_similarities, atol=1e-6)
    np.testing.assert_array_equal(left_out.num_references, without.num_references)


def test_what_is_left_out_is_summed_a_part_at_a_time(monkeypatch):
    entries = [entry(f"c{n}", f"text {n % 3}") for n in range(15)]
    index, queries = SentenceIndex.build(encoded(15, seed=1), entries, "m"), encoded(4, seed=2).embeddings
    excluded = np.random.default_rng(3).random((4, 15)) < 0.6
    at_once = compare(queries, index, excluded)
    monkeypatch.setattr("signtalk.recognition.comparison._SUMMED_AT_ONCE", 4)
    in_parts = compare(queries, index, excluded)
    np.testing.assert_array_equal(in_parts.centroid_similarities, at_once.centroid_similarities)


def test_of_equal_clips_the_first_stands_for_the_sentence():
    clips = encoded(3)
    clips.embeddings[:] = clips.embeddings[0]
    index = SentenceIndex.build(clips, [entry("x", "b"), entry("y", "a"), entry("z", "a")], "m")
    assert compare(clips.embeddings[:1], index).best_rows.tolist() == [[1, 0]]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_the_array_form_finds_the_best_clips_that_the_loop_finds(seed):
    rng = np.random.default_rng(seed)
    class_of_row = np.concatenate([np.arange(7), rng.integers(0, 7, 20)])
    order = np.argsort(class_of_row, kind="stable")
    counts = np.bincount(class_of_row)
    figures = rng.choice(np.array([-np.inf, 0, 1, 2], dtype=np.float32), (3, 27))  # many are alike
    parts = figures, order, np.cumsum(counts) - counts, counts
    best, rows = _best_of_groups.plain(*parts)
    of_arrays, their_rows = _best_of_groups.arrays(*parts)
    np.testing.assert_array_equal(best, of_arrays)
    np.testing.assert_array_equal(rows, their_rows)


def test_flags_say_as_well_what_is_left_out():
    flags = exclusion_mask(small_index(), [["a1"], []])
    assert exclusion_mask(small_index(), flags) is flags


def test_exclusion_mask_reads_ids_and_ignores_strange_ones():
    mask = exclusion_mask(small_index(), [["a1", "elsewhere"], [], ["b2", "c1"]])
    assert mask.tolist() == [[True, False, False, False, False], [False] * 5, [False, False, False, True, True]]
    with pytest.raises(ValueError, match="collection of clip ids"):
        exclusion_mask(small_index(), ["a1"])


def test_flags_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="one flag a query and reference"):
        compare(encoded(2).embeddings, small_index(), np.zeros((1, 5), dtype=np.bool_))


def test_an_empty_index_and_no_query():
    empty = SentenceIndex.build([], [], "m")
    comparison = compare(encoded(2).embeddings, empty)
    assert comparison.similarities.shape == comparison.best_rows.shape == (2, 0)
    assert warped_distances(encoded(2), empty, np.zeros((2, 0), np.int64)).shape == (2, 0)
    assert clip_distances(encoded(2), empty, np.zeros((2, 0), np.int64)).distances.shape == (2, 0)
    assert compare(encoded(0).embeddings, small_index()).similarities.shape == (0, 3)


@pytest.mark.parametrize("references_per_sentence", [1, 2, 5])
def test_warped_distance_is_the_smallest_of_the_closest_clips(references_per_sentence):
    index, queries = small_index(), encoded(2, seed=4)
    excluded = exclusion_mask(index, [[], ["c1", "b1"]])
    comparison = compare(queries.embeddings, index, excluded)
    classes = np.array([[2, 0, -1], [1, 0, 2]])
    closest = closest_rows(index, comparison, classes, references_per_sentence)
    distances = warped_distances(queries, index, closest.reshape(2, -1)).reshape(closest.shape)
    found = distances.min(axis=2, initial=np.inf)
    for b in range(2):
        for place, c in enumerate(classes[b]):
            rows = index.sentences[index.groups.text_keys[c]].tolist() if c >= 0 else []
            rows = sorted(
                (row for row in rows if not excluded[b, row]), key=lambda row: -(comparison.clip_similarities[b, row])
            )
            each = [
                dtw_distances(
                    queries.projections[b],
                    index.projections[row : row + 1, : index.projection_lengths[row]],
                    queries.memory_valid[b],
                ).normalised[0]
                for row in rows[:references_per_sentence]
            ]
            assert found[b, place] == pytest.approx(min(each, default=np.inf), rel=1e-6)


def test_a_sentence_far_by_its_clips_is_looked_at_when_the_frames_show_its_words() -> None:
    by_clips = np.array([[0.9, 0.8, 0.7, -np.inf]], dtype=np.float32)
    assert look_order(by_clips).tolist() == [[0, 1, 2, 3]]
    shown = np.array([[-9.0, -5.0, -1.0, 0.0]], dtype=np.float32)
    assert look_order(by_clips, shown).tolist() == [[0, 2, 1, 3]]  # one without a clip left stays last


def test_evidence_that_knows_nothing_of_sentences_puts_none_of_them_before_others() -> None:
    by_clips = np.array([[0.1, 0.2, 0.3, 0.4, 0.5]], dtype=np.float32)
    sketched = np.array([[-np.inf, -np.inf, -3.0, -np.inf, -np.inf]], dtype=np.float32)  # the others have no frame
    assert look_order(by_clips, sketched).tolist() == [[2, 4, 3, 1, 0]]
