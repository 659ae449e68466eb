"""Searches and sums that the tests of the text decoder compare with."""

import numpy as np

from signtalk.recognition.beam_search import beam_search


def greedy_decode(decoder, memory, memory_valid, options):
    """The answer that takes the most probable token at each step, one a clip."""
    greedy = options.model_copy(update={"num_beams": 1})
    return [results[0] for results in beam_search(decoder, memory, memory_valid, greedy)]


def total_log_prob(result):
    """Total log probability of a decoded text, eos included, without length penalty."""
    return sum(result.token_log_probs)


def text_log_prob(decoder, memory, memory_valid, tokens):
    """How probable a decoder, asked one token at a time, holds a text of one clip, eos included."""
    state, last, total = decoder.start(memory, memory_valid), decoder.sos_id, 0.0
    for token in [*tokens, decoder.eos_id]:
        log_probs, state = decoder.step(np.array([last]), state)
        total, last = total + float(log_probs[0, token]), token
    return total
