"""What an encoder gives for a batch of clips, and what anything that encodes must offer.

PyTorch (checkpoint) and ONNX Runtime (bundle) both give an `Encoded`; index, scoring, gate and
recognizer read nothing else of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.landmarks.features import FeatureConfig

_BY_FRAME = ("projections", "memory", "word_log_probs")


@dataclass(frozen=True, eq=False)
class Encoded:
    """A batch of encoded clips; T' is the same for all that is told frame by frame.

    Attributes:
        embeddings: (B, D) float32, unit length: the clip as one point, compared by cosine.
        projections: (B, T', P) float32, one row a frame, compared by DTW; zeros in padding.
        memory: (B, T', M) float32, what the text decoder reads.
        memory_valid: (B, T') bool, False in padding, for all of these.
        attention_mean: (B,) float32, mean attention weight of the valid frames.
        word_log_probs: (B, T', V) float32, natural log probability of each word at each frame, id 0 = none; V is 0
            for a model that was not trained to spell.
    """

    embeddings: FloatArray
    projections: FloatArray
    memory: FloatArray
    memory_valid: BoolArray
    attention_mean: FloatArray
    word_log_probs: FloatArray

    def __post_init__(self) -> None:
        shapes = {field.name: getattr(self, field.name).shape for field in fields(self)}
        expected_axes = {"embeddings": 2, "attention_mean": 1, "memory_valid": 2}
        expected_axes |= dict.fromkeys(_BY_FRAME, 3)
        if any(len(shapes[name]) != axes for name, axes in expected_axes.items()):
            raise ValueError(f"encoded clips of shapes {shapes}; expected this many axes: {expected_axes}")
        if len({shape[0] for shape in shapes.values()}) != 1:
            raise ValueError(f"encoded clips of shapes {shapes}; expected the same number of clips in each")
        if len({shapes[name][1] for name in (*_BY_FRAME, "memory_valid")}) != 1:
            raise ValueError(f"encoded clips of shapes {shapes}; expected the same frames in {', '.join(_BY_FRAME)}")

    @classmethod
    def from_outputs(cls, outputs: Sequence[npt.NDArray[Any]], valid: npt.NDArray[np.bool_], spells: bool) -> Encoded:
        """What a graph said, whichever library ran it.

        Args:
            outputs: embedding (B, D), projections (B, T, P), memory (B, T, M), attention (B, T), words (B, T, V).
            valid: (B, T) bool, the mask that it was given.
            spells: the words count; otherwise they are left out.
        """
        embedding, projections, memory, attention, words = outputs
        counts = np.maximum(valid.sum(axis=1), 1)
        return cls(
            embeddings=embedding,
            projections=projections,
            memory=memory,
            memory_valid=valid,
            attention_mean=(np.where(valid, attention, 0).sum(axis=1) / counts).astype(np.float32),
            word_log_probs=words if spells else words[..., :0],
        )

    @property
    def num_clips(self) -> int:
        """Number of clips B."""
        return len(self.embeddings)

    def select(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_] | slice) -> Encoded:
        """The clips of `rows` (positions, a (B,) mask or a slice), in their order; the arrays are not changed."""
        return Encoded(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def concatenate(parts: Sequence[Encoded]) -> Encoded:
    """All clips of several batches, in order.

    Batches of fewer frames are padded at the end: zeros, invalid.

    Raises:
        ValueError: no batch is given, or widths differ (batches of different models).
    """
    if not parts:
        raise ValueError("no encoded batch to concatenate; give at least one")
    widths = {(part.embeddings.shape[1], *(getattr(part, name).shape[2] for name in _BY_FRAME)) for part in parts}
    if len(widths) != 1:
        raise ValueError(f"encoded batches of different widths (D, P, M, V) {sorted(widths)}; one model gives one")
    num_frames = max(part.memory_valid.shape[1] for part in parts)
    joined: dict[str, list[npt.NDArray[Any]]] = {
        field.name: [getattr(part, field.name) for part in parts] for field in fields(Encoded)
    }
    for name in (*_BY_FRAME, "memory_valid"):
        joined[name] = [padded_frames(array, num_frames) for array in joined[name]]
    return Encoded(**{name: np.concatenate(arrays) for name, arrays in joined.items()})


def padded_frames(frames: npt.NDArray[Any], num_frames: int) -> npt.NDArray[Any]:
    """(B, T, ...) with zeros (False) appended along axis 1 up to `num_frames`."""
    missing = num_frames - frames.shape[1]
    return np.pad(frames, [(0, 0), (0, missing)] + [(0, 0)] * (frames.ndim - 2)) if missing else frames


class ClipEncoder(Protocol):
    """Anything that turns features into embeddings; not necessarily safe for several threads at once."""

    @property
    def feature_config(self) -> FeatureConfig:
        """The features that this encoder was trained on; no other ones may be given to it."""
        ...

    def encode(self, features: FloatArray, valid: BoolArray) -> Encoded:
        """Encode clips.

        Args:
            features: (B, T, F) float32, finite; what stands in padding does not matter.
            valid: (B, T) bool, False in padding; at least one True a clip.

        Returns:
            One row a clip, in order; a padded clip gives what it gives alone.
        """
        ...


def valid_lengths(valid: BoolArray) -> IntArray:
    """How many frames remain when those after the last valid one are cut off: (..., T) bool to (...) int64."""
    num_frames = valid.shape[-1]
    if num_frames == 0:
        return np.zeros(valid.shape[:-1], dtype=np.int64)
    from_the_end = np.argmax(valid[..., ::-1], axis=-1)
    return np.where(valid.any(axis=-1), num_frames - from_the_end, 0).astype(np.int64)
