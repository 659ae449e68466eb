import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from made.networks import clips, small_model
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.errors import ArtifactError
from signtalk.files import sha256_file
from signtalk.landmarks.features import FeatureConfig
from signtalk.training.checkpoint import TorchEncoder, load_checkpoint, save_checkpoint

TOKENIZER = SentenceTokenizer.fit(["where is the pain"])


def saved(path: Path) -> Path:
    save_checkpoint(path, small_model(), FeatureConfig(num_frames=9), TOKENIZER, {"split_hash": "abc"})
    return path


def test_a_checkpoint_explains_itself(tmp_path: Path) -> None:
    path = saved(tmp_path / "best.safetensors")
    found = load_checkpoint(path)
    assert found.features == FeatureConfig(num_frames=9)
    assert found.tokenizer.to_dict() == TOKENIZER.to_dict()
    assert found.origin["split_hash"] == "abc"
    assert found.origin["versions"]["torch"] == torch.__version__.split("+")[0] or found.origin["versions"]["torch"]
    assert found.encoder_id == sha256_file(path)
    assert not found.model.training
    features, valid = clips()
    with torch.no_grad():
        torch.testing.assert_close(
            found.model.encode(features, valid).embedding, small_model().encode(features, valid).embedding
        )


def header(path: Path) -> dict[str, object]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["signtalk"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 99}, "checkpoint format 99; this SignTalk reads 1"),
        ({"features": {"speed": 1}}, "do not fit"),
        ({"tokenizer": {}}, "do not fit.*token2id"),
        ({"model": {"encoder": 3}}, "do not fit"),
        ({"model": None}, "do not fit"),
        ({"features": 3}, "do not fit"),
    ],
)
def test_another_version_or_damage_is_told(change: dict[str, object], message: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "best.safetensors")
    content = {**header(path), **change}
    save_file(small_model().state_dict(), path, {"signtalk": json.dumps(content)})
    with pytest.raises(ArtifactError, match=message):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "header is not JSON"), ("[1]", "header is a list"), ("3", "header is a int")]
)
def test_a_damaged_header_is_told(text: str, message: str, tmp_path: Path) -> None:
    save_file(small_model().state_dict(), tmp_path / "x.safetensors", {"signtalk": text})
    with pytest.raises(ArtifactError, match=f"x.safetensors: its {message}"):
        load_checkpoint(tmp_path / "x.safetensors")


def test_sizes_that_do_not_fit_each_other_are_told_in_one_line(tmp_path: Path) -> None:
    path = saved(tmp_path / "best.safetensors")
    content = header(path)
    for section, change in (("decoder", {"num_heads": 3}), ("encoder", {"width": 24})):
        model = {**content["model"], section: {**content["model"][section], **change}}
        save_file(small_model().state_dict(), path, {"signtalk": json.dumps({**content, "model": model})})
        with pytest.raises(ArtifactError, match="do not fit") as caught:
            load_checkpoint(path)
        assert "\n" not in str(caught.value)


def test_what_is_no_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "none.safetensors")
    (tmp_path / "x.safetensors").write_bytes(b"not tensors")
    with pytest.raises(ArtifactError, match="not a readable safetensors"):
        load_checkpoint(tmp_path / "x.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "y.safetensors")
    with pytest.raises(ArtifactError, match="without SignTalk's header"):
        load_checkpoint(tmp_path / "y.safetensors")
    save_file(
        {"a": torch.zeros(1)},
        tmp_path / "z.safetensors",
        {"signtalk": json.dumps(header(saved(tmp_path / "s.safetensors")))},
    )
    with pytest.raises(ArtifactError, match="do not fit"):
        load_checkpoint(tmp_path / "z.safetensors")


def test_the_encoder_gives_numpy_and_refuses_training_mode() -> None:
    model, (features, valid) = small_model(), clips()
    encoder = TorchEncoder(model, FeatureConfig(num_frames=9))
    encoded = encoder.encode(features.numpy(), valid.numpy())
    np.testing.assert_allclose(np.linalg.norm(encoded.embeddings, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoded.attention_mean, 1 / valid.sum(dim=1).numpy(), rtol=1e-5)
    model.train()
    with pytest.raises(ValueError, match="training mode"):
        encoder.encode(features.numpy(), valid.numpy())
