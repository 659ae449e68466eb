"""One clip compared with many."""

import numpy as np

from signtalk.index.encoded import valid_lengths
from signtalk.recognition.dtw import DtwResult, dtw_by_row


def dtw_distances(query, references, query_valid=None, reference_valid=None):
    """DTW of a (T, P) clip with (K, T', P) others, of the frames up to the last valid one; arrays of shape (K,)."""
    query_valid = np.ones(query.shape[:1], dtype=np.bool_) if query_valid is None else query_valid
    reference_valid = np.ones(references.shape[:2], dtype=np.bool_) if reference_valid is None else reference_valid
    rows = np.arange(len(references), dtype=np.int64)[None]
    result = dtw_by_row(query[None], query_valid[None], references, valid_lengths(reference_valid), rows)
    return DtwResult(result.distances[0], result.num_frames[0])
