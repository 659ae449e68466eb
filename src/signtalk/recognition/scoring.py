"""From an encoded query to ranked sentences: clips to sentences first, then one fused, comparable score.

Encoded queries and `SentenceIndex` -> `Scores`, ranked lists that the gate, the recognizer and the evaluation
read. Mode "prototype" ranks clips exactly as the research prototype did, its faults included, so that old and
new are compared by one flag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.index.encoded import Encoded
from signtalk.index.index import SentenceIndex
from signtalk.index.written import clip_parts, equated_stage, stand_in_dtw
from signtalk.recognition.comparison import (
    SentenceComparison,
    clip_distances,
    compare,
    exclusion_mask,
    look_order,
    stage_scores,
    warped_distances,
)
from signtalk.recognition.ctc import (
    SpelledSentences,
    best_path_log_probs,
    sentence_log_likelihoods,
    text_score,
    words_shown,
)

_QUERIES_AT_ONCE = 256
"""Bounds memory: 256 queries and 10,000 references take 10 MB an array."""
LEAST_LOG_LIKELIHOOD = -1e4
"""The log likelihood of a sentence that the frames cannot spell at all."""
# SPEC 1.9
_PROTOTYPE_CLIPS = 5
_PROTOTYPE_COSINE_WEIGHT = 0.65
_PROTOTYPE_DTW_WEIGHT = 0.35
_PROTOTYPE_DTW_RATE = 0.002
_PROTOTYPE_TEMPERATURE = 0.12


class ScoringConfig(BaseModel, frozen=True, extra="forbid"):
    """How evidence becomes one score; fitted by `fit_scoring`, stored with the gate that was fitted on it.

    Attributes:
        mode: "sentence" is SignTalk's own; "prototype" ranks clips as SPEC 1.9 says and ignores the weights.
        similarity_weight: of the cosine to the sentence's closest clip.
        prototype_weight: of the cosine to the sentence's mean direction.
        dtw_weight: of exp(-distance / dtw_scale).
        dtw_scale: normalised DTW distance at which the DTW score is 1/e.
        text_weight: of how well the frames spell the sentence, exp(-(log likelihood short of the best) / text_scale).
            The four weights sum to 1. A model that does not spell leaves this weight out.
        text_scale: log likelihood short of the best at which the text score is 1/e.
        rerank_sentences: how many sentences are looked at more closely, frame by frame and word by word: the best by
            their clips and, in turn, those whose words the frames show best; 0 = none.
        references_per_sentence: how many clips of each, the closest ones.
        exclude_self: honour `exclude_clip_ids`; False lets a query meet itself, as the prototype did.
    """

    mode: Literal["sentence", "prototype"] = "sentence"
    similarity_weight: float = Field(default=0.1, ge=0, le=1)
    prototype_weight: float = Field(default=0.1, ge=0, le=1)
    dtw_weight: float = Field(default=0.5, ge=0, lt=1)
    dtw_scale: float = Field(default=0.5, gt=0, allow_inf_nan=False)
    text_weight: float = Field(default=0.3, ge=0, lt=1)
    text_scale: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    rerank_sentences: int = Field(default=30, ge=0)
    references_per_sentence: int = Field(default=3, ge=1)
    exclude_self: bool = True

    @model_validator(mode="after")
    def _check(self) -> ScoringConfig:
        total = self.similarity_weight + self.prototype_weight + self.dtw_weight + self.text_weight
        if abs(total - 1) > 1e-6:
            raise ValueError(f"similarity, prototype, dtw and text weight sum to {total:g}; expected 1")
        return self


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
        proto_similarity: cosine to the sentence's mean direction; None where prototype mode has no prototype.
        dtw_distance: normalised DTW distance (prototype mode: the bare sum); None where not compared.
        dtw_score: the same as 0-1, higher = closer; None where not compared.
        text_score: 0-1, how well the frames spell the sentence; None where not compared, or where they cannot tell.
        num_references: clips of the sentence; with 1 the prototype is that clip, with 0 it is only written.
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


@dataclass(frozen=True, eq=False)
class Scores:
    """The ranked list of each query, best first; K is the number of sentences (prototype mode: clips).

    A sentence of which every clip was left out stands at the end with row -1 and score -inf.

    Attributes:
        index: the references that rows and classes point to.
        classes: (B, K) int64 sentence.
        rows: (B, K) int64 closest clip of the sentence (prototype mode: the clip).
        scores: (B, K) float32, descending. Sentence mode: all comparable. Prototype mode: the re-ranked clips
            first, the others follow with their bare cosine, which is another scale.
        similarities: (B, K) float32 cosine to the clip.
        prototype_similarities: (B, K) float32; NaN where prototype mode has no prototype, and for written sentences.
        dtw_distances: (B, K) float32; NaN where not compared.
        dtw_scores: (B, K) float32; where not compared what stands in for it: the worst that was measured, or what
            `written` gives (prototype mode: NaN).
        text_log_likelihoods: (B, K) float32, log likelihood of the sentence's words short of the best path, at
            most about 0; NaN where not compared or not to be told.
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
    prototype_similarities: FloatArray
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

    def ranks_of(self, text_keys: Sequence[str]) -> IntArray:
        """(B,) rank of each query's own sentence among sentences, 1 = best; 0 where no clip of it is there."""
        if len(text_keys) != len(self.classes):
            raise ValueError(f"{len(text_keys)} text_keys for {len(self.classes)} queries; expected one each")
        position = {key: c for c, key in enumerate(self.index.groups.text_keys)}
        ranks = np.zeros(len(text_keys), dtype=np.int64)
        for query, key in enumerate(text_keys):
            hits = np.flatnonzero((self.classes[query] == position.get(key, -1)) & (self.rows[query] >= 0))
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
        given = self.confidences[query] if confidences is None else confidences
        present = self.rows[query, :limit] >= 0
        return tuple(self._candidate(query, place, given[place]) for place in np.flatnonzero(present).tolist())

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
            proto_similarity=_known(self.prototype_similarities[query, place]),
            dtw_distance=_known(self.dtw_distances[query, place]),
            dtw_score=float(self.dtw_scores[query, place]) if compared else None,
            text_score=_known(self.text_scores[query, place]) if spelled else None,
            num_references=int(self.num_references[query, place]),
        )


