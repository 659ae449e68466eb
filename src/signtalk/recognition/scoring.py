"""From an encoded query to ranked sentences: clips to sentences first, then one fused, comparable score.

    Encoded queries + SentenceIndex -> Shortlist: order -> look -> fused -> Ranking

The gate, the recognizer and the evaluation read the `Ranking`. Mode "prototype" is that of `legacy`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.index.encoded import Encoded
from signtalk.index.index import SentenceIndex
from signtalk.index.written import clip_parts, equated_stage, stand_in_dtw
from signtalk.recognition.comparison import (
    LeftOut,
    SentenceComparison,
    best_of_sentences,
    closest_rows,
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
from signtalk.recognition.legacy import rank_as_the_prototype
from signtalk.recognition.measured import MeasuredPairs, columns_of
from signtalk.recognition.ranking import Ranking, with_head
from signtalk.recognition.sketches import Sketches

_QUERIES_AT_ONCE = 256
"""Bounds memory: 256 queries and 10,000 references take 10 MB an array."""
SKETCHED_FINELY = 200
"""Sentences whose fine sketches are compared, the best by all that is cheaper."""
LEAST_LOG_LIKELIHOOD = -1e4
"""The log likelihood of a sentence that the frames cannot spell at all."""


class ScoringConfig(BaseModel, frozen=True, extra="forbid"):
    """How evidence becomes one score; fitted by `fit_scoring`, stored with the gate that was fitted on it.

    Attributes:
        mode: "sentence" is SignTalk's own; "prototype" ranks clips as in docs/contract.md 1.9 and ignores the weights.
        similarity_weight: of the cosine to the sentence's closest clip.
        prototype_weight: of the cosine to the sentence's centroid, the mean direction of its clips; files name it so.
        dtw_weight: of exp(-distance / dtw_scale).
        dtw_scale: normalised DTW distance at which the DTW score is 1/e.
        text_weight: of how well the frames spell the sentence, exp(-(log likelihood short of the best) / text_scale).
            The four weights sum to 1. A model that does not spell leaves this weight out.
        text_scale: log likelihood short of the best at which the text score is 1/e.
        rerank_sentences: how many sentences are looked at more closely, frame by frame and word by word: in turn the
            best by their clips, by the words that the frames show, and by their sketches; 0 = none.
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


def score_sentences(
    encoded: Encoded,
    index: SentenceIndex,
    config: ScoringConfig,
    exclude_clip_ids: LeftOut | None = None,
    *,
    spellings: SpelledSentences | None = None,
    text_embeddings: FloatArray | None = None,
    sketches: Sketches | None = None,
    measured: MeasuredPairs | None = None,
) -> Ranking:
    """Rank the sentences of an index for each query.

    Args:
        encoded: B queries, encoded by the index's model.
        index: the references; may be empty, then every list is.
        config: mode and weights.
        exclude_clip_ids: for each query the clips that it must not meet, such as itself, or flags; None = no clip.
        spellings: the sentences of `index.groups`, in their order; None leaves texts out of the score.
        text_embeddings: (C, D) float32, unit length, the texts of these sentences; an index with written sentences
            needs them, except in prototype mode, which knows clips alone.
        sketches: of the N references, which tell better than vectors and words alone what is worth a closer look.
        measured: what is known of these queries already; more is put there.

    Raises:
        ValueError: shapes do not fit.
    """
    if spellings is not None and len(spellings) != len(index.groups.text_keys):
        raise ValueError(f"{len(spellings)} spellings for {len(index.groups.text_keys)} sentences; expected one each")
    if index.written.any() and config.mode == "sentence" and text_embeddings is None:
        raise ValueError("no text_embeddings; an index with written sentences is scored with those of all its texts")
    excluded = _excluded(encoded.num_clips, index, config, exclude_clip_ids)
    parts = []
    for start in range(0, max(encoded.num_clips, 1), _QUERIES_AT_ONCE):
        block = slice(start, start + _QUERIES_AT_ONCE)
        queries = encoded.select(block)
        comparison = compare(queries.embeddings, index, None if excluded is None else excluded[block])
        if config.mode == "sentence":
            known = None if measured is None else measured.select(block)
            shortlist = Shortlist(queries, index, config, comparison, spellings, text_embeddings, sketches, known)
            parts.append(shortlist.ranking())
        else:
            parts.append(rank_as_the_prototype(queries, index, comparison))
    return Ranking.joined(parts)


