"""One model with its losses, data and history, in the terms of Lightning's Trainer.

Recipe + TrainingSet + ValidationSet -> SignTraining -> `lightning.Trainer.fit`
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from signtalk.arrays import IntArray
from signtalk.models.losses import LossTargets
from signtalk.models.model import SignModel
from signtalk.training.batches import Batch, EpochBatches, TrainingSet
from signtalk.training.checkpoint import Checkpoint
from signtalk.training.history import RunHistory
from signtalk.training.initial import start_from
from signtalk.training.network import model_config
from signtalk.training.recipe import Recipe
from signtalk.training.sampling import ClassBalancedBatches
from signtalk.training.statistics import fit_statistics
from signtalk.training.validation import ValidationSet, validate


class SignTraining(pl.LightningModule):
    """One model with its losses in Lightning's terms.

    Attributes:
        model: what is trained.
        statistics: of the training clips, whose mean and spread the model holds.
        objective: the losses.
        history: measures of each epoch so far.
    """

    def __init__(
        self,
        recipe: Recipe,
        training: TrainingSet,
        validation: ValidationSet,
        out: Path,
        initial: Checkpoint | None = None,
    ) -> None:
        """Build model, losses and batches.

        Args:
            recipe: all settings.
            training: clips to learn from.
            validation: clips to choose by.
            out: run folder.
            initial: whose encoder it starts from; None = fresh weights.
        """
        super().__init__()
        torch.manual_seed(recipe.seed)
        self.recipe, self.training_set, self.validation_set = recipe, training, validation
        config = model_config(recipe, training.tokenizer.vocabulary_size)
        self.model = SignModel(config)
        self.statistics = fit_statistics(training)
        mean, std = self.statistics.feature_mean, self.statistics.feature_std
        self.model.set_statistics(torch.from_numpy(mean), torch.from_numpy(std))
        if initial is not None:
            start_from(self.model, initial, recipe)
        self.objective = LossTargets(recipe.losses, config, int(training.labels.max()) + 1)
        self.history = RunHistory(out, recipe, training.tokenizer)
        signers = np.unique([record.signer_id for record in validation.train_records], return_inverse=True)[1]
        optimiser = recipe.optimiser
        self.batches = ClassBalancedBatches(
            training.labels, signers.astype(np.int64), optimiser.batch_size, optimiser.clips_per_class, recipe.seed
        )
        self._is_begun = initial is not None
        self._sums: dict[str, float] = {}
        self._num_steps = 0

    def train_dataloader(self) -> DataLoader[Batch]:
        """The batches of the epoch that begins now, of this process."""
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        epoch = self.current_epoch
        members: list[IntArray] = self.batches.batches(epoch, rank, world_size)
        # Batches are made whole by NumPy in this process: worker processes would only copy them about.
        return DataLoader(EpochBatches(self.training_set, members, epoch, rank), batch_size=None, num_workers=0)

    def on_train_epoch_start(self) -> None:
        """Start every epoch from a state that depends on seed and epoch alone, so that resuming changes nothing."""
        self.objective.forget()
        self._sums, self._num_steps = {}, 0

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002  # Lightning's signature
        """Seed dropout by the step's place, whatever random numbers were drawn before it."""
        place = (self.recipe.seed, self.current_epoch, self.trainer.global_rank, batch_idx)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002  # Lightning's signature
        """Loss of one batch."""
        output = self.model(batch.features, batch.valid, batch.masked, batch.tokens_in)
        parts = self.objective(output, batch.labels, batch.tokens_out, batch.words, self._hidden(batch))
        total = torch.stack(list(parts.values())).sum()
        for name, value in [("train", total), *parts.items()]:
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())
        self._num_steps += 1
        return total

    def _hidden(self, batch: Batch) -> Tensor:
        """True coordinates of hidden frames, NaN elsewhere and where a landmark is missing."""
        truth = self.model.standardise(batch.features)[..., : self.model.config.num_coordinates]
        return truth.masked_fill(~batch.masked.unsqueeze(-1) | batch.missing, torch.nan)

    def on_train_epoch_end(self) -> None:
        """Measure what the task asks for; every process learns the score, so that all stop together."""
        row: dict[str, Any] = {name: value / max(self._num_steps, 1) for name, value in self._sums.items()}
        due = (self.current_epoch + 1) % self.recipe.optimiser.val_every == 0
        score = self.history.best_score
        last = self.current_epoch + 1 == self.recipe.optimiser.epochs
        if self.trainer.is_global_zero:
            measures = validate(self.model, self.validation_set) if due or last else None
            rate = float(self.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]
            score = self.history.record(self.current_epoch, row, measures, rate, self.model, self.validation_set)
        score, waited = self.trainer.strategy.broadcast((score, self.history.evaluations_without_gain))
        patience = self.recipe.optimiser.patience
        if patience and waited >= patience:
            self.trainer.should_stop = True
        if score >= 0:  # below is what stands there before the first evaluation
            self.log("val_score", score, sync_dist=False)
        self.log_dict({f"loss/{name}": value for name, value in row.items()}, sync_dist=False)

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]  # Lightning's union is wider
        """AdamW and the recipe's schedule, stepped after each optimiser step."""
        settings = self.recipe.optimiser
        # The fused step is several times faster, but Lightning cannot clip gradients for it under mixed precision.
        fused = self.trainer.precision == "32-true"
        optimizer = torch.optim.AdamW(
            self._parameter_groups(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=fused
        )
        steps_per_epoch = math.ceil(self.batches.num_batches(self.trainer.world_size) / settings.accumulation)
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_share(step, steps_per_epoch, self.recipe)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """All parameters; those of an encoder that was not fresh move more slowly."""
        if not self._is_begun:
            return [{"params": list(self.parameters())}]
        begun = {id(parameter) for parameter in self.model.encoder.parameters()}
        settings = self.recipe.optimiser
        slow = [parameter for parameter in self.parameters() if id(parameter) in begun]
        fresh = [parameter for parameter in self.parameters() if id(parameter) not in begun]
        return [{"params": fresh}, {"params": slow, "lr": settings.learning_rate * settings.initial_rate}]

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the text encoder apart where it only listens, so that signs are learned exactly as without it."""
        del optimizer, gradient_clip_algorithm  # Lightning's signature; recipes clip by norm
        if gradient_clip_val is None:
            return
        encoder = None if self.recipe.losses.align_gradient else self.model.text_encoder
        listening = set() if encoder is None else {id(parameter) for parameter in encoder.parameters()}
        for alone in (True, False):
            group = [parameter for parameter in self.parameters() if (id(parameter) in listening) == alone]
            torch.nn.utils.clip_grad_norm_(group, gradient_clip_val)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history with the state it belongs to."""
        checkpoint["signtalk_history"] = self.history.to_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the history back, without rows of an epoch that was not finished."""
        self.history.from_state(checkpoint["signtalk_history"])


def learning_rate_share(step: int, steps_per_epoch: int, recipe: Recipe) -> float:
    """Learning rate at an optimiser step as a share of the highest: linear warm-up, then the schedule.

    Args:
        step: of the optimiser, from 0.
        steps_per_epoch: optimiser steps.
        recipe: warm-up, epochs and schedule.
    """
    settings = recipe.optimiser
    total = settings.epochs * steps_per_epoch
    warmup = round(settings.warmup_share * total)
    if step < warmup:
        return (step + 1) / warmup
    if settings.schedule == "constant":
        return 1.0
    length = settings.restart_epochs * steps_per_epoch if settings.schedule == "warm-restarts" else total - warmup
    phase = ((step - warmup) % length) / length if settings.schedule == "warm-restarts" else (step - warmup) / length
    return settings.min_rate_share + (1 - settings.min_rate_share) * 0.5 * (1 + math.cos(math.pi * min(phase, 1.0)))
