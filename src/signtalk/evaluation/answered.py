"""Clips that are asked and answered: what an evaluation keeps of it.

    Recognizer + Asked -> answer_asked -> AskedAnswers

Lists of all sentences are long, so some clips are answered after the other and only what is counted stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array, FloatArray, IntArray
from signtalk.recognition.answer import Answer
from signtalk.recognition.asked import Asked
from signtalk.recognition.comparison import LeftOut
from signtalk.recognition.ranking import Ranking
from signtalk.recognition.recognizer import RANKED_AT_ONCE, Recognizer


@dataclass(frozen=True, eq=False)
class AskedAnswers:
    """Answers to B clips.

    Attributes:
        answers: one a clip, each with its first candidate alone.
        confidences: (B,) float64 of the first candidate.
        ranks: (B,) int64 of the clip's own sentence, 1 = first; 0 where no clip of it is left.
        own_scores: (B,) float32 of the own sentence; NaN where it is not there.
        other_scores: (B,) float32 of the best other sentence; NaN where there is none.
    """

    answers: tuple[Answer, ...]
    confidences: Float64Array
    ranks: IntArray
    own_scores: FloatArray
    other_scores: FloatArray

    @property
    def right(self) -> BoolArray:
        """(B,) whether the own sentence is the first candidate."""
        return self.ranks == 1

    @property
    def accepted(self) -> BoolArray:
        """(B,) whether the gate accepts the first candidate."""
        return np.array([answer.accepted for answer in self.answers], dtype=np.bool_)


def answer_asked(recognizer: Recognizer, asked: Asked, exclude_clip_ids: LeftOut | None = None) -> AskedAnswers:
    """Answer clips.

    Args:
        recognizer: whom.
        asked: the clips.
        exclude_clip_ids: for each the references that it must not meet; None = itself alone.
    """
    exclude = recognizer.left_out(asked, exclude_clip_ids)
    parts = []
    for start in range(0, len(asked.records), RANKED_AT_ONCE):
        block = slice(start, start + RANKED_AT_ONCE)
        answered = recognizer.answer(asked.encoded.select(block), asked.motions[block], exclude[block], 1)
        keys = asked.keys[block]
        parts.append((answered, answered.ranking.ranks_of(keys), *_own_and_other(answered.ranking, keys)))
    return AskedAnswers(
        answers=tuple(answer for answered, *_ in parts for answer in answered.answers),
        confidences=np.concatenate([np.asarray(answered.confidences, dtype=np.float64) for answered, *_ in parts]),
        ranks=np.concatenate([ranks for _, ranks, _, _ in parts]),
        own_scores=np.concatenate([own for _, _, own, _ in parts]),
        other_scores=np.concatenate([other for _, _, _, other in parts]),
    )


def ranks_asked(recognizer: Recognizer, asked: Asked) -> Float64Array:
    """(B,) rank of each clip's own sentence, 1 = first; inf where no clip of it is left. No clip meets itself."""
    keys, rankings = asked.keys, recognizer.rankings(asked)
    ranks = np.concatenate([ranking.ranks_of(keys[block]) for block, ranking in rankings])
    return np.where(ranks > 0, ranks, np.inf)


def _own_and_other(ranking: Ranking, keys: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """(B,) best score of each query's own sentence and of all others."""
    own = ranking.places_of(keys)
    return _row_max(np.where(own, ranking.scores, -np.inf)), _row_max(np.where(own, -np.inf, ranking.scores))


def _row_max(scores: npt.NDArray[np.floating]) -> FloatArray:
    """Largest score of each row; NaN where there is none."""
    highest = scores.max(axis=1, initial=-np.inf)
    return np.where(np.isfinite(highest), highest, np.nan).astype(np.float32)
