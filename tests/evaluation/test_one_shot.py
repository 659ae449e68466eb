import numpy as np
import pytest

from signtalk.evaluation.one_shot import EVIDENCE, OneShotDraw, draw_references, one_shot
from signtalk.index.encoded import Encoded

LABELS = tuple("abc" * 6)
PEOPLE = tuple(person for person in ("ann", "ben") for _ in range(9))


def encoded(noise: float, seed: int = 0) -> Encoded:
    """Clips of three signs, each a direction and a course of frames; so much noise upon it."""
    rng = np.random.default_rng(seed)
    places = np.array(["abc".index(label) for label in LABELS])
    embeddings = np.eye(8, dtype=np.float32)[places] + noise * rng.standard_normal((18, 8)).astype(np.float32)
    frames = np.eye(8, dtype=np.float32)[(places[:, None] + np.arange(6)) % 8]
    frames = frames + noise * rng.standard_normal(frames.shape).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    nothing = np.zeros((18, 6, 0), dtype=np.float32)
    return Encoded(embeddings, frames, nothing, np.ones((18, 6), dtype=bool), np.zeros(18, dtype=np.float32), nothing)


def test_each_person_teaches_once_and_the_others_are_asked() -> None:
    draws = list(draw_references(LABELS, PEOPLE, 2, np.random.default_rng(0)))
    assert len(draws) == 2
    for draw in draws:
        teachers = {PEOPLE[i] for i in draw.references}
        assert len(teachers) == 1 and teachers.isdisjoint({PEOPLE[i] for i in draw.queries})
        assert sorted(LABELS[i] for i in draw.references) == ["a", "a", "b", "b", "c", "c"]
        assert len(draw.queries) == 9


def test_of_many_questions_as_many_as_are_wanted_are_asked() -> None:
    (draw, _) = draw_references(LABELS, PEOPLE, 1, np.random.default_rng(0), most_queries=4)
    assert len(draw.queries) == 4


def test_a_sign_that_the_teacher_never_made_is_not_asked() -> None:
    labels = ["a", "b", "a", "b", "c"]
    people = ["ann", "ann", "ben", "ben", "ben"]
    draws = draw_references(labels, people, 1, np.random.default_rng(0))
    (draw,) = (each for each in draws if 0 in each.references)
    assert draw.queries.tolist() == [2, 3]


def test_clear_signs_are_all_recognised_and_noise_is_not() -> None:
    (draw, _) = draw_references(LABELS, PEOPLE, 1, np.random.default_rng(0))
    clear, noisy = one_shot(encoded(0.01), LABELS, draw), one_shot(encoded(50.0), LABELS, draw)
    assert clear.recall_at_1 == dict.fromkeys(EVIDENCE, 1.0) and clear.mrr == dict.fromkeys(EVIDENCE, 1.0)
    assert max(noisy.recall_at_1.values()) < 0.9
    assert clear.num_queries == 9


def test_the_nearest_of_several_references_counts_and_ranks_are_those_of_a_loop() -> None:
    clips = encoded(0.8, seed=4)
    draw = OneShotDraw(np.arange(9), np.arange(9, 18))
    score = one_shot(clips, LABELS, draw)
    ranks = []
    for query in draw.queries:
        near = {
            s: max(float(clips.embeddings[query] @ clips.embeddings[r]) for r in range(9) if LABELS[r] == s)
            for s in "abc"
        }
        order = sorted(near, key=lambda sign: -near[sign])
        ranks.append(order.index(LABELS[query]) + 1)
    assert score.recall_at_1["embedding"] == pytest.approx(np.mean(np.array(ranks) == 1))
    assert score.mrr["embedding"] == pytest.approx(np.mean(1 / np.array(ranks)))
