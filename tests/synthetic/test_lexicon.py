import itertools

from signtalk.data.manifest import text_key
from signtalk.synthetic.lexicon import (
    HANDSHAPES,
    Sign,
    distinct_sentences,
    one_sign_apart,
    parameters,
    sentences,
    signs,
    variants,
)


def sign_distance(a: Sign, b: Sign) -> int:
    return sum(x != y for x, y in zip(parameters(a), parameters(b), strict=True))


def test_there_are_enough_signs_and_all_differ() -> None:
    listed = signs()
    assert len(listed) >= 60
    assert all(name == name.upper() for name in listed)
    distances = [sign_distance(a, b) for a, b in itertools.combinations(listed.values(), 2)]
    assert min(distances) == 1  # minimal pairs exist, and no two signs are the same
    assert len(HANDSHAPES) >= 16


def test_variants_are_other_ways_of_known_signs() -> None:
    for name, variant in variants().items():
        assert sign_distance(signs()[name], variant) >= 1


def test_sentences_are_distinct_composed_of_known_signs_and_paraphrased() -> None:
    listed = sentences()
    assert len(listed) >= 150
    known = set(signs())
    keys = [text_key(sentence.variations[0]) for sentence in listed]
    assert len(set(keys)) == len(keys)
    assert len({sentence.category for sentence in listed}) >= 6
    for sentence in listed:
        assert set(sentence.glosses) <= known
        assert 3 <= len(sentence.variations) <= 6
        assert len({text_key(text) for text in sentence.variations}) == len(sentence.variations)


def test_near_misses_exist() -> None:
    glosses = {sentence.glosses for sentence in sentences()}
    one_word = sum(
        len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1
        for a, b in itertools.combinations(glosses, 2)
    )
    assert one_word > 20


def test_one_sign_apart_is_one_exchanged_added_or_left_out() -> None:
    assert one_sign_apart("ABC", "ABC")
    assert one_sign_apart("ABC", "AXC")
    assert one_sign_apart("ABC", "ABCD")
    assert one_sign_apart("BC", "ABC")
    assert not one_sign_apart("ABC", "CBA")
    assert not one_sign_apart("ABC", "AXY")
    assert not one_sign_apart("ABC", "ABCDE")


def test_distinct_sentences_are_two_signs_apart_and_in_order() -> None:
    listed = distinct_sentences()
    assert len(listed) >= 60
    assert not any(one_sign_apart(a.glosses, b.glosses) for a, b in itertools.combinations(listed, 2))
    numbers = [int(sentence.sentence_id) for sentence in listed]
    assert numbers == sorted(numbers)
    left_out = set(sentences()) - set(listed)
    assert all(any(one_sign_apart(s.glosses, kept.glosses) for kept in listed) for s in left_out)
