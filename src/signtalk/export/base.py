"""From pretraining to the base in the wheel: a bundle without sentences, small, with the weights to go on from.

    best.safetensors of `pretrain` --shortened--> weights + DecisionConfig --export_base--> base.zip

Weights are rounded to a few binary digits first: the zip packs what is left of them into little more than a byte each,
graph and checkpoint are still those of any bundle, and both hold the same rounded numbers.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch

from signtalk.export.export import ExportExtras, export_bundle
from signtalk.files import copy_file
from signtalk.index.index import SentenceIndex
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

_MANTISSA_BITS = 23


def export_base(
    checkpoint: Checkpoint, decision: DecisionConfig, out: Path, licence: str, figures: dict[str, Any] | None = None
) -> Path:
    """Write a base.

    Args:
        checkpoint: of pretraining; `shortened` makes it small.
        decision: how a bundle made of it decides; it has no translation.
        out: the zip to make.
        licence: of the weights.
        figures: what was measured, for the model card.

    Returns:
        The zip.

    Raises:
        ExportRefusedError: a graph disagrees with the model.
    """
    with tempfile.TemporaryDirectory(prefix="signtalk-base-") as folder:
        weights = Path(folder) / "weights.safetensors"
        save_checkpoint(
            weights, checkpoint.model, checkpoint.features, checkpoint.tokenizer, checkpoint.origin, in_16_bits=True
        )
        shipped = load_checkpoint(weights)
        index = SentenceIndex.build((), (), shipped.encoder_id)
        extras = ExportExtras(licence=licence, weights=weights, scripted=False, figures=figures or {})
        silent = decision.model_copy(update={"translate": False})
        made = export_bundle(shipped, index, silent, Path(folder) / "export", extras)
        copy_file(made, out)
    return out


def shortened(checkpoint: Checkpoint, bits: int) -> Checkpoint:
    """A checkpoint whose weights are rounded, in place: what is shipped is what is measured.

    Args:
        checkpoint: of pretraining.
        bits: binary digits that a weight keeps behind its first one.
    """
    weights = {name: rounded(tensor, bits) for name, tensor in checkpoint.model.state_dict().items()}
    checkpoint.model.load_state_dict(weights)
    return checkpoint


def rounded(tensor: torch.Tensor, bits: int) -> torch.Tensor:
    """To the nearest number of so many binary digits behind the first, and of those that 16 bits hold."""
    if not tensor.is_floating_point():
        return tensor
    dropped = _MANTISSA_BITS - bits
    whole = tensor.detach().half().float().contiguous().view(torch.int32)
    half = 1 << (dropped - 1)
    kept = (whole + half) & ~((1 << dropped) - 1)
    return kept.view(torch.float32)
