"""How well signs are told apart by one or a few references of one person, asked by all others.

embeddings, frame projections, labels, signers --one_shot--> R@1 and MRR, a draw of the references at a time

Nothing is fitted: the cosine of the embeddings and the DTW distance of the frames are standardised a query and added.
`recall_as_ranked` asks a recognizer instead, whose weights were fitted elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signtalk.arrays import FloatArray, IntArray
from signtalk.index.encoded import Encoded, valid_lengths
from signtalk.index.files import IndexEntry
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import ENROLLED_ID
from signtalk.recognition.dtw import dtw_by_row
from signtalk.recognition.recognizer import Recognizer

EVIDENCE = ("embedding", "dtw", "both")


@dataclass(frozen=True, eq=False)
class OneShotDraw:
    """Which clips teach, and which are asked.

    Attributes:
        references: (R,) places of the clips that teach.
        queries: (Q,) places of the clips that are asked.
    """

    references: IntArray
    queries: IntArray


@dataclass(frozen=True)
class OneShotScore:
    """What one draw gave.

    Attributes:
        recall_at_1: by kind of evidence.
        mrr: mean reciprocal rank, likewise.
        num_queries: asked.
    """

    recall_at_1: dict[str, float]
    mrr: dict[str, float]
    num_queries: int


def draw_references(
    labels: Sequence[str], people: Sequence[str], k: int, rng: np.random.Generator, most_queries: int = 0
) -> Iterator[OneShotDraw]:
    """One draw for each person who makes two signs or more: k clips of each sign teach, other people's are asked.

    Args:
        labels: what each clip says.
        people: who signs it, or in which session.
        k: references of a sign; a person who made it fewer times teaches with those.
        rng: every chance.
        most_queries: ask at most so many; 0 = all.
    """
    said, who = np.asarray(labels), np.asarray(people)
    for person in sorted(set(people)):
        own = np.flatnonzero(who == person)
        signs = np.unique(said[own])
        asked = np.flatnonzero((who != person) & np.isin(said, signs))
        if len(signs) < 2 or not len(asked):
            continue
        references = np.concatenate([rng.permutation(own[said[own] == sign])[:k] for sign in signs])
        asked = rng.permutation(asked)
        yield OneShotDraw(references, np.sort(asked[:most_queries] if most_queries else asked))


def one_shot(encoded: Encoded, labels: Sequence[str], draw: OneShotDraw) -> OneShotScore:
    """Recognise the queries of a draw by its references.

    Args:
        encoded: all clips.
        labels: what each says.
        draw: who teaches and who is asked.
    """
    said = np.asarray(labels)
    signs, sign_of_reference = np.unique(said[draw.references], return_inverse=True)
    references, queries = encoded.select(draw.references), encoded.select(draw.queries)
    cosine_distances = 1 - queries.embeddings @ references.embeddings.T
    warped = _warped(queries, references)
    by_sign = [_of_signs(each, sign_of_reference, len(signs)) for each in (cosine_distances, warped)]
    distances = dict(zip(EVIDENCE, (*by_sign, sum(map(_standardised, by_sign))), strict=True))
    true = np.searchsorted(signs, said[draw.queries])
    ranks = {name: _ranks(np.asarray(each), true) for name, each in distances.items()}
    return OneShotScore(
        recall_at_1={name: float(np.mean(rank == 1)) for name, rank in ranks.items()},
        mrr={name: float(np.mean(1 / rank)) for name, rank in ranks.items()},
        num_queries=len(draw.queries),
    )


def recall_as_ranked(recognizer: Recognizer, encoded: Encoded, labels: Sequence[str], draw: OneShotDraw) -> float:
    """R@1 of a draw as a recognizer ranks, to whom nothing else was taught.

    Args:
        recognizer: its scoring counts, its index does not.
        encoded: all clips.
        labels: what each says.
        draw: who teaches and who is asked.
    """
    index = taught_index(encoded, labels, draw.references)
    ranking = recognizer.changed(index=index).rank(encoded.select(draw.queries))
    return float(np.mean(ranking.ranks_of([labels[row] for row in draw.queries.tolist()]) == 1))


def taught_index(encoded: Encoded, labels: Sequence[str], references: IntArray) -> SentenceIndex:
    """An index of clips as enrolment makes it.

    Args:
        encoded: all clips.
        labels: what each says.
        references: (R,) places of those that teach.
    """
    entries = [
        IndexEntry(
            clip_id=str(row), video_file="", feature_path="", sentence_id=f"{ENROLLED_ID}{labels[row]}",
            sentence=labels[row], category="", signer_id="", text_key=labels[row],
        )
        for row in references.tolist()
    ]  # fmt: skip
    return SentenceIndex.build((encoded.select(references),), entries, "taught")


def _warped(queries: Encoded, references: Encoded) -> FloatArray:
    """(Q, R) DTW distance of each query's frames to each reference's."""
    every = np.broadcast_to(np.arange(references.num_clips), (queries.num_clips, references.num_clips))
    lengths = valid_lengths(references.memory_valid)
    return dtw_by_row(queries.projections, queries.memory_valid, references.projections, lengths, every).normalised


def _of_signs(distances: FloatArray, sign_of_reference: npt.NDArray[np.integer], num_signs: int) -> FloatArray:
    """(Q, S) the nearest reference of each sign."""
    return np.stack([distances[:, sign_of_reference == sign].min(axis=1) for sign in range(num_signs)], axis=1)


def _standardised(distances: FloatArray) -> FloatArray:
    """(Q, S) zero mean and unit spread a query."""
    spread = np.maximum(distances.std(axis=1, keepdims=True), 1e-9)
    return np.asarray((distances - distances.mean(axis=1, keepdims=True)) / spread)


def _ranks(distances: FloatArray, true: npt.NDArray[np.integer]) -> IntArray:
    """(Q,) place of the true sign, from 1; of equal distances the true one comes last."""
    own = np.take_along_axis(distances, true[:, None], axis=1)
    return np.asarray((distances <= own).sum(axis=1), dtype=np.int64)
