import json
import math
from dataclasses import replace

import numpy as np
import pytest

from made.rankings import PROTOTYPE, made_index
from made.references import encoded, small_index
from signtalk.recognition.comparison import compare
from signtalk.recognition.ranking import Ranking, descending_order
from signtalk.recognition.scoring import ScoringConfig, score_sentences


def test_ranks_count_sentences_even_where_clips_are_ranked():
    index, queries = made_index(), encoded(6, seed=4)
    for config in (PROTOTYPE, ScoringConfig()):
        scores = score_sentences(queries, index, config)
        for key in index.groups.text_keys:
            for b, rank in enumerate(scores.ranks_of([key] * 6)):
                seen = list(dict.fromkeys(index.groups.text_keys[c] for c in scores.classes[b]))
                assert rank == seen.index(key) + 1
    assert score_sentences(queries, index, ScoringConfig()).ranks_of(["elsewhere"] * 6).tolist() == [0] * 6


def test_places_of_a_sentence_are_where_its_rank_says() -> None:
    index, queries = made_index(), encoded(6, seed=4)
    ranking = score_sentences(queries, index, ScoringConfig())
    keys = [index.groups.text_keys[b % len(index.groups.text_keys)] for b in range(6)]
    own = ranking.places_of(keys)
    assert own.sum(axis=1).tolist() == [1] * 6
    assert (own.argmax(axis=1) + 1).tolist() == ranking.ranks_of(keys).tolist()
    assert not ranking.places_of(["elsewhere"] * 6).any()


def test_candidates_say_what_is_known():
    index = small_index()
    scores = score_sentences(encoded(1, seed=5), index, ScoringConfig(rerank_sentences=2))
    lines = scores.candidates(0)
    comparison = compare(encoded(1, seed=5).embeddings, index)
    assert [line.rank for line in lines] == [1, 2, 3]
    for line in lines:
        c = index.groups.text_keys.index(line.text_key)
        assert line.raw_similarity == pytest.approx(comparison.similarities[0, c])
        assert line.proto_similarity == pytest.approx(comparison.centroid_similarities[0, c])
        assert line.num_references == len(index.sentences[line.text_key])
        assert line.video_file == f"{line.clip_id}.mp4"
        assert line.confidence is None
    assert lines[2].dtw_distance is None
    assert lines[2].dtw_score is None
    assert lines[0].dtw_score == pytest.approx(math.exp(-lines[0].dtw_distance / ScoringConfig().dtw_scale), rel=1e-5)
    named = {line.text_key: (line.sentence_id, line.sentence) for line in lines}
    assert named["where does it hurt"] == ("105", "Where does it hurt")  # canonical, whichever clip is closest
    given = scores.candidates(0, limit=1, confidences=np.array([0.25], dtype=np.float32))
    assert [line.confidence for line in given] == [0.25]
    single = next(line for line in lines if line.text_key == "null")
    assert (single.num_references, single.proto_similarity) == (1, pytest.approx(single.raw_similarity, abs=1e-6))


def test_a_candidate_is_read_as_its_sentence() -> None:
    ranking = score_sentences(encoded(1, seed=5), small_index(), ScoringConfig())
    (first,) = ranking.candidates(0, limit=1, confidences=np.array([0.254], dtype=np.float32))
    assert str(first) == f"{first.sentence} (0.25)"
    second = ranking.candidates(0, limit=2)[1]
    assert str(second) == second.sentence
    assert str(replace(second, num_references=0)) == f"{second.sentence} (only written)"
    assert json.loads(json.dumps(first.to_dict())) == first.to_dict()


def test_rankings_of_blocks_are_joined_in_order() -> None:
    index, queries = made_index(), encoded(5, seed=4)
    whole = score_sentences(queries, index, ScoringConfig())
    parts = [score_sentences(queries.select(rows), index, ScoringConfig()) for rows in (slice(0, 2), slice(2, 5))]
    joined = Ranking.joined(parts)
    np.testing.assert_array_equal(joined.rows, whole.rows)
    np.testing.assert_allclose(joined.scores, whole.scores, atol=1e-6)


def test_only_the_head_is_put_in_order() -> None:
    ranking = score_sentences(encoded(1, seed=4), made_index(), ScoringConfig())
    turned = replace(ranking, scores=ranking.scores[:, ::-1], classes=ranking.classes[:, ::-1])
    head = turned.ordered(slice(0, 3))
    assert head.scores[0, :3].tolist() == sorted(turned.scores[0, :3], reverse=True)
    np.testing.assert_array_equal(head.scores[0, 3:], turned.scores[0, 3:])
    np.testing.assert_array_equal(turned.ordered().classes, ranking.classes)


def test_scores_are_ordered_as_a_stable_sort_does() -> None:
    rng = np.random.default_rng(0)
    odd = np.array([0.0, -0.0, 1, 2, -1, -2, 3.5, 1e-40, -1e-40, np.inf, -np.inf, np.nan, -np.nan], dtype=np.float32)
    for scores in (rng.choice(odd, (20, 60)), rng.standard_normal((3, 500)).astype(np.float32), odd[:0].reshape(2, 0)):
        np.testing.assert_array_equal(descending_order(scores), np.argsort(-scores, axis=1, kind="stable"))
