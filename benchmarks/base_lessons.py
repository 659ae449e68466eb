"""What the decision of a base is fitted on: signs, and sentences of them, that its encoder never saw.

    ClipEncoder + Manifest ... --taught_sets--> TaughtSet ..., for `calibration.unseen_signs`

A gate that has heard single signs, and a few in a row, answers few sentences, and weights that were chosen on those
rank sentences worse than they could. So the made-up people sign sentences as well, and the signs of one recorded set
are strung together. Others make some signs in ways of their own. Who rests before the camera is asked about, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from drawn_sets import SignedClip, drawn_sentence_set, drawn_signs, drawn_ways, encoded_clips
from signtalk.calibration.unseen_signs import AT_REST, TaughtSet
from signtalk.data.manifest import ClipRecord, Manifest, clip_of_record
from signtalk.data.packed import pack_clips
from signtalk.index.encoded import ClipEncoder
from signtalk.recognition.asked import asked_packed
from signtalk.segmentation.streams import joined_signs

STRUNG = ("ksl_phrases_5sessions",)
"""Sets whose signs are strung together. Those of `asl_words_3signers` are already, in `asl_sentences_3signers`: a gate
that has not heard them is judged by it."""
_SEED = 17
"""Made-up signs on which the decision is fitted: none of those that the best epoch was chosen by."""
SENTENCES = 90
_LENGTHS = (2, 3, 4)
NEAR_EVERY = 5
"""Every fifth sentence is the one before it with one sign exchanged, as made-up ones are."""
_GAP_S = 0.25
_MADE_UP = "made up"


def taught_sets(encoder: ClipEncoder, manifests: Sequence[Manifest], stores: Path) -> list[TaughtSet]:
    """Clips that the encoder never learned from: signs and sentences, each set's own under one name.

    Args:
        encoder: it.
        manifests: the recorded sets.
        stores: folder of their packed clips.
    """
    sets = [draw(encoder, _SEED, _MADE_UP) for draw in (drawn_signs, drawn_sentence_set, drawn_ways)]
    for manifest in manifests:
        name = manifest.root.name
        store = pack_clips(manifest.records, encoder.feature_config, stores / name)
        asked = asked_packed(encoder, store, manifest.records)
        if asked is not None:
            labels = tuple(AT_REST if record.is_idle else record.text_key for record in asked.records)
            people = tuple(record.signer_id for record in asked.records)
            sets.append(TaughtSet(name, asked.encoded, labels, people, asked.motions))
        if name in STRUNG:
            sets.append(encoded_clips(encoder, name, _strung(manifest.records)))
    return sets


def _strung(records: Iterable[ClipRecord]) -> Iterator[SignedClip]:
    """Sentences of recorded signs, each by everybody who makes all of them."""
    by_sign: dict[tuple[str, str], list[ClipRecord]] = {}
    for record in records:
        if not record.is_idle:
            by_sign.setdefault((record.text_key, record.signer_id), []).append(record)
    signs, people = (sorted({key[i] for key in by_sign}) for i in (0, 1))
    rng = np.random.default_rng(_SEED)
    for sentence in strung_sentences(signs, rng):
        for person in people:
            takes = [by_sign.get((sign, person), ()) for sign in sentence]
            if all(takes):
                clips = [clip_of_record(each[int(rng.integers(len(each)))]) for each in takes]
                yield " / ".join(sentence), person, joined_signs(clips, _GAP_S)


def strung_sentences(signs: Sequence[str], rng: np.random.Generator) -> list[tuple[str, ...]]:
    """No two are equal, and in none a sign follows itself."""
    drawn: list[tuple[str, ...]] = []
    while len(drawn) < SENTENCES:
        sentence = rng.choice(signs, int(rng.choice(_LENGTHS))).tolist()
        if len(drawn) % NEAR_EVERY == NEAR_EVERY - 1:
            place = int(rng.integers(len(drawn[-1])))
            sentence = [*drawn[-1][:place], sentence[0], *drawn[-1][place + 1 :]]
        follows_itself = any(first == second for first, second in pairwise(sentence))
        if tuple(sentence) not in drawn and not follows_itself:
            drawn.append(tuple(sentence))
    return drawn
