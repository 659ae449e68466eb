"""A trained model as one file that explains itself: weights, configurations, tokenizer, origin.

The file is safetensors, so nothing is ever unpickled; what is not a weight stands as JSON in its header.
`load_checkpoint` rebuilds the model from the file alone, `TorchEncoder` lets it serve.
"""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.errors import ArtifactError, one_line
from signtalk.files import atomic_path, sha256_file
from signtalk.index.encoded import Encoded
from signtalk.index.text_search import TextSpace
from signtalk.landmarks.features import FeatureConfig
from signtalk.models.config import ModelConfig
from signtalk.models.model import SignModel
from signtalk.models.text_encoder import TextEncoder

CHECKPOINT_FORMAT_VERSION = 1
_HEADER_KEY = "signtalk"
_VERSIONED = ("signtalk", "torch", "lightning", "numpy", "pytorch-metric-learning")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained model with all that is needed to use it and to tell where it comes from.

    Attributes:
        model: in evaluation mode.
        features: what its input must be made with.
        tokenizer: of its texts.
        origin: free JSON about how it was made: recipe, split hash, epoch, measures, versions.
        encoder_id: SHA-256 of the file; ties an index to the model that made it.
    """

    model: SignModel
    features: FeatureConfig
    tokenizer: SentenceTokenizer
    origin: dict[str, Any]
    encoder_id: str

    @property
    def text_space(self) -> TextSpace | None:
        """Where texts lie among the model's signs; None for a model without a text encoder."""
        encoder = self.model.text_encoder
        return None if encoder is None else TextSpace(TorchTextEncoder(encoder), self.tokenizer)


def save_checkpoint(
    path: Path,
    model: SignModel,
    features: FeatureConfig,
    tokenizer: SentenceTokenizer,
    origin: dict[str, Any],
    in_16_bits: bool = False,
) -> None:
    """Write a checkpoint atomically; `origin` gains the versions of the libraries.

    Args:
        path: of the safetensors file.
        model: its weights.
        features: what it reads.
        tokenizer: its words.
        origin: how it came about, as JSON values.
        in_16_bits: write floating point numbers in half the bytes; what reads them gets 32 bits again.
    """
    header = {
        "format_version": CHECKPOINT_FORMAT_VERSION,
        "model": model.config.model_dump(),
        "features": features.model_dump(),
        "tokenizer": tokenizer.to_dict(),
        "origin": {**origin, "versions": library_versions()},
    }
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if in_16_bits:
        weights = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(weights, {_HEADER_KEY: json.dumps(header, sort_keys=True)}))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and rebuild its model, in evaluation mode.

    Raises:
        ArtifactError: the file is missing, damaged, of another version, or its parts do not fit each other.
    """
    if not path.is_file():
        raise ArtifactError(f"{path}: no such checkpoint; `signtalk train` writes best.safetensors into its run folder")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_HEADER_KEY)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
    except (SafetensorError, OSError) as error:
        raise ArtifactError(f"{path}: not a readable safetensors file ({error})") from error
    if text is None:
        raise ArtifactError(f"{path}: safetensors without SignTalk's header; expected a checkpoint of `signtalk train`")
    header = _header(path, text)
    format_version = header.get("format_version")
    if format_version != CHECKPOINT_FORMAT_VERSION:
        raise ArtifactError(
            f"{path}: checkpoint format {format_version}; this SignTalk reads {CHECKPOINT_FORMAT_VERSION}"
        )
    try:
        model = SignModel(ModelConfig.model_validate(header["model"]))
        model.load_state_dict(weights)
        return Checkpoint(
            model=model.eval(),
            features=FeatureConfig.model_validate(header["features"]),
            tokenizer=SentenceTokenizer.from_dict(header["tokenizer"]),
            origin=header["origin"],
            encoder_id=sha256_file(path),
        )
    except (KeyError, TypeError, ValueError, RuntimeError, ArtifactError) as error:
        reason = one_line(error, 300)  # libraries list every weight, a line each
        raise ArtifactError(f"{path}: header and weights do not fit this SignTalk or each other ({reason})") from error


def _header(path: Path, text: str) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: its header is not JSON ({error}); the file is damaged") from error
    if not isinstance(header, dict):
        raise ArtifactError(f"{path}: its header is a {type(header).__name__}; expected an object, the file is damaged")
    return header


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide what a run gives."""
    versions = {"python": platform.python_version()}
    for name in _VERSIONED:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


class TorchEncoder:
    """A `SignModel` as an `encoding.ClipEncoder`.

    Attributes:
        feature_config: what its input must be made with.
    """

    def __init__(self, model: SignModel, features: FeatureConfig) -> None:
        self._model = model
        self.feature_config = features

    @cached_property
    def _device(self) -> torch.device:
        return self._model.feature_mean.device

    @torch.no_grad()
    def encode(self, features: FloatArray, valid: BoolArray) -> Encoded:
        """Encode (B, T, F) features under their (B, T) valid mask.

        Raises:
            ValueError: the model is in training mode, whose dropout would make answers random.
        """
        if self._model.training:
            raise ValueError("the model is in training mode; call eval() before encoding")
        output = self._model.encode(
            torch.as_tensor(features, device=self._device), torch.as_tensor(valid, device=self._device)
        )
        parts = (*output, self._model.spell(output.memory))
        outputs = [part.float().cpu().numpy() for part in parts]
        return Encoded.from_outputs(outputs, valid, self._model.config.spells)


class TorchTextEncoder:
    """A `TextEncoder` as a `text_search.TextEmbedder`."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder

    @torch.no_grad()
    def encode(self, tokens: IntArray) -> FloatArray:
        """Place (B, S) token ids among the signs: (B, D).

        Raises:
            ValueError: the model is in training mode.
        """
        if self._encoder.training:
            raise ValueError("the model is in training mode; call eval() before encoding")
        device = self._encoder.embedding.weight.device
        return np.asarray(self._encoder(torch.as_tensor(tokens, device=device)).float().cpu().numpy())
