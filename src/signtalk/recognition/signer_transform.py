"""What is peculiar to one person's signing, as two small matrices: applied to whatever the encoder says of their clips.

    Encoded of a person's clips -> SignerTransform.applied -> Encoded, as if they signed as the references do

`signer_fit` makes one from a few sentences whose text is known. It belongs to one person: the model, its index and its
gate stay as they are, and deleting the file forgets it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array, FloatArray
from signtalk.errors import ArtifactError
from signtalk.files import load_arrays, save_arrays
from signtalk.index.encoded import ClipEncoder, Encoded
from signtalk.landmarks.features import FeatureConfig

_VERSION = 1


@dataclass(frozen=True, eq=False)
class SignerTransform:
    """How one person's frames become those of others.

    A frame's memory, centred and scaled, with a 1 behind it, times `frames` is added to its projection, which keeps its
    length; times `words` it is added to the log probabilities of the words, which then sum to 1 again.

    Attributes:
        encoder_id: the model that it was fitted for.
        num_clips: of how many clips it was fitted.
        centre: (M,) mean of the person's frames in memory.
        scale: how far they lie from it, of all M numbers together.
        frames: (M + 1, P).
        words: (M + 1, V).
    """

    encoder_id: str
    num_clips: int
    centre: Float64Array
    scale: float
    frames: Float64Array
    words: Float64Array

    def __post_init__(self) -> None:
        inputs = len(self.centre) + 1
        shapes = (self.centre.ndim, self.frames.shape[:1], self.words.shape[:1], self.frames.ndim, self.words.ndim)
        if shapes != (1, (inputs,), (inputs,), 2, 2):
            raise ValueError(f"centre {self.centre.shape}, frames {self.frames.shape}, words {self.words.shape}")
        finite = all(np.isfinite(array).all() for array in (self.centre, self.frames, self.words))
        if not finite or not np.isfinite(self.scale) or self.scale <= 0:
            raise ValueError("numbers that are not finite, or a scale that is not positive")

    def applied(self, encoded: Encoded) -> Encoded:
        """Clips of this person, with embeddings as they were.

        Raises:
            ValueError: the clips are of another model.
        """
        widths = encoded.memory.shape[2] + 1, encoded.projections.shape[2], encoded.word_log_probs.shape[2]
        expected = len(self.frames), self.frames.shape[1], self.words.shape[1]
        if widths != expected:
            raise ValueError(f"encoded clips of widths {widths}; expected {expected}, those of the signer's model")
        inputs = frame_inputs(encoded.memory, self.centre, self.scale)
        return replace(
            encoded,
            projections=moved_projections(encoded.projections, inputs @ self.frames, encoded.memory_valid),
            word_log_probs=normalised(encoded.word_log_probs + inputs @ self.words).astype(np.float32),
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Write one `.npz`, atomically."""
        told = {"version": _VERSION, "encoder_id": self.encoder_id, "num_clips": self.num_clips, "scale": self.scale}
        arrays = {"centre": self.centre, "frames": self.frames, "words": self.words}
        singles = {name: np.array(value) for name, value in told.items()}
        save_arrays(Path(path), singles | {name: array.astype(np.float32) for name, array in arrays.items()})

    @classmethod
    def load(cls, path: str | PathLike[str], encoder_id: str) -> SignerTransform:
        """Read what `save` wrote.

        Raises:
            ArtifactError: the file is missing, damaged, of another version or of another model.
        """
        arrays = load_arrays(Path(path))
        try:
            version, made_for = int(arrays["version"]), str(arrays["encoder_id"])
            if version != _VERSION:
                raise ArtifactError(f"{path}: version {version}; expected {_VERSION}. Learn the signer again")
            if made_for != encoder_id:
                raise ArtifactError(
                    f"{path}: a signer learned for another model ({made_for[:12]}, not {encoder_id[:12]}); "
                    "learn the signer with this one"
                )
            centre, frames, words = (arrays[name].astype(np.float64) for name in ("centre", "frames", "words"))
            return cls(made_for, int(arrays["num_clips"]), centre, float(arrays["scale"]), frames, words)
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"{path}: not a learned signer ({error})") from error


@dataclass(frozen=True, eq=False)
class SignerEncoder:
    """An encoder of one person's clips.

    Attributes:
        encoder: that of everybody.
        signer: what is peculiar to the person.
    """

    encoder: ClipEncoder
    signer: SignerTransform

    @property
    def feature_config(self) -> FeatureConfig:
        """That of everybody."""
        return self.encoder.feature_config

    def encode(self, features: FloatArray, valid: BoolArray) -> Encoded:
        """As `ClipEncoder.encode`."""
        return self.signer.applied(self.encoder.encode(features, valid))


def frame_inputs(memory: npt.NDArray[np.floating], centre: Float64Array, scale: float) -> Float64Array:
    """Centred, scaled so that a typical frame has length 1, and a 1 behind.

    Args:
        memory: (..., M) frames.
        centre: (M,).
        scale: of all M numbers together.

    Returns:
        (..., M + 1).
    """
    scaled = (memory.astype(np.float64) - centre) / (scale * np.sqrt(len(centre)))
    return np.concatenate([scaled, np.ones((*scaled.shape[:-1], 1))], axis=-1)


def moved_projections(projections: FloatArray, moves: Float64Array, valid: BoolArray) -> FloatArray:
    """Projections that moved and kept their lengths.

    Args:
        projections: (B, T, P).
        moves: (B, T, P) what is added.
        valid: (B, T) bool; padding becomes zero.
    """
    moved = projections + moves
    lengths = np.linalg.norm(projections, axis=2, keepdims=True)
    moved *= lengths / np.maximum(np.linalg.norm(moved, axis=2, keepdims=True), 1e-9)
    return np.where(valid[..., None], moved, 0).astype(np.float32)


def normalised(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Log probabilities that sum to 1 along the last axis; an empty axis stays empty."""
    if logits.shape[-1] == 0:
        return logits
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
