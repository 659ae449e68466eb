from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from made.checkpoint import FEATURES, tiny_checkpoint
from signtalk.bundle.bundle import LEAST_MEASURED, Variant
from signtalk.bundle.onnx_models import OnnxEncoder
from signtalk.export import variants as export_variants
from signtalk.export.graphs import random_clips
from signtalk.export.variants import NOT_MEASURED, MeasuringClips, make_variants
from signtalk.index.encoded import Encoded
from signtalk.index.files import IndexEntry
from signtalk.index.index import SentenceIndex
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.training.checkpoint import Checkpoint, TorchEncoder


def measured(checkpoint: Checkpoint, num: int = 6) -> tuple[SentenceIndex, MeasuringClips]:
    """An index, and its own clips with a little noise as queries."""
    features, valid = random_clips(checkpoint, batch=num, frames=24, seed=5)
    entries = [IndexEntry(f"c{i}", f"c{i}.mp4", "x", str(i), f"text {i}", "", "A", f"text {i}") for i in range(num)]
    encoded = TorchEncoder(checkpoint.model, FEATURES).encode(features, valid)
    index = SentenceIndex.build(encoded, entries, checkpoint.encoder_id)
    keys, ids = zip(*((entry.text_key, f"asked-{entry.clip_id}") for entry in entries), strict=True)
    return index, MeasuringClips(features, valid, keys, ids)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gru", "conv-transformer"])
def test_variants_are_smaller_measured_and_nearly_the_same(
    kind: str, tmp_path: Path, graphs: Callable[..., None]
) -> None:
    checkpoint = tiny_checkpoint(kind, width=64, with_texts=True)
    graphs(tmp_path, kind, width=64)
    index, asked = measured(checkpoint)
    golden = random_clips(checkpoint, batch=2, frames=9, seed=1)
    found = make_variants(checkpoint, index, DecisionConfig(), tmp_path, asked, golden)
    assert found.num_clips == 6
    assert found.recall_at_1 == 1.0
    assert set(found.made) | set(found.left_out) == {"int8", "fp16"}
    assert found.made
    for name, variant in found.made.items():
        path = tmp_path / variant.file
        assert path.name == f"sign_encoder_{name}.onnx"
        assert variant.num_bytes == path.stat().st_size < found.num_bytes
        assert variant.loss == pytest.approx(100 * (found.recall_at_1 - variant.recall_at_1))
        assert 0 < variant.golden_difference < 0.2
        model = onnx.load(str(path))
        ends = [value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)]
        assert ends == [onnx.TensorProto.FLOAT, onnx.TensorProto.BOOL, *[onnx.TensorProto.FLOAT] * 5]
    assert found.offered == "fp32"  # on six clips half a point cannot be seen
    assert {path.name for path in tmp_path.glob("sign_encoder_*")} == {variant.file for variant in found.made.values()}


def variant(num_bytes: int, loss: float) -> Variant:
    return Variant(file="x", num_bytes=num_bytes, recall_at_1=0.9, loss=loss, golden_difference=0.0)


@pytest.mark.parametrize(
    ("made", "offered"),
    [
        ({}, "fp32"),
        ({"int8": variant(10, 0.49), "fp16": variant(20, 0.0)}, "int8"),
        ({"int8": variant(10, 0.5), "fp16": variant(20, 0.2)}, "fp16"),
        ({"int8": variant(10, 3.0), "fp16": variant(20, 0.6)}, "fp32"),
        ({"int8": variant(10, -1.0)}, "int8"),
    ],
)
def test_the_smallest_that_loses_under_half_a_point_is_offered(made: dict[str, Variant], offered: str) -> None:
    assert export_variants._offered(made, LEAST_MEASURED) == offered
    assert export_variants._offered(made, LEAST_MEASURED - 1) == "fp32"
    assert 100 / LEAST_MEASURED == export_variants.MOST_LOSS


