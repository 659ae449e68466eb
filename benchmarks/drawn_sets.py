"""Made-up sets in memory, of any seed: signs by several people each, and sentences of one language by the same people.

    ClipEncoder, seed -> drawn_signs, drawn_sentence_set, drawn_ways -> TaughtSet

The people, cameras and trackers are those that a base learns from; signs and people of another seed are others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from signtalk.calibration.unseen_signs import TaughtSet
from signtalk.errors import ClipError
from signtalk.index.encoded import ClipEncoder, concatenate
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import extract_features
from signtalk.recognition.asked import encode_all
from signtalk.synthetic.camera import TrackerKind
from signtalk.synthetic.drawn_language import drawn_lexicon, drawn_sentences, own_form
from signtalk.synthetic.drawn_people import draw_person
from signtalk.synthetic.endless import film_signs
from signtalk.synthetic.signers import generator
from signtalk.training.pretrain import unseen_made_up
from signtalk.training.pretrain_config import PretrainConfig

_SENTENCES, _SIGNS, _PEOPLE = 90, 30, 4
_WAYS_SIGNS, _WAYS_PEOPLE, _WAYS_TAKES = 24, 8, 4
_OWN_WAYS = 0.25
"""Part of the signs that a person makes in an own way, always: what such a sign is taken for is wrong or unknown."""
_AT_ONCE = 64
SignedClip = tuple[str, str, LandmarkClip]
"""What is said, by whom, and the clip."""


def drawn_signs(encoder: ClipEncoder, seed: int, name: str) -> TaughtSet:
    """Single signs, and a few in a row.

    Args:
        encoder: of the clips.
        seed: of signs and people.
        name: of the set.
    """
    made_up = unseen_made_up(PretrainConfig(name=_trackers(encoder), seed=seed, features=encoder.feature_config))
    # Of two groups that are nearly the same one: nobody teaches a sign and asks its twin.
    kept = np.array([int(label) % 2 == 0 for label in made_up.labels])
    labels, people = (tuple(np.array(each)[kept].tolist()) for each in (made_up.labels, made_up.people))
    encoded = encode_all(encoder, made_up.store, made_up.which[kept])
    return TaughtSet(name, encoded, labels, people, _unknown(len(labels)))


def drawn_sentence_set(encoder: ClipEncoder, seed: int, name: str) -> TaughtSet:
    """Sentences of three to seven signs, every fifth the one before it but for one sign; each by the same people.

    Args:
        encoder: of the clips.
        seed: of language and people.
        name: of the set.
    """
    return encoded_clips(encoder, name, _signed(seed, _trackers(encoder)))


def _signed(seed: int, trackers: TrackerKind) -> Iterator[SignedClip]:
    lexicon = drawn_lexicon(seed, _SIGNS)
    people = [draw_person(generator(seed, "fitting person", number), trackers) for number in range(_PEOPLE)]
    for sentence in drawn_sentences(seed, _SIGNS, _SENTENCES):
        signs = [lexicon[gloss] for gloss in sentence.glosses]
        for number, person in enumerate(people):
            rng = generator(seed, "fitting film", sentence.sentence_id, number)
            yield " ".join(sentence.glosses), str(number), film_signs(person, signs, rng).clip


def drawn_ways(encoder: ClipEncoder, seed: int, name: str) -> TaughtSet:
    """Signs that many people make several times each, some of them always in another way than the others.

    Args:
        encoder: of the clips.
        seed: of signs, people and their ways.
        name: of the set.
    """
    return encoded_clips(encoder, name, _signed_in_own_ways(seed, _trackers(encoder)))


def _signed_in_own_ways(seed: int, trackers: TrackerKind) -> Iterator[SignedClip]:
    people = [draw_person(generator(seed, "person of own ways", number), trackers) for number in range(_WAYS_PEOPLE)]
    for gloss, sign in drawn_lexicon(seed, _WAYS_SIGNS).items():
        for number, person in enumerate(people):
            own = own_form(sign, seed, str(number), _OWN_WAYS)
            for take in range(_WAYS_TAKES):
                rng = generator(seed, "film of own ways", gloss, number, take)
                yield gloss, str(number), film_signs(person, [own], rng).clip


def encoded_clips(encoder: ClipEncoder, name: str, signed: Iterable[SignedClip]) -> TaughtSet:
    """Clips as a set; those that never show both shoulders are left out.

    Args:
        encoder: of the clips.
        name: of the set.
        signed: the clips; their hand speeds say nothing of real ones and are left unknown.
    """
    labels, people, features, valid = [], [], [], []
    for label, person, clip in signed:
        try:
            each = extract_features(clip, encoder.feature_config)
        except ClipError:
            continue
        labels.append(label)
        people.append(person)
        features.append(each.features)
        valid.append(each.valid)
    blocks = [slice(start, start + _AT_ONCE) for start in range(0, len(labels), _AT_ONCE)]
    encoded = concatenate([encoder.encode(np.stack(features[block]), np.stack(valid[block])) for block in blocks])
    return TaughtSet(name, encoded, tuple(labels), tuple(people), _unknown(len(labels)))


def _trackers(encoder: ClipEncoder) -> TrackerKind:
    """What the trackers find that an encoder was made for."""
    return "hands" if encoder.feature_config.use_hands else "body"


def _unknown(count: int) -> np.ndarray:
    """(B,) no hand speeds."""
    return np.full(count, np.nan, dtype=np.float32)
