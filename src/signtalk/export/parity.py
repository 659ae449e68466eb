"""Whether the exported graphs say what the model says, over clips of many lengths and batches of many sizes.

    Checkpoint + SentenceIndex + folder of graphs -> check_parity -> largest differences, or ExportRefusedError

Compared are all outputs of ONNX Runtime and TorchScript with PyTorch's, the nearest references of the index, and the
texts that the exported decoder writes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from signtalk.arrays import BoolArray, FloatArray
from signtalk.bundle.bundle import ENCODER_NAME, TEXT_ENCODER_NAME
from signtalk.bundle.golden import same_ranking
from signtalk.bundle.onnx_models import DecoderShape, OnnxEncoder, OnnxStepDecoder, OnnxTextEncoder
from signtalk.errors import ExportRefusedError
from signtalk.export.graphs import SCRIPT_NAME, random_clips, random_tokens
from signtalk.index.encoded import ClipEncoder, Encoded
from signtalk.index.index import SentenceIndex
from signtalk.models.text_decoder import TorchStepDecoder
from signtalk.recognition.beam_search import DecodingOptions, StepDecoder, beam_search
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.recognition.spelling_decoder import JointStepDecoder
from signtalk.training.checkpoint import Checkpoint, TorchEncoder, TorchTextEncoder

PARITY_TOLERANCE = 2e-4
"""Largest difference between PyTorch and an exported graph, in embeddings, projections and memory."""
COSINE_TOLERANCE = 1e-5
"""How much less than 1 the cosine of two embeddings of a clip may be."""
EXPORT_SHAPES = ((1, 1), (2, 2), (32, 17), (3, 64), (5, 150), (1, 1000))
"""(batch, frames) that every export is asked; the tests ask more."""
_CHECKED_WORDS = (1, 2, 7, 40)
_NEAREST = 5
_DECODED = 4
"""Clips of a batch that are decoded as well."""

GraphInput = tuple[FloatArray, BoolArray]
"""Features (B, T, F) and mask (B, T) as an exported graph takes them."""


class _ScriptEncoder:
    """The TorchScript file as a ClipEncoder, for the parity check."""

    def __init__(self, path: Path, checkpoint: Checkpoint) -> None:
        self.feature_config, self._spells = checkpoint.features, checkpoint.model.config.spells
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is deprecated, see write_graphs
            self._module: Any = torch.jit.load(str(path))

    @torch.no_grad()
    def encode(self, features: FloatArray, valid: BoolArray) -> Encoded:
        parts = self._module(torch.from_numpy(features), torch.from_numpy(valid))
        return Encoded.from_outputs([part.numpy() for part in parts], valid, self._spells)


def check_parity(
    checkpoint: Checkpoint,
    index: SentenceIndex,
    folder: Path,
    shapes: Sequence[tuple[int, int]] = EXPORT_SHAPES,
    golden: Sequence[GraphInput] = (),
) -> dict[str, float]:
    """Compare ONNX Runtime and TorchScript with PyTorch over clips of many lengths, and what follows from them.

    Args:
        checkpoint: the model.
        index: its references; the nearest five of each clip must be the same. Two may change places where their
            similarities differ by no more than PARITY_TOLERANCE.
        folder: holds the graphs.
        shapes: (batch, frames) of made-up features.
        golden: features and masks that are asked besides.

    Returns:
        The largest difference of each output of each graph, and of the cosine of embeddings to 1.

    Raises:
        ExportRefusedError: a difference above the tolerances, other neighbours, or another text.
    """
    model = checkpoint.model
    torch_encoder = TorchEncoder(model, checkpoint.features)
    decoder_shape = DecoderShape.model_validate(model.config.decoder.model_dump())
    decoder = OnnxStepDecoder(folder / "sign_decoder_start.onnx", folder / "sign_decoder.onnx", decoder_shape)
    exported: dict[str, ClipEncoder] = {
        "onnx": OnnxEncoder(folder / ENCODER_NAME, checkpoint.features, model.config.spells),
        "torchscript": _ScriptEncoder(folder / SCRIPT_NAME, checkpoint),
    }
    worst: dict[str, float] = {}
    for features, valid in _batches(checkpoint, shapes, golden):
        where = f"of {len(features)} clips of {features.shape[1]} frames"
        truth = torch_encoder.encode(features, valid)
        for name, encoder in exported.items():
            encoded = encoder.encode(features, valid)
            for part, difference in _differences(truth, encoded, name, where).items():
                worst[f"{name}_{part}"] = max(worst.get(f"{name}_{part}", 0.0), difference)
            _check_neighbours(index, truth, encoded, f"{name} {where}")
        some, longest = truth.select(slice(_DECODED)), model.config.decoder.max_tokens
        if _texts(TorchStepDecoder(model.decoder), some, longest) != _texts(decoder, some, longest):
            raise ExportRefusedError(f"the exported decoder says another text {where}; nothing was exported")
    return worst | _text_parity(checkpoint, folder)


def _batches(
    checkpoint: Checkpoint, shapes: Sequence[tuple[int, int]], golden: Sequence[GraphInput]
) -> Iterator[GraphInput]:
    for batch, frames in shapes:
        yield random_clips(checkpoint, batch, frames, seed=frames)
    yield from golden


def _differences(truth: Encoded, exported: Encoded, name: str, where: str) -> dict[str, float]:
    """The largest difference of each output, and how much less than 1 the cosine of the embeddings is."""
    differences: dict[str, float] = {}
    for part in ("embeddings", "projections", "memory", "word_log_probs"):
        differences[part] = float(np.abs(getattr(exported, part) - getattr(truth, part)).max(initial=0))
        if not differences[part] <= PARITY_TOLERANCE:
            raise ExportRefusedError(
                f"{name} and PyTorch differ by {differences[part]:.2g} in {part} {where}; "
                f"allowed {PARITY_TOLERANCE:g}; nothing was exported"
            )
    ours, theirs = (np.asarray(encoded.embeddings, dtype=np.float64) for encoded in (truth, exported))
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    differences["cosine"] = float(np.max(1 - (ours * theirs).sum(axis=1) / lengths))
    if not differences["cosine"] <= COSINE_TOLERANCE:
        raise ExportRefusedError(
            f"the embeddings of {name} and PyTorch differ by {differences['cosine']:.2g} in cosine {where}; "
            f"allowed {COSINE_TOLERANCE:g}; nothing was exported"
        )
    return {**differences, "cosine": max(differences["cosine"], 0.0)}


def _check_neighbours(index: SentenceIndex, truth: Encoded, exported: Encoded, where: str) -> None:
    near = [index.search(encoded.embeddings, _NEAREST) for encoded in (truth, exported)]
    for query in range(truth.num_clips):
        ranked = [
            [
                (index.entries[row].clip_id, float(score))
                for row, score in zip(n.rows[query], n.similarities[query], strict=True)
            ]
            for n in near
        ]
        if not same_ranking(ranked[0], ranked[1], PARITY_TOLERANCE):
            raise ExportRefusedError(f"{where}: other nearest references than with PyTorch; nothing was exported")


def _text_parity(checkpoint: Checkpoint, folder: Path) -> dict[str, float]:
    """The largest difference of the exported text encoder over texts of many lengths; nothing without one."""
    if checkpoint.model.text_encoder is None:
        return {}
    exported, ours = OnnxTextEncoder(folder / TEXT_ENCODER_NAME), TorchTextEncoder(checkpoint.model.text_encoder)
    worst = 0.0
    for number, words in enumerate(_CHECKED_WORDS):
        tokens = random_tokens(checkpoint, batch=1 + 2 * number, words=words, seed=words)
        worst = max(worst, float(np.abs(exported.encode(tokens) - ours.encode(tokens)).max()))
    if not worst <= PARITY_TOLERANCE:
        raise ExportRefusedError(
            f"onnx and PyTorch differ by {worst:.2g} in texts; allowed {PARITY_TOLERANCE:g}; nothing was exported"
        )
    return {"onnx_text_embeddings": worst}


def _texts(decoder: StepDecoder, encoded: Encoded, max_tokens: int) -> list[tuple[int, ...]]:
    """What a decoder says alone, and together with the frames' own words."""
    options, heard = DecodingOptions(max_tokens=min(12, max_tokens)), [decoder]
    if encoded.word_log_probs.shape[2]:
        heard.append(JointStepDecoder(decoder, encoded.word_log_probs, DecisionConfig().spelling_weight))
    beams = [beam_search(said, encoded.memory, encoded.memory_valid, options) for said in heard]
    return [results[0].tokens for part in beams for results in part]
