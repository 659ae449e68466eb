"""A base encoder with its losses, in the terms of Lightning's Trainer.

Episode -> the same sign near, others far (contrastive) + which parameters each clip and each frame shows
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import lightning.pytorch as pl
import numpy as np
import torch
from pytorch_metric_learning.losses import SupConLoss
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset

from signtalk.data.tokenizer import SPECIAL_TOKENS, SentenceTokenizer
from signtalk.models.config import EncoderConfig, ModelConfig, TextDecoderConfig
from signtalk.models.model import SignModel
from signtalk.synthetic.drawn_signs import PHONOLOGY
from signtalk.synthetic.endless import NO_SIGN
from signtalk.training.episodes import Episode
from signtalk.training.pretrain_config import PretrainConfig

_CLIP_SCALE = 16.0
"""A vector of unit length gives logits of about this size."""


class EpisodeTensors(NamedTuple):
    """An `Episode` as tensors."""

    features: Tensor
    valid: Tensor
    labels: Tensor
    phonology: Tensor
    is_single: Tensor


class PretrainHistory:
    """What each epoch gave; the rows of `pretrain_history.csv`."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.best_score = -1.0


class EpochEpisodes(Dataset[EpisodeTensors]):
    """The episodes of one epoch, made when they are asked for."""

    def __init__(self, make: Callable[[int], Episode], first_step: int, length: int) -> None:
        self._make, self._first_step, self._length = make, first_step, length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, number: int) -> EpisodeTensors:
        episode = self._make(self._first_step + number)
        return EpisodeTensors(*(torch.from_numpy(array) for array in vars(episode).values()))


