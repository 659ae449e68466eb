from pathlib import Path

import numpy as np
import pytest
import torch

from made.pretraining import pretrained
from signtalk.bundle.bundle import open_bundle, verify_bundle
from signtalk.export.base import export_base, rounded, shortened
from signtalk.export.initial import load_initial
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.synthetic.endless import EndlessConfig, draw_group
from signtalk.training.checkpoint import load_checkpoint

ANSWERED = {
    "name": "webcam words", "answered": 0.5, "precision": 0.99, "num_answered": 70, "untaught_answered": 0.01,
    "recall_at_1": 0.9,
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    result = pretrained(folder / "run", stop_after=1)
    checkpoint = shortened(load_checkpoint(result.best), bits=6)
    figures = {"left_out": [ANSWERED]}
    return export_base(checkpoint, DecisionConfig(), folder / "base.zip", "Apache-2.0", figures)


@pytest.mark.slow
def test_it_is_a_whole_bundle_without_a_sentence(base: Path) -> None:
    verify_bundle(base)
    with open_bundle(base) as bundle:
        assert len(bundle.recognizer.index) == 0
        assert not bundle.recognizer.decision.translate
        assert bundle.manifest.licence == "Apache-2.0"
        clip = draw_group(EndlessConfig(), 0)[0].clip
        (answer,) = bundle.recognizer.recognize([clip])
        assert (answer.accepted, answer.reason) == (False, "empty_index")


@pytest.mark.slow
def test_its_card_tells_what_it_was_made_of_and_what_it_can_do(base: Path) -> None:
    with open_bundle(base) as bundle:
        card = (bundle.folder / "README.md").read_text()
    assert "It knows none yet" in card and "made-up signs" in card and "seed 0" in card
    assert "| webcam words | 0.500 | 0.990 | 70 | 0.010 | 0.900 |" in card


@pytest.mark.slow
def test_training_goes_on_from_the_weights_that_it_answers_with(base: Path) -> None:
    initial = load_initial(str(base))
    with open_bundle(base) as bundle:
        encoder = bundle.recognizer.encoder
        features = np.random.default_rng(0).normal(size=(2, 16, encoder.feature_config.num_features)).astype(np.float32)
        valid = np.ones((2, 16), dtype=np.bool_)
        theirs = encoder.encode(features, valid).embeddings
    with torch.no_grad():
        ours = initial.model.encode(torch.from_numpy(features), torch.from_numpy(valid)).embedding.numpy()
    np.testing.assert_allclose(theirs, ours, atol=1e-4)


def test_weights_keep_so_many_binary_digits() -> None:
    weights = torch.linspace(-3, 3, 1001)
    kept = rounded(weights, bits=6)
    assert (kept - weights).abs().max() <= 3 * 2**-7 and not torch.equal(kept, weights)
    assert (kept.view(torch.int32) & ((1 << 17) - 1) == 0).all()
    assert torch.equal(rounded(torch.arange(1000), bits=6), torch.arange(1000))
