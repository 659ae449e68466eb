"""Smoothing of landmark tracks along time: one filter, causal for live use and without delay for whole clips.

The one-euro filter follows fast movement closely and calms slow movement, where trembling shows. Run forwards it is
what a live path can do; run forwards and then backwards over a whole clip its delays cancel. It stays off in
extraction unless asked for (docs/decisions.md).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from signtalk.arrays import FloatArray


class SmoothingConfig(BaseModel, frozen=True, extra="forbid"):
    """Settings of the one-euro filter.

    Attributes:
        min_cutoff_hz: cutoff for a landmark at rest; lower = calmer and, live, slower.
        beta: how much the cutoff rises, in Hz for each image height a second of speed.
        speed_cutoff_hz: cutoff for the speed estimate itself.
        max_gap_s: after a longer gap the filter starts anew.
    """

    min_cutoff_hz: float = Field(default=2.0, gt=0)
    beta: float = Field(default=20.0, ge=0)
    speed_cutoff_hz: float = Field(default=1.0, gt=0)
    max_gap_s: float = Field(default=0.25, gt=0)


class OneEuroFilter:
    """The causal filter with its state: one call a frame.

    Source:
        Casiez, Roussel and Vogel, "1 Euro Filter", CHI 2012. There each coordinate has its own speed; here a landmark
        has one, the length of its movement, so that the result does not depend on the camera's orientation.
    """

    def __init__(self, config: SmoothingConfig | None = None) -> None:
        self._config = config or SmoothingConfig()
        self._value: npt.NDArray[np.float64] | None = None

    def step(self, points: npt.NDArray[np.floating], timestamp_s: float) -> FloatArray:
        """Smooth the next frame.

        Args:
            points: (L, C); NaN = not detected.
            timestamp_s: seconds, larger than before.

        Returns:
            (L, C) float32, NaN where the input is: nothing is invented in a gap.
        """
        new = points.astype(np.float64)
        seen = np.asarray(~np.isnan(new).any(axis=1))
        if self._value is None:
            self._value, self._speed = np.full_like(new, np.nan), np.zeros_like(new)
            self._time = np.full(len(new), -np.inf)
        elapsed = timestamp_s - self._time
        known = np.asarray(seen & (elapsed <= self._config.max_gap_s))
        step = np.where(known, elapsed, 1.0)[:, None]
        moved = np.where(known[:, None], (new - self._value) / step, 0.0)
        weight = _weight(np.full_like(step, self._config.speed_cutoff_hz), step)
        self._speed = np.where(known[:, None], self._speed + weight * (moved - self._speed), 0.0)
        speed = np.linalg.norm(self._speed, axis=1, keepdims=True)
        weight = _weight(self._config.min_cutoff_hz + self._config.beta * speed, step)
        followed = np.where(known[:, None], self._value + weight * (new - self._value), new)
        self._value = np.where(seen[:, None], followed, self._value)
        self._time = np.where(seen, timestamp_s, self._time)
        return np.where(seen[:, None], followed, np.nan).astype(np.float32)


def smooth(
    points: npt.NDArray[np.floating],
    timestamps_s: npt.NDArray[np.float64],
    config: SmoothingConfig | None = None,
    causal: bool = False,
) -> FloatArray:
    """Smooth a whole clip.

    Args:
        points: (T, L, C); NaN = not detected; not changed.
        timestamps_s: (T,) seconds, strictly increasing.
        config: the filter's settings.
        causal: as the live path does, frame by frame; otherwise forwards and then backwards, which delays nothing.

    Returns:
        (T, L, C) float32, NaN where the input is.
    """
    forward = _filtered(points, timestamps_s, config)
    if causal or len(points) == 0:
        return forward
    return _filtered(forward[::-1], timestamps_s[-1] - timestamps_s[::-1], config)[::-1].copy()


def _filtered(
    points: npt.NDArray[np.floating], timestamps_s: npt.NDArray[np.float64], config: SmoothingConfig | None
) -> FloatArray:
    one_euro = OneEuroFilter(config)
    rows = [one_euro.step(row, float(time_s)) for row, time_s in zip(points, timestamps_s, strict=True)]
    return np.stack(rows) if rows else points.astype(np.float32)


def _weight(cutoff_hz: npt.NDArray[np.float64], step_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weight of the new value in a low-pass of this cutoff."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff_hz * step_s))