def _excluded(
    num_queries: int, index: SentenceIndex, config: ScoringConfig, clip_ids: LeftOut | None
) -> BoolArray | None:
    """(B, N) which references each query must not meet; None = it meets all."""
    if clip_ids is not None and len(clip_ids) != num_queries:
        raise ValueError(f"exclude_clip_ids for {len(clip_ids)} of {num_queries} queries")
    excluded = exclusion_mask(index, clip_ids) if clip_ids is not None and config.exclude_self else None
    if config.mode == "prototype" and index.written.any():
        return index.written | (False if excluded is None else excluded) | np.zeros((num_queries, 1), bool)
    return excluded


def dtw_score(distances: FloatArray, scale: float) -> FloatArray:
    """Mean frame distance to a score: 1 = no distance, 1/e = one scale away, 0 = infinitely far."""
    return np.asarray(np.exp(-distances / scale), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class CloserLook:
    """What is known of a query's sentences after the first of them were looked at frame by frame, word by word.

    C sentences stand in the order of the look; R of them, the head, were looked at.

    Attributes:
        classes: (B, C) int64 sentence at each place.
        by_embeddings: (B, C) float32 what embeddings give to the score; -inf where no clip is left.
        present: (B, R) bool, False where there is nothing to look at.
        written: (B, C) bool, sentences that are only written.
        dtw_distances: (B, R) float32; inf where nothing could be compared.
        dtw_scores: (B, C) of the distances; past the head the worst that was measured.
        text_log_likelihoods: (B, R) float32; NaN where it cannot be known.
        text_scores: (B, C) of the likelihoods, likewise; NaN everywhere where nothing is spelled.
    """

    classes: IntArray
    by_embeddings: FloatArray
    present: BoolArray
    written: BoolArray
    dtw_distances: FloatArray
    dtw_scores: npt.NDArray[np.floating]
    text_log_likelihoods: FloatArray
    text_scores: npt.NDArray[np.floating]

    @property
    def head(self) -> slice:
        """The places that were looked at."""
        return slice(0, self.present.shape[1])


@dataclass(frozen=True, eq=False)
class Shortlist:
    """Sentences of an index on their way to a ranking, for a block of queries.

    Three stages: `order` puts first what is worth a closer look, `look` compares that frame by frame and word by
    word, `fused` orders all sentences by everything.

    Attributes:
        encoded: B queries.
        index: the references, of C sentences.
        config: weights, and how many sentences are looked at.
        comparison: of the queries' embeddings with the index.
        spellings: words of the C sentences; None = texts do not count.
        text_embeddings: (C, D) float32 of their texts; None where none is only written.
        sketches: of the index's references; None = they have no say.
        measured: what is known of the queries already; None = nothing, and nothing is kept.
    """

    encoded: Encoded
    index: SentenceIndex
    config: ScoringConfig
    comparison: SentenceComparison
    spellings: SpelledSentences | None
    text_embeddings: FloatArray | None
    sketches: Sketches | None = None
    measured: MeasuredPairs | None = None

    def ranking(self) -> Ranking:
        """All three stages, one after the other."""
        by_embeddings = self.by_embeddings(self.config.similarity_weight, self.config.prototype_weight)
        return self.fused(self.look(by_embeddings, self.order(by_embeddings)))

    @property
    def spelled(self) -> SpelledSentences | None:
        """The words of the sentences, where the model spells at all."""
        return self.spellings if self.encoded.word_log_probs.shape[2] else None

    def by_embeddings(self, similarity_weight: float, centroid_weight: float) -> FloatArray:
        """(B, C) what embeddings give to the fused score under these weights; -inf where no clip is left."""
        stage = stage_scores(self.comparison, similarity_weight, centroid_weight)
        if self.text_embeddings is None or not self.index.written.any():
            return stage
        near = self.encoded.embeddings @ self.text_embeddings.T
        return equated_stage(stage, near, self.index.written_classes, similarity_weight + centroid_weight)

    def order(self, by_embeddings: FloatArray) -> IntArray:
        """(B, C) sentences in the order in which they are worth a closer look.

        Args:
            by_embeddings: (B, C) what embeddings give to the score; they tell where to look even where they count
                for nothing.
        """
        if self.config.similarity_weight + self.config.prototype_weight == 0:
            by_embeddings = self.by_embeddings(0.5, 0.5)
        evidence = [by_embeddings]
        if self.spelled is not None:
            evidence.append(words_shown(self.encoded.word_log_probs, self.encoded.memory_valid, self.spelled))
        num_sentences, num_looked_at = by_embeddings.shape[1], self.config.rerank_sentences
        if self.sketches is None or not 0 < num_looked_at < num_sentences:
            return look_order(*evidence)  # without sketches, or all are looked at anyway, or none is
        coarse = [self._coarsely_similar(self.sketches)] if num_sentences > SKETCHED_FINELY else []
        order = look_order(*evidence, *coarse)
        best = order[:, : max(SKETCHED_FINELY, num_looked_at)]
        in_order = [np.take_along_axis(each, best, axis=1) for each in evidence]
        finer = look_order(*in_order, self._finely_similar(self.sketches, best))
        order[:, : best.shape[1]] = np.take_along_axis(best, finer, axis=1)
        return order

    def _coarsely_similar(self, sketches: Sketches) -> FloatArray:
        """(B, C) how much like each sentence a query is, by the coarse sketches of all its clips."""
        known = self._known_sketches(sketches)
        if known is None:
            distances = sketches.coarse_distances(self.encoded)
        else:
            distances = known.filled(
                known.coarse,
                self._clip_columns,
                np.broadcast_to(np.arange(len(self.index)), self.comparison.clip_similarities.shape),
                lambda rows: sketches.coarse_distances(self.encoded, rows >= 0),
            )
        distances[np.isneginf(self.comparison.clip_similarities)] = np.inf  # clips that are left out
        return best_of_sentences(-distances, self.index)

    def _finely_similar(self, sketches: Sketches, classes: IntArray) -> FloatArray:
        """(B, R) how much like each chosen sentence a query is, by the fine sketches of its closest clips."""
        rows = closest_rows(self.index, self.comparison, classes, self.config.references_per_sentence)
        known = self._known_sketches(sketches)
        table = None if known is None else known.fine
        return -self._least_of_clips(table, rows, partial(sketches.fine_distances, self.encoded))

    def _known_sketches(self, sketches: Sketches) -> MeasuredPairs | None:
        """What is known already, as far as these sketches are made of the same numbers of a frame."""
        known = self.measured
        return known if known is not None and np.array_equal(known.sketched_by, sketches.columns) else None

    def look(self, by_embeddings: FloatArray, classes: IntArray) -> CloserLook:
        """Compare the first sentences frame by frame and word by word.

        A sentence that is not looked at gets the worst DTW and text scores of those that are. What stands in for
        the DTW score that a written sentence lacks is never below that worst (`written`).

        Args:
            by_embeddings: (B, C) what embeddings give to the score, in the order of the index.
            classes: (B, C) of `order`.
        """
        in_order = np.take_along_axis(by_embeddings, classes, axis=1)
        nearest = np.where(in_order > -np.inf, classes, -1)[:, : self.config.rerank_sentences]
        present = nearest >= 0
        width, head = classes.shape[1], nearest.shape[1]
        references = self.config.references_per_sentence
        rows = closest_rows(self.index, self.comparison, nearest, references)
        table = None if self.measured is None else self.measured.warped
        distances = self._least_of_clips(table, rows, partial(warped_distances, self.encoded, self.index))
        likelihoods = np.full(nearest.shape, np.nan, dtype=np.float32)
        texts: npt.NDArray[np.floating] = np.full(classes.shape, np.nan)
        if self.spelled is not None:
            likelihoods = self._log_likelihoods(self.spelled, nearest)
            texts = _with_bound(text_score(likelihoods, self.config.text_scale), present, width)
        written = self.index.written_classes[classes]
        dtw_scores = dtw_score(distances, self.config.dtw_scale)
        if written.any():
            dtw_scores = stand_in_dtw(dtw_scores, texts[:, :head], written[:, :head], present)
        return CloserLook(
            classes=classes,
            by_embeddings=in_order,
            present=present,
            written=written,
            dtw_distances=distances,
            dtw_scores=_with_bound(dtw_scores, present, width),
            text_log_likelihoods=likelihoods,
            text_scores=texts,
        )

    @cached_property
    def _clip_columns(self) -> IntArray:
        """(N,) where `measured` keeps the figures of each reference."""
        return columns_of(self.index.row_of, {} if self.measured is None else self.measured.clips)

    def _least_of_clips(
        self, table: FloatArray | None, rows: IntArray, measure: Callable[[IntArray], FloatArray]
    ) -> FloatArray:
        """(B, R) the smallest distance to one of the clips (B, R, count) of each sentence; inf where there is none.

        Args:
            table: of `measured`; None = nothing is known.
            rows: the references; -1 = none.
            measure: gives the distances (B, K) of references (B, K).
        """
        flat = rows.reshape(len(rows), rows.shape[1] * rows.shape[2])
        if self.measured is None or table is None:
            distances = measure(flat)
        else:
            distances = self.measured.filled(table, self._clip_columns, flat, measure)
            distances = np.where(flat >= 0, distances, np.float32(np.inf))
        return np.asarray(distances.reshape(rows.shape).min(axis=2, initial=np.inf), dtype=np.float32)

    def _log_likelihoods(self, spelled: SpelledSentences, classes: IntArray) -> FloatArray:
        """(B, R) of `text_log_likelihoods`."""
        measure = partial(text_log_likelihoods, self.encoded, spelled)
        if self.measured is None:
            return measure(classes)
        columns = columns_of(self.index.sentence_texts, self.measured.texts)
        return self.measured.filled(self.measured.spelled, columns, classes, measure)

    def fused(self, look: CloserLook) -> Ranking:
        """Order all sentences by everything.

        One that was not looked at gets no more than the least of those that were: nothing stands above a sentence
        by not having been looked at.
        """
        classes, comparison = look.classes, self.comparison
        centroids = np.take_along_axis(comparison.centroid_similarities, classes, axis=1)
        looked_at = Ranking(
            index=self.index,
            classes=classes,
            rows=np.take_along_axis(comparison.best_rows, classes, axis=1),
            scores=self._fused_scores(look),
            similarities=np.take_along_axis(comparison.similarities, classes, axis=1),
            centroid_similarities=np.where(look.written, np.float32(np.nan), centroids),
            dtw_distances=with_head(classes.shape, look.dtw_distances),
            dtw_scores=look.dtw_scores.astype(np.float32),
            text_log_likelihoods=with_head(classes.shape, look.text_log_likelihoods),
            text_scores=look.text_scores.astype(np.float32),
            num_references=np.where(look.written, 0, np.take_along_axis(comparison.num_references, classes, axis=1)),
            confidences=np.full(classes.shape, np.nan, dtype=np.float32),
        )
        return looked_at.ordered()

    def _fused_scores(self, look: CloserLook) -> FloatArray:
        """(B, C) float32 in the order of the look; -inf where no clip is left."""
        head, present = look.head, look.present
        closer = self.config.dtw_weight * look.dtw_scores
        if look.written.any():
            texts, written = look.text_scores[:, head], look.written[:, head]
            parts = np.where(present, (look.by_embeddings + closer)[:, head], 0)
            closer[:, head] += np.where(written, clip_parts(parts, texts, written, present) - parts, 0)
        if not np.isnan(look.text_scores).all():
            closer = closer + self.config.text_weight * look.text_scores
        fused = np.where(look.by_embeddings > -np.inf, look.by_embeddings + closer, -np.inf)
        least = np.where(present, fused[:, head], np.inf).min(axis=1, initial=np.inf, keepdims=True)
        rest = slice(head.stop, None)
        fused[:, rest] = np.minimum(fused[:, rest], least)
        return fused.astype(np.float32)


def text_log_likelihoods(encoded: Encoded, spellings: SpelledSentences, classes: IntArray) -> FloatArray:
    """(B, R) log likelihood of each chosen sentence's words short of the best path; NaN where it cannot be known.

    Args:
        encoded: the B queries.
        spellings: words of C sentences.
        classes: (B, R) which of them; -1 = none.
    """
    words, valid = encoded.word_log_probs, encoded.memory_valid
    likelihoods = sentence_log_likelihoods(words, valid, spellings, classes)
    short = np.where(classes >= 0, likelihoods - best_path_log_probs(words, valid)[:, None], np.nan)
    return np.asarray(np.maximum(short, LEAST_LOG_LIKELIHOOD), dtype=np.float32)


def _with_bound(head_scores: FloatArray, compared: BoolArray, width: int) -> npt.NDArray[np.floating]:
    """(B, width): the head's scores, then the worst of those that were compared, 0 where none was."""
    bound = np.where(compared, head_scores, np.inf).min(axis=1, initial=np.inf)
    scores = np.repeat(np.where(np.isfinite(bound), bound, 0)[:, None], width, axis=1)
    scores[:, : head_scores.shape[1]] = head_scores
    return scores