class Pretraining(pl.LightningModule):
    """Encoder and heads; the heads stay behind.

    Attributes:
        model: what is trained of it.
        averaged: its weights, averaged over the last steps; what is measured and kept.
        history: measures of each epoch so far.
    """

    def __init__(
        self,
        config: PretrainConfig,
        make_episode: Callable[[int], Episode],
        on_epoch: Callable[[Pretraining, dict[str, float]], None],
    ) -> None:
        """Build a network of fresh weights.

        Args:
            config: sizes and losses.
            make_episode: the episode of a step.
            on_epoch: called after each epoch with its mean losses; it measures and fills the history.
        """
        super().__init__()
        torch.manual_seed(config.seed)
        self.config, self._make_episode, self._on_epoch = config, make_episode, on_epoch
        self.model = SignModel(base_model_config(config))
        self.averaged = AveragedModel(self.model, avg_fn=self._towards, use_buffers=True).requires_grad_(False)
        self.supcon = SupConLoss(temperature=config.temperature)
        self.sizes = [len(values) for values in PHONOLOGY.values()]
        encoder = self.model.config.encoder
        self.clip_head = nn.Linear(encoder.embedding_dim, sum(self.sizes))
        self.frame_head = nn.Linear(encoder.memory_width, sum(self.sizes))
        self.history = PretrainHistory()
        self._sums: dict[str, float] = {}
        self._num_steps = 0

    def train_dataloader(self) -> DataLoader[EpisodeTensors]:
        """The episodes of the epoch that begins now."""
        length = self.config.steps_per_epoch
        steps = EpochEpisodes(self._make_episode, self.current_epoch * length, length)
        return DataLoader(steps, batch_size=None, num_workers=0)

    def on_train_epoch_start(self) -> None:
        """Count anew."""
        self._sums, self._num_steps = {}, 0

    def on_train_batch_start(self, batch: EpisodeTensors, batch_idx: int) -> None:  # noqa: ARG002  # Lightning's
        """Seed dropout by the step's place, so that a resumed run goes on as if it had not stopped."""
        place = (self.config.seed, self.current_epoch, batch_idx)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def training_step(self, batch: EpisodeTensors, batch_idx: int) -> Tensor:  # noqa: ARG002  # Lightning's signature
        """Loss of one episode."""
        encoded = self.model.encode(batch.features, batch.valid)
        parts = {"supcon": self.supcon(encoded.embedding.float(), batch.labels)}
        weight = self.config.phonology_weight
        if weight and batch.is_single.any():
            clips = self.clip_head(_CLIP_SCALE * encoded.embedding)[batch.is_single]
            parts["clips"] = weight * self.phonology_loss(clips, batch.phonology.amax(dim=1)[batch.is_single])
        known = batch.phonology[..., 0] != NO_SIGN
        if weight and known.any():
            parts["frames"] = weight * self.phonology_loss(
                self.frame_head(encoded.memory[known]), batch.phonology[known]
            )
        total = torch.stack(list(parts.values())).sum()
        for name, value in [("train", total), *parts.items()]:
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())
        self._num_steps += 1
        return total

    def phonology_loss(self, logits: Tensor, values: Tensor) -> Tensor:
        """Mean cross-entropy of the seven parameters: (N, sum of sizes) against (N, 7)."""
        parts = torch.split(logits.float(), self.sizes, dim=1)
        losses = [nn.functional.cross_entropy(part, values[:, i]) for i, part in enumerate(parts)]
        return torch.stack(losses).mean()

    def on_train_batch_end(self, outputs: Any, batch: EpisodeTensors, batch_idx: int) -> None:  # noqa: ARG002
        """Follow the weights; the first time takes all of them, and the statistics of the features.

        Args:
            outputs: not used; Lightning's signature.
            batch: not used.
            batch_idx: not used.
        """
        self.averaged.update_parameters(self.model)

    def _towards(self, averaged: Tensor, current: Tensor, num_steps: Tensor | int) -> Tensor:
        """A running mean that forgets; after few steps it is the mean of nearly all of them."""
        kept = min(self.config.average_decay, (1 + float(num_steps)) / (10 + float(num_steps)))
        return averaged.lerp(current, 1 - kept) if averaged.is_floating_point() else current

    def on_train_epoch_end(self) -> None:
        """Measure."""
        self._on_epoch(self, {name: value / max(self._num_steps, 1) for name, value in self._sums.items()})

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]  # Lightning's union is wider
        """AdamW whose rate rises, then falls along a cosine."""
        config = self.config
        optimizer = torch.optim.AdamW(
            [each for each in self.parameters() if each.requires_grad], lr=config.learning_rate,
            weight_decay=config.weight_decay, fused=self.trainer.precision == "32-true",
        )  # fmt: skip
        total = config.epochs * config.steps_per_epoch
        warmup = max(1, round(config.warmup_share * total))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_share(step, total, warmup))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history with the state it belongs to."""
        checkpoint["signtalk_history"] = {"rows": self.history.rows, "best": self.history.best_score}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the history back."""
        state = checkpoint["signtalk_history"]
        self.history.rows, self.history.best_score = [dict(row) for row in state["rows"]], float(state["best"])


def rate_share(step: int, total: int, warmup: int) -> float:
    """The learning rate of a step as a share of the highest: it rises, then falls to zero along a cosine.

    Args:
        step: from 0.
        total: steps of the training.
        warmup: of them, those in which it rises; 1 or more.
    """
    return min(1.0, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * min(step / total, 1.0)))


def base_model_config(config: PretrainConfig) -> ModelConfig:
    """The network of a base: the encoder, and the smallest decoder that a model may have; it says nothing."""
    encoder = EncoderConfig(num_features=config.features.num_features, **config.encoder.model_dump())
    decoder = TextDecoderConfig(
        vocabulary_size=len(SPECIAL_TOKENS), width=8, num_layers=1, num_heads=1, feed_forward=8, max_tokens=4,
        memory_width=encoder.memory_width,
    )  # fmt: skip
    landmarks, coordinates = config.features.coordinate_shape
    return ModelConfig(encoder=encoder, decoder=decoder, num_coordinates=landmarks * coordinates, spells=False)


def base_tokenizer() -> SentenceTokenizer:
    """The words of a base: none."""
    return SentenceTokenizer({token: number for number, token in enumerate(SPECIAL_TOKENS)})
