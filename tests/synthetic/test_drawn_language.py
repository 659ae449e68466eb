from hypothesis import given
from hypothesis import strategies as st

from signtalk.synthetic.drawn_language import MOST_SIGNS, drawn_lexicon, drawn_sentences, own_form
from signtalk.synthetic.lexicon import parameters


def test_every_gloss_has_a_sign_of_its_own_and_a_larger_lexicon_begins_with_a_smaller_one() -> None:
    small, large = drawn_lexicon(3, 40), drawn_lexicon(3, 300)
    assert list(large.items())[:40] == list(small.items())
    assert len(set(large.values())) == 300
    assert all(sign.gloss == gloss for gloss, sign in large.items())
    assert drawn_lexicon(4, 40) != small


def test_no_two_glosses_of_the_largest_lexicon_are_spelled_alike() -> None:
    assert len(drawn_lexicon(0, MOST_SIGNS)) == MOST_SIGNS


@given(st.integers(0, 1000), st.integers(20, 60), st.integers(1, 60))
def test_sentences_are_distinct_made_of_the_lexicon_and_a_longer_list_begins_with_a_shorter_one(
    seed: int, num_signs: int, count: int
) -> None:
    sentences = drawn_sentences(seed, num_signs, count)
    assert len({sentence.glosses for sentence in sentences}) == len(sentences) == count
    assert {gloss for sentence in sentences for gloss in sentence.glosses} <= drawn_lexicon(seed, num_signs).keys()
    assert drawn_sentences(seed, num_signs, count + 7)[:count] == sentences
    for sentence in sentences:
        first, other = (text.rstrip(".").lower().split() for text in sentence.variations)
        assert first == [gloss.lower() for gloss in sentence.glosses]
        assert sorted(first) == sorted(other)


def test_every_fifth_sentence_differs_from_the_one_before_it_in_one_sign() -> None:
    sentences = [sentence.glosses for sentence in drawn_sentences(0, 200, 50)]
    for before, near in zip(sentences[3::5], sentences[4::5], strict=True):
        assert sum(a != b for a, b in zip(before, near, strict=True)) == 1
    without = [sentence.glosses for sentence in drawn_sentences(0, 200, 50, near_misses=False)]
    assert all(len(a) != len(b) or sum(x != y for x, y in zip(a, b, strict=True)) > 1
               for a, b in zip(without[3::5], without[4::5], strict=True))  # fmt: skip


def test_a_person_makes_a_share_of_the_signs_in_a_way_of_their_own_and_always_the_same() -> None:
    lexicon = drawn_lexicon(0, 600)
    ours = [sign for sign in lexicon.values() if sign.hands != "base"]
    own = [own_form(sign, 0, "B", 0.2) for sign in ours]
    assert own == [own_form(sign, 0, "B", 0.2) for sign in ours]
    share = sum(parameters(a) != parameters(b) for a, b in zip(ours, own, strict=True)) / len(ours)
    assert 0.15 < share < 0.25
    assert [own_form(sign, 0, "B", 0.0) for sign in ours] == ours
    assert [own_form(sign, 0, "C", 0.2) for sign in ours] != own