def _known(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)


_ARRAYS = tuple(field.name for field in fields(Scores) if field.name != "index")


def score_sentences(
    encoded: Encoded,
    index: SentenceIndex,
    config: ScoringConfig,
    exclude_clip_ids: Sequence[Iterable[str]] | None = None,
    limit: int | None = None,
    spellings: SpelledSentences | None = None,
    text_embeddings: FloatArray | None = None,
) -> Scores:
    """Rank the sentences of an index for each query.

    Args:
        encoded: B queries, encoded by the index's model.
        index: the references; may be empty, then every list is.
        config: mode and weights.
        exclude_clip_ids: for each query the clips that it must not meet, such as itself; None = no clip.
        limit: keep only the first so many places of each list; None keeps all, as measures of rank need.
        spellings: the sentences of `index.groups`, in their order; None leaves texts out of the score.
        text_embeddings: (C, D) float32, unit length, the texts of these sentences; an index with written sentences
            needs them, except in prototype mode, which knows clips alone.

    Raises:
        ValueError: shapes do not fit.
    """
    excluded = None
    if exclude_clip_ids is not None:
        if len(exclude_clip_ids) != encoded.num_clips:
            raise ValueError(f"exclude_clip_ids for {len(exclude_clip_ids)} of {encoded.num_clips} queries")
        excluded = exclusion_mask(index, exclude_clip_ids) if config.exclude_self else None
    if spellings is not None and len(spellings) != len(index.groups.text_keys):
        raise ValueError(f"{len(spellings)} spellings for {len(index.groups.text_keys)} sentences; expected one each")
    if index.written.any():
        if config.mode == "prototype":
            excluded = (
                index.written | (False if excluded is None else excluded) | np.zeros((encoded.num_clips, 1), bool)
            )
        elif text_embeddings is None:
            raise ValueError(
                "no text_embeddings; an index with written sentences is scored with those of all its texts"
            )
    parts = []
    for start in range(0, max(encoded.num_clips, 1), _QUERIES_AT_ONCE):
        block = slice(start, start + _QUERIES_AT_ONCE)
        queries = encoded.select(block)
        comparison = compare(queries.embeddings, index, None if excluded is None else excluded[block])
        if config.mode == "sentence":
            ranked = _rank_sentences(queries, index, comparison, config, (spellings, text_embeddings))
        else:
            ranked = _rank_clips(queries, index, comparison)
        parts.append(_each(ranked, lambda array: array[:, :limit]))
    return _joined(parts)


