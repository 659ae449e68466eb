from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.encoder import MadeEncoder
from made.records import made_record
from made.references import encoded, entry, made_space, small_index
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.index.index import SentenceIndex
from signtalk.index.large import LargeIndex
from signtalk.index.large_files import write_large_index
from signtalk.index.written import WrittenSentence, write_sentences
from signtalk.recognition import sketches
from signtalk.recognition.asked import Asked
from signtalk.recognition.prepared import PreparedIndex
from signtalk.recognition.recognizer import DecisionConfig, Recognizer

TOKENIZER = SentenceTokenizer.fit(list(small_index().sentence_texts))


class CountingSpace:
    """A text space that remembers how often texts were placed."""

    def __init__(self) -> None:
        self.space, self.calls = made_space("the pump beeps"), 0

    def embed(self, texts: tuple[str, ...]) -> np.ndarray:
        self.calls += 1
        return self.space.embed(texts)


def test_words_and_texts_are_laid_out_once_an_index() -> None:
    space = CountingSpace()
    plain = PreparedIndex(small_index(), TOKENIZER, space)
    assert plain.text_embeddings is None  # nothing is only written
    written = write_sentences(small_index(), [WrittenSentence("The pump beeps")], space.space).index
    prepared = PreparedIndex(written, TOKENIZER, space)
    assert prepared.words is prepared.words
    assert len(prepared.words) == len(written.sentence_texts)
    assert prepared.text_embeddings is prepared.text_embeddings
    assert space.calls == 1
    assert PreparedIndex(small_index()).words is None


def test_a_decision_keeps_what_was_laid_out_and_another_index_does_not() -> None:
    index = small_index()
    recognizer = Recognizer(encoder=MadeEncoder(), index=index, decision=DecisionConfig(), tokenizer=TOKENIZER)
    words = recognizer.prepared.words
    assert recognizer.changed(decision=DecisionConfig(translate=False)).prepared.words is words
    fewer = recognizer.changed(index=index.without(["c1"]))
    assert len(fewer.prepared.words) == len(words) - 1
    assert recognizer.prepared.words is words
    empty = recognizer.changed(index=SentenceIndex.build((), (), "model-1"))
    assert len(empty.index) == len(empty.prepared.words) == 0


@pytest.mark.parametrize("layered", [False, True])
def test_narrowing_takes_the_words_of_the_source_where_it_stands_alone(tmp_path: Path, layered: bool) -> None:
    index = small_index()
    write_large_index(tmp_path / "large", [index], "model-1", index.projections.shape[1])
    own = index.without_sentences(["null"]) if layered else SentenceIndex.build((), (), "model-1")
    prepared = PreparedIndex(own, TOKENIZER, source=LargeIndex(tmp_path / "large"))
    queries = encoded(2, seed=3, words=TOKENIZER.vocabulary_size)
    for spells in (True, False):
        narrowed = prepared.narrowed(queries, 2, spells)
        assert len(narrowed.words) == len(narrowed.index.sentence_texts) >= 2
        assert (narrowed.laid_out is not None) == (spells and not layered)
    assert PreparedIndex(own, TOKENIZER).narrowed(queries, 2, True).index is own


def test_sketches_stay_while_an_index_grows_and_not_when_a_clip_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    index, queries = small_index(), encoded(3, seed=5)
    more = index.add(encoded(2, seed=8), [entry("d1", "good morning"), entry("d2", "null")])
    swapped = index.without(["c1"]).add(encoded(1, seed=9), [entry("c1", "null")])
    few = PreparedIndex(index)
    assert few.sketches is not None
    few.sketches.coarse_distances(queries)
    assert few.changed(more).sketched is None  # what comes behind could change which numbers are kept
    monkeypatch.setattr(sketches, "COLUMNS_CHOSEN_BY", 5)
    prepared = PreparedIndex(index)
    assert prepared.changed(more).sketched is None  # nothing is made yet
    assert prepared.sketches is not None
    prepared.sketches.coarse_distances(queries)
    for other, stay in ((more, True), (swapped, False), (index.without(["a1"]), False)):
        changed = prepared.changed(other)
        assert (changed.sketched is not None) == stay
        assert changed.sketches is not None
        anew = sketches.Sketches(other.projections, other.projection_lengths).coarse_distances(queries)
        np.testing.assert_allclose(changed.sketches.coarse_distances(queries), anew, rtol=1e-6)
    assert prepared.changed(index) is prepared
    most = more.add(encoded(1, seed=10), [entry("d3", "null")])
    kept = prepared.changed(more).changed(most).sketched  # nobody asked in between
    assert kept is not None and len(kept.fine) == len(index)


def test_flags_of_what_is_left_out_hold_over_a_source(tmp_path: Path) -> None:
    index = small_index()
    write_large_index(tmp_path / "large", [index.without_sentences(["null"])], "model-1", index.projections.shape[1])
    own = index.without(["a1", "b1", "b2"])
    plain = Recognizer(encoder=MadeEncoder(), index=own, decision=DecisionConfig())
    records = tuple(replace(made_record("good morning", "s02"), clip_id=clip_id) for clip_id in ("x", "c1"))
    asked = Asked(records, encoded(2, seed=5), np.ones(2, dtype=np.float32))
    flags = np.zeros((2, len(own)), dtype=np.bool_)
    flags[0, 0] = True
    assert plain.left_out(asked, flags) is flags
    assert plain.left_out(asked, None) == [("x",), ("c1",)]
    layered = plain.over(LargeIndex(tmp_path / "large"))
    ids = [("x", own.entries[0].clip_id), ("c1",)]
    assert layered.left_out(asked, flags) == ids
    ((_, by_flags),), ((_, by_ids),) = layered.rankings(asked, flags), layered.rankings(asked, ids)
    assert len(by_flags.index) > len(own)
    np.testing.assert_array_equal(by_flags.rows, by_ids.rows)
