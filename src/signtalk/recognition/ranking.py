"""The ranked sentences of queries, and the lines that a person reads of them.

scoring, legacy -> Ranking -> Candidate, one line of an answer
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.index.index import SentenceIndex


@dataclass(frozen=True)
class Candidate:
    """One line of an answer: a sentence, shown by its closest clip (prototype mode: a clip).

    A sentence that is only written has no clip: video and path are "", `raw_similarity` is the cosine to its text.

    Attributes:
        rank: 1 = best.
        clip_id: the closest clip.
        video_file: its video.
        feature_path: its landmark file.
        sentence_id: canonical id of the sentence.
        sentence: canonical text.
        category: of the sentence.
        text_key: class of the sentence.
        similarity: the score that ranks, after re-ranking.
        raw_similarity: cosine to the clip.
        confidence: 0-1, how probably this is right; None before the gate has said so.
        proto_similarity: cosine to the sentence's centroid, the mean direction of its clips; None where prototype mode
            has none.
        dtw_distance: normalised DTW distance (prototype mode: the bare sum); None where not compared.
        dtw_score: the same as 0-1, higher = closer; None where not compared.
        text_score: 0-1, how well the frames spell the sentence; None where not compared, or where they cannot tell.
        num_references: clips of the sentence; with 1 the centroid is that clip, with 0 it is only written.
    """

    rank: int
    clip_id: str
    video_file: str
    feature_path: str
    sentence_id: str
    sentence: str
    category: str
    text_key: str
    similarity: float
    raw_similarity: float
    confidence: float | None
    proto_similarity: float | None
    dtw_distance: float | None
    dtw_score: float | None
    text_score: float | None
    num_references: int

    def __str__(self) -> str:
        """The sentence, with its confidence where the gate has given one."""
        sentence = self.sentence if self.num_references else f"{self.sentence} (only written)"
        return sentence if self.confidence is None else f"{sentence} ({self.confidence:.2f})"

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Ranking:
    """The ranked list of each query, best first; K is the number of sentences (prototype mode: clips).

    A sentence of which every clip was left out stands at the end with row -1 and score -inf.

    Attributes:
        index: the references that rows and classes point to.
        classes: (B, K) int64 sentence.
        rows: (B, K) int64 closest clip of the sentence (prototype mode: the clip).
        scores: (B, K) float32, descending. Sentence mode: all comparable. Prototype mode: the re-ranked clips
            first, the others follow with their bare cosine, which is another scale.
        similarities: (B, K) float32 cosine to the clip.
        centroid_similarities: (B, K) float32; NaN where prototype mode has none, and for written sentences.
        dtw_distances: (B, K) float32; NaN where not compared.
        dtw_scores: (B, K) float32; where not compared what stands in for it: the worst that was measured, or what
            `written` gives (prototype mode: NaN).
        text_log_likelihoods: (B, K) float32, log likelihood of the sentence's words short of the best path, at
            most about 0; NaN where not compared or not known.
        text_scores: (B, K) float32; where not compared the stand-in that was counted; NaN where texts do not count.
        num_references: (B, K) int64 clips of the sentence, 0 for a written one.
        confidences: (B, K) float32, the prototype's softmax over clips; NaN in sentence mode, where the gate
            gives the confidence.
    """

    index: SentenceIndex
    classes: IntArray
    rows: IntArray
    scores: FloatArray
    similarities: FloatArray
    centroid_similarities: FloatArray
    dtw_distances: FloatArray
    dtw_scores: FloatArray
    text_log_likelihoods: FloatArray
    text_scores: FloatArray
    num_references: IntArray
    confidences: FloatArray

    def margins(self) -> FloatArray:
        """(B,) score of the first minus that of the second; NaN where there is no second."""
        if self.scores.shape[1] < 2:
            return np.full(len(self.scores), np.nan, dtype=np.float32)
        first, second = self.scores[:, 0], self.scores[:, 1]
        both = self.rows[:, 1] >= 0
        return np.subtract(first, second, out=np.full_like(first, np.nan), where=both)

    def places_of(self, text_keys: Sequence[str]) -> BoolArray:
        """(B, K) whether each place holds the query's own sentence, one of `text_keys` a query."""
        return np.asarray(self.classes == self._classes_of(text_keys)[:, None])

    def _classes_of(self, text_keys: Sequence[str]) -> IntArray:
        """(B,) class of each key; -1 for one that the index lacks."""
        position = {key: c for c, key in enumerate(self.index.groups.text_keys)}
        return np.array([position.get(key, -1) for key in text_keys], dtype=np.int64)

    def ranks_of(self, text_keys: Sequence[str]) -> IntArray:
        """(B,) rank of each query's own sentence among sentences, 1 = best; 0 where no clip of it is there."""
        if len(text_keys) != len(self.classes):
            raise ValueError(f"{len(text_keys)} text_keys for {len(self.classes)} queries; expected one each")
        ranks = np.zeros(len(text_keys), dtype=np.int64)
        for query, own in enumerate(self.places_of(text_keys)):
            hits = np.flatnonzero(own & (self.rows[query] >= 0))
            if len(hits):
                ranks[query] = len(np.unique(self.classes[query, : hits[0]])) + 1  # sentences, even where clips rank
        return ranks

    def candidates(self, query: int, limit: int = 5, confidences: FloatArray | None = None) -> tuple[Candidate, ...]:
        """The first lines of one query's list, at most `limit`.

        Args:
            query: which of the B queries.
            limit: how many lines.
            confidences: (limit or more,) from the gate; None = those of these scores, if any.
        """
        surely = self.confidences[query] if confidences is None else confidences
        present = self.rows[query, :limit] >= 0
        return tuple(self._candidate(query, place, surely[place]) for place in np.flatnonzero(present).tolist())

    def _candidate(self, query: int, place: int, confidence: np.float32) -> Candidate:
        clip = named = self.index.entries[self.rows[query, place]]
        if np.isnan(self.confidences[query, place]):  # a sentence, not a clip
            named = self.index.entries[self.index.groups.canonical_rows[self.classes[query, place]]]
        compared = not np.isnan(self.dtw_distances[query, place])
        spelled = not np.isnan(self.text_log_likelihoods[query, place])
        return Candidate(
            rank=place + 1,
            clip_id=clip.clip_id,
            video_file=clip.video_file,
            feature_path=clip.feature_path,
            sentence_id=named.sentence_id,
            sentence=named.sentence,
            category=named.category,
            text_key=named.text_key,
            similarity=float(self.scores[query, place]),
            raw_similarity=float(self.similarities[query, place]),
            confidence=_known(confidence),
            proto_similarity=_known(self.centroid_similarities[query, place]),
            dtw_distance=_known(self.dtw_distances[query, place]),
            dtw_score=float(self.dtw_scores[query, place]) if compared else None,
            text_score=_known(self.text_scores[query, place]) if spelled else None,
            num_references=int(self.num_references[query, place]),
        )

    def ordered(self, head: slice = slice(None)) -> Ranking:
        """The places of `head` in descending order of score, equal ones as they stood; the others stay."""
        places = np.repeat(np.arange(self.rows.shape[1])[None], len(self.rows), axis=0)
        places[:, head] = descending_order(self.scores[:, head])
        flat = places + np.arange(len(places))[:, None] * places.shape[1]
        return self._each(lambda array: np.take(array, flat))

    def _each(self, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Ranking:
        """The same change made to every array."""
        return Ranking(self.index, **{name: change(getattr(self, name)) for name in _ARRAYS})

    @classmethod
    def joined(cls, parts: Sequence[Ranking]) -> Ranking:
        """The lists of several blocks of queries over one index, in order; at least one block."""
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
        return cls(parts[0].index, **columns)


def descending_order(scores: FloatArray) -> IntArray:
    """(B, K) int64 places of (B, K) float32 scores from the highest to the lowest, equal ones in order, NaN last.

    `np.argsort(-scores, kind="stable")` in a third of its time: a score and its place are one whole number, the upper
    half of which orders as the score falls.
    """
    falling = np.subtract(0, scores, dtype=np.float32)  # of zero no zero below zero
    unknown = np.isnan(falling)
    if unknown.any():
        falling[unknown] = np.nan  # none below zero
    bits = falling.view(np.int32)
    bits ^= (bits >> 31) & np.int32(2**31 - 1)  # the larger a number below zero, the smaller
    keys = bits.astype(np.int64)
    keys <<= 32
    keys |= np.arange(scores.shape[1])
    keys.sort(axis=1)
    keys &= 2**32 - 1
    return keys


_ARRAYS = tuple(field.name for field in fields(Ranking) if field.name != "index")


def _known(value: np.float32) -> float | None:
    """A figure as a plain number; None where it is NaN."""
    return None if np.isnan(value) else float(value)


def with_head(shape: tuple[int, ...], head: FloatArray) -> FloatArray:
    """(B, K) of that shape: NaN but for the first columns; what is infinite there is NaN as well."""
    array = np.full(shape, np.nan, dtype=np.float32)
    array[:, : head.shape[1]] = np.where(np.isfinite(head), head, np.nan)
    return array
