"""Frames that show words, as a head trained by CTC does, and what they spell counted over every path."""

import itertools

import numpy as np

from made.references import log_softmax


def made_words(num_clips, num_frames, vocabulary, seed=0):
    """Words and blanks alone are seen, as a trained head has it: no sos, eos or unknown word."""
    logits = np.random.default_rng(seed).standard_normal((num_clips, num_frames, vocabulary)) * 2
    logits[..., 1:4] = -1e3
    return log_softmax(logits)


def spelled_by(path):
    """What a path of one id a frame spells: repeats joined, blanks removed."""
    return tuple(k for k, _ in itertools.groupby(path) if k)


def sums_by_text(log_probs):
    """text -> probability, over every path of (T, V)."""
    totals = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        probability = np.exp(sum(float(log_probs[t, k]) for t, k in enumerate(path)))
        totals[spelled_by(path)] = totals.get(spelled_by(path), 0.0) + probability
    return totals
