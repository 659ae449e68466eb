"""The benchmark of training speed: its yardstick does what docs/contract.md 1.4-1.7 say; its page stays whole."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

import prototype_step as baseline
import training_speed as benchmark
from signtalk.data.manifest import Manifest


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return benchmark.made_up_clips(tmp_path_factory.mktemp("speed") / "data", 5)


@pytest.mark.slow
def test_the_yardstick_learns(manifest: Manifest) -> None:
    training = benchmark.prototype_training(manifest)
    losses = np.array(training.run(12))
    assert np.isfinite(losses).all()
    assert losses[-4:].mean() < losses[:4].mean()
    with torch.no_grad():
        output = training.model(torch.randn(2, 64, 540), torch.tensor([[1, 4, 2], [1, 2, 0]]))
    torch.testing.assert_close(output.embedding.norm(dim=1), torch.ones(2))
    assert output.logits.shape[:2] == (2, 2)


@pytest.mark.slow
def test_both_sides_make_the_same_batches(manifest: Manifest, tmp_path: Path) -> None:
    theirs = benchmark.prototype_training(manifest)
    for views in theirs.batches(3):
        assert all(view.features.shape == (8, 64, 540) and view.features.isfinite().all() for view in views)
        assert sorted(Counter(views[0].labels.tolist()).values()) == [2, 2, 2, 2]
    ours = benchmark.signtalk_training(manifest, "prototype", 8, tmp_path)
    batch = next(iter(ours.batches(1)))
    assert batch.features.shape == (16, 64, 540)
    sizes = [sum(p.numel() for p in model.parameters()) for model in (theirs.model, ours.module.model)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.06)
    assert np.isfinite(ours.run(2)).all()


def test_views_are_even_and_odd_frames() -> None:
    rows = np.arange(9, dtype=np.float32)[:, None]
    even, odd = baseline.even_and_odd(rows)
    assert even[:, 0].tolist() == [0, 2, 4, 6, 8]
    assert odd[:, 0].tolist() == [1, 3, 5, 7]
    assert all(np.array_equal(view, rows[:3]) for view in baseline.even_and_odd(rows[:3]))


def test_augmentation_changes_what_it_should() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 540)).astype(np.float32)
    turned = baseline.rotate(rows, 90)
    np.testing.assert_array_equal(turned[:, 3:132:4], rows[:, 3:132:4])
    np.testing.assert_array_equal(turned[:, 1], rows[:, 1])
    np.testing.assert_allclose(turned[:, [132, 134]], np.stack([rows[:, 134], -rows[:, 132]], axis=1), atol=1e-6)
    np.testing.assert_allclose(baseline.rotate(turned, -90), rows, atol=1e-5)
    lengths = [len(baseline.warp(rows, rng)) for _ in range(200)]
    assert 42 <= min(lengths) < 50 < max(lengths) <= 58
    ramp = np.repeat(np.linspace(0, 1, 50, dtype=np.float32)[:, None], 540, axis=1)
    warped = baseline.warp(ramp, rng)
    np.testing.assert_allclose(warped[:, 7], np.linspace(0, 1, len(warped)), atol=1e-6)
    assert baseline.cropped(rows, rng).shape == (64, 540)
    assert (baseline.cropped(rows, rng)[50:] == 0).all()


def test_supcon_equals_a_plain_loop() -> None:
    torch.manual_seed(0)
    rows = torch.nn.functional.normalize(torch.randn(7, 5), dim=1).double()
    labels = torch.tensor([0, 1, 0, 2, 1, 0, 2])
    total = 0.0
    for i in range(7):
        others = [j for j in range(7) if j != i]
        whole = sum(float(torch.exp(rows[i] @ rows[j] / 0.07)) for j in others)
        shares = [np.log(float(torch.exp(rows[i] @ rows[j] / 0.07)) / whole) for j in others if labels[j] == labels[i]]
        total -= sum(shares) / len(shares)
    assert float(baseline.supervised_contrast(rows, labels)) == pytest.approx(total / 7)


def test_ratios_are_taken_within_a_repetition(manifest: Manifest) -> None:
    class Fake(baseline.PrototypeTraining):
        def run(self, num_steps: int) -> list[float]:
            return []

    training = Fake([baseline.ClipFile(Path("none"), 0, ("a",))], (np.zeros(1), np.ones(1)))
    chosen = [benchmark.Candidate(name, training, True, True, "a") for name in "ab"]
    # The machine slows down: a takes 1, 2, 4 seconds and b 2, 4, 8.
    ticks = iter(np.cumsum([0, 1, 0, 2, 0, 2, 0, 4, 0, 4, 0, 8]))
    rows = benchmark.measure(chosen, 16, 3, lambda: float(next(ticks)))
    assert rows[0].clips_per_second == (16, 8, 4)
    assert rows[0].ratios == (1, 1, 1)
    assert rows[1].ratios == (0.5, 0.5, 0.5)
    section = benchmark.section_of(rows, "the command", "about it")
    assert "| b | 8 |" in section and "0.50 (0.50-0.50)" in section and "`the command`" in section


def test_section_is_added_once_and_then_replaced() -> None:
    page = benchmark.with_section("# Results\n\nbefore\n", "old")
    assert page == "# Results\n\nbefore\n\n<!-- training_speed -->\nold\n<!-- /training_speed -->\n"
    after = page + "\nafter\n"
    assert benchmark.with_section(after, "new") == after.replace("old", "new")
    assert benchmark.with_section("", "x").startswith("<!-- training_speed -->")
    with pytest.raises(SystemExit, match="without"):
        benchmark.with_section("<!-- training_speed -->\nold", "new")


def test_signtalk_batches_go_on_over_epochs(manifest: Manifest, tmp_path: Path) -> None:
    training = benchmark.signtalk_training(manifest, "default", 8, tmp_path)
    per_epoch = training.module.batches.num_batches()
    found = [batch.features for batch in training.batches(2 * per_epoch)]
    assert len(found) == 2 * per_epoch
    assert not torch.equal(found[0], found[per_epoch])


def test_profile_names_the_phases(manifest: Manifest, tmp_path: Path) -> None:
    said = benchmark.profile(benchmark.signtalk_training(manifest, "tiny", 8, tmp_path), 2)
    assert "making batches" in said and "optimiser" in said and "aten::" in said and "augment.py" in said
