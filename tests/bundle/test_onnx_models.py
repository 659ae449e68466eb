from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from made.checkpoint import FEATURES, tiny_checkpoint
from signtalk.bundle.onnx_models import DecoderShape, OnnxEncoder, OnnxStepDecoder, OnnxTextEncoder, _num_threads
from signtalk.errors import ArtifactError
from signtalk.export.graphs import random_clips

SHAPE = {"sos_id": 1, "eos_id": 2, "vocabulary_size": 9, "num_layers": 1, "num_heads": 2, "width": 16}


@pytest.fixture
def folder(tmp_path: Path, graphs: Callable[..., None]) -> Path:
    graphs(tmp_path, "conv-transformer")
    return tmp_path


def test_a_graph_of_another_kind_is_told_with_its_name(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    features, valid = random_clips(tiny_checkpoint("conv-transformer"), batch=2, frames=5, seed=0)
    memory = np.zeros((2, 5, 16), dtype=np.float32)
    calls = {
        "sign_text_encoder.onnx": lambda path: OnnxEncoder(path, FEATURES, True).encode(features, valid),
        "sign_encoder.onnx": lambda path: OnnxTextEncoder(path).encode(np.ones((1, 2), dtype=np.int64)),
        "sign_decoder.onnx": lambda path: OnnxStepDecoder(path, path, DecoderShape(**SHAPE)).start(memory, valid),
    }
    for name, ask in calls.items():
        with pytest.raises(ArtifactError, match=rf"{name}: does not run on .*; get the bundle again") as told:
            ask(folder / name)
        assert "\n" not in str(told.value)
    with pytest.raises(ArtifactError, match="does not run on features, valid"):
        OnnxEncoder(folder / "sign_encoder.onnx", FEATURES, True).encode(features[..., :3], valid)
    assert capfd.readouterr() == ("", "")


def test_a_graph_that_gives_something_else_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features, valid = random_clips(tiny_checkpoint("conv-transformer"), batch=2, frames=5, seed=0)
    encoder = OnnxEncoder(folder / "sign_encoder.onnx", FEATURES, True)
    session = onnxruntime.InferenceSession(folder / "sign_encoder.onnx")
    outputs = session.run(None, {"features": features, "valid": valid})
    for wrong in (outputs[:3], [outputs[0][:, None], *outputs[1:]], [outputs[0][:1], *outputs[1:]]):
        monkeypatch.setattr(onnxruntime.InferenceSession, "run", lambda *_, wrong=wrong: wrong)
        with pytest.raises(ArtifactError, match="no sign encoder"):
            encoder.encode(features, valid)


def test_a_decoder_of_another_vocabulary_is_told(folder: Path) -> None:
    memory, valid = np.zeros((2, 5, 32), dtype=np.float32), np.ones((2, 5), dtype=bool)
    paths = (folder / "sign_decoder_start.onnx", folder / "sign_decoder.onnx")
    width = tiny_checkpoint("conv-transformer").model.config.decoder.memory_width
    decoder = OnnxStepDecoder(*paths, DecoderShape(**SHAPE))
    state = decoder.start(memory[..., :width], valid)
    log_probs, _ = decoder.step(np.ones(2, dtype=np.int64), state)
    assert log_probs.shape == (2, 9)
    other = OnnxStepDecoder(*paths, DecoderShape(**SHAPE | {"vocabulary_size": 10}))
    with pytest.raises(ArtifactError, match=r"gives \(2, 9\); expected \(2, 10\)"):
        other.step(np.ones(2, dtype=np.int64), state)


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x93" * 400])
def test_a_file_that_is_no_graph_is_told_in_one_line(
    content: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"x\.onnx: ONNX Runtime cannot load it") as told:
        OnnxTextEncoder(tmp_path / "x.onnx")
    assert "\n" not in str(told.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("value", "threads"), [("4,2", 4), ("", 1), ("x", 1), ("-3", 1), ("0", 1), ("3", 3)])
def test_the_number_of_threads_is_read_as_openmp_reads_it(
    value: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert _num_threads() == threads
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert _num_threads() == 1
