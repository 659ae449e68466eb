import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from made.rankings import PROTOTYPE, made_index, plain_distance
from made.references import encoded, entry, small_index
from made.work import lines_run
from signtalk.index.index import SentenceIndex
from signtalk.recognition.comparison import compare
from signtalk.recognition.ctc import SpelledSentences
from signtalk.recognition.scoring import SKETCHED_FINELY, ScoringConfig, score_sentences
from signtalk.recognition.sketches import Sketches


def plain_scores(query, b, index, config):
    """Fused score of each sentence by plain loops: [(score, text_key)], best first."""
    found = []
    for key, rows in index.sentences.items():
        cosines = {row: float(query.embeddings[b] @ index.embeddings[row]) for row in rows.tolist()}
        mean = np.sum([index.embeddings[row] for row in rows], axis=0)
        prototype = float(query.embeddings[b] @ mean / np.linalg.norm(mean))
        closest = sorted(cosines, key=lambda row: -cosines[row])[: config.references_per_sentence]
        stage = config.similarity_weight * max(cosines.values()) + config.prototype_weight * prototype
        distance = min(plain_distance(query, b, index, row).normalised[0] for row in closest)
        found.append((stage, math.exp(-distance / config.dtw_scale), key))
    found.sort(key=lambda line: -line[0])
    head = found[: config.rerank_sentences]
    bound = min((dtw for _, dtw, _ in head), default=0.0)
    fused = [(stage + config.dtw_weight * dtw, key) for stage, dtw, key in head]
    least = min((score for score, _ in fused), default=math.inf)
    rest = [(min(stage + config.dtw_weight * bound, least), key) for stage, _, key in found[len(head) :]]
    return sorted(fused, key=lambda line: -line[0]) + rest


@pytest.mark.parametrize("rerank", [0, 1, 4, 50])
def test_sentence_mode_equals_plain_loops(rerank):
    index, queries = made_index(), encoded(3, seed=1)
    config = ScoringConfig(rerank_sentences=rerank, references_per_sentence=2, dtw_scale=2.0)
    scores = score_sentences(queries, index, config)
    for b in range(3):
        expected = plain_scores(queries, b, index, config)
        assert [index.groups.text_keys[c] for c in scores.classes[b]] == [key for _, key in expected]
        np.testing.assert_allclose(scores.scores[b], [score for score, _ in expected], atol=1e-5)
    compared = ~np.isnan(scores.dtw_distances)
    assert (compared.sum(axis=1) == min(rerank, len(index.sentences))).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 12), st.floats(0, 0.95), st.floats(0, 1), st.floats(0.01, 50))
def test_lists_descend_and_nothing_passes_what_was_looked_at_more_closely(seed, rerank, dtw, share, scale):
    index, queries = made_index(20, 8, seed), encoded(3, seed=seed + 1)
    weights = {"similarity_weight": (1 - dtw) * share, "prototype_weight": (1 - dtw) * (1 - share)}
    weights |= {"dtw_weight": dtw, "text_weight": 0.0}
    config = ScoringConfig(rerank_sentences=rerank, dtw_scale=scale, **weights)
    scores = score_sentences(queries, index, config)
    assert (np.diff(scores.scores, axis=1) <= 1e-6).all()
    compared = ~np.isnan(scores.dtw_distances)
    assert (np.diff(compared.astype(int), axis=1) <= 0).all()  # all that were compared stand before all that were not
    # Not an artefact either: without DTW the order would be the same as with none re-ranked.
    rest = ~compared
    stage = config.similarity_weight * scores.similarities + config.prototype_weight * scores.centroid_similarities
    least = np.where(compared, scores.scores, np.inf).min(axis=1, keepdims=True)
    expected = np.minimum(stage + config.dtw_weight * scores.dtw_scores, least)
    np.testing.assert_allclose(scores.scores[rest], expected[rest], atol=1e-5)
    if 0 < rerank < compared.shape[1]:
        worst = np.where(compared, scores.dtw_scores, np.inf).min(axis=1)
        np.testing.assert_allclose(scores.dtw_scores[:, -1], worst)


