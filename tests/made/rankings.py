"""A made-up index to rank, and distances by plain loops."""

import numpy as np

from made.references import encoded, entry
from made.warping import dtw_distances
from signtalk.index.index import SentenceIndex
from signtalk.recognition.scoring import ScoringConfig

PROTOTYPE = ScoringConfig(mode="prototype", exclude_self=False)


def made_index(num_clips=30, num_sentences=9, seed=0):
    rng = np.random.default_rng(seed)
    entries = [entry(f"c{n:02}", f"text {rng.integers(num_sentences)}") for n in range(num_clips)]
    return SentenceIndex.build(encoded(num_clips, seed=seed), entries, "m")


def plain_distance(query, b, index, row):
    reference = index.projections[row : row + 1, : index.projection_lengths[row]]
    return dtw_distances(query.projections[b], reference, query.memory_valid[b])
