import itertools

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from made.networks import small_config, small_model
from signtalk.models.config import LossConfig, TextEncoderConfig
from signtalk.models.losses import LossTargets, alignment_loss, ctc_loss, mask_loss
from signtalk.models.model import TrainingOutput

TEXTS = TextEncoderConfig(vocabulary_size=8, embedding_dim=16, width=8, num_heads=2)


@torch.no_grad()
def output() -> TrainingOutput:
    model = small_model(text_encoder=TEXTS)
    features, valid = torch.randn(4, 9, 12), torch.ones(4, 9, dtype=torch.bool)
    tokens = torch.tensor([[1, 4, 5]] * 4)
    return model(features, valid, torch.zeros_like(valid), tokens)


def targets() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    hidden = torch.full((4, 9, 6), torch.nan)
    hidden[:, 2:4] = 1.0
    return torch.tensor([0, 0, 1, 1]), torch.tensor([[4, 5, 2]] * 4), torch.tensor([[4, 5]] * 4), hidden


NONE = {
    "supcon_weight": 0.0,
    "class_weight": 0.0,
    "text_weight": 0.0,
    "ctc_weight": 0.0,
    "mask_weight": 0.0,
    "align_weight": 0.0,
}
PARTS = {part: f"{part}_weight" for part in ("supcon", "class", "text", "ctc", "mask", "align")}


@pytest.mark.parametrize("part", PARTS)
def test_every_weight_turns_its_part_on_and_scales_it(part: str) -> None:
    torch.manual_seed(0)
    passed = output()
    values = []
    for weight in (1.0, 2.0):
        torch.manual_seed(1)
        loss = LossTargets(LossConfig(**{**NONE, PARTS[part]: weight}), small_config(), num_classes=2)
        found = loss(passed, *targets())
        assert set(found) == {part}
        values.append(found[part].item())
    assert values[1] == pytest.approx(2 * values[0], rel=1e-5)
    assert values[0] > 0


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.5},
        {"arcface_margin": 0.5},
        {"arcface_scale": 5.0},
        {"sub_centres": 3},
        {"label_smoothing": 0.3},
        {"align_weight": 1.0},
        {"align_temperature": 0.5},
    ],
)
def test_every_figure_acts(change: dict[str, float]) -> None:
    torch.manual_seed(0)
    passed = output()
    totals = []
    for settings in ({}, change):
        torch.manual_seed(1)
        loss = LossTargets(LossConfig(**settings), small_config(), num_classes=2)
        totals.append(float(sum(part.detach() for part in loss(passed, *targets()).values())))
    assert totals[0] != pytest.approx(totals[1], rel=1e-6)


def test_supcon_equals_the_plain_loop() -> None:
    torch.manual_seed(0)
    passed = output()
    config = LossConfig(**{**NONE, "supcon_weight": 1.0, "temperature": 0.2})
    found = LossTargets(config, small_config(), 2)(passed, *targets())["supcon"]
    embeddings, labels = passed.contrast, targets()[0].tolist()
    per_anchor = []
    for i in range(4):
        others = [j for j in range(4) if j != i]
        logits = {j: float(embeddings[i] @ embeddings[j]) / 0.2 for j in others}
        normaliser = np.logaddexp.reduce(list(logits.values()))
        positives = [j for j in others if labels[j] == labels[i]]
        per_anchor.append(-np.mean([logits[j] - normaliser for j in positives]))
    assert float(found) == pytest.approx(np.mean(per_anchor), rel=1e-4)


def test_the_memory_adds_negatives_and_can_be_forgotten() -> None:
    torch.manual_seed(0)
    passed = output()
    loss = LossTargets(LossConfig(**{**NONE, "supcon_weight": 1.0, "memory_size": 32}), small_config(), 2)
    first = loss(passed, *targets())["supcon"].item()
    second = loss(passed, *targets())["supcon"].item()
    loss.forget()
    assert loss(passed, *targets())["supcon"].item() == pytest.approx(first, rel=1e-5)
    assert second != pytest.approx(first, rel=1e-3)


def test_ctc_equals_the_sum_over_all_alignments() -> None:
    torch.manual_seed(0)
    log_probs = torch.randn(1, 4, 3).log_softmax(-1)
    words = torch.tensor([[1, 2]])
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        collapsed = [k for k, _ in itertools.groupby(path)]
        if [k for k in collapsed if k] == [1, 2]:
            total += float(torch.stack([log_probs[0, t, k] for t, k in enumerate(path)]).sum().exp())
    found = ctc_loss(log_probs, torch.ones(1, 4, dtype=torch.bool), words, blank_id=0)
    assert float(found) == pytest.approx(-np.log(total) / 2, rel=1e-4)  # mean over the words
    assert float(ctc_loss(log_probs[:, :1], torch.ones(1, 1, dtype=torch.bool), words, 0)) == 0.0  # does not fit


def test_text_padding_does_not_count() -> None:
    loss = LossTargets(LossConfig(label_smoothing=0.0), small_config(), 2)
    logits = torch.randn(2, 3, 8)
    whole = loss.text_loss(logits, torch.tensor([[4, 2, 0], [5, 2, 0]]))
    cut = loss.text_loss(logits[:, :2], torch.tensor([[4, 2], [5, 2]]))
    torch.testing.assert_close(whole, cut)


def test_masked_frames_are_compared_where_they_are_known() -> None:
    guess = torch.zeros(1, 2, 2)
    truth = torch.tensor([[[0.5, torch.nan], [torch.nan, torch.nan]]])
    assert float(mask_loss(guess, truth)) == pytest.approx(0.125)
    assert float(mask_loss(guess, torch.full_like(truth, torch.nan))) == 0.0


def unit(rows: int, seed: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(rows, 5, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_alignment_equals_the_plain_loop_both_ways() -> None:
    signs, texts, labels = unit(5, 0), unit(5, 1), [0, 0, 1, 2, 1]
    total = 0.0
    for ours, theirs in ((signs, texts), (texts, signs)):
        for i in range(5):
            logits = [float(ours[i] @ theirs[j]) / 0.2 for j in range(5)]
            normaliser = np.logaddexp.reduce(logits)
            total -= np.mean([logits[j] - normaliser for j in range(5) if labels[j] == labels[i]]) / 10
    assert float(alignment_loss(signs, texts, torch.tensor(labels), 0.2)) == pytest.approx(total, rel=1e-5)
    swapped = alignment_loss(texts, signs, torch.tensor(labels), 0.2)
    assert float(swapped) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("moves", [False, True])
def test_the_alignment_moves_the_signs_only_when_it_is_told_to(moves: bool) -> None:
    model = small_model(text_encoder=TEXTS).train()
    tokens, valid = torch.tensor([[1, 4, 5]] * 4), torch.ones(4, 9, dtype=torch.bool)
    passed = model(torch.randn(4, 9, 12), valid, torch.zeros_like(valid), tokens)
    config = LossConfig(**{**NONE, "align_weight": 1.0, "align_gradient": moves})
    LossTargets(config, small_config(), 2)(passed, *targets())["align"].backward()
    assert (model.encoder.stem.weight.grad is not None) == moves
    assert model.text_encoder is not None
    assert float(model.text_encoder.project.weight.grad.abs().sum()) > 0


def test_a_gradient_of_no_alignment_is_refused() -> None:
    with pytest.raises(ValidationError, match="align_gradient without align_weight"):
        LossConfig(align_weight=0.0, align_gradient=True)
