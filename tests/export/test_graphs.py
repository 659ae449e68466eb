import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from made.checkpoint import tiny_checkpoint
from signtalk.export.graphs import SCRIPT_NAME, _encoder_alone, _write_onnx, random_clips, random_tokens
from signtalk.models.layers import sinusoidal_positions


@pytest.mark.parametrize("kind", ["conv-transformer", pytest.param("gru", marks=pytest.mark.slow)])
def test_graphs_have_the_names_and_free_axes_that_the_format_promises(
    kind: str, tmp_path: Path, graphs: Callable[..., None]
) -> None:
    graphs(tmp_path, kind)
    loaded = {path.name: onnx.load(str(path)).graph for path in tmp_path.glob("*.onnx")}
    found = {
        name: (
            [value.name for value in graph.input],
            [value.name for value in graph.output],
            [[bool(axis.dim_param) for axis in value.type.tensor_type.shape.dim] for value in graph.input],
        )
        for name, graph in loaded.items()
    }
    assert found == {
        "sign_encoder.onnx": (
            ["features", "valid"], ["embedding", "projections", "memory", "attention", "words"],
            [[True, True, False], [True, True]],
        ),
        "sign_decoder_start.onnx": (["memory", "memory_valid"], ["cross"], [[True, True, False], [True, True]]),
        "sign_decoder.onnx": (
            ["tokens", "memory_valid", "cross", "cache"], ["log_probs", "new_cache"],
            [[True], [True, True], [False, False, True, False, True, False], [False, False, True, False, True, False]],
        ),
        "sign_text_encoder.onnx": (["tokens"], ["text_embedding"], [[True, True]]),
    }  # fmt: skip
    for path in tmp_path.glob("*.onnx"):
        assert not re.search(rb"site-packages|\.py\"", path.read_bytes())


class Places(nn.Module):
    def forward(self, sequence: Tensor) -> Tensor:
        return sequence + sinusoidal_positions(torch.arange(sequence.shape[1]), sequence.shape[2])


def test_positions_of_long_clips_are_the_same_in_every_library(tmp_path: Path) -> None:
    places, path = Places(), tmp_path / "places.onnx"
    _write_onnx(places, (torch.zeros(2, 40, 256),), path, ["sequence"], ["placed"], [{0: "batch", 1: "frames"}])
    sequence = torch.zeros(1, 1000, 256)
    (found,) = onnxruntime.InferenceSession(str(path)).run(None, {"sequence": sequence.numpy()})
    np.testing.assert_allclose(found, places(sequence).numpy(), atol=1e-6)


def test_torchscript_holds_the_encoder_alone(tmp_path: Path, graphs: Callable[..., None]) -> None:
    graphs(tmp_path, "conv-transformer")
    content = (tmp_path / SCRIPT_NAME).read_bytes()
    assert b"encoder" in content
    assert b"text_encoder" not in content
    assert b"decoder" not in content


def test_the_model_itself_is_left_whole() -> None:
    model = tiny_checkpoint("conv-transformer", with_texts=True).model
    names = set(model.state_dict())
    alone = _encoder_alone(model)
    assert set(model.state_dict()) == names
    assert {name for name in names if name.startswith(("decoder.", "text_encoder."))} == names - set(alone.state_dict())


def test_made_up_input_has_padding_at_the_end_and_one_clip_without() -> None:
    checkpoint = tiny_checkpoint("gru")
    features, valid = random_clips(checkpoint, batch=5, frames=9, seed=1)
    assert features.shape[:2] == valid.shape == (5, 9)
    assert valid[0].all()
    assert (valid.sum(axis=1) >= 1).all()
    assert (valid[:, 1:] <= valid[:, :-1]).all()
    tokens = random_tokens(checkpoint, batch=4, words=6, seed=1)
    assert tokens.shape == (4, 6)
    assert tokens.max() < checkpoint.tokenizer.vocabulary_size
    assert (tokens[0] > 0).all()
