"""Made-up signing that is nearly a known sentence, or none of the language: what a stress test asks.

glosses of a known sentence --one sign exchanged | two signs in the other order--> glosses of no known sentence
SyntheticConfig, signer --sign_anything--> a clip by the same people, before the same cameras

Used by `stress_cases` where the data folder was made up.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.legacy_rows import from_prototype_rows, to_prototype_rows
from signtalk.synthetic.body import Motion
from signtalk.synthetic.dataset import Form, SyntheticConfig, film
from signtalk.synthetic.lexicon import Sign, parameters, signs
from signtalk.synthetic.signers import Signer, generator
from signtalk.synthetic.signing import perform, perform_signs

Glosses = tuple[str, ...]


def one_sign_exchanged(
    glosses: Glosses, vocabulary: Sequence[str], known: Collection[Glosses], rng: np.random.Generator
) -> Glosses | None:
    """The sentence with one sign exchanged for another of `vocabulary`, and none of `known`; None if there is none.

    Args:
        glosses: signs of the sentence.
        vocabulary: signs to choose from.
        known: sentences that it must not become.
        rng: every chance.
    """
    places = [(i, gloss) for i in range(len(glosses)) for gloss in vocabulary if gloss not in glosses]
    for number in rng.permutation(len(places)).tolist():
        place, gloss = places[number]
        near = (*glosses[:place], gloss, *glosses[place + 1 :])
        if near not in known:
            return near
    return None


def two_signs_exchanged(glosses: Glosses, known: Collection[Glosses], rng: np.random.Generator) -> Glosses | None:
    """The sentence with two of its signs in each other's place, and none of `known`; None if there is none.

    Args:
        glosses: signs of the sentence.
        known: sentences that it must not become.
        rng: every chance.
    """
    pairs = list(itertools.combinations(range(len(glosses)), 2))
    for number in rng.permutation(len(pairs)).tolist():
        first, second = pairs[number]
        near = list(glosses)
        near[first], near[second] = near[second], near[first]
        if tuple(near) != glosses and tuple(near) not in known:
            return tuple(near)
    return None


@cache
def foreign_signs(seed: int) -> dict[str, Sign]:
    """Another language of the same hands: for each gloss a sign that no gloss of the lexicon has.

    Handshapes, places, orientations, movements and faces of the lexicon, put together anew; a place that lies on the
    other hand stays with that hand.
    """
    ours = list(signs().values())
    taken = {parameters(sign) for sign in ours}
    for attempt in itertools.count():
        rng = generator(seed, "another language", attempt)
        shapes, turns, moves, faces = ([ours[i] for i in rng.permutation(len(ours))] for _ in range(4))
        foreign = [
            replace(
                sign,
                gloss=f"{sign.gloss}-{seed}",
                start=shape.start,
                end=shape.end,
                orientation=turn.orientation,
                movement=move.movement,
                direction=move.direction,
                repeats=move.repeats,
                duration_s=move.duration_s,
                face=face.face,
            )
            for sign, shape, turn, move, face in zip(ours, shapes, turns, moves, faces, strict=True)
        ]
        if taken.isdisjoint(parameters(sign) for sign in foreign):
            break
    return {sign.gloss: other for sign, other in zip(ours, foreign, strict=True)}


def sign_anything(
    config: SyntheticConfig, form: Form, signer_id: str, clip_id: str, glosses: Glosses, language: int | None = None
) -> LandmarkClip:
    """A clip in which a person of the data set signs what they are told.

    Args:
        config: of the data set, whose people and cameras they are.
        form: of its files; the clip is as if it had been read from one.
        signer_id: a letter.
        clip_id: decides all chance.
        glosses: what is signed.
        language: seed of `foreign_signs`; None signs in the language of the data set.
    """

    def act(signer: Signer, fps: float, rng: np.random.Generator) -> Motion:
        if language is None:
            return perform(signer, glosses, fps, rng)
        return perform_signs(signer, [foreign_signs(language)[gloss] for gloss in glosses], fps, rng)

    clip = film(config, signer_id, clip_id, act)
    return clip if form == "clips" else from_prototype_rows(to_prototype_rows(clip), fps=clip.fps)
