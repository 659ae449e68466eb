from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from made.encoder import MadeEncoder
from made.records import made_record
from made.references import encoded, entry
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.index.encoded import Encoded
from signtalk.index.index import SentenceIndex
from signtalk.recognition import asked as asked_clips
from signtalk.recognition import scoring
from signtalk.recognition.asked import Asked
from signtalk.recognition.comparison import warped_distances
from signtalk.recognition.measured import MeasuredPairs, columns_of
from signtalk.recognition.ranking import Ranking
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.recognition.scoring import SKETCHED_FINELY, ScoringConfig
from signtalk.recognition.sketches import SKETCH_COLUMNS

NUM_SENTENCES = SKETCHED_FINELY + 20
WORDS = 30


def test_each_pair_is_measured_once() -> None:
    measured = MeasuredPairs.none_yet(3, ["a", "b", "a"], [], np.arange(2))
    columns = columns_of(["b", "new", "a"], measured.clips)
    assert columns.tolist() == [1, -1, 0]
    calls: list[list[list[int]]] = []

    def measure(chosen: np.ndarray) -> np.ndarray:
        calls.append(chosen.tolist())
        return 10.0 * chosen

    chosen = np.array([[0, -1], [1, 2]])
    some = measured.select(np.array([2, 0]))
    first = some.filled(some.warped, columns, chosen, measure)
    np.testing.assert_array_equal(first, np.array([[0, np.nan], [10, 20]], dtype=np.float32))
    assert np.isnan(measured.coarse).all()
    again = measured.select(slice(0, 1)).filled(measured.warped, columns, np.array([[2, 1]]), measure)
    assert again.tolist() == [[20, 10]]
    assert calls == [[[0, -1], [1, 2]], [[-1, 1]]]  # what was not announced is measured anew
    assert measured.filled(measured.warped, columns, np.zeros((3, 0), np.int64), measure).shape == (3, 0)


def made_recognizer(num_sentences: int) -> Recognizer:
    rng = np.random.default_rng(0)
    texts = [" ".join(f"w{word}" for word in rng.integers(0, WORDS - 4, 3)) for _ in range(num_sentences)]
    tokenizer = SentenceTokenizer.fit([f"w{word}" for word in range(WORDS - 4)])
    entries = [entry(f"c{n}", f"{texts[n % num_sentences]} {n % num_sentences}") for n in range(2 * num_sentences)]
    index = SentenceIndex.build(encoded(len(entries), seed=1), entries, "m")
    decision = DecisionConfig(scoring=ScoringConfig(rerank_sentences=8))
    return Recognizer(encoder=MadeEncoder(), index=index, decision=decision, tokenizer=tokenizer)


def made_asked(num_clips: int) -> Asked:
    records = tuple(replace(made_record(f"text {n}", "s02"), clip_id=f"q{n}") for n in range(num_clips))
    return Asked(records, encoded(num_clips, seed=2, words=WORDS), np.ones(num_clips, dtype=np.float32))


def in_many_numbers(clips: Encoded, seed: int, most: float = 1.0) -> Encoded:
    """The same clips with frames of more numbers than a sketch keeps, which differ by 1 to `most`."""
    rng = np.random.default_rng(seed)
    shape = (*clips.projections.shape[:2], 2 * SKETCH_COLUMNS)
    spread = rng.uniform(1.0, most, shape[2])
    return replace(clips, projections=(rng.standard_normal(shape) * spread).astype(np.float32))


def same(first: Ranking, second: Ranking) -> None:
    for field in fields(Ranking):
        mine, other = getattr(first, field.name), getattr(second, field.name)
        if field.name == "index":
            assert mine is other
        elif mine.dtype == np.int64:
            np.testing.assert_array_equal(mine, other)  # rank for rank
        else:
            np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("num_sentences", [SKETCHED_FINELY // 4, NUM_SENTENCES])
def test_clips_that_are_asked_again_get_the_ranking_that_they_got_at_first(
    num_sentences: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer, asked = made_recognizer(num_sentences), made_asked(6)
    remembering = asked.remembering(recognizer.prepared, asked.records[:2])
    without = np.random.default_rng(3).random((6, len(recognizer.index))) < 0.4
    taught = recognizer.changed(
        recognizer.index.add(asked.encoded.select(slice(0, 2)), [entry("q0", "new one"), entry("q1", "new two")])
    )
    other = DecisionConfig(
        scoring=ScoringConfig(
            rerank_sentences=12, similarity_weight=0.4, prototype_weight=0.1, dtw_weight=0.3, text_weight=0.2
        )
    )
    asking = [
        (recognizer, None),
        (recognizer, without),
        (taught, np.pad(without, [(0, 0), (0, 2)])),
        (taught.changed(decision=other), None),
    ]
    for recognizer_now, left_out in asking:
        for (block, ranking), (_, anew) in zip(
            recognizer_now.rankings(remembering, left_out), recognizer_now.rankings(asked, left_out), strict=True
        ):
            assert block == slice(0, 256)
            same(ranking, anew)
    compared: list[int] = []

    def counted(queries: Encoded, index: SentenceIndex, rows: np.ndarray) -> np.ndarray:
        compared.append(int((rows >= 0).sum()))
        return warped_distances(queries, index, rows)

    monkeypatch.setattr(scoring, "warped_distances", counted)
    some = remembering.select(np.array([4, 1]))
    ((_, ranking),) = recognizer.rankings(some, without[[4, 1]])
    assert compared == []  # nothing was left to be measured
    ((_, anew),) = recognizer.rankings(asked.select(np.array([4, 1])), without[[4, 1]])
    assert sum(compared) > 0
    same(ranking, anew)


def test_sketches_of_other_numbers_of_a_frame_are_not_what_was_measured() -> None:
    few, asked = made_recognizer(NUM_SENTENCES), made_asked(6)
    asked = replace(asked, encoded=in_many_numbers(asked.encoded, 1))
    references = in_many_numbers(encoded(len(few.index), seed=1), 2)
    recognizer = few.changed(SentenceIndex.build(references, few.index.entries, "m"))
    remembering = asked.remembering(recognizer.prepared, asked.records[:2])
    taught = recognizer.changed(
        recognizer.index.add(
            in_many_numbers(asked.encoded.select(slice(0, 2)), 3, most=20.0),
            [entry("q0", "new one"), entry("q1", "new two")],
        )
    )
    before, after = recognizer.prepared.sketches, taught.prepared.sketches
    assert before is not None and after is not None
    assert not np.array_equal(before.columns, after.columns)  # so few references that two more choose others
    for now in (recognizer, taught, recognizer):
        for (_, ranking), (_, anew) in zip(now.rankings(remembering), now.rankings(asked), strict=True):
            same(ranking, anew)


def test_tables_that_would_be_too_large_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer, asked = made_recognizer(4), made_asked(2)
    num_figures = 2 * (3 * 8 + 4)
    monkeypatch.setattr(asked_clips, "MOST_FIGURES", num_figures)
    assert asked.remembering(recognizer.prepared).measured is not None
    monkeypatch.setattr(asked_clips, "MOST_FIGURES", num_figures - 1)
    assert asked.remembering(recognizer.prepared) is asked
