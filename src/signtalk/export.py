"""From a checkpoint to what is shipped; refused unless every exported graph says what the model says.

    Checkpoint + SentenceIndex + DecisionConfig -> export_bundle -> folder with sign_encoder_bundle.zip

Files: docs/bundle-format.md.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from signtalk.bundle import (
    BUNDLE_FORMAT_VERSION,
    BUNDLE_NAME,
    MANIFEST_NAME,
    TEXT_ENCODER_NAME,
    BundleManifest,
    OnnxEncoder,
    OnnxStepDecoder,
    OnnxTextEncoder,
)
from signtalk.checkpoint import Checkpoint, TorchEncoder, TorchTextEncoder, library_versions
from signtalk.decoding import DecodingOptions, StepDecoder, beam_search
from signtalk.encoding import ClipEncoder, Encoded
from signtalk.errors import DataError, ExportRefusedError
from signtalk.files import BoolArray, FloatArray, IntArray, save_arrays, sha256_file, write_json
from signtalk.index import SentenceIndex
from signtalk.model import SignModel
from signtalk.recognizer import DecisionConfig
from signtalk.run_folder import INDEX_NAME, RECIPE_NAME
from signtalk.spelling import JointStepDecoder
from signtalk.text_decoder import DecoderStart, DecoderStep, TextDecoder, TorchStepDecoder
from signtalk.tokenizer import PAD_ID, UNK_ID

PARITY_TOLERANCE = 2e-4
"""Largest difference between PyTorch and an exported graph, in embeddings, projections and memory."""
_CHECKED_LENGTHS = (1, 2, 17, 64, 150)
_CHECKED_WORDS = (1, 2, 7, 40)
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


def export_bundle(checkpoint: Checkpoint, index: SentenceIndex, decision: DecisionConfig, out: Path) -> Path:
    """Write SPEC 1.11's files into `out`, or nothing.

    Returns:
        The bundle zip.

    Raises:
        ExportRefusedError: a graph disagrees with the model, or the index belongs to another model.
        DataError: the folder holds a run or an index that no export made, or cannot be written.
    """
    _refuse_other_folders(out)
    if index.encoder_id != checkpoint.encoder_id:
        raise ExportRefusedError("the index was made by another model; run `signtalk index` again, then export")
    try:
        out.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".export.", dir=out))
    except OSError as error:
        raise DataError(f"{out}: cannot write there ({error.strerror}); choose a folder you may write to") from error
    try:
        _write_parts(checkpoint, index, decision, work)
        parity = check_parity(checkpoint, work)
        _write_manifest(checkpoint, parity, work)
        _write_zip(work)
        for path in sorted(work.iterdir()):
            target = out / path.name
            if target.is_dir():
                shutil.rmtree(target)
            path.replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return out / BUNDLE_NAME


def _refuse_other_folders(out: Path) -> None:
    """What an export replaces must be an export's own."""
    if (out / RECIPE_NAME).exists():
        raise DataError(f"{out}: holds a run, whose files the export would replace; choose another folder for --out")
    if (out / INDEX_NAME).exists() and not (out / MANIFEST_NAME).exists():
        raise DataError(f"{out}: holds an {INDEX_NAME}/ that no export made; choose another folder for --out")


def _without_absolute_paths(index: SentenceIndex) -> SentenceIndex:
    """The index without anything that tells whose disk it was made on."""
    entries = [
        replace(entry, feature_path=Path(entry.feature_path).name) if Path(entry.feature_path).is_absolute() else entry
        for entry in index.entries
    ]
    return replace(index, entries=tuple(entries))


def _write_parts(checkpoint: Checkpoint, index: SentenceIndex, decision: DecisionConfig, folder: Path) -> None:
    model = checkpoint.model
    features, valid = random_clips(checkpoint, batch=2, frames=40, seed=0)
    inputs = (torch.from_numpy(features), torch.from_numpy(valid))
    encoder = ExportedEncoder(model).eval()
    _write_onnx(
        encoder, inputs, folder / "sign_encoder.onnx", ["features", "valid"],
        ["embedding", "projections", "memory", "attention", "words"], [{0: "batch", 1: "frames"}] * 2,
    )  # fmt: skip
    with torch.no_grad(), warnings.catch_warnings():
        # Tracing is deprecated in favour of torch.export; SPEC 1.11 still asks for TorchScript.
        warnings.simplefilter("ignore")
        torch.jit.trace(encoder, inputs, check_trace=False).save(str(folder / "sign_encoder.ts"))
    _write_decoder(model.decoder, TorchEncoder(model, checkpoint.features).encode(features, valid), folder)
    write_json(
        folder / "model_config.json",
        {"model": model.config.model_dump(), "features": checkpoint.features.model_dump(), "origin": checkpoint.origin},
    )
    checkpoint.tokenizer.save(folder / "tokenizer_vocab.json")
    write_json(folder / "decision.json", decision.model_dump(mode="json"))
    _without_absolute_paths(index).save(folder / INDEX_NAME)
    text_encoder = model.text_encoder
    golden_texts: dict[str, FloatArray | IntArray] = {}
    if text_encoder is not None:
        tokens = random_tokens(checkpoint, batch=3, words=5, seed=0)
        _write_onnx(
            text_encoder.eval(), (torch.from_numpy(tokens),), folder / TEXT_ENCODER_NAME,
            ["tokens"], ["text_embedding"], [{0: "batch", 1: "words"}],
        )  # fmt: skip
        golden_texts = {"tokens": tokens, "text_embedding": TorchTextEncoder(text_encoder).encode(tokens)}
    golden, golden_valid = random_clips(checkpoint, batch=4, frames=50, seed=1)
    encoded = TorchEncoder(model, checkpoint.features).encode(golden, golden_valid)
    save_arrays(
        folder / "golden.npz",
        {
            "features": golden,
            "valid": golden_valid,
            "embedding": encoded.embeddings,
            "memory": encoded.memory,
            "words": encoded.word_log_probs,
            **golden_texts,
        },
    )


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
    """Features (B, T, F) around the training clips' statistics, and a mask with padding at the ends."""
    rng = np.random.default_rng(seed)
    model = checkpoint.model
    noise = rng.standard_normal((batch, frames, model.config.encoder.num_features), dtype=np.float32)
    features = noise * model.feature_std.numpy() + model.feature_mean.numpy()
    lengths = rng.integers(1, frames + 1, batch)
    lengths[0] = frames
    return features.astype(np.float32), np.arange(frames)[None] < lengths[:, None]


