"""What it is worth to know the person: before and after a few of their sentences are known, asked for all the others.

    Recognizer + test clips -> for each signer and n: n sentences teach the person, all others are asked -> KnownSigner

The sentences that teach are known to everybody: only how this person signs them is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from signtalk.arrays import BoolArray, IntArray
from signtalk.data.records import text_key
from signtalk.evaluation.answered import answer_asked
from signtalk.evaluation.intervals import mean_of_groups
from signtalk.evaluation.results import KnownSigner
from signtalk.recognition.asked import Asked
from signtalk.recognition.recognizer import Recognizer
from signtalk.recognition.signer_fit import SignerFitConfig, fit_signer
from signtalk.recognition.signer_prompts import next_sentences
from signtalk.recognition.signer_transform import SignerTransform

RANDOM_DRAWS = 3


@dataclass(frozen=True, eq=False)
class _Told:
    """What a recognizer tells of some clips: whether the first candidate is right, and whether it is accepted."""

    right: BoolArray
    accepted: BoolArray

    @property
    def precision(self) -> float | None:
        return float(self.right[self.accepted].mean()) if self.accepted.any() else None


def measure_known_signer(
    recognizer: Recognizer,
    known: Asked,
    counts: Sequence[int],
    seed: int = 0,
    config: SignerFitConfig | None = None,
) -> tuple[KnownSigner, ...]:
    """Ask each signer's sentences before and after some others of theirs are known.

    Args:
        recognizer: everybody's; its index holds no clip of the signers asked.
        known: their clips of indexed sentences.
        counts: how many sentences teach; a signer who signs no more than that is left out.
        seed: which of them, and of the bootstrap.
        config: of the fit.

    Returns:
        For each count one with sentences as `next_sentences` chooses them, and one with `RANDOM_DRAWS` drawings; none
        where nobody signs enough.
    """
    plain = recognizer.changed(decision=recognizer.decision.model_copy(update={"translate": False}))
    keys = np.array(known.keys)
    before = _told(plain, known, np.arange(len(keys)))
    telling = next_sentences(plain.index, plain.tokenizer, (), len(plain.index.sentences))
    ordered = [text_key(text) for text in telling]
    measured = []
    for count in counts:
        for guided in (True, False):
            rows, after = list[IntArray](), list[_Told]()
            for taught, asked in _draws(known, ordered, count, guided, seed):
                texts = [known.records[row].sentence for row in taught.tolist()]
                signer = fit_signer(known.encoded.select(taught), texts, plain.index, plain.tokenizer, config)
                rows.append(asked)
                after.append(_told(plain, known, asked, signer))
            if rows:
                chosen = np.concatenate(rows)
                told = _Told(
                    *(np.concatenate([getattr(each, name) for each in after]) for name in ("right", "accepted"))
                )
                was = _Told(before.right[chosen], before.accepted[chosen])
                measured.append(_result(count, guided, known, chosen, was, told, seed))
    return tuple(measured)


def _told(recognizer: Recognizer, known: Asked, rows: IntArray, signer: SignerTransform | None = None) -> _Told:
    asked = known.select(rows)
    if signer is not None:
        asked = replace(asked, encoded=signer.applied(asked.encoded))
    answered = answer_asked(recognizer, asked)
    return _Told(answered.right, answered.accepted)


def _draws(
    known: Asked, ordered: Sequence[str], count: int, guided: bool, seed: int
) -> Iterator[tuple[IntArray, IntArray]]:
    """For each signer which clips teach, one a sentence, and which are asked: all of other sentences.

    `ordered` are the sentences of the index, those that tell most first.
    """
    keys, signers = np.array(known.keys), np.array([record.signer_id for record in known.records])
    for signer in np.unique(signers).tolist():
        own = np.flatnonzero(signers == signer)
        signed = set(keys[own].tolist())
        best = [key for key in ordered if key in signed]
        if len(signed) <= count or len(best) < count:
            continue
        for draw in range(1 if guided else RANDOM_DRAWS):
            rng = np.random.default_rng([seed, draw])
            chosen = best[:count] if guided else rng.permutation(sorted(best))[:count].tolist()
            taught = np.array([rng.choice(own[keys[own] == key]) for key in chosen], dtype=np.int64)
            yield taught, own[~np.isin(keys[own], chosen)]


def _result(
    count: int, guided: bool, known: Asked, rows: IntArray, before: _Told, after: _Told, seed: int
) -> KnownSigner:
    keys = np.array(known.keys)[rows]
    signers = np.array([known.records[row].signer_id for row in rows.tolist()])

    return KnownSigner(
        num_sentences=count,
        chosen="guided" if guided else "random",
        num_queries=len(rows),
        before=mean_of_groups(before.right, keys, seed),
        after=mean_of_groups(after.right, keys, seed),
        by_signer={
            name: (float(before.right[signers == name].mean()), float(after.right[signers == name].mean()))
            for name in np.unique(signers).tolist()
        },
        accepted_before=float(before.accepted.mean()),
        accepted_after=float(after.accepted.mean()),
        precision_before=before.precision,
        precision_after=after.precision,
    )
