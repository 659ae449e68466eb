"""Mean and spread of each feature over the training clips, which the model standardises its input by."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import StandardScaler

from signtalk.landmarks.features import standardised_columns
from signtalk.training.batches import TrainingSet

_MIN_STD = 0.02
"""Smallest spread of a feature, shoulder widths: below it lies the tracker's noise (SPEC fault 7)."""
_CLIPS_AT_ONCE = 256


def fit_statistics(training: TrainingSet) -> dict[str, npt.NDArray[Any]]:
    """The arrays of `global_stats.npz` over the training clips' valid frames.

    Returns:
        `feature_mean` and `feature_std`, (F,) float32: 0 and 1 for columns that are not standardised (presence,
        motion, visibility); `seq_lengths`, (N,) int32 frames of each clip; `motion_means`, (N,) its mean motion.
    """
    store, scaler = training.store, StandardScaler()  # type: ignore[no-untyped-call]  # it has no types
    for start in range(0, len(training.which), _CLIPS_AT_ONCE):
        features, valid = store.features(training.which[start : start + _CLIPS_AT_ONCE])
        scaler.partial_fit(features[valid].astype(np.float64))
    std = np.sqrt(np.maximum(scaler.var_, _MIN_STD**2))
    columns = standardised_columns(store.config)
    return {
        "feature_mean": np.where(columns, scaler.mean_, 0.0).astype(np.float32),
        "feature_std": np.where(columns, std, 1.0).astype(np.float32),
        "seq_lengths": store.num_frames[training.which].astype(np.int32),
        "motion_means": store.motions[training.which],
    }
