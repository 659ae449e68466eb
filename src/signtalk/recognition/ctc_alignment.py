"""Where the frames hold the words of a sentence that is known: how probable each word is at each frame.

    word_log_probs (B, T, V) + the sentence of each clip -> WordAlignment

By the same sum over all ways to place the words as `ctc.sentence_log_likelihoods`, from both ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array
from signtalk.recognition.ctc import BLANK_ID, SpelledSentences, label_lattice


@dataclass(frozen=True, eq=False)
class WordAlignment:
    """Where each clip's words lie.

    Attributes:
        occupation: (B, T, V) float64, the probability that a frame holds a word, given that the clip says its sentence;
            each valid frame sums to 1, padding is 0.
        log_likelihoods: (B,) float64, how probable the frames hold the sentence; -inf where they cannot, as with more
            words than frames: its occupation is 0.
    """

    occupation: Float64Array
    log_likelihoods: Float64Array


def align_words(
    word_log_probs: npt.NDArray[np.floating], valid: BoolArray, sentences: SpelledSentences
) -> WordAlignment:
    """Place the words of one sentence a clip.

    Args:
        word_log_probs: (B, T, V) natural logarithms, id 0 the blank.
        valid: (B, T) bool, True = real frame, at least one a clip; padding stands at the end.
        sentences: B of them, each with a word, all words below V.

    Source:
        Graves et al. (2006), equations 6 to 11.
    """
    num_clips, num_frames, vocabulary = word_log_probs.shape
    if len(sentences) != num_clips:
        raise ValueError(f"{len(sentences)} sentences for {num_clips} clips; expected one each")
    labels, may_skip = label_lattice(sentences.words)
    ends = 2 * sentences.lengths
    clip = np.arange(num_clips)
    emitted = np.take_along_axis(word_log_probs.astype(np.float64), labels[:, None], axis=2)
    emitted = np.where(valid[..., None], emitted, 0.0)
    skip = np.where(may_skip, 0.0, -np.inf)
    forward = np.full(emitted.shape, -np.inf)
    forward[:, 0, :2] = emitted[:, 0, :2]
    for t in range(1, num_frames):
        reached = _arriving(forward[:, t - 1], skip) + emitted[:, t]
        forward[:, t] = np.where(valid[:, t, None], reached, forward[:, t - 1])
    last = np.full(labels.shape, -np.inf)
    last[clip, ends] = last[clip, ends - 1] = 0.0
    skip_back = np.concatenate([skip[:, 2:], np.full((num_clips, 2), -np.inf)], axis=1)[:, ::-1]
    backward = np.empty_like(emitted)
    backward[:, -1] = last
    for t in range(num_frames - 2, -1, -1):
        leaving = _arriving((backward[:, t + 1] + emitted[:, t + 1])[:, ::-1], skip_back)[:, ::-1]
        backward[:, t] = np.where(valid[:, t + 1, None], leaving, last)
    likelihoods = np.logaddexp.reduce(forward[:, -1] + last, axis=1)
    reachable = np.isfinite(likelihoods)
    paths = np.where(reachable, likelihoods, 0.0)[:, None, None]
    through = np.where(valid[..., None] & reachable[:, None, None], np.exp(forward + backward - paths), 0.0)
    occupation = np.zeros((num_clips, num_frames, vocabulary))
    for place in range(labels.shape[1]):  # a word, and the blank above all, stands at several places
        occupation[clip, :, labels[:, place]] += through[..., place]
    return WordAlignment(occupation, likelihoods)


def _arriving(before: Float64Array, skip: Float64Array) -> Float64Array:
    """(B, L) log probability of coming to each label: from itself, the one before or, where allowed, the one before."""
    shifted = np.pad(before, [(0, 0), (2, 0)], constant_values=-np.inf)
    grown = np.logaddexp(before, shifted[:, 1:-1])
    return np.asarray(np.logaddexp(grown, shifted[:, :-2] + skip))


def is_spelled(sentences: SpelledSentences, vocabulary: int, unknown: int) -> BoolArray:
    """(C,) whether a model knows every word of each sentence, and there is one.

    Args:
        sentences: C of them.
        vocabulary: words of the model.
        unknown: the id that stands for a word it never learned.
    """
    words = sentences.words
    strange = ((words == unknown) | (words >= vocabulary)) & (words != BLANK_ID)
    return np.asarray((sentences.lengths > 0) & ~strange.any(axis=1))