def random_tokens(checkpoint: Checkpoint, batch: int, words: int, seed: int) -> IntArray:
    """(B, S) int64 token ids of made-up texts of 1 to S words, padded at the end."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(UNK_ID, checkpoint.tokenizer.vocabulary_size, (batch, words))
    lengths = rng.integers(1, words + 1, batch)
    lengths[0] = words
    return np.where(np.arange(words)[None] < lengths[:, None], tokens, PAD_ID).astype(np.int64)


class _ScriptEncoder:
    """The TorchScript file as a ClipEncoder, for the parity check."""

    def __init__(self, path: Path, checkpoint: Checkpoint) -> None:
        self.feature_config, self._spells = checkpoint.features, checkpoint.model.config.spells
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is deprecated, see _write_parts
            self._module: Any = torch.jit.load(str(path))

    @torch.no_grad()
    def encode(self, features: FloatArray, valid: BoolArray) -> Encoded:
        parts = self._module(torch.from_numpy(features), torch.from_numpy(valid))
        return Encoded.from_outputs([part.numpy() for part in parts], valid, self._spells)


def check_parity(checkpoint: Checkpoint, folder: Path) -> dict[str, float]:
    """Compare ONNX Runtime and TorchScript with PyTorch over clips of many lengths, and their texts.

    Returns:
        The largest difference of each output of each graph.

    Raises:
        ExportRefusedError: a difference above PARITY_TOLERANCE, or another text.
    """
    model = checkpoint.model
    torch_encoder = TorchEncoder(model, checkpoint.features)
    decoder_shape = model.config.decoder.model_dump()
    decoder = OnnxStepDecoder(folder / "sign_decoder_start.onnx", folder / "sign_decoder.onnx", decoder_shape)
    exported: dict[str, ClipEncoder] = {
        "onnx": OnnxEncoder(folder / "sign_encoder.onnx", checkpoint.features, model.config.spells),
        "torchscript": _ScriptEncoder(folder / "sign_encoder.ts", checkpoint),
    }
    worst: dict[str, float] = {}
    for number, frames in enumerate(_CHECKED_LENGTHS):
        features, valid = random_clips(checkpoint, batch=1 + 2 * number, frames=frames, seed=frames)
        truth = torch_encoder.encode(features, valid)
        for name, encoder in exported.items():
            found = encoder.encode(features, valid)
            for part in ("embeddings", "projections", "memory", "word_log_probs"):
                difference = float(np.abs(getattr(found, part) - getattr(truth, part)).max(initial=0))
                worst[f"{name}_{part}"] = max(worst.get(f"{name}_{part}", 0.0), difference)
                if not difference <= PARITY_TOLERANCE:
                    raise ExportRefusedError(
                        f"{name} and PyTorch differ by {difference:.2g} in {part} at {frames} frames; "
                        f"allowed {PARITY_TOLERANCE:g}; nothing was exported"
                    )
        longest = model.config.decoder.max_tokens
        if _texts(TorchStepDecoder(model.decoder), truth, longest) != _texts(decoder, truth, longest):
            raise ExportRefusedError(f"the exported decoder says another text at {frames} frames; nothing was exported")
    return worst | _text_parity(checkpoint, folder)


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
    found = [beam_search(said, encoded.memory, encoded.memory_valid, options) for said in heard]
    return [results[0].tokens for part in found for results in part]


def _write_manifest(checkpoint: Checkpoint, parity: dict[str, float], folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = BundleManifest(
        format_version=BUNDLE_FORMAT_VERSION,
        files={path.relative_to(folder).as_posix(): sha256_file(path) for path in paths},
        versions=library_versions(),
        origin={**checkpoint.origin, "encoder_id": checkpoint.encoder_id},
        parity=parity,
    )
    write_json(folder / MANIFEST_NAME, manifest.model_dump(mode="json"))


def _write_zip(folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(folder / BUNDLE_NAME, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, path.relative_to(folder).as_posix())