def dtw_score(distances: FloatArray, scale: float) -> FloatArray:
    """Mean frame distance to a score: 1 = no distance, 1/e = one scale away, 0 = infinitely far."""
    return np.asarray(np.exp(-distances / scale), dtype=np.float32)


def _rank_sentences(
    encoded: Encoded,
    index: SentenceIndex,
    comparison: SentenceComparison,
    config: ScoringConfig,
    texts_of_index: tuple[SpelledSentences | None, FloatArray | None],
) -> Scores:
    """Look closely at the sentences that are worth it (DTW, spelling), then order all by everything.

    A sentence that is not looked at closely gets the worst DTW and text scores of those that are, and never more
    in all than the least of them: nothing stands above a sentence by not having been looked at. What stands
    in for what a written sentence lacks is never below that worst (`written`).
    """
    spellings = texts_of_index[0] if encoded.word_log_probs.shape[2] else None
    stage, classes = _stage(encoded, index, comparison, config, (spellings, texts_of_index[1]))
    in_order = np.take_along_axis(stage, classes, axis=1)
    left = in_order > -np.inf
    head = slice(0, config.rerank_sentences)
    chosen = np.where(left, classes, -1)[:, head]
    distances = warped_distances(encoded, index, comparison, chosen, config.references_per_sentence)
    likelihoods, texts = np.full(chosen.shape, np.nan, dtype=np.float32), np.full(classes.shape, np.nan)
    if spellings is not None:
        likelihoods = text_log_likelihoods(encoded, spellings, chosen)
        texts = _with_bound(text_score(likelihoods, config.text_scale), chosen >= 0, classes.shape[1])
    head_scores = dtw_score(distances, config.dtw_scale)
    written = index.written_classes[classes]
    of_head = (texts[:, : chosen.shape[1]], written[:, : chosen.shape[1]], chosen >= 0)
    if written.any():
        head_scores = stand_in_dtw(head_scores, *of_head)
    dtw_scores = _with_bound(head_scores, chosen >= 0, classes.shape[1])
    closer = config.dtw_weight * dtw_scores
    if written.any():
        parts = np.where(of_head[2], (in_order + closer)[:, head], 0)
        closer[:, head] += np.where(of_head[1], clip_parts(parts, *of_head) - parts, 0)
    if not np.isnan(texts).all():
        closer = closer + config.text_weight * texts
    fused = np.where(left, in_order + closer, -np.inf)
    least = np.where(chosen >= 0, fused[:, head], np.inf).min(axis=1, initial=np.inf, keepdims=True)
    fused[:, config.rerank_sentences :] = np.minimum(fused[:, config.rerank_sentences :], least)
    looked = Scores(
        index=index,
        classes=classes,
        rows=np.take_along_axis(comparison.best_rows, classes, axis=1),
        scores=fused.astype(np.float32),
        similarities=np.take_along_axis(comparison.similarities, classes, axis=1),
        prototype_similarities=np.where(
            written, np.float32(np.nan), np.take_along_axis(comparison.prototype_similarities, classes, axis=1)
        ),
        dtw_distances=_with_head(classes.shape, distances),
        dtw_scores=dtw_scores.astype(np.float32),
        text_log_likelihoods=_with_head(classes.shape, likelihoods),
        text_scores=texts.astype(np.float32),
        num_references=np.where(written, 0, np.take_along_axis(comparison.num_references, classes, axis=1)),
        confidences=np.full(classes.shape, np.nan, dtype=np.float32),
    )
    return _sorted(looked, slice(None))


def _stage(
    encoded: Encoded,
    index: SentenceIndex,
    comparison: SentenceComparison,
    config: ScoringConfig,
    texts_of_index: tuple[SpelledSentences | None, FloatArray | None],
) -> tuple[FloatArray, IntArray]:
    """(B, C) what embeddings give to the fused score, and (B, C) the order of the closer look."""
    spellings, text_embeddings = texts_of_index

    def weighed(similarity_weight: float, prototype_weight: float) -> FloatArray:
        stage = stage_scores(comparison, similarity_weight, prototype_weight)
        if text_embeddings is None or not index.written.any():
            return stage
        near = encoded.embeddings @ text_embeddings.T
        return equated_stage(stage, near, index.written_classes, similarity_weight + prototype_weight)

    stage = by_clips = weighed(config.similarity_weight, config.prototype_weight)
    if config.similarity_weight + config.prototype_weight == 0:  # they count for nothing, but still tell where to look
        by_clips = weighed(0.5, 0.5)
    shown = None
    if spellings is not None:
        shown = words_shown(encoded.word_log_probs, encoded.memory_valid, spellings)
    return stage, look_order(by_clips, shown)


