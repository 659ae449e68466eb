"""A text decoder that listens to what the frames spell, for the beam search.

    `beam_search.StepDecoder` + word_log_probs (B, T', V), id 0 the blank -> JointStepDecoder

The decoder expects sentences that it has heard; the frames' words (`ctc`) are certain about what is seen and know
nothing of sentences. Both at once write best (Watanabe et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array, FloatArray, IntArray
from signtalk.data.tokenizer import EOS_ID, UNK_ID
from signtalk.recognition.beam_search import DecoderState, StepDecoder
from signtalk.recognition.ctc import BLANK_ID, IMPOSSIBLE

MOST_WORDS_TRIED = 48
"""Words tried at each step: as many as the decoder likes best and as many as the frames show most."""
_LEAST_SUM = 1e-250
"""Sums of probabilities that are no larger have lost digits."""


@dataclass(frozen=True, eq=False)
class _JointState:
    """One row an open text.

    Attributes:
        inner: the decoder's own state.
        clips: (R,) row of the batch that each text describes.
        last: (R,) last token, -1 before the first.
        word_end, blank_end: (R, T) log probability that the frames up to t spell the text so far, the last of
            them a word or a blank.
        spelled: (R,) log probability that the frames begin with the text so far.
    """

    inner: Any
    clips: IntArray
    last: IntArray
    word_end: Float64Array
    blank_end: Float64Array
    spelled: Float64Array

    def select(self, rows: npt.NDArray[np.integer]) -> _JointState:
        """The state of `rows`, in their order, repeats allowed."""
        mine = (getattr(self, name)[rows] for name in ("clips", "last", "word_end", "blank_end", "spelled"))
        return _JointState(self.inner.select(rows), *mine)


class JointStepDecoder:
    """A text decoder and the frames' own spelling, weighed, as one `beam_search.StepDecoder`.

    Each step scores a word by (1 - weight) * log p(decoder) + weight * the change of log p(the frames begin with
    the text so far). Both only fall as a text grows, as beam search's early stop needs.

    Attributes:
        sos_id: id every text starts with.
        eos_id: id every text ends with.
        vocabulary_size: V.

    Source:
        Watanabe et al. (2017), "Hybrid CTC/attention architecture for end-to-end speech recognition", algorithm 2,
        for all open texts and candidate words at once.
    """

    def __init__(self, decoder: StepDecoder, word_log_probs: FloatArray, weight: float) -> None:
        """Listen to a batch.

        Args:
            decoder: the text decoder.
            word_log_probs: (B, T', V) of the clips whose memory `start` will be given.
            weight: 0 (the decoder alone) to 1 (the frames alone).
        """
        if not 0 <= weight <= 1:
            raise ValueError(f"weight {weight}; expected 0 to 1")
        if word_log_probs.shape[2] != decoder.vocabulary_size:
            raise ValueError(f"{word_log_probs.shape[2]} words for a decoder of {decoder.vocabulary_size} tokens")
        self.sos_id, self.eos_id, self.vocabulary_size = decoder.sos_id, decoder.eos_id, decoder.vocabulary_size
        self._decoder, self._weight = decoder, weight
        self._words = np.maximum(word_log_probs.astype(np.float64), IMPOSSIBLE)
        self._num_frames = np.zeros(0, dtype=np.int64)
        self._probabilities = np.zeros_like(self._words)
        self._favourites = np.zeros((0, 0), dtype=np.int64)

    def start(self, memory: FloatArray, memory_valid: BoolArray) -> _JointState:
        """The state before the first token of each clip; shapes as `beam_search.StepDecoder.start`."""
        if memory_valid.shape != self._words.shape[:2]:
            raise ValueError(f"memory of {memory_valid.shape} frames; expected {self._words.shape[:2]}")
        num_clips = len(memory_valid)
        self._num_frames = memory_valid.sum(axis=1)
        self._words[~memory_valid] = IMPOSSIBLE
        np.exp(self._words, out=self._probabilities)
        self._favourites = self._most_probable(self._words.max(axis=1)) if num_clips else self._favourites
        blank = np.cumsum(self._words[..., BLANK_ID], axis=1)
        return _JointState(
            inner=self._decoder.start(memory, memory_valid),
            clips=np.arange(num_clips, dtype=np.int64),
            last=np.full(num_clips, -1, dtype=np.int64),
            word_end=np.full(blank.shape, IMPOSSIBLE),
            blank_end=np.maximum(blank, IMPOSSIBLE),
            spelled=np.zeros(num_clips),
        )

    def step(self, tokens: IntArray, state: _JointState) -> tuple[FloatArray, DecoderState]:
        """Add one token a row; gives (B, V) float32 joint log scores of the next, -inf for words not tried."""
        if not (tokens == self.sos_id).all():
            state = self._grown(tokens, state)
        heard, inner = self._decoder.step(tokens, state.inner)
        candidates = self._candidates(heard, state)
        prefix = self._begun_with(state, candidates)
        rows = np.arange(len(tokens))
        end = np.logaddexp(state.word_end, state.blank_end)[rows, self._num_frames[state.clips] - 1]
        spelled = np.full(heard.shape, -np.inf)
        spelled[rows[:, None], candidates] = prefix - state.spelled[:, None]
        spelled[:, EOS_ID] = end - state.spelled
        joint = (1 - self._weight) * heard + self._weight * np.maximum(spelled, IMPOSSIBLE)
        joint[~np.isfinite(spelled)] = -np.inf
        return joint.astype(np.float32), replace(state, inner=inner)

    def _candidates(self, heard: FloatArray, state: _JointState) -> IntArray:
        """(R, K) words worth trying: all of a small vocabulary, else the decoder's and the frames' favourites."""
        favourites = self._favourites[state.clips]
        if self._tries_all:
            return favourites
        return np.concatenate([self._most_probable(heard), favourites], axis=1)

    @property
    def _tries_all(self) -> bool:
        return self.vocabulary_size - (UNK_ID + 1) <= 2 * MOST_WORDS_TRIED

    def _most_probable(self, log_probs: npt.NDArray[np.floating]) -> IntArray:
        """(R, K) the words of highest (R, V) log probability; of a small vocabulary all, in order."""
        words = np.arange(UNK_ID + 1, self.vocabulary_size)
        if self._tries_all:
            return np.repeat(words[None], len(log_probs), axis=0)
        best = np.argpartition(-log_probs[:, words], MOST_WORDS_TRIED, axis=1)[:, :MOST_WORDS_TRIED]
        return np.asarray(words[best])

    def _begun_with(self, state: _JointState, words: IntArray) -> Float64Array:
        """(R, K) log probability that the frames begin with each row's text and one of its K words more.

        It is the log of a sum over frames of exp(ready) exp(emitted): one product of matrices a clip, without an
        exponential for each frame and word. Words that follow themselves have other ways to be ready, and where
        all of a sum is too small for its numbers logarithms are summed instead.
        """
        after_blank, ready = self._ready(state)
        highest = ready.max(axis=1)
        shares = np.exp(ready - highest[:, None])
        sums = np.empty(words.shape)
        borders = np.flatnonzero(np.diff(state.clips, prepend=-1, append=-1))
        for first, end in pairwise(borders):  # the texts of a clip stand side by side
            of_all_words = shares[first:end] @ self._probabilities[state.clips[first]]
            sums[first:end] = np.take_along_axis(of_all_words, words[first:end], axis=1)
        begun = np.log(np.maximum(sums, _LEAST_SUM)) + highest[:, None]
        repeats = words == state.last[:, None]
        row, place = np.nonzero(repeats | (sums <= _LEAST_SUM))
        if len(row):
            before = np.where(repeats[row, place][:, None], after_blank[row], ready[row])
            begun[row, place] = _sum_over_frames(self._words[state.clips[row], :, words[row, place]] + before)
        return begun

    def _ready(self, state: _JointState) -> tuple[Float64Array, Float64Array]:
        """(R, T) ways to have spelled the text so far just before a frame: those that end with a blank, and all.

        A word that is repeated needs a blank between.
        """
        began = 0.0 if state.last[0] < 0 else IMPOSSIBLE
        ends = state.blank_end, np.logaddexp(state.word_end, state.blank_end)
        blank, either = (np.concatenate([np.full_like(ways[:, :1], began), ways[:, :-1]], axis=1) for ways in ends)
        return blank, either

    def _grown(self, tokens: IntArray, state: _JointState) -> _JointState:
        after_blank, ready = self._ready(state)
        ready = np.where((tokens == state.last)[:, None], after_blank, ready)
        emitted = self._words[state.clips, :, tokens]
        blank = self._words[state.clips, :, BLANK_ID]
        word_end, blank_end = np.empty_like(ready), np.empty_like(ready)
        last_word = last_blank = np.full(len(ready), IMPOSSIBLE)
        for t in range(ready.shape[1]):
            last_blank = np.logaddexp(last_word, last_blank) + blank[:, t]
            last_word = np.logaddexp(last_word, ready[:, t]) + emitted[:, t]
            word_end[:, t], blank_end[:, t] = last_word, last_blank
        return replace(
            state,
            last=tokens,
            word_end=np.maximum(word_end, IMPOSSIBLE),
            blank_end=np.maximum(blank_end, IMPOSSIBLE),
            spelled=np.maximum(_sum_over_frames(emitted + ready), IMPOSSIBLE),
        )


def _sum_over_frames(ways: Float64Array) -> Float64Array:
    """(R, ...) log of the sum of the probabilities whose logarithms are (R, T, ...)."""
    highest = ways.max(axis=1)
    return np.asarray(highest + np.log(np.exp(ways - highest[:, None]).sum(axis=1)))
