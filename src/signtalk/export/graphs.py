"""The graphs of a bundle: encoder, decoder and text encoder as ONNX, the encoder as TorchScript too.

    Checkpoint -> write_graphs -> sign_encoder.onnx, sign_encoder.ts, sign_decoder*.onnx, sign_text_encoder.onnx

Whether they say what the model says is asked in `parity`.
"""

from __future__ import annotations

import copy
import io
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.bundle.bundle import ENCODER_NAME, TEXT_ENCODER_NAME
from signtalk.data.tokenizer import PAD_ID, UNK_ID
from signtalk.index.encoded import Encoded
from signtalk.models.model import SignModel
from signtalk.models.text_decoder import DecoderStart, DecoderStep, TextDecoder
from signtalk.training.checkpoint import Checkpoint, TorchEncoder

SCRIPT_NAME = "sign_encoder.ts"
_OPSET = 18


class ExportedEncoder(nn.Module):
    """`SignModel.encode` and `spell` with plain outputs, as the graphs have them."""

    def __init__(self, model: SignModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Embedding (B, D), projections (B, T, P), memory (B, T, M), attention (B, T) and words (B, T, V)."""
        output = self.model.encode(features, valid)
        return output.embedding, output.projections, output.memory, output.attention, self.model.spell(output.memory)


def write_graphs(checkpoint: Checkpoint, folder: Path) -> None:
    """Write every graph of a model into a folder."""
    model = checkpoint.model
    features, valid = random_clips(checkpoint, batch=2, frames=40, seed=0)
    inputs = (torch.from_numpy(features), torch.from_numpy(valid))
    encoder = ExportedEncoder(model).eval()
    _write_onnx(
        encoder, inputs, folder / ENCODER_NAME, ["features", "valid"],
        ["embedding", "projections", "memory", "attention", "words"], [{0: "batch", 1: "frames"}] * 2,
    )  # fmt: skip
    with torch.no_grad(), warnings.catch_warnings():
        # Tracing is deprecated in favour of torch.export; docs/contract.md 1.11 still asks for TorchScript.
        warnings.simplefilter("ignore")
        script = torch.jit.trace(ExportedEncoder(_encoder_alone(model)).eval(), inputs, check_trace=False)
        memory = io.BytesIO()  # torch tells of a full disk in words of its own, Python in those of the system
        torch.jit.save(script, memory)
        (folder / SCRIPT_NAME).write_bytes(memory.getbuffer())
    _write_decoder(model.decoder, TorchEncoder(model, checkpoint.features).encode(features, valid), folder)
    if model.text_encoder is not None:
        tokens = random_tokens(checkpoint, batch=3, words=5, seed=0)
        _write_onnx(
            model.text_encoder.eval(), (torch.from_numpy(tokens),), folder / TEXT_ENCODER_NAME,
            ["tokens"], ["text_embedding"], [{0: "batch", 1: "words"}],
        )  # fmt: skip


def _encoder_alone(model: SignModel) -> SignModel:
    """A copy without what the encoder does not use: TorchScript would write all weights."""
    alone = copy.deepcopy(model)
    del alone.decoder, alone.text_encoder
    return alone


def _write_decoder(decoder: TextDecoder, encoded: Encoded, folder: Path) -> None:
    memory, valid = torch.from_numpy(encoded.memory), torch.from_numpy(encoded.memory_valid)
    rows = {0: "batch", 1: "frames"}
    _write_onnx(
        DecoderStart(decoder).eval(), (memory, valid), folder / "sign_decoder_start.onnx",
        ["memory", "memory_valid"], ["cross"], [rows, rows],
    )  # fmt: skip
    with torch.no_grad():
        cross = decoder.start(memory, valid)
        tokens = torch.full((len(memory),), decoder.config.sos_id, dtype=torch.int64)
        # A cache of three tokens: a length of 0 or 1 would be taken for a constant.
        cache = decoder.empty_cache(len(memory))
        for _ in range(3):
            _, cache = decoder.step(tokens, valid, cross, cache)
    _write_onnx(
        DecoderStep(decoder).eval(), (tokens, valid, cross, cache), folder / "sign_decoder.onnx",
        ["tokens", "memory_valid", "cross", "cache"], ["log_probs", "new_cache"],
        [{0: "batch"}, rows, {2: "batch", 4: "frames"}, {2: "batch", 4: "said"}],
    )  # fmt: skip


def _write_onnx(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    path: Path,
    input_names: list[str],
    output_names: list[str],
    axes: list[dict[int, str]],
) -> None:
    """One graph, one file, dynamic along the named axes."""
    recurrent = any(isinstance(part, nn.GRU) for part in module.modules())
    names: dict[str, dict[int, str]] = dict(zip(input_names, axes, strict=True))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # notices about the exporter's own future
        if recurrent:
            # The newer exporter unrolls a GRU over the example's frames; the older one writes ONNX's GRU operator.
            torch.onnx.export(
                module, inputs, str(path), input_names=input_names, output_names=output_names,
                dynamic_axes=names, opset_version=_OPSET, dynamo=False,
            )  # fmt: skip
        else:
            shapes = tuple({axis: torch.export.Dim.DYNAMIC for axis in part} for part in axes)
            torch.onnx.export(
                module, inputs, str(path), input_names=input_names, output_names=output_names,
                dynamic_shapes=shapes, opset_version=_OPSET, dynamo=True, external_data=False, verbose=False,
            )  # fmt: skip
    _strip_traces(path)


def _strip_traces(path: Path) -> None:
    """Take out where each node comes from: paths of the machine that exported it, which serve nobody else."""
    model = onnx.load(str(path))
    for graph in (model.graph, *model.functions):
        for part in (graph, *graph.node, *graph.value_info):
            part.ClearField("metadata_props")
            part.ClearField("doc_string")
    onnx.save(model, str(path))


def random_clips(checkpoint: Checkpoint, batch: int, frames: int, seed: int) -> tuple[FloatArray, BoolArray]:
    """Features (B, T, F) around the training clips' statistics, and a mask with padding at the ends.

    Args:
        checkpoint: whose statistics are drawn from.
        batch: B.
        frames: T, the longest clip.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    model = checkpoint.model
    noise = rng.standard_normal((batch, frames, model.config.encoder.num_features), dtype=np.float32)
    features = noise * model.feature_std.numpy() + model.feature_mean.numpy()
    lengths = rng.integers(1, frames + 1, batch)
    lengths[0] = frames
    return features.astype(np.float32), np.arange(frames)[None] < lengths[:, None]


def random_tokens(checkpoint: Checkpoint, batch: int, words: int, seed: int) -> IntArray:
    """(B, S) int64 token ids of made-up texts of 1 to S words, padded at the end.

    Args:
        checkpoint: whose vocabulary is drawn from.
        batch: B.
        words: S, the longest text.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    tokens = rng.integers(UNK_ID, checkpoint.tokenizer.vocabulary_size, (batch, words))
    lengths = rng.integers(1, words + 1, batch)
    lengths[0] = words
    return np.where(np.arange(words)[None] < lengths[:, None], tokens, PAD_ID).astype(np.int64)
