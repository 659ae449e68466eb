from pathlib import Path

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader

from signtalk.training.names import LAST_NAME
from signtalk.training.recipe import OptimiserConfig
from signtalk.training.trainer import TrainOptions, fit


class Counting(pl.LightningModule):
    """Adds one to a number in each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.number = torch.nn.Parameter(torch.zeros(()))
        self.epochs_seen: list[int] = []

    def train_dataloader(self) -> DataLoader[torch.Tensor]:
        return DataLoader([torch.ones(())], batch_size=None)

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        self.epochs_seen.append(self.current_epoch)
        return (self.number - batch) ** 2

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.25)


SETTINGS = OptimiserConfig(epochs=3)


def test_it_ends_after_its_epochs_and_keeps_the_last_state(tmp_path: Path) -> None:
    module = Counting()
    fit(module, SETTINGS, TrainOptions(tmp_path, progress=False), None)
    assert module.epochs_seen == [0, 1, 2]
    assert (tmp_path / LAST_NAME).is_file()


def test_a_part_of_it_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole = Counting()
    fit(whole, SETTINGS, TrainOptions(tmp_path / "whole", progress=False), None)
    fit(Counting(), SETTINGS, TrainOptions(tmp_path / "parts", progress=False, stop_after=1), None)
    rest = Counting()
    fit(rest, SETTINGS, TrainOptions(tmp_path / "parts", progress=False), tmp_path / "parts" / LAST_NAME)
    assert rest.epochs_seen == [1, 2]
    assert float(rest.number.detach()) == float(whole.number.detach())
