import math

import numpy as np
import pytest

from made.rankings import PROTOTYPE, made_index, plain_distance
from made.references import encoded, small_index
from signtalk.recognition.scoring import score_sentences


def test_prototype_mode_is_spec_1_9():
    index, queries = made_index(), encoded(4, seed=2)
    scores = score_sentences(queries, index, PROTOTYPE)
    for b in range(4):
        cosines = {row: float(queries.embeddings[b] @ index.embeddings[row]) for row in range(len(index))}
        by_cosine = sorted(cosines, key=lambda row: -cosines[row])
        lines = []
        for row in by_cosine[:5]:
            distance = float(plain_distance(queries, b, index, row).distances[0])
            lines.append((0.65 * cosines[row] + 0.35 * math.exp(-0.002 * distance), row, distance))
        lines.sort(reverse=True)
        assert scores.rows[b, :5].tolist() == [row for _, row, _ in lines]
        assert scores.rows[b, 5:].tolist() == by_cosine[5:]
        np.testing.assert_allclose(scores.scores[b, :5], [s for s, _, _ in lines], atol=1e-5)
        weights = np.exp(np.array([s for s, _, _ in lines]) / 0.12)
        np.testing.assert_allclose(scores.confidences[b, :5], weights / weights.sum(), rtol=1e-3)
        assert scores.margins()[b] == pytest.approx(lines[0][0] - lines[1][0], abs=1e-5)
        first = scores.candidates(b)[0]
        assert first.dtw_distance == pytest.approx(lines[0][2], rel=1e-5)
        assert first.clip_id == index.entries[lines[0][1]].clip_id
        assert first.confidence == pytest.approx(scores.confidences[b, 0])
        assert [c.rank for c in scores.candidates(b, limit=8)] == list(range(1, 9))


def test_prototype_mode_has_no_prototype_for_one_clip_sentences():
    scores = score_sentences(encoded(1, seed=3), small_index(), PROTOTYPE)
    by_id = {c.clip_id: c for c in scores.candidates(0)}
    assert by_id["c1"].proto_similarity is None
    assert by_id["a1"].proto_similarity == pytest.approx(by_id["a2"].proto_similarity)
