"""How many first places belong to a set."""

import numpy as np

from signtalk.recognition.candidate_sets import CandidateSets


def test_sizes_count_what_is_near_and_present() -> None:
    sets = CandidateSets(gap=0.2, num_clips=9)
    scores = np.array([[0.9, 0.8, 0.6], [0.5, -np.inf, -np.inf], [-np.inf] * 3], dtype=np.float32)
    assert sets.sizes(scores).tolist() == [2, 1, 0]
    assert CandidateSets().sizes(scores).tolist() == [0, 0, 0]
    assert sets.sizes(np.zeros((2, 0), np.float32)).tolist() == [0, 0]
