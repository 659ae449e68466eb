"""The prototype's way from features to an answer (docs/contract.md 1.9 and 2.24): the yardstick of `speed.py`.

    features (T, 540) -> network -> cosine with all references -> the nearest clips, each read from disk and projected
    again -> fastdtw, radius 6, with a distance of two frames written in Python -> ranked clips

Written anew. FastDTW is that of Salvador and Chan (2007, "Toward accurate dynamic time warping in linear time and
space"); `plain_fastdtw` was compared by hand with the package fastdtw 0.3.4: the same distances, and faster than it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import normalize, pad

from prototype_step import NUM_COLUMNS, NUM_FRAMES, PrototypeModel
from signtalk.arrays import FloatArray

Array = npt.NDArray[np.float32]
RADIUS, CLIPS, TEMPERATURE = 6, 5, 0.12
Cell = tuple[int, int]


def euclidean(first: Array, second: Array) -> float:
    """The distance of two frames, one call a cell."""
    return float(np.linalg.norm(first - second))


def plain_fastdtw(
    first: Array, second: Array, radius: int, distance: Callable[[Array, Array], float]
) -> tuple[float, list[Cell]]:
    """Approximate DTW: solved at half the frames, then refined around that path; the distance and the path."""
    if min(len(first), len(second)) < radius + 2:
        return _windowed(first, second, [(0, len(second))] * len(first), distance)
    _, path = plain_fastdtw(_halved(first), _halved(second), radius, distance)
    return _windowed(first, second, _window(path, len(first), len(second), radius), distance)


def _halved(frames: Array) -> Array:
    even = len(frames) - len(frames) % 2
    return (frames[0:even:2] + frames[1:even:2]) / 2


def _window(path: Sequence[Cell], rows: int, columns: int, radius: int) -> list[tuple[int, int]]:
    """Columns from-to of each row that lie within `radius` half-size cells of the path."""
    low, high = [columns] * rows, [0] * rows
    for i, j in path:
        for near in range(i - radius, i + radius + 1):
            for row in (2 * near, 2 * near + 1):
                if 0 <= row < rows:
                    low[row] = min(low[row], max(0, 2 * (j - radius)))
                    high[row] = max(high[row], min(columns, 2 * (j + radius) + 2))
    for row in range(rows):  # an odd last frame has no cell of half size
        if low[row] >= high[row]:
            low[row], high[row] = low[row - 1], columns
    high[-1] = columns
    return list(zip(low, high, strict=True))


def _windowed(
    first: Array, second: Array, window: Sequence[tuple[int, int]], distance: Callable[[Array, Array], float]
) -> tuple[float, list[Cell]]:
    """Cheapest path within a window, cell by cell."""
    nowhere = (float("inf"), (-1, -1))
    best: dict[Cell, tuple[float, Cell]] = {(-1, -1): (0.0, (-1, -1))}
    for i, (low, high) in enumerate(window):
        for j in range(low, high):
            before = min((best.get(cell, nowhere)[0], cell) for cell in ((i - 1, j), (i, j - 1), (i - 1, j - 1)))
            best[i, j] = (before[0] + distance(first[i], second[j]), before[1])
    cell = (len(first) - 1, len(second) - 1)
    total, path = best[cell][0], []
    while cell != (-1, -1):
        path.append(cell)
        cell = best[cell][1]
    return total, path[::-1]


@dataclass(frozen=True, eq=False)
class PrototypeSearch:
    """The prototype's recogniser over references whose features lie on disk.

    Attributes:
        model: its network; the weights do not matter for the time.
        paths: (N,) features of each reference, .npy.
        embeddings: (N, 256) float32, unit length, as `embeddings.npy` held them.
    """

    model: PrototypeModel
    paths: tuple[Path, ...]
    embeddings: FloatArray

    @classmethod
    def over(cls, paths: Sequence[Path]) -> PrototypeSearch:
        """Index the clips of some files."""
        torch.manual_seed(0)
        model = PrototypeModel(vocabulary_size=100).eval()
        empty = cls(model, (), np.zeros((0, 256), dtype=np.float32))
        embeddings = np.concatenate([empty.embed(np.load(path)) for path in paths])
        return cls(model, tuple(paths), embeddings)

    @torch.no_grad()
    def embed(self, features: Array) -> FloatArray:
        """(1, 256) embedding of (T, 540) features."""
        frames = torch.from_numpy(_centred(features))[None]
        motion = (frames[:, 1:] - frames[:, :-1]).norm(dim=-1)
        sequence = self.model.gru(self.model.projector(frames))[0]
        pooled = self.model.pooling(sequence, pad(motion, (1, 0)))
        return np.asarray(normalize(self.model.norm(self.model.embed(pooled)), dim=-1).numpy())

    @torch.no_grad()
    def project(self, features: Array) -> Array:
        """(64, 160) projected frames of (T, 540) features."""
        return np.asarray(self.model.projector(torch.from_numpy(_centred(features))).numpy())

    def answer(self, features: Array, num_clips: int = CLIPS) -> list[tuple[int, float]]:
        """Rows and confidences of the nearest clips after re-ranking, best first."""
        similarities = (self.embeddings @ self.embed(features).T)[:, 0]
        rows = np.argsort(-similarities)[:num_clips]
        query = self.project(features)
        scores = []
        for row in rows:
            reference = self.project(np.load(self.paths[row]))  # from disk and through the network, for every query
            distance, _ = plain_fastdtw(query, reference, RADIUS, euclidean)
            scores.append(0.65 * similarities[row] + 0.35 * np.exp(-0.002 * distance))
        weights = np.exp(np.array(scores) / TEMPERATURE)
        order = np.argsort(-np.array(scores))
        return [(int(rows[place]), float(weights[place] / weights.sum())) for place in order]


def _centred(features: Array) -> Array:
    """64 frames from the middle; zeros behind a shorter clip (docs/contract.md 1.4)."""
    start = max(0, (len(features) - NUM_FRAMES) // 2)
    frames = np.zeros((NUM_FRAMES, NUM_COLUMNS), dtype=np.float32)
    kept = features[start : start + NUM_FRAMES]
    frames[: len(kept)] = kept
    return frames
