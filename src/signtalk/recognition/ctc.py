"""What the frames themselves spell: words in order, without a decoder that expects sentences it has heard.

    word_log_probs (B, T', V), id 0 the blank -> how well known sentences fit (`sentence_log_likelihoods`)
                                              -> a decoder that listens to them (`JointStepDecoder`)

The encoder's word head is trained by CTC (Graves et al. 2006). It is certain about words that it sees and knows
nothing of sentences; the text decoder is the other way round. Recognition uses the first as evidence for a
sentence, translation both at once (Watanabe et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array, FloatArray, IntArray
from signtalk.compiling import compiled
from signtalk.data.tokenizer import EOS_ID, PAD_ID, UNK_ID
from signtalk.recognition.beam_search import DecoderState, StepDecoder

BLANK_ID = PAD_ID
"""The word that stands for "no word here"; padding never is one, so it lends its id."""
MOST_WORDS_TRIED = 48
"""Words tried at each step: as many as the decoder likes best and as many as the frames show most."""
NEVER_SHOWN = -30.0
"""Log probability of a word in a clip without a frame, or of a sentence without a word."""
IMPOSSIBLE = -1e30
"""A log probability for what cannot be; finite, so that differences of two stay numbers."""
_LEAST_SUM = 1e-250
"""Sums of probabilities that are no larger have lost digits."""


@dataclass(frozen=True, eq=False)
class SpelledSentences:
    """The words of C sentences, laid out once for all queries.

    Attributes:
        words: (C, S) int32 token ids without special tokens, BLANK_ID after the last; S is at least 1.
        lengths: (C,) int64 words of each sentence, 0 for one without.
    """

    words: npt.NDArray[np.int32]
    lengths: IntArray

    @classmethod
    def of(cls, sentences: Sequence[Sequence[int]]) -> SpelledSentences:
        """Lay out token sequences without special tokens."""
        lengths = np.array([len(words) for words in sentences], dtype=np.int64)
        words = np.full((len(sentences), lengths.max(initial=1)), BLANK_ID, dtype=np.int32)
        words[np.arange(words.shape[1]) < lengths[:, None]] = [word for sentence in sentences for word in sentence]
        return cls(words, lengths)

    def __len__(self) -> int:
        """Number of sentences C."""
        return len(self.lengths)

    def select(self, classes: IntArray) -> SpelledSentences:
        """The sentences of `classes`, in their order."""
        return SpelledSentences(self.words[classes], self.lengths[classes])


def sentence_log_likelihoods(
    word_log_probs: FloatArray, valid: BoolArray, sentences: SpelledSentences, classes: IntArray
) -> Float64Array:
    """How probable the frames hold the chosen sentences: the CTC forward sum over all ways to place the words.

    Args:
        word_log_probs: (B, T, V) float32 natural logarithms, id 0 the blank.
        valid: (B, T) bool, True = real frame; padding stands at the end.
        sentences: C sentences.
        classes: (B, R) which sentences each clip is asked for; -1 = none.

    Returns:
        (B, R) float64; -inf where there is no sentence, none of its words, or more words than frames, and NaN
        for a sentence with a word that the model never learned: nothing can be said of it.

    Source:
        Graves et al. (2006), equations 6-8.
    """
    totals = np.full(classes.shape, -np.inf)
    clip, place = np.nonzero(classes >= 0)
    if not len(clip):
        return totals
    num_frames, vocabulary = word_log_probs.shape[1:]
    chosen = classes[clip, place]
    num_words = sentences.lengths[chosen]
    words = sentences.words[chosen, : max(int(num_words.max()), 1)]
    unknown = ((words == UNK_ID) | (words >= vocabulary)).any(axis=-1)
    labels, may_skip = label_lattice(np.where(unknown[:, None], BLANK_ID, words))
    skip = np.where(may_skip, 0.0, -np.inf)
    # Two columns of nothing in front: a shifted copy is a view.
    padded = np.full((len(labels), labels.shape[1] + 2), -np.inf)
    alpha = padded[:, 2:]
    for t in range(num_frames):
        emitted = word_log_probs[clip[:, None], t, labels]
        if t == 0:
            alpha[:, :2] = emitted[:, :2]
            continue
        grown = np.logaddexp(alpha, padded[:, 1:-1])
        np.logaddexp(grown, padded[:, :-2] + skip, out=grown)
        grown += emitted
        signed = valid[clip, t]
        alpha[...] = grown if signed.all() else np.where(signed[:, None], grown, alpha)
    pair = np.arange(len(clip))
    last, before = alpha[pair, 2 * num_words], alpha[pair, np.maximum(2 * num_words - 1, 0)]
    total = np.where(num_words > 0, np.logaddexp(last, before), -np.inf)
    totals[clip, place] = np.where(unknown, np.nan, total)
    return totals


def label_lattice(words: npt.NDArray[np.integer]) -> tuple[IntArray, BoolArray]:
    """The labels through which frames pass that spell words: a blank before, between and after them.

    Args:
        words: (..., S) ids, BLANK_ID after the last.

    Returns:
        (..., 2S + 1) int64 labels, and whether each may follow the one two before it: a word may follow its neighbour
        without a blank between, unless they are the same word.
    """
    labels = np.full((*words.shape[:-1], 2 * words.shape[-1] + 1), BLANK_ID, dtype=np.int64)
    labels[..., 1::2] = words
    may_skip = np.zeros(labels.shape, dtype=np.bool_)
    may_skip[..., 2:] = (labels[..., 2:] != BLANK_ID) & (labels[..., 2:] != labels[..., :-2])
    return labels, may_skip


def words_shown(word_log_probs: FloatArray, valid: BoolArray, sentences: SpelledSentences) -> npt.NDArray[np.float32]:
    """How well the frames show each sentence's words, wherever and in whatever order: cheap, so for all sentences.

    Args:
        word_log_probs: (B, T, V) float32 natural logarithms, id 0 the blank.
        valid: (B, T) bool, True = real frame.
        sentences: C sentences.

    Returns:
        (B, C) sum over a sentence's words of the word's highest log probability at any frame; a word that was never
        learned counts as the mean word does, a sentence without words as one word of none.
    """
    highest = _highest(word_log_probs, valid)
    sums = np.full((len(word_log_probs), len(sentences)), NEVER_SHOWN, dtype=np.float32)
    words = np.where(sentences.words < highest.shape[1], sentences.words, UNK_ID)
    spoken = (words != BLANK_ID).any(axis=1)
    for query, heights in enumerate(highest):  # one query at a time bounds the memory
        sums[query, spoken] = heights[words[spoken]].sum(axis=1)
    return sums


def most_shown(word_log_probs: FloatArray, valid: BoolArray, sentences: SpelledSentences, count: int) -> IntArray:
    """The sentences that `words_shown` puts first, of so many sentences that no array may hold a figure for each.

    Args:
        word_log_probs: (B, T, V) float32 natural logarithms, id 0 the blank.
        valid: (B, T) bool, True = real frame.
        sentences: C sentences.
        count: how many of them.

    Returns:
        (B, R) int64 their places, best first, equal ones in order; R is the smaller of `count` and C.
    """
    highest = _highest(word_log_probs, valid)
    limit = min(count, len(sentences))
    most = np.zeros((len(highest), limit), dtype=np.int64)
    for query, heights in enumerate(highest if limit else ()):
        sums, places = _largest_sums(heights, sentences.words, sentences.lengths, limit)
        most[query] = places[np.lexsort((places, -sums))]
    return most


def _largest_sums_at_once(
    heights: FloatArray, words: npt.NDArray[np.int32], lengths: IntArray, limit: int
) -> tuple[FloatArray, IntArray]:
    """As `_largest_sums`, with every word of every row looked up."""
    known = np.where(words < len(heights), words, UNK_ID)
    parts = np.where(np.arange(words.shape[1]) < lengths[:, None], heights[known], np.float32(0))
    totals = np.where(lengths > 0, parts.sum(axis=1, dtype=np.float32), np.float32(NEVER_SHOWN))
    places = np.argsort(-totals, kind="stable")[:limit]
    return totals[places], places


@compiled(_largest_sums_at_once)
def _largest_sums(
    heights: FloatArray, words: npt.NDArray[np.int32], lengths: IntArray, limit: int
) -> tuple[FloatArray, IntArray]:  # pragma: no cover  # coverage does not see machine code
    """The `limit` largest sums of a row's heights and their rows, in no order; heights above 0 are not allowed.

    A sum only falls, so most rows are left after a word or two.
    """
    sums, places = np.full(limit, np.float32(-np.inf)), np.full(limit, -1)
    smallest = 0
    for row in range(len(lengths)):
        total = np.float32(0) if lengths[row] else np.float32(NEVER_SHOWN)
        for n in range(lengths[row]):
            word = words[row, n]
            total += heights[word if word < len(heights) else UNK_ID]
            if total <= sums[smallest]:
                break
        if total > sums[smallest]:
            sums[smallest], places[smallest] = total, row
            for n in range(limit):  # of equal ones the last row is the first to go
                if sums[n] < sums[smallest] or (sums[n] == sums[smallest] and places[n] > places[smallest]):
                    smallest = n
    return sums, places


def _highest(word_log_probs: FloatArray, valid: BoolArray) -> FloatArray:
    """(B, V) highest log probability of each word at any valid frame; 0 of the blank, the mean word's of UNK_ID."""
    highest = np.where(valid[..., None], word_log_probs, np.float32(NEVER_SHOWN)).max(axis=1, initial=NEVER_SHOWN)
    highest[:, BLANK_ID] = 0.0
    highest[:, UNK_ID] = highest[:, UNK_ID + 1 :].mean(axis=1) if highest.shape[1] > UNK_ID + 1 else NEVER_SHOWN
    return highest


def best_path_log_probs(word_log_probs: FloatArray, valid: BoolArray) -> Float64Array:
    """(B,) log probability of the most probable word at each valid frame: what no sentence can be far above."""
    best = word_log_probs.max(axis=2, initial=IMPOSSIBLE).astype(np.float64)
    return np.asarray(np.where(valid, best, 0).sum(axis=1))


def text_score(log_likelihoods: FloatArray, scale: float) -> FloatArray:
    """(B, R) 0-1 of (B, R) log likelihoods short of the best path; the query's median where that is NaN.

    A sentence with a word that the model never learned cannot be spelled: that speaks neither for nor against it.
    """
    scores = np.exp(np.minimum(log_likelihoods, 0) / scale)
    known = ~np.isnan(scores)
    typical = np.array([np.median(row[known[q]]) if known[q].any() else 0.0 for q, row in enumerate(scores)])
    return np.asarray(np.where(known, scores, typical[:, None]), dtype=np.float32)


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