def test_a_reference_does_not_meet_itself(tmp_path: Path, graphs: Callable[..., None]) -> None:
    checkpoint = tiny_checkpoint("conv-transformer", with_texts=True)
    graphs(tmp_path, "conv-transformer")
    index, asked = measured(checkpoint)
    asked = replace(asked, clip_ids=tuple(entry.clip_id for entry in index.entries))
    golden = random_clips(checkpoint, batch=1, frames=4, seed=1)
    found = make_variants(checkpoint, index, DecisionConfig(), tmp_path, asked, golden)
    assert found.recall_at_1 == 0.0  # its sentence has no other clip


def test_without_clips_nothing_is_made_and_that_is_told(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint("gru")
    (tmp_path / "sign_encoder.onnx").write_bytes(b"12345")
    index, _ = measured(checkpoint)
    golden = random_clips(checkpoint, batch=1, frames=4, seed=1)
    found = make_variants(checkpoint, index, DecisionConfig(), tmp_path, None, golden)
    assert (found.offered, found.made, found.num_bytes) == ("fp32", {}, 5)
    assert found.left_out == {"int8": NOT_MEASURED, "fp16": NOT_MEASURED}


def test_a_variant_that_fails_is_left_out_and_the_reason_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graphs: Callable[..., None]
) -> None:
    checkpoint = tiny_checkpoint("conv-transformer", with_texts=True)
    graphs(tmp_path, "conv-transformer")
    index, asked = measured(checkpoint)

    def fails(full: Path, path: Path) -> None:
        path.write_bytes(b"half a file")
        raise KeyError("no such\nnode")

    def grows(full: Path, path: Path) -> None:
        path.write_bytes(full.read_bytes() + b" ")

    def breaks(full: Path, path: Path) -> None:
        path.write_bytes(b"no graph")

    def infinite(full: Path, path: Path) -> None:
        model = onnx.load(str(full))
        for weights in model.graph.initializer:
            if weights.data_type == onnx.TensorProto.FLOAT:
                weights.CopyFrom(
                    onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights) * np.nan, weights.name)
                )
        for node in model.graph.node:
            node.ClearField("name")  # smaller
        onnx.save(model, str(path))

    makers = {"fails": fails, "grows": grows, "breaks": breaks, "infinite": infinite}
    monkeypatch.setattr(export_variants, "MAKERS", makers)
    golden = random_clips(checkpoint, batch=1, frames=4, seed=1)
    found = make_variants(checkpoint, index, DecisionConfig(), tmp_path, asked, golden)
    assert found.made == {}
    assert found.offered == "fp32"
    expected = {
        "fails": "cannot be converted: KeyError",
        "grows": "no smaller",
        "breaks": "cannot load it",
        "infinite": "finite|does not run",
    }
    for name, reason in expected.items():
        assert any(part in found.left_out[name] for part in reason.split("|")), found.left_out[name]
        assert str(tmp_path) not in found.left_out[name]
        assert "\n" not in found.left_out[name]
    assert list(tmp_path.glob("sign_encoder_*")) == []


def test_the_loss_is_that_of_ranking_by_the_variant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graphs: Callable[..., None]
) -> None:
    checkpoint = tiny_checkpoint("conv-transformer", with_texts=True)
    graphs(tmp_path, "conv-transformer")
    index, asked = measured(checkpoint)

    class Deaf(OnnxEncoder):
        """Hears the first clip in every clip."""

        def encode(self, features: np.ndarray, valid: np.ndarray) -> Encoded:
            return super().encode(np.repeat(features[:1], len(features), 0), np.repeat(valid[:1], len(valid), 0))

    def made(name: str, full: Path, path: Path, checkpoint: Checkpoint) -> OnnxEncoder:
        path.write_bytes(full.read_bytes())
        return Deaf(path, FEATURES, spells=True)

    monkeypatch.setattr(export_variants, "made_variant", made)
    golden = random_clips(checkpoint, batch=1, frames=4, seed=1)
    found = make_variants(checkpoint, index, DecisionConfig(), tmp_path, asked, golden)
    assert found.made["int8"].recall_at_1 == pytest.approx(1 / 6)
    assert found.made["int8"].loss == pytest.approx(500 / 6)
    assert found.offered == "fp32"
