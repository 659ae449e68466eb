"""The contract's `global_stats.npz`: mean and spread of the prototype's 540 columns, for whoever trains on them.

    training records -> write_global_stats -> global_stats.npz

A run keeps the figures of its own features under another name (`signtalk.training`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from signtalk.data.manifest import ClipRecord, clip_of_record
from signtalk.errors import DataError
from signtalk.files import save_arrays
from signtalk.landmarks.legacy_rows import PROTOTYPE_COLUMNS, frame_motion, prototype_rows_of

STATS_NAME = "global_stats.npz"


_MIN_VARIANCE = 1e-8


def write_global_stats(folder: Path, records: Sequence[ClipRecord], path: Path | None = None) -> Path:
    """Write `global_stats.npz` of the given clips: pass training clips alone.

    Streams over the files with float64 sums, so that neither memory nor rounding grows with their number.
    Clips of SignTalk's own container count with the rows that the prototype would have written.

    Args:
        folder: the data folder.
        records: clips to count, in the order of the arrays.
        path: where to write; `global_stats.npz` of the folder by default.

    Returns:
        The path. The archive holds feature_mean (540,) and feature_std (540,) float32 over all frames,
        seq_lengths (N,) int32 and motion_means (N,) float32.

    Raises:
        DataError: no records, or the file cannot be written.
        ClipError: a clip cannot be read.

    Source:
        docs/contract.md 1.3; sums merged clip by clip after Chan, Golub and LeVeque (1979).
    """
    if not records:
        raise DataError(f"{folder}: no clips to make {STATS_NAME} of")
    count, mean, squares = 0, np.zeros(PROTOTYPE_COLUMNS), np.zeros(PROTOTYPE_COLUMNS)
    lengths, motions = [], []
    for record in records:
        rows = prototype_rows_of(clip_of_record(record)).astype(np.float64)
        total = count + len(rows)
        clip_mean = rows.mean(axis=0)
        shift = clip_mean - mean
        squares += ((rows - clip_mean) ** 2).sum(axis=0) + shift**2 * (count * len(rows) / total)
        mean += shift * (len(rows) / total)
        count = total
        lengths.append(len(rows))
        motions.append(frame_motion(rows).mean())
    path = folder / STATS_NAME if path is None else path
    save_arrays(
        path,
        {
            "feature_mean": mean.astype(np.float32),
            "feature_std": np.sqrt(np.maximum(squares / count, _MIN_VARIANCE)).astype(np.float32),
            "seq_lengths": np.array(lengths, dtype=np.int32),
            "motion_means": np.array(motions, dtype=np.float32),
        },
    )
    return path
