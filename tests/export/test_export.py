from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from made.checkpoint import FEATURES, tiny_checkpoint, tiny_index
from signtalk.bundle.bundle import open_bundle, verify_bundle
from signtalk.bundle.golden import make_golden_clips
from signtalk.errors import DataError, ExportRefusedError
from signtalk.export import export
from signtalk.export.export import ExportExtras, export_bundle
from signtalk.export.graphs import random_clips
from signtalk.export.parity import PARITY_TOLERANCE
from signtalk.index.index import SentenceIndex
from signtalk.index.signs import SignLibrary
from signtalk.models.text_decoder import TorchStepDecoder
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.training.checkpoint import Checkpoint, TorchEncoder


@pytest.mark.slow
def test_a_bundle_keeps_the_policy_that_it_was_exported_with(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint("gru")
    path = export_bundle(checkpoint, tiny_index(checkpoint), DecisionConfig(policy="research"), tmp_path)
    verify_bundle(path)
    with open_bundle(path) as bundle:
        assert bundle.recognizer.decision.policy == "research"
        assert bundle.under("strict").recognizer.decision.policy == "strict"
        assert bundle.under(None).recognizer.decision.policy == "research"
    assert "(policy `research`)" in (tmp_path / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gru", "transformer", "conv-transformer"])
def test_every_encoder_exports_and_agrees_at_any_batch_and_length(kind: str, tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(kind)
    path = export_bundle(checkpoint, tiny_index(checkpoint), DecisionConfig(), tmp_path)
    assert max(verify_bundle(path).values()) < PARITY_TOLERANCE
    with open_bundle(path) as bundle:
        parts = ("embeddings", "projections", "memory", "word_log_probs", "cosine")
        assert set(bundle.manifest.parity) == {f"{graph}_{part}" for graph in ("onnx", "torchscript") for part in parts}
        for batch, frames in ((1, 1), (1, 300), (8, 33)):
            features, valid = random_clips(checkpoint, batch, frames, seed=frames)
            ours = bundle.recognizer.encoder.encode(features, valid)
            truth = TorchEncoder(checkpoint.model, FEATURES).encode(features, valid)
            np.testing.assert_allclose(ours.embeddings, truth.embeddings, atol=1e-5)
            np.testing.assert_allclose(ours.memory, truth.memory, atol=1e-4)
            from signtalk.recognition.recognizer import Recognizer

            plain = Recognizer(
                encoder=TorchEncoder(checkpoint.model, FEATURES),
                index=bundle.recognizer.index,
                decision=DecisionConfig(),
                decoder=TorchStepDecoder(checkpoint.model.decoder),
                tokenizer=checkpoint.tokenizer,
            )
            ours_texts = [text.text for text in bundle.recognizer.translate(truth)]
            assert ours_texts == [text.text for text in plain.translate(truth)]
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {
        "sign_encoder.onnx", "sign_encoder.ts", "sign_decoder.onnx", "model_config.json", "sign_encoder_bundle.zip",
        "export_manifest.json", "README.md", "golden_clips.json",
    }  # fmt: skip


@pytest.mark.slow
def test_the_text_encoder_exports_and_agrees_at_any_batch_and_length(tmp_path: Path, ready: None) -> None:
    checkpoint = tiny_checkpoint("conv-transformer", with_texts=True)
    path = export_bundle(checkpoint, tiny_index(checkpoint), DecisionConfig(), tmp_path)
    found = verify_bundle(path)
    assert found["text_embedding"] < PARITY_TOLERANCE
    with open_bundle(path) as bundle:
        assert 0 <= bundle.manifest.parity["onnx_text_embeddings"] < PARITY_TOLERANCE
        ours, truth = bundle.recognizer.text_space, checkpoint.text_space
        assert ours is not None
        assert truth is not None
        for texts in (["pain"], ["where is the pain", "here"], ["the pain is where it is here " * 9] * 5):
            np.testing.assert_allclose(ours.embed(texts), truth.embed(texts), atol=1e-5)


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch, graphs: Callable[..., None]) -> None:
    """Exports of tiny checkpoints take graphs that are there."""
    monkeypatch.setattr(export, "write_graphs", lambda checkpoint, folder: graphs(folder, "conv-transformer"))


def test_a_text_encoder_that_differs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graphs: Callable[..., None]
) -> None:
    checkpoint = tiny_checkpoint("conv-transformer", with_texts=True)

    def tampered(checkpoint: Checkpoint, folder: Path) -> None:
        graphs(folder, "conv-transformer")
        with torch.no_grad():
            assert checkpoint.model.text_encoder is not None
            checkpoint.model.text_encoder.project.weight.mul_(-1)

    monkeypatch.setattr(export, "write_graphs", tampered)
    with pytest.raises(ExportRefusedError, match=r"differ by .* in texts"):
        export_bundle(checkpoint, tiny_index(checkpoint), DecisionConfig(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_differs_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graphs: Callable[..., None]
) -> None:
    checkpoint = tiny_checkpoint("conv-transformer", with_texts=True)

    def tampered(checkpoint: Checkpoint, folder: Path) -> None:
        graphs(folder, "conv-transformer")
        with torch.no_grad():
            checkpoint.model.encoder.stem.weight.mul_(1.5)

    monkeypatch.setattr(export, "write_graphs", tampered)
    with pytest.raises(ExportRefusedError, match="differ by"):
        export_bundle(checkpoint, tiny_index(checkpoint), DecisionConfig(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_index_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportRefusedError, match="another model"):
        export_bundle(
            tiny_checkpoint("gru", seed=1), tiny_index(tiny_checkpoint("gru")), DecisionConfig(), tmp_path / "x"
        )
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("name", "message"), [("recipe.json", "holds a run"), ("index/index.json", "no export made")])
def test_a_folder_of_something_else_is_left_alone(name: str, message: str, tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint("gru")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("{}")
    with pytest.raises(DataError, match=f"{message}.*choose another folder"):
        export_bundle(checkpoint, tiny_index(checkpoint), DecisionConfig(), tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == [name]


@pytest.mark.slow
def test_paths_of_an_older_index_do_not_leak_and_an_export_may_be_made_again(tmp_path: Path, ready: None) -> None:
    checkpoint = tiny_checkpoint("conv-transformer", with_texts=True)
    index = tiny_index(checkpoint)
    entries = [replace(entry, feature_path=f"/home/ama/{entry.clip_id}.npz") for entry in index.entries]
    for _ in range(2):
        path = export_bundle(checkpoint, replace(index, entries=tuple(entries)), DecisionConfig(), tmp_path / "out")
    with open_bundle(path) as bundle:
        assert [entry.feature_path for entry in bundle.recognizer.index.entries] == ["c0.npz", "c1.npz", "c2.npz"]


@pytest.mark.slow
def test_everything_that_was_given_is_shipped_and_what_is_no_longer_is_removed(tmp_path: Path, ready: None) -> None:
    checkpoint = tiny_checkpoint("conv-transformer", with_texts=True)
    index = tiny_index(checkpoint)
    signs = SignLibrary.of((str(i), clip) for i, clip in enumerate(make_golden_clips().values()))
    (tmp_path / "weights").write_bytes(b"weights")
    figures = {"retrieval": [], "open_set": None, "texts": []}
    extras = ExportExtras(None, signs, figures, ("a" * 64,), "CC-BY-4.0", tmp_path / "weights")
    out = tmp_path / "out"
    with open_bundle(export_bundle(checkpoint, index, DecisionConfig(), out, extras)) as bundle:
        assert bundle.signs is not None
        assert bundle.signs.sentence_ids == ("0", "1", "2", "3")
        told = bundle.manifest
        assert (told.split_hash, told.licence, told.landmarkers) == ("x", "CC-BY-4.0", ("a" * 64,))
        assert told.figures == figures
        assert set(told.variants.left_out) == {"int8", "fp16"}
        assert (bundle.folder / "model.safetensors").read_bytes() == b"weights"
    (out / "notes.txt").write_text("mine")
    with open_bundle(export_bundle(checkpoint, index, DecisionConfig(), out)) as bundle:
        assert bundle.signs is None
        assert bundle.manifest.licence == ""
    assert {path.name for path in out.iterdir()} & {"signs.npz", "model.safetensors", "notes.txt"} == {"notes.txt"}
    assert verify_bundle(out) == verify_bundle(out / "sign_encoder_bundle.zip")


def test_a_bundle_that_does_not_answer_as_the_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ready: None
) -> None:
    checkpoint = tiny_checkpoint("conv-transformer", with_texts=True)
    monkeypatch.setattr(export, "write_settings", other_decision(export.write_settings))
    with pytest.raises(
        ExportRefusedError, match=r"the bundle does not answer as the model does: golden_clips.json: clip"
    ):
        export_bundle(checkpoint, tiny_index(checkpoint), DecisionConfig(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def other_decision(write: Callable[..., None]) -> Callable[..., None]:
    """Settings of another scoring than the golden answers were made with."""

    def wrong(checkpoint: Checkpoint, index: SentenceIndex, decision: DecisionConfig, folder: Path) -> None:
        write(checkpoint, index, DecisionConfig.prototype(), folder)

    return wrong
