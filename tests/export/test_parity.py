from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from made.checkpoint import tiny_checkpoint, tiny_index
from signtalk.bundle.bundle import ENCODER_NAME
from signtalk.bundle.onnx_models import OnnxEncoder
from signtalk.errors import ExportRefusedError
from signtalk.export import parity as export_parity
from signtalk.export.graphs import SCRIPT_NAME, random_clips
from signtalk.export.parity import COSINE_TOLERANCE, PARITY_TOLERANCE, check_parity
from signtalk.index.encoded import Encoded
from signtalk.training.checkpoint import TorchEncoder

KINDS = ("gru", "transformer", "conv-transformer")
KINDS_OR_SLOW = tuple(
    kind if kind == "conv-transformer" else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS
)
LENGTHS = (1, 2, 3, 16, 64, 150, 301, 1000)
BATCHES = (1, 2, 7, 32)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_encoder_agrees_on_lengths_of_1_to_1000_and_batches_of_1_to_32(
    kind: str, tmp_path: Path, graphs: Callable[..., None]
) -> None:
    checkpoint = tiny_checkpoint(kind, with_texts=True)
    graphs(tmp_path, kind)
    shapes = [(batch, frames) for frames in LENGTHS for batch in BATCHES if batch * frames <= 10_000 or frames == 1000]
    found = check_parity(checkpoint, tiny_index(checkpoint), tmp_path, shapes)
    assert max(found.values()) <= PARITY_TOLERANCE
    assert max(found["onnx_cosine"], found["torchscript_cosine"]) <= COSINE_TOLERANCE


@pytest.mark.parametrize("kind", KINDS_OR_SLOW)
def test_a_clip_in_a_padded_batch_gives_what_it_gives_alone_whatever_stands_in_the_padding(
    kind: str, tmp_path: Path, graphs: Callable[..., None]
) -> None:
    checkpoint = tiny_checkpoint(kind, with_texts=True)
    graphs(tmp_path, kind)
    lengths = (257, 1, 17, 64, 3)
    features, _ = random_clips(checkpoint, len(lengths), max(lengths), seed=3)
    valid = np.arange(max(lengths)) < np.array(lengths)[:, None]
    features[~valid] = 1e4
    for encoder in (
        OnnxEncoder(tmp_path / ENCODER_NAME, checkpoint.features, checkpoint.model.config.spells),
        export_parity._ScriptEncoder(tmp_path / SCRIPT_NAME, checkpoint),
    ):
        together = encoder.encode(features, valid)
        for clip, length in enumerate(lengths):
            alone = encoder.encode(features[[clip], :length], valid[[clip], :length])
            for part in ("embeddings", "attention_mean"):
                np.testing.assert_allclose(getattr(together, part)[clip], getattr(alone, part)[0], atol=1e-5)
            for part in ("projections", "memory", "word_log_probs"):
                np.testing.assert_allclose(getattr(together, part)[clip, :length], getattr(alone, part)[0], atol=1e-4)


def test_what_an_export_asks_reaches_both_ends() -> None:
    batches, lengths = zip(*export_parity.EXPORT_SHAPES, strict=True)
    assert (min(batches), max(batches)) == (1, 32)
    assert (min(lengths), max(lengths)) == (1, 1000)


def encoded(embeddings: np.ndarray) -> Encoded:
    frames = np.zeros((len(embeddings), 2, 3), dtype=np.float32)
    valid = np.ones((len(embeddings), 2), dtype=bool)
    return Encoded(embeddings.astype(np.float32), frames, frames, valid, np.ones(len(embeddings), np.float32), frames)


def test_a_small_turn_of_many_numbers_is_found_by_the_cosine() -> None:
    width = 4096
    truth = np.full((2, width), width**-0.5)
    turned = truth + 1.5e-4 * np.where(np.arange(width) % 2, 1, -1)  # each within the tolerance of one number
    cosine = export_parity._differences(encoded(truth), encoded(truth), "x", "here")["cosine"]
    assert cosine == pytest.approx(0, abs=1e-7)
    with pytest.raises(ExportRefusedError, match="in cosine here; allowed 1e-05"):
        export_parity._differences(encoded(truth), encoded(turned), "x", "here")
    with pytest.raises(ExportRefusedError, match="in embeddings"):
        export_parity._differences(encoded(truth), encoded(truth + np.nan), "x", "here")


def test_other_neighbours_are_refused_and_ties_are_not() -> None:
    checkpoint = tiny_checkpoint("gru")
    index = tiny_index(checkpoint)
    apart = np.eye(3, index.embeddings.shape[1], dtype=np.float32)
    index = replace(index, embeddings=apart)
    query = 0.8 * apart[:1] + 0.6 * apart[1:2]
    export_parity._check_neighbours(index, encoded(query), encoded(query), "x")
    with pytest.raises(ExportRefusedError, match="other nearest references"):
        export_parity._check_neighbours(index, encoded(query), encoded(0.6 * apart[:1] + 0.8 * apart[1:2]), "x")
    tie = (apart[:1] + apart[1:2]) / np.sqrt(2)
    lean = 2e-5 * (apart[:1] - apart[1:2])
    export_parity._check_neighbours(index, encoded(tie + lean), encoded(tie - lean), "x")


def test_another_text_is_refused(tmp_path: Path, graphs: Callable[..., None]) -> None:
    checkpoint = tiny_checkpoint("conv-transformer", with_texts=True)
    graphs(tmp_path, "conv-transformer")
    check_parity(checkpoint, tiny_index(checkpoint), tmp_path, [(2, 5)])
    with torch.no_grad():
        for parameter in checkpoint.model.decoder.parameters():
            parameter.mul_(-2)
    with pytest.raises(ExportRefusedError, match="says another text of 2 clips of 5 frames"):
        check_parity(checkpoint, tiny_index(checkpoint), tmp_path, [(2, 5)])


def test_golden_input_is_asked_as_well(tmp_path: Path, graphs: Callable[..., None]) -> None:
    checkpoint = tiny_checkpoint("conv-transformer", with_texts=True)
    graphs(tmp_path, "conv-transformer")
    index = tiny_index(checkpoint)
    golden = (np.full((1, 4, checkpoint.features.num_features), np.nan, dtype=np.float32), np.ones((1, 4), dtype=bool))
    encoder = TorchEncoder(checkpoint.model, checkpoint.features)
    assert np.isnan(encoder.encode(*golden).embeddings).any()
    with pytest.raises(ExportRefusedError, match="differ by nan"):
        check_parity(checkpoint, index, tmp_path, [], [golden])
