import pytest
import torch

from signtalk.training.module import learning_rate_share
from signtalk.training.recipe import Recipe


def test_schedules_follow_their_formulas() -> None:
    cosine = Recipe().changed(["optimiser.epochs=10", "optimiser.warmup_share=0.1", "optimiser.min_rate_share=0.2"])
    shares = [learning_rate_share(step, 10, cosine) for step in range(100)]
    assert shares[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert shares[10] == 1.0
    assert shares[55] == pytest.approx(0.6)
    assert min(shares[10:]) > 0.2
    restarts = Recipe.named("prototype").changed(["optimiser.restart_epochs=2"])
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=6, T_mult=1, eta_min=0.2)
    for step in range(14):
        assert learning_rate_share(step, 3, restarts) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    constant = Recipe().changed(["optimiser.schedule=constant", "optimiser.warmup_share=0"])
    assert learning_rate_share(5, 3, constant) == 1.0