def text_log_likelihoods(encoded: Encoded, spellings: SpelledSentences, classes: IntArray) -> FloatArray:
    """(B, R) log likelihood of each chosen sentence's words short of the best path; NaN where it cannot be told."""
    words, valid = encoded.word_log_probs, encoded.memory_valid
    found = sentence_log_likelihoods(words, valid, spellings, classes)
    short = np.where(classes >= 0, found - best_path_log_probs(words, valid)[:, None], np.nan)
    return np.asarray(np.maximum(short, LEAST_LOG_LIKELIHOOD), dtype=np.float32)


def _with_bound(head_scores: FloatArray, compared: BoolArray, width: int) -> npt.NDArray[np.floating]:
    """(B, width): the head's scores, then the worst of those that were compared, 0 where none was."""
    bound = np.where(compared, head_scores, np.inf).min(axis=1, initial=np.inf)
    scores = np.repeat(np.where(np.isfinite(bound), bound, 0)[:, None], width, axis=1)
    scores[:, : head_scores.shape[1]] = head_scores
    return scores


def _rank_clips(encoded: Encoded, index: SentenceIndex, comparison: SentenceComparison) -> Scores:
    """SPEC 1.9 to the letter: five clips by cosine, re-ranked with a DTW sum that grows with length."""
    similarities = comparison.clip_similarities
    rows = np.argsort(-similarities, axis=1, kind="stable")
    cosines = np.take_along_axis(similarities, rows, axis=1)
    rows = np.where(cosines > -np.inf, rows, -1)
    head = slice(0, _PROTOTYPE_CLIPS)
    distances = clip_distances(encoded, index, rows[:, head]).distances
    head_scores = np.exp(-_PROTOTYPE_DTW_RATE * distances)
    scores = cosines.copy()
    scores[:, head] = _PROTOTYPE_COSINE_WEIGHT * cosines[:, head] + _PROTOTYPE_DTW_WEIGHT * head_scores
    classes = index.groups.class_of_row[rows]
    num_references = np.take_along_axis(comparison.num_references, classes, axis=1)
    prototypes = np.take_along_axis(comparison.prototype_similarities, classes, axis=1)
    by_cosine = Scores(
        index=index,
        classes=classes,
        rows=rows,
        scores=scores,
        similarities=cosines,
        prototype_similarities=np.where(num_references > 1, prototypes, np.nan).astype(np.float32),
        dtw_distances=_with_head(rows.shape, distances),
        dtw_scores=_with_head(rows.shape, head_scores),
        text_log_likelihoods=np.full(rows.shape, np.nan, dtype=np.float32),
        text_scores=np.full(rows.shape, np.nan, dtype=np.float32),
        num_references=num_references,
        confidences=np.nan_to_num(_with_head(rows.shape, _softmax(scores[:, head] / _PROTOTYPE_TEMPERATURE))),
    )
    return _sorted(by_cosine, head)


def _with_head(shape: tuple[int, ...], head: FloatArray) -> FloatArray:
    """NaN but for the first columns; what is infinite there is NaN as well."""
    array = np.full(shape, np.nan, dtype=np.float32)
    array[:, : head.shape[1]] = np.where(np.isfinite(head), head, np.nan)
    return array


def _sorted(scores: Scores, head: slice) -> Scores:
    """The places of `head` in descending order of score, equal ones as they stood; the others stay."""
    places = np.repeat(np.arange(scores.rows.shape[1])[None], len(scores.rows), axis=0)
    places[:, head] = np.argsort(-scores.scores[:, head], axis=1, kind="stable")
    return _each(scores, lambda array: np.take_along_axis(array, places, axis=1))


def _softmax(logits: FloatArray) -> FloatArray:
    """Over axis 1; a row of -inf gives zeros."""
    highest = logits.max(axis=1, keepdims=True, initial=-np.inf)
    weights = np.exp(logits - np.where(np.isfinite(highest), highest, 0))
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-30), dtype=np.float32)


def _each(scores: Scores, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Scores:
    """The same change made to every array."""
    return Scores(scores.index, **{name: change(getattr(scores, name)) for name in _ARRAYS})


def _joined(parts: Sequence[Scores]) -> Scores:
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
    return Scores(parts[0].index, **columns)
