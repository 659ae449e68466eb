"""What the decision of a base is fitted on: signs, and sentences of them, that its encoder never saw.

    Checkpoint + Manifest ... --taught_sets--> TaughtSet ..., for `calibration.unseen_signs`

A gate that has heard single signs alone is too sure of sentences, which differ in one sign of many, and weights that
were chosen on signs rank sentences worse than they could. So the made-up people sign sentences as well, and the signs
of one recorded set are strung together. Who rests before the camera is asked about, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from signtalk.calibration.unseen_signs import RESTING, TaughtSet
from signtalk.data.manifest import ClipRecord, Manifest, clip_of_record
from signtalk.data.packed import pack_clips
from signtalk.errors import ClipError
from signtalk.index.encoded import ClipEncoder, Encoded, concatenate
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import extract_features
from signtalk.recognition.asked import asked_packed, encode_all
from signtalk.segmentation.streams import joined_signs
from signtalk.synthetic.drawn_language import drawn_lexicon, drawn_sentences
from signtalk.synthetic.drawn_people import draw_person
from signtalk.synthetic.endless import film_signs
from signtalk.synthetic.signers import generator
from signtalk.training.pretrain import unseen_made_up
from signtalk.training.pretrain_config import PretrainConfig

STRUNG = ("ksl_phrases_5sessions",)
"""Sets whose signs are strung together. Of `asl_words_3signers` others are already (`asl_sentences_3signers`), which
judge what is fitted here."""
_SEED = 17
"""Made-up signs on which the decision is fitted: none of those that the best epoch was chosen by."""
_SENTENCES, _SIGNS, _PEOPLE = 90, 30, 4
_LENGTHS = (2, 3, 4)
_NEAR_EVERY = 5
"""Every fifth sentence is the one before it with one sign exchanged, made up or strung together."""
_GAP_S = 0.25
_AT_ONCE = 64
_MADE_UP = "made up"
_Signed = tuple[str, str, LandmarkClip]
"""What is said, by whom, and the clip."""


def taught_sets(encoder: ClipEncoder, manifests: Sequence[Manifest], stores: Path) -> list[TaughtSet]:
    """Clips that the encoder never learned from: signs and sentences, each set's own under one name.

    Args:
        encoder: it.
        manifests: the recorded sets.
        stores: folder of their packed clips.
    """
    sets = [_made_up_signs(encoder), _encoded(encoder, _MADE_UP, _made_up_sentences())]
    for manifest in manifests:
        name = manifest.root.name
        store = pack_clips(manifest.records, encoder.feature_config, stores / name)
        asked = asked_packed(encoder, store, manifest.records)
        if asked is not None:
            labels = tuple(RESTING if record.is_idle else record.text_key for record in asked.records)
            people = tuple(record.signer_id for record in asked.records)
            sets.append(TaughtSet(name, asked.encoded, labels, people, asked.motions))
        if name in STRUNG:
            sets.append(_encoded(encoder, name, _strung(manifest.records)))
    return sets


def _made_up_signs(encoder: ClipEncoder) -> TaughtSet:
    made_up = unseen_made_up(PretrainConfig(seed=_SEED, features=encoder.feature_config))
    # Of two groups that are nearly the same one: nobody teaches a sign and asks its twin.
    kept = np.array([int(label) % 2 == 0 for label in made_up.labels])
    labels, people = (tuple(np.array(each)[kept].tolist()) for each in (made_up.labels, made_up.people))
    encoded = encode_all(encoder, made_up.store, made_up.which[kept])
    return TaughtSet(_MADE_UP, encoded, labels, people, _unknown(len(labels)))


def _made_up_sentences() -> Iterator[_Signed]:
    """Sentences of one made-up language, each by the same people."""
    lexicon = drawn_lexicon(_SEED, _SIGNS)
    people = [draw_person(generator(_SEED, "fitting person", number)) for number in range(_PEOPLE)]
    for sentence in drawn_sentences(_SEED, _SIGNS, _SENTENCES):
        signs = [lexicon[gloss] for gloss in sentence.glosses]
        for number, person in enumerate(people):
            rng = generator(_SEED, "fitting film", sentence.sentence_id, number)
            yield " ".join(sentence.glosses), str(number), film_signs(person, signs, rng).clip


def _strung(records: Iterable[ClipRecord]) -> Iterator[_Signed]:
    """Sentences of recorded signs, each by everybody who makes all of them."""
    by_sign: dict[tuple[str, str], list[ClipRecord]] = {}
    for record in records:
        if not record.is_idle:
            by_sign.setdefault((record.text_key, record.signer_id), []).append(record)
    signs, people = (sorted({key[i] for key in by_sign}) for i in (0, 1))
    rng = np.random.default_rng(_SEED)
    for sentence in _sentences(signs, rng):
        for person in people:
            takes = [by_sign.get((sign, person), ()) for sign in sentence]
            if all(takes):
                clips = [clip_of_record(each[int(rng.integers(len(each)))]) for each in takes]
                yield " / ".join(sentence), person, joined_signs(clips, _GAP_S)


def _sentences(signs: Sequence[str], rng: np.random.Generator) -> list[tuple[str, ...]]:
    """No two are equal, and in none a sign follows itself."""
    drawn: list[tuple[str, ...]] = []
    while len(drawn) < _SENTENCES:
        sentence = rng.choice(signs, int(rng.choice(_LENGTHS))).tolist()
        if len(drawn) % _NEAR_EVERY == _NEAR_EVERY - 1:
            place = int(rng.integers(len(drawn[-1])))
            sentence = [*drawn[-1][:place], sentence[0], *drawn[-1][place + 1 :]]
        follows_itself = any(first == second for first, second in pairwise(sentence))
        if tuple(sentence) not in drawn and not follows_itself:
            drawn.append(tuple(sentence))
    return drawn


def _encoded(encoder: ClipEncoder, name: str, signed: Iterable[_Signed]) -> TaughtSet:
    """Clips as a set; those that never show both shoulders are left out."""
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
    parts: list[Encoded] = [
        encoder.encode(np.stack(features[start : start + _AT_ONCE]), np.stack(valid[start : start + _AT_ONCE]))
        for start in range(0, len(labels), _AT_ONCE)
    ]
    return TaughtSet(name, concatenate(parts), tuple(labels), tuple(people), _unknown(len(labels)))


def _unknown(count: int) -> np.ndarray:
    """(B,) no hand speeds: those of made-up and of strung clips say nothing of real ones."""
    return np.full(count, np.nan, dtype=np.float32)
