"""A made-up language of any size, drawn by a seed: signs with words for them, and sentences without end.

    seed, number of signs -> drawn_lexicon, drawn_sentences -> Sentence; own_form: the sign as one person makes it

`lexicon` is small and means something; this one is as large as a data set that a clinic would collect.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from signtalk.synthetic.drawn_signs import draw_sign
from signtalk.synthetic.lexicon import Sentence, Sign, substitutions
from signtalk.synthetic.signers import generator

LEAST_SIGNS, MOST_SIGNS = 20, 7000
_SYLLABLES = tuple(consonant + vowel for consonant in "bdfghklmnprstvwyz" for vowel in "aeiou")
_STRIDE = 2311
"""Has no divisor in common with the number of words of two syllables, so that neighbours share none."""
_LENGTHS, _LENGTH_SHARE = (3, 4, 5, 6, 7), (0.05, 0.2, 0.25, 0.25, 0.25)
_RARER = 12
"""The sign of rank r is used in proportion to 1 / (r + 12): a few often, most seldom, as words are."""
_NEAR_EVERY = 5
CATEGORY = "Made up"
_Glosses = tuple[str, ...]


@lru_cache(maxsize=4)
def drawn_lexicon(seed: int, num_signs: int) -> dict[str, Sign]:
    """Signs by gloss, the most used first; a larger lexicon of the same seed begins with a smaller one.

    Args:
        seed: of the language.
        num_signs: how many, at most 7,000.
    """
    return {
        gloss: replace(draw_sign(generator(seed, "drawn sign", gloss)), gloss=gloss)
        for gloss in map(_gloss, range(num_signs))
    }


@lru_cache(maxsize=4)
def drawn_sentences(seed: int, num_signs: int, count: int, near_misses: bool = True) -> tuple[Sentence, ...]:
    """The first sentences of a language; no two of the same signs in the same order.

    Args:
        seed: of the language.
        num_signs: of its lexicon, 20 to 7,000.
        count: how many sentences.
        near_misses: every fifth is the one before it with one sign exchanged.
    """
    glosses = tuple(map(_gloss, range(num_signs)))
    share = 1 / (np.arange(num_signs) + _RARER)
    share /= share.sum()
    taken: dict[_Glosses, None] = {}
    signed: _Glosses = ()
    for number in range(count):
        rng, before = generator(seed, "drawn sentence", number), signed
        while not signed or signed in taken:
            signed = tuple(glosses[i] for i in rng.choice(num_signs, rng.choice(_LENGTHS, p=_LENGTH_SHARE), p=share))
            if near_misses and number % _NEAR_EVERY == _NEAR_EVERY - 1:
                place = int(rng.integers(len(before)))
                signed = (*before[:place], signed[0], *before[place + 1 :])
        taken[signed] = None
    return tuple(Sentence(str(i), CATEGORY, signed, _texts(signed)) for i, signed in enumerate(taken, 1))


def own_form(sign: Sign, seed: int, signer_id: str, share: float) -> Sign:
    """The sign as one person makes it: now and then with one parameter exchanged as people do.

    Args:
        sign: of the language.
        seed: of the language.
        signer_id: the person.
        share: of the signs that they make in a way of their own.
    """
    rng = generator(seed, "own form", signer_id, sign.gloss)
    if sign.hands == "base" or rng.random() >= share:
        return sign
    ways = list(substitutions(sign))
    return replace(ways[int(rng.integers(len(ways)))], nuance=sign.nuance)


def _gloss(number: int) -> str:
    """A word of two syllables, another one for each number."""
    first, second = divmod(number * _STRIDE % len(_SYLLABLES) ** 2, len(_SYLLABLES))
    return (_SYLLABLES[first] + _SYLLABLES[second]).upper()


def _texts(signed: _Glosses) -> tuple[str, str]:
    """The words in the order of the signs; and with the last one first, which means the same."""
    words = [gloss.lower() for gloss in signed]
    return " ".join(words).capitalize() + ".", " ".join([words[-1], *words[:-1]]).capitalize() + "."
