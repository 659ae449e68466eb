"""What the frames themselves spell: words in order, without a decoder that expects sentences it has heard.

    word_log_probs (B, T', V), id 0 the blank -> how well known sentences fit (`sentence_log_likelihoods`)
                                              -> which sentences hold the words that are shown (`most_shown`)

The encoder's word head is trained by CTC (Graves et al. 2006). It is certain about words that it sees and knows
nothing of sentences. Recognition uses it as evidence for a sentence, translation beside the text decoder
(`spelling_decoder`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array, FloatArray, IntArray
from signtalk.compiling import compiled
from signtalk.data.tokenizer import PAD_ID, UNK_ID

BLANK_ID = PAD_ID
"""The word that stands for "no word here"; padding never is one, so it lends its id."""
NEVER_SHOWN = -30.0
"""Log probability of a word in a clip without a frame, or of a sentence without a word."""
IMPOSSIBLE = -1e30
"""A log probability for what cannot be; finite, so that differences of two stay numbers."""


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
    vocabulary = word_log_probs.shape[2]
    chosen = classes[clip, place]
    num_words = sentences.lengths[chosen]
    words = sentences.words[chosen, : max(int(num_words.max()), 1)]
    unknown = ((words == UNK_ID) | (words >= vocabulary)).any(axis=-1)
    labels, may_skip = label_lattice(np.where(unknown[:, None], BLANK_ID, words))
    total = _forward_sums(word_log_probs, valid, clip, labels, may_skip, num_words)
    totals[clip, place] = np.where(unknown, np.nan, total)
    return totals


def _forward_sums_at_once(
    word_log_probs: FloatArray,
    valid: BoolArray,
    clip: IntArray,
    labels: IntArray,
    may_skip: BoolArray,
    num_words: IntArray,
) -> Float64Array:
    """As `_forward_sums`: all pairs at once, one frame after the other."""
    skip = np.where(may_skip, 0.0, -np.inf)
    # Two columns of nothing in front: a shifted copy is a view.
    padded = np.full((len(labels), labels.shape[1] + 2), -np.inf)
    alpha = padded[:, 2:]
    for t in range(word_log_probs.shape[1]):
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
    return np.where(num_words > 0, np.logaddexp(last, before), -np.inf)


@compiled(_forward_sums_at_once)
def _forward_sums(
    word_log_probs: FloatArray,
    valid: BoolArray,
    clip: IntArray,
    labels: IntArray,
    may_skip: BoolArray,
    num_words: IntArray,
) -> Float64Array:  # pragma: no cover  # coverage does not see machine code
    """(pairs,) log probability of all ways to place each pair's words; -inf where there is none.

    `alpha` holds one frame's sums, changed in place from the back: what lies before a label is still the frame before.

    Args:
        word_log_probs: (B, T, V).
        valid: (B, T) bool.
        clip: (pairs,) the clip of each.
        labels: (pairs, L) of `label_lattice`.
        may_skip: (pairs, L) likewise.
        num_words: (pairs,) words of each.
    """
    totals = np.full(len(clip), -np.inf)
    alpha = np.empty(labels.shape[1])
    num_frames = word_log_probs.shape[1]
    for pair in range(len(clip)):
        end = 2 * num_words[pair]
        if not (num_frames and end):
            continue
        of_clip = clip[pair]
        alpha[:] = -np.inf
        alpha[0], alpha[1] = word_log_probs[of_clip, 0, labels[pair, 0]], word_log_probs[of_clip, 0, labels[pair, 1]]
        for t in range(1, num_frames):
            if not valid[of_clip, t]:
                continue
            for place in range(min(end, 2 * t + 1), -1, -1):
                stays = alpha[place]
                comes = alpha[place - 1] if place else -np.inf
                skips = alpha[place - 2] if may_skip[pair, place] else -np.inf
                most = max(stays, comes, skips)
                if most > -np.inf:
                    ways = np.exp(stays - most) + np.exp(comes - most) + np.exp(skips - most)
                    alpha[place] = most + np.log(ways) + word_log_probs[of_clip, t, labels[pair, place]]
        most = max(alpha[end], alpha[end - 1])
        if most > -np.inf:
            totals[pair] = most + np.log(np.exp(alpha[end] - most) + np.exp(alpha[end - 1] - most))
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
    shown = word_log_probs if valid.all() else np.where(valid[..., None], word_log_probs, np.float32(NEVER_SHOWN))
    highest = shown.max(axis=1, initial=NEVER_SHOWN)
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