def test_two_clips_of_the_right_sentence_are_not_ambiguous():
    # Fault 21: the margin is taken to the best other sentence, not to the other clip of the same one.
    clips = encoded(3)
    clips.embeddings[:] = np.eye(3, 8, dtype=np.float32)
    clips.embeddings[1] = clips.embeddings[0]
    index = SentenceIndex.build(clips, [entry("a1", "a"), entry("a2", "a"), entry("b1", "b")], "m")
    query = clips.select(slice(0, 1))
    config = ScoringConfig(similarity_weight=0.5, prototype_weight=0.5, dtw_weight=0, text_weight=0, rerank_sentences=0)
    assert score_sentences(query, index, config).margins()[0] == pytest.approx(1.0)
    assert score_sentences(query, index, PROTOTYPE).margins()[0] < 0.4


def test_a_query_does_not_meet_itself():
    index = small_index()
    queries = encoded(5)  # the very clips that are indexed
    ids = [[item.clip_id] for item in index.entries]
    scores = score_sentences(queries, index, ScoringConfig(), ids)
    assert not (scores.rows == np.arange(5)[:, None]).any()
    own = [item.text_key for item in index.entries]
    met = score_sentences(queries, index, ScoringConfig(exclude_self=False), ids)
    np.testing.assert_array_equal(met.rows[:, 0], np.arange(5))
    np.testing.assert_array_equal(met.ranks_of(own), np.ones(5))
    ranks = scores.ranks_of(own)
    assert ranks[3] == 0  # "null" has one clip, which is the query
    assert scores.rows[3].tolist()[-1] == -1
    assert scores.scores[3, -1] == -np.inf
    assert len(scores.candidates(3)) == 2
    for b in (0, 1, 2, 4):
        alone = score_sentences(queries.select(slice(b, b + 1)), index.without(ids[b]), ScoringConfig())
        assert ranks[b] == alone.ranks_of([own[b]])[0]
        np.testing.assert_allclose(scores.scores[b], alone.scores[0], atol=1e-5)


@pytest.mark.parametrize("config", [ScoringConfig(), PROTOTYPE])
def test_blocks_of_queries_make_no_difference(config):
    index, queries = made_index(), encoded(300, seed=6)  # more than are compared at once
    whole = score_sentences(queries, index, config)
    for start in (0, 200, 256):
        part = score_sentences(queries.select(slice(start, start + 44)), index, config)
        for name in ("classes", "rows", "num_references"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[start : start + 44])
        np.testing.assert_allclose(part.scores, whole.scores[start : start + 44], atol=1e-6)


@pytest.mark.parametrize("config", [ScoringConfig(), ScoringConfig(rerank_sentences=0), PROTOTYPE])
def test_empty_index_one_sentence_one_clip_no_query(config):
    empty = score_sentences(encoded(2), SentenceIndex.build([], [], "m"), config)
    assert empty.rows.shape == (2, 0)
    assert empty.candidates(0) == ()
    assert np.isnan(empty.margins()).all()
    assert empty.ranks_of(["a", "b"]).tolist() == [0, 0]
    one = SentenceIndex.build(encoded(1), [entry("a1", "a")], "m")
    alone = score_sentences(encoded(1), one, config)
    assert alone.rows.tolist() == [[0]]
    assert np.isnan(alone.margins()).all()
    assert alone.similarities[0, 0] == pytest.approx(1)
    assert alone.ranks_of(["a"]).tolist() == [1]
    assert score_sentences(encoded(0), one, config).rows.shape == (0, 1)
    leaving = score_sentences(encoded(1), one, config.model_copy(update={"exclude_self": True}), [["a1"]])
    assert leaving.rows.tolist() == [[-1]]
    assert leaving.candidates(0) == ()
    assert not np.isnan(leaving.scores).any()


def test_wrong_calls_are_refused():
    index = small_index()
    with pytest.raises(ValueError, match="exclude_clip_ids for 1 of 2"):
        score_sentences(encoded(2), index, ScoringConfig(), [[]])
    with pytest.raises(ValueError, match="1 text_keys for 2"):
        score_sentences(encoded(2), index, ScoringConfig()).ranks_of(["a"])
    with pytest.raises(ValueError, match="expected"):
        score_sentences(encoded(2, width=5), index, ScoringConfig())


