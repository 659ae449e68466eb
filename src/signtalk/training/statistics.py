"""Mean and spread of each feature over the training clips, which the model standardises its input by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import StandardScaler

from signtalk.arrays import FloatArray
from signtalk.data.packed import PackedClips
from signtalk.landmarks.features import standardised_columns
from signtalk.training.batches import TrainingSet

_MIN_STD = 0.02
"""Smallest spread of a feature, shoulder widths: below it lies the tracker's noise (docs/contract.md 2.7)."""


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """What training knows of its clips; the arrays of `feature_stats.npz`.

    Attributes:
        feature_mean: (F,) float32 over valid frames; 0 for columns that are not standardised (presence, motion,
            visibility).
        feature_std: (F,) float32 likewise; 1 for these columns.
        seq_lengths: (N,) int32 frames of each clip.
        motion_means: (N,) hand speed of each clip, shoulder widths a second.
    """

    feature_mean: FloatArray
    feature_std: FloatArray
    seq_lengths: npt.NDArray[np.int32]
    motion_means: FloatArray

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by name, as the file holds them."""
        return dict(vars(self))


def fit_statistics(training: TrainingSet, clips_at_once: int = 256) -> FeatureStatistics:
    """Mean, spread, lengths and motion of the training clips, of which so many at once are unpacked."""
    store = training.store
    mean, std = mean_and_spread(store, training.which, clips_at_once)
    return FeatureStatistics(
        feature_mean=mean,
        feature_std=std,
        seq_lengths=store.num_frames[training.which].astype(np.int32),
        motion_means=store.motions[training.which],
    )


def mean_and_spread(
    store: PackedClips, which: npt.NDArray[np.int64], clips_at_once: int = 256
) -> tuple[FloatArray, FloatArray]:
    """(F,) float32 mean and spread of each feature, as `FeatureStatistics` has them.

    Args:
        store: packed clips.
        which: (N,) their places in it.
        clips_at_once: so many are unpacked at a time.
    """
    scaler = StandardScaler()  # type: ignore[no-untyped-call]  # it has no types
    for start in range(0, len(which), clips_at_once):
        features, valid = store.features(which[start : start + clips_at_once])
        scaler.partial_fit(features[valid].astype(np.float64))
    std = np.sqrt(np.maximum(scaler.var_, _MIN_STD**2))
    columns = standardised_columns(store.config)
    return np.where(columns, scaler.mean_, 0.0).astype(np.float32), np.where(columns, std, 1.0).astype(np.float32)
