"""Which sentences a new person is asked for first."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from made.references import small_index
from made.signers import SENTENCES, WORDS, SignWorld
from signtalk.recognition.signer_prompts import next_sentences

WORLD = SignWorld.made()
INDEX = WORLD.index(each=1)


def test_a_few_sentences_hold_all_words_before_any_comes_a_third_time():
    first = next_sentences(INDEX, WORLD.tokenizer, (), 4)
    counts = np.array([sum(word in text.split() for text in first) for word in WORDS])
    assert counts.min() >= 1
    assert counts.max() <= 2


@settings(max_examples=30, deadline=None)
@given(st.sets(st.sampled_from(SENTENCES), max_size=12), st.integers(0, 60), st.booleans())
def test_no_sentence_is_asked_twice_and_none_that_was_signed(signed, limit, spells):
    asked = next_sentences(INDEX, WORLD.tokenizer if spells else None, signed, limit)
    assert len(asked) == len(set(asked)) == min(limit, len(SENTENCES) - len(signed))
    assert not signed & set(asked)
    assert asked == next_sentences(INDEX, WORLD.tokenizer if spells else None, sorted(signed), limit)


def test_words_that_were_signed_are_asked_for_last():
    asked = next_sentences(INDEX, WORLD.tokenizer, ["small tea", "tea small", "small tea small"], 4)
    assert not {"small", "tea"} & set(asked[0].split())


def test_without_words_each_lies_far_from_those_before():
    centroids = {
        INDEX.entries[row].sentence: INDEX.centroid_matrix()[c] for c, row in enumerate(INDEX.groups.canonical_rows)
    }
    asked = next_sentences(INDEX, None, ["small tea"], 3)
    likeness = {text: centroids[text] @ centroids["small tea"] for text in SENTENCES if text != "small tea"}
    assert asked[0] == min(likeness, key=lambda text: likeness[text])


def test_nothing_known_asks_for_nothing():
    assert next_sentences(small_index().without(["a1", "a2", "b1", "b2", "c1"]), None, (), 5) == ()
    assert len(next_sentences(small_index(), None, ["nobody said this"], 9)) == 3
