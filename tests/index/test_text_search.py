"""Clips found by text, against plain loops; what is no clip is not found."""

from dataclasses import replace

import numpy as np
import pytest

from made.references import ENTRIES, encoded, made_space, small_index
from signtalk.errors import ConfigError
from signtalk.index.index import SentenceIndex
from signtalk.index.text_search import search_clips
from signtalk.index.written import WrittenSentence, write_sentences


def test_the_nearest_clips_come_first_as_in_a_plain_loop():
    index, space = small_index(), made_space()
    texts = space.embed(["open your mouth", "where does it hurt?"])
    for text, hits in zip(texts, search_clips(index, texts, k=3), strict=True):
        cosines = {entry.clip_id: float(text @ row) for entry, row in zip(index.entries, index.embeddings, strict=True)}
        expected = sorted(cosines, key=lambda clip_id: -cosines[clip_id])[:3]
        assert [hit.clip_id for hit in hits] == expected
        assert [hit.rank for hit in hits] == [1, 2, 3]
        np.testing.assert_allclose([hit.similarity for hit in hits], [cosines[i] for i in expected], rtol=1e-5)
    hit = search_clips(index, texts, k=99)[0][0]
    entry = index.entries[index.row_of[hit.clip_id]]
    assert hit.to_json() == {
        "rank": 1,
        "similarity": hit.similarity,
        **{name: getattr(entry, name) for name in ("clip_id", "video_file", "feature_path", "sentence_id")},
        **{name: getattr(entry, name) for name in ("sentence", "category", "signer_id")},
    }


def test_the_ends_of_a_text_do_not_count():
    space = made_space()
    together = space.embed(["open your mouth", "null"])
    np.testing.assert_allclose(together[1], space.embed(["null"])[0], atol=1e-6)
    np.testing.assert_allclose(together[0], space.embed(["Open, your mouth!"])[0], atol=1e-6)


def test_words_the_model_never_learned_are_named():
    assert made_space().unknown_words("Open your ears, ears!") == ("ears",)
    assert made_space().unknown_words("open your mouth") == ()
    for nothing in ("", "?!"):
        with pytest.raises(ConfigError, match="holds no word"):
            made_space().embed(["null", nothing])


def test_only_clips_of_the_category_that_was_asked_for():
    entries = [replace(entry, category="Teeth" if "mouth" in entry.text_key else "pain") for entry in ENTRIES]
    index, space = SentenceIndex.build(encoded(5), entries, "model-1"), made_space()
    texts = space.embed(["where does it hurt"])
    assert {hit.clip_id for hit in search_clips(index, texts, 9, ["teeth"])[0]} == {"b1", "b2"}
    assert len(search_clips(index, texts, 9, ["teeth", "PAIN"])[0]) == 5
    with pytest.raises(ConfigError, match="no category 'feet'; there are pain, teeth"):
        search_clips(index, texts, 9, ["Feet"])
    with pytest.raises(ValueError, match="0 clips asked for"):
        search_clips(index, texts, 0)


def test_written_sentences_are_no_clips():
    space = made_space("close your mouth")
    index = write_sentences(small_index(), [WrittenSentence("Close your mouth")], space).index
    hits = search_clips(index, space.embed(["close your mouth"]), 99)[0]
    assert {hit.clip_id for hit in hits} == {entry.clip_id for entry in ENTRIES}


def test_an_empty_index_has_no_clip():
    empty = SentenceIndex.build([], [], "model-1")
    assert search_clips(empty, made_space().embed(["null"])) == ((),)


def test_a_text_beyond_reason_is_refused_and_many_texts_are_embedded_in_blocks():
    space = made_space()
    with pytest.raises(ConfigError, match="at most 100 words"):
        space.embed(["open " * 101])
    with pytest.raises(ConfigError, match="at most 100 words"):
        space.embed(["o" * 5000])
    many = space.embed(["open your mouth"] * 300 + ["null"])
    np.testing.assert_allclose(many[:300], np.repeat(space.embed(["open your mouth"]), 300, axis=0), atol=1e-6)
    np.testing.assert_allclose(many[300], space.embed(["null"])[0], atol=1e-6)


def test_categories_of_written_sentences_and_empty_ones_are_none():
    index, space = small_index(), made_space("close your mouth")
    written = write_sentences(index, [WrittenSentence("close your mouth", "", "only written")], space).index
    for category in ("", "only written"):
        with pytest.raises(ConfigError, match="no category"):
            search_clips(written, space.embed(["null"]), categories=[category])
