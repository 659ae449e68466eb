"""Clips found by text, against plain loops; what is no clip is not found."""

from dataclasses import replace

import numpy as np
import pytest

from made.references import ENTRIES, encoded, entry, made_space, small_index
from signtalk.errors import ConfigError
from signtalk.index.index import SentenceIndex, unit_rows
from signtalk.index.large import LargeIndex
from signtalk.index.large_files import write_large_index
from signtalk.index.references import InMemory
from signtalk.index.text_search import search_clips
from signtalk.index.written import WrittenSentence, write_sentences


def test_the_nearest_clips_come_first_as_in_a_plain_loop():
    index, space = small_index(), made_space()
    for text in ("hurt mouth", "does it open?"):
        hits = search_clips(space, text, index, k=3)
        cosines = {
            entry.clip_id: float(space.embed([text])[0] @ row)
            for entry, row in zip(index.entries, index.embeddings, strict=True)
        }
        expected = sorted(cosines, key=lambda clip_id: -cosines[clip_id])[:3]
        assert [hit.clip_id for hit in hits] == expected
        assert [hit.rank for hit in hits] == [1, 2, 3]
        np.testing.assert_allclose([hit.similarity for hit in hits], [cosines[i] for i in expected], rtol=1e-5)
    assert len(search_clips(space, "hurt mouth", index, k=99)) == 5


def said_worst():
    """Clips that are nearer to "open your mouth" the further up they stand, the last of which alone says it."""
    space = made_space("close your mouth")
    query = space.embed(["open your mouth"])[0]
    clips = encoded(6)
    clips.embeddings[:] = unit_rows(query + np.arange(6)[:, None] * 0.3 * clips.embeddings)
    texts = ["hurt", "close your mouth", "open your mouth", "null", "close your mouth", "open your mouth"]
    entries = [
        replace(entry(f"c{n}", text), sentence=text.upper(), signer_id=f"S{n % 2}") for n, text in enumerate(texts)
    ]
    return space, SentenceIndex.build(clips, entries, "model-1")


@pytest.mark.parametrize("text", ["open your mouth", "Open your mouth!", "  OPEN, your  mouth.  "])
def test_clips_that_say_exactly_this_come_first_with_their_own_similarity(text):
    space, index = said_worst()
    cosines = index.embeddings @ space.embed([text])[0]
    others = [f"c{n}" for n in np.argsort(-cosines) if n not in (2, 5)]
    said = [f"c{n}" for n in np.argsort(-cosines) if n in (2, 5)]
    assert others[0] == "c0"  # by likeness alone another one would be first
    hits = search_clips(space, text, index, 4)
    assert [hit.clip_id for hit in hits] == [*said, *others[:2]]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    for hit in hits:
        assert hit.similarity == pytest.approx(float(cosines[index.row_of[hit.clip_id]]), abs=1e-6)
    assert [hit.clip_id for hit in search_clips(space, text, index, 1)] == said[:1]
    assert [hit.clip_id for hit in search_clips(space, text, index, 9, signers=["s0"])] == ["c2", "c0", "c4"]


def test_further_references_are_searched_as_well_and_the_index_stands_over_them(tmp_path):
    space, index = said_worst()
    write_large_index(tmp_path / "large", [index], "model-1", index.projections.shape[1])
    further = LargeIndex(tmp_path / "large", "model-1")
    nothing = SentenceIndex.build([], [], "model-1")
    whole = search_clips(space, "open your mouth", index, 6)
    packed = search_clips(space, "open your mouth", nothing, 6, further=further)
    assert [hit.clip_id for hit in packed] == [hit.clip_id for hit in whole]
    assert {hit.clip_id for hit in packed[:2]} == {"c2", "c5"}
    np.testing.assert_allclose([hit.similarity for hit in packed], [hit.similarity for hit in whole], atol=2e-3)
    renamed = SentenceIndex.build(
        encoded(2, seed=5), [entry("c0", "null", sentence="mine"), entry("own", "open your mouth")], "model-1"
    )
    hits = search_clips(space, "open your mouth", renamed, 9, further=further)
    assert {hit.clip_id for hit in hits[:3]} == {"c2", "c5", "own"}
    assert [hit.sentence for hit in hits if hit.clip_id == "c0"] == ["mine"]
    assert len(hits) == 7
    only = search_clips(space, "open your mouth", renamed, 9, further=further, signers=["s1"])
    assert [hit.clip_id for hit in only] == ["c5", "c1", "c3"]
    with pytest.raises(ConfigError, match="no signer 's7'; there are s0, s01, s1"):
        search_clips(space, "open your mouth", renamed, 9, further=further, signers=["s1", "S7"])


class Unlisted(InMemory):
    """References that do not tell which names they know, as a database does not."""

    def names(self, kind):
        return None


def test_a_name_may_be_known_where_none_are_listed():
    space, index = said_worst()
    assert search_clips(space, "open", index, 9, further=Unlisted(small_index()), categories=["feet"]) == ()
    with pytest.raises(ConfigError, match="no category 'feet'"):
        search_clips(space, "open", index, 9, categories=["feet"])


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
    text = "where does it hurt"
    assert {hit.clip_id for hit in search_clips(space, text, index, 9, categories=["teeth"])} == {"b1", "b2"}
    assert len(search_clips(space, text, index, 9, categories=["teeth", "PAIN"])) == 5
    with pytest.raises(ConfigError, match="no category 'feet'; there are pain, teeth"):
        search_clips(space, text, index, 9, categories=["Feet"])
    with pytest.raises(ValueError, match="0 clips asked for"):
        search_clips(space, text, index, 0)


def test_written_sentences_are_no_clips():
    space = made_space("close your mouth")
    index = write_sentences(small_index(), [WrittenSentence("Close your mouth")], space).index
    hits = search_clips(space, "close your mouth", index, 99)
    assert {hit.clip_id for hit in hits} == {entry.clip_id for entry in ENTRIES}


def test_an_empty_index_has_no_clip():
    assert search_clips(made_space(), "null", SentenceIndex.build([], [], "model-1")) == ()


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
            search_clips(space, "null", written, categories=[category])