@pytest.mark.parametrize(
    "change",
    [
        {"dtw_weight": 0.3},
        {"dtw_weight": 1.0, "similarity_weight": 0, "prototype_weight": 0, "text_weight": 0},
        {"dtw_scale": 0},
        {"dtw_scale": math.inf},
        {"references_per_sentence": 0},
        {"mode": "best"},
        {"unknown": 1},
    ],
)
def test_impossible_configs_are_refused(change):
    with pytest.raises(ValidationError):
        ScoringConfig(**change)


def test_ten_thousand_references_are_scored_without_a_loop_over_them():
    rng = np.random.default_rng(0)
    small = encoded(500, seed=7)
    query, lines = encoded(1, seed=8), []
    for num_clips in (500, 10_000):
        clips = small.select(rng.integers(0, 500, num_clips))
        entries = [entry(f"c{n}", f"text {n % 200}") for n in range(num_clips)]
        index = SentenceIndex.build(clips, entries, "m")
        score_sentences(query, index, ScoringConfig())  # prepares what is kept
        lines.append(lines_run(lambda index=index: score_sentences(query, index, ScoringConfig())))
    assert 50 < lines[1] < 1.5 * lines[0]


def test_a_sentence_that_the_frames_spell_rises():
    index = made_index()
    texts = [[4 + c] for c in range(len(index.groups.text_keys))]
    query = encoded(1, seed=4, words=4 + len(texts))
    query.memory_valid[:] = True
    config = ScoringConfig(text_scale=1.0, rerank_sentences=50)
    silent = score_sentences(query, index, config)
    assert np.isnan(silent.text_scores).all()
    last = int(silent.classes[0, -1])  # the frames spell the sentence that everything else thinks least likely
    query.word_log_probs[:] = -30.0
    query.word_log_probs[0, :, 4 + last] = -0.01
    heard = score_sentences(query, index, config, spellings=SpelledSentences.of(texts))
    place = int(np.flatnonzero(heard.classes[0] == last)[0])
    assert heard.text_scores[0, place] == pytest.approx(1.0, abs=0.01)
    assert np.delete(heard.text_scores[0], place).max() < 1e-6
    gained = heard.scores[0, place] - silent.scores[0, -1]
    assert gained == pytest.approx(config.text_weight, abs=0.01)
    assert heard.candidates(0, 50)[place].text_score == pytest.approx(1.0, abs=0.01)
    with pytest.raises(ValueError, match="spellings"):
        score_sentences(query, index, config, spellings=SpelledSentences.of(texts[1:]))


def test_a_clip_counts_for_the_look_even_where_it_does_not_for_the_score() -> None:
    index, queries = made_index(), encoded(2, seed=7)
    silent = {"similarity_weight": 0.0, "prototype_weight": 0.0, "dtw_weight": 0.9, "text_weight": 0.1}
    scores = score_sentences(queries, index, ScoringConfig(rerank_sentences=2, **silent))
    comparison = compare(queries.embeddings, index)
    near = np.argsort(-(comparison.similarities + comparison.centroid_similarities), axis=1, kind="stable")[:, :2]
    np.testing.assert_array_equal(np.sort(scores.classes[:, :2], axis=1), np.sort(near, axis=1))


@pytest.mark.parametrize("num_sentences", [SKETCHED_FINELY // 2, SKETCHED_FINELY + 50])
def test_of_many_sentences_the_one_whose_frames_are_alike_is_looked_at(num_sentences: int) -> None:
    clips = encoded(num_sentences, seed=3)
    index = SentenceIndex.build(clips, [entry(f"c{n}", f"text {n}") for n in range(num_sentences)], "m")
    query = clips.select(slice(70, 71))
    query = replace(query, embeddings=-query.embeddings)  # a whole clip is least like what it is
    sketches = Sketches(index.projections, index.projection_lengths)
    config = ScoringConfig(rerank_sentences=3)

    def looked_at(*left_out: str, by: Sketches | None = sketches) -> set[str]:
        ranking = score_sentences(query, index, config, [left_out], sketches=by)
        rows = ranking.rows[0][~np.isnan(ranking.dtw_distances[0])].tolist()
        assert len(rows) == 3
        return {index.entries[row].clip_id for row in rows}

    none = score_sentences(encoded(0), index, config, sketches=sketches)
    assert none.scores.shape == (0, num_sentences)
    assert "c70" in looked_at()
    assert "c70" not in looked_at("c70")
    assert "c70" not in looked_at(by=None)
