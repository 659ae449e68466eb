"""Smaller encoders: weights of one byte or of half precision, and what each costs in recognition.

    sign_encoder.onnx + clips of the run -> make_variants -> sign_encoder_int8.onnx, sign_encoder_fp16.onnx, Variants

A variant whose cost was not measured is not shipped. The references of the index stay those of the full encoder.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

from signtalk.arrays import BoolArray, FloatArray
from signtalk.bundle.bundle import (
    ENCODER_NAME,
    FULL_PRECISION,
    LEAST_MEASURED,
    Variant,
    Variants,
    largest_difference,
)
from signtalk.bundle.onnx_models import OnnxEncoder
from signtalk.errors import ArtifactError
from signtalk.index.encoded import ClipEncoder, concatenate
from signtalk.index.index import SentenceIndex
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.training.checkpoint import Checkpoint

MOST_LOSS = 0.5
"""Points of R@1 that the offered variant may lose at most; it must lose less."""
MAX_MEASURED = 500
"""Clips that are asked; more take longer than an export should."""
NOT_MEASURED = "not made: there are no clips to measure its loss on; give --data, the folder of the run"
_CLIPS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class MeasuringClips:
    """Clips of indexed sentences; those that are references themselves do not meet themselves.

    Attributes:
        features: (B, T', F) float32, B at least 1.
        valid: (B, T') bool, False in padding.
        text_keys: B sentences.
        clip_ids: B clips.
    """

    features: FloatArray
    valid: BoolArray
    text_keys: tuple[str, ...]
    clip_ids: tuple[str, ...]


def make_variants(
    checkpoint: Checkpoint,
    index: SentenceIndex,
    decision: DecisionConfig,
    folder: Path,
    clips: MeasuringClips | None,
    golden: tuple[FloatArray, BoolArray],
) -> Variants:
    """Write the variants that are smaller than the full encoder, and measure them.

    Args:
        checkpoint: the model.
        index: its references.
        decision: how its answers are ranked.
        folder: holds the full encoder, gets the others.
        clips: what they are measured on; None = none is made.
        golden: features and masks whose embeddings are compared, for `bundle verify`.
    """
    full = folder / ENCODER_NAME
    num_bytes = full.stat().st_size
    if clips is None:
        return Variants(num_bytes=num_bytes, left_out=dict.fromkeys(MAKERS, NOT_MEASURED))
    recognizer = Recognizer(
        encoder=OnnxEncoder(full, checkpoint.features, checkpoint.model.config.spells),
        index=index,
        decision=decision,
        tokenizer=checkpoint.tokenizer,
        text_space=checkpoint.text_space,
    )
    best = _recall_at_1(recognizer, recognizer.encoder, clips)
    truth = recognizer.encoder.encode(*golden).embeddings
    variants: dict[str, Variant] = {}
    left_out: dict[str, str] = {}
    for name in MAKERS:
        path = folder / f"sign_encoder_{name}.onnx"
        try:
            encoder = made_variant(name, full, path, checkpoint)
            recall, embeddings = _asked_variant(recognizer, encoder, clips, golden)
        except ArtifactError as error:
            path.unlink(missing_ok=True)
            left_out[name] = " ".join(str(error).replace(str(folder), "").split())[:200]
            continue
        variants[name] = Variant(
            file=path.name, num_bytes=path.stat().st_size, recall_at_1=recall, loss=100 * (best - recall),
            golden_difference=largest_difference(embeddings, truth),
        )  # fmt: skip
    return Variants(
        offered=_offered(variants, len(clips.text_keys)),
        num_clips=len(clips.text_keys),
        num_bytes=num_bytes,
        recall_at_1=best,
        made=variants,
        left_out=left_out,
    )


def _offered(variants: dict[str, Variant], num_clips: int) -> str:
    """The smallest that loses little enough on enough clips, else the full encoder."""
    if num_clips < LEAST_MEASURED:
        return FULL_PRECISION
    cheap = {name: variant.num_bytes for name, variant in variants.items() if variant.loss < MOST_LOSS}
    return min(cheap, key=cheap.__getitem__, default=FULL_PRECISION)


def made_variant(name: str, full: Path, path: Path, checkpoint: Checkpoint) -> OnnxEncoder:
    """Convert the full encoder.

    Args:
        name: of the variant, one of `MAKERS`.
        full: the full encoder's graph.
        path: the variant's, to be written.
        checkpoint: the model.

    Raises:
        ArtifactError: it cannot be converted or loaded, or is no smaller.
    """
    try:
        with _quiet():
            MAKERS[name](full, path)
    except Exception as error:  # the converters raise whatever they meet, without a common base
        raise ArtifactError(f"cannot be converted: {type(error).__name__}: {error}") from error
    if path.stat().st_size >= full.stat().st_size:
        raise ArtifactError(f"no smaller than the full encoder ({path.stat().st_size:,} bytes)")
    return OnnxEncoder(path, checkpoint.features, checkpoint.model.config.spells)


def _asked_variant(
    recognizer: Recognizer, encoder: OnnxEncoder, clips: MeasuringClips, golden: tuple[FloatArray, BoolArray]
) -> tuple[float, FloatArray]:
    """R@1, and the embeddings of golden clips.

    Raises:
        ArtifactError: it does not run, or gives numbers that are not finite.
    """
    try:
        embeddings = encoder.encode(*golden).embeddings
        recall = _recall_at_1(recognizer, encoder, clips)
    except Exception as error:  # onnxruntime raises classes of its C extension without a common base
        raise ArtifactError(f"does not run: {type(error).__name__}: {error}") from error
    if not np.isfinite(embeddings).all():
        raise ArtifactError("gives numbers that are not finite")
    return recall, embeddings


def _int8(full: Path, path: Path) -> None:
    """Weights of matrix products as one byte a number, a scale for each column; inputs are rounded as they come.

    Convolutions are left alone: as integers they are a few numbers fewer and several times slower. Seven of the eight
    bits are used (`reduce_range`), because processors without VNNI add pairs of products in 16 bits, which overflow.
    """
    quantize_dynamic(
        full, path, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, reduce_range=True,
        weight_type=QuantType.QInt8,
    )  # fmt: skip


def _fp16(full: Path, path: Path) -> None:
    """Half precision inside; inputs and outputs stay float32. ONNX Runtime has no GRU of half precision on a CPU."""
    half = convert_float_to_float16(
        onnx.load(str(full)), keep_io_types=True, op_block_list=[*DEFAULT_OP_BLOCK_LIST, "GRU"]
    )
    onnx.save(half, str(path))


MAKERS: dict[str, Callable[[Path, Path], None]] = {"int8": _int8, "fp16": _fp16}


def _recall_at_1(recognizer: Recognizer, encoder: ClipEncoder, clips: MeasuringClips) -> float:
    """Part of the clips whose sentence is ranked first by everything that ranks."""
    starts = range(0, len(clips.features), _CLIPS_AT_ONCE)
    blocks = [slice(start, start + _CLIPS_AT_ONCE) for start in starts]
    encoded = concatenate([encoder.encode(clips.features[block], clips.valid[block]) for block in blocks])
    scores = recognizer.rank(encoded, [(clip_id,) for clip_id in clips.clip_ids])
    return float((scores.ranks_of(clips.text_keys) == 1).mean())


@contextmanager
def _quiet() -> Iterator[None]:
    """The converters advise on the root logger, which is not the place for it."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
