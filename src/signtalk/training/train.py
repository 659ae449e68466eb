"""Train a model: clips of a split, a recipe, and Lightning's Trainer.

    Manifest + Split + Recipe -> train -> run folder

A run folder holds `recipe.json`, `split.json`, `tokenizer_vocab.json`, `global_stats.npz`,
`training_history.csv`, `training_curves.png`, `best.safetensors` (what is shipped), `last.ckpt` (to go
on from) and `tensorboard/`.
"""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from signtalk.arrays import IntArray
from signtalk.data.manifest import ClipRecord, Manifest, Problem
from signtalk.data.packed import PackedClips, pack_clips
from signtalk.data.roles import Role
from signtalk.data.splits import Split
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.errors import DataError
from signtalk.files import save_arrays
from signtalk.landmarks.features import standardised_columns
from signtalk.models.encoders import EncoderConfig, EncoderSize
from signtalk.models.losses import LossTargets
from signtalk.models.model import ModelConfig, SignModel
from signtalk.models.text_decoder import TextDecoderConfig
from signtalk.models.text_encoder import TextEncoderConfig
from signtalk.training.batches import Batch, EpochBatches, TrainingSet
from signtalk.training.folder import (
    BEST_NAME,
    LAST_NAME,
    STORE_NAME,
    check_folder,
    check_texts,
    checked_last,
    claim_folder,
    wait_for_store,
)
from signtalk.training.history import RunHistory
from signtalk.training.recipe import Recipe
from signtalk.training.sampling import ClassBalancedBatches
from signtalk.training.validation import ValidationSet, validate

_MIN_STD = 0.02
"""Smallest spread of a feature, shoulder widths: below it lies the tracker's noise (SPEC fault 7)."""


@dataclass(frozen=True)
class TrainOptions:
    """Where and on what a run is made; unlike the recipe it does not change what is learned.

    Attributes:
        out: the run folder.
        resume: go on from `last.ckpt` there, if it exists.
        devices: processes; 2 or more train with DDP.
        strict: stop at the first clip that cannot be packed instead of leaving it out.
        accelerator: "auto", "cpu" or "gpu".
        progress: show a bar.
        stop_after: end this call after so many epochs, to go on later; None runs to the end.
    """

    out: Path
    resume: bool = False
    devices: int = 1
    strict: bool = False
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    progress: bool = True
    stop_after: int | None = None


@dataclass(frozen=True)
class TrainResult:
    """What a run ended with.

    Attributes:
        best: the checkpoint that is shipped.
        epochs: rows of the history.
        best_epoch: the epoch it was taken from.
        best_score: its validation measure.
        left_out: clips that could not be packed, and why.
    """

    best: Path
    epochs: int
    best_epoch: int
    best_score: float
    left_out: tuple[Problem, ...] = ()


class SignTraining(pl.LightningModule):
    """One model with its losses in Lightning's terms.

    Attributes:
        model: what is trained.
        statistics: arrays of `global_stats.npz`, whose mean and spread the model holds.
        objective: the losses.
        history: measures of each epoch so far.
    """

    def __init__(self, recipe: Recipe, training: TrainingSet, validation: ValidationSet, out: Path) -> None:
        super().__init__()
        torch.manual_seed(recipe.seed)
        self.recipe, self.training_set, self.validation_set = recipe, training, validation
        config = model_config(recipe, training.tokenizer.vocabulary_size)
        self.model = SignModel(config)
        self.statistics = fit_statistics(training)
        self.model.set_statistics(*(torch.from_numpy(self.statistics[f"feature_{name}"]) for name in ("mean", "std")))
        self.objective = LossTargets(recipe.losses, config, int(training.labels.max()) + 1)
        self.history = RunHistory(out, recipe, training.tokenizer)
        signers = np.unique([record.signer_id for record in validation.train_records], return_inverse=True)[1]
        optimiser = recipe.optimiser
        self.batches = ClassBalancedBatches(
            training.labels, signers.astype(np.int64), optimiser.batch_size, optimiser.clips_per_class, recipe.seed
        )
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
        self.log("val_score", score, prog_bar=True, sync_dist=False)
        self.log_dict({f"loss/{name}": value for name, value in row.items()}, sync_dist=False)

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]  # Lightning's union is wider
        """AdamW and the recipe's schedule, stepped after each optimiser step."""
        settings = self.recipe.optimiser
        # The fused step is several times faster, but Lightning cannot clip gradients for it under mixed precision.
        fused = self.trainer.precision == "32-true"
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=fused
        )
        steps_per_epoch = math.ceil(self.batches.num_batches(self.trainer.world_size) / settings.accumulation)
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_share(step, steps_per_epoch, self.recipe)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

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
    """Learning rate at an optimiser step as a share of the highest: linear warm-up, then the schedule."""
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


def model_config(recipe: Recipe, vocabulary_size: int) -> ModelConfig:
    """The network of a recipe for its features and so many words."""
    network = recipe.network
    encoder = EncoderConfig(
        num_features=recipe.features.num_features, **network.model_dump(include=set(EncoderSize.model_fields))
    )
    decoder = TextDecoderConfig(
        vocabulary_size=vocabulary_size,
        width=network.decoder_width,
        num_layers=network.decoder_layers,
        num_heads=network.decoder_heads,
        feed_forward=network.decoder_feed_forward,
        dropout=network.decoder_dropout,
        max_tokens=network.max_tokens,
        memory_width=encoder.memory_width,
    )
    text_encoder = TextEncoderConfig(
        vocabulary_size=vocabulary_size,
        embedding_dim=network.embedding_dim,
        width=network.text_width,
        num_layers=network.text_layers,
        num_heads=network.text_heads,
        dropout=network.text_dropout,
    )
    return ModelConfig(
        encoder=encoder,
        decoder=decoder,
        num_coordinates=math.prod(recipe.features.row_shape),
        supcon_dim=network.supcon_dim,
        spells=recipe.losses.ctc_weight > 0,
        motion="prototype-rows" if recipe.features.preset == "prototype" else "last-column",
        text_encoder=text_encoder if recipe.losses.align_weight else None,
    )


def training_set(store: PackedClips, records: tuple[ClipRecord, ...], recipe: Recipe) -> TrainingSet:
    """The training clips of a store; classes are numbered in the order of their texts.

    Raises:
        DataError: no clip is left to train on.
    """
    if not records:
        raise DataError("no training clip; the split's `train` role is empty")
    classes = {key: number for number, key in enumerate(sorted({record.text_key for record in records}))}
    texts = tuple(record.variations or (record.sentence,) for record in records)
    return TrainingSet(
        store=store,
        which=store.positions_of([record.clip_id for record in records]),
        labels=np.array([classes[record.text_key] for record in records], dtype=np.int64),
        texts=texts,
        tokenizer=fit_tokenizer(records, recipe),
        augment=recipe.augment,
        views=recipe.views,
        seed=recipe.seed,
    )


def fit_tokenizer(records: Sequence[ClipRecord], recipe: Recipe) -> SentenceTokenizer:
    """The recipe's tokenizer of all texts of the training clips, paraphrases included."""
    texts = (text for record in records for text in record.variations or (record.sentence,))
    return SentenceTokenizer.fit(texts, config=recipe.tokenizer)


def fit_statistics(training: TrainingSet) -> dict[str, npt.NDArray[Any]]:
    """The arrays of `global_stats.npz` (SPEC 1.3) over the training clips' valid frames.

    Mean and spread (F,) of columns that are not standardised (presence, motion, visibility) are 0 and 1.
    """
    store, total, squares, count = training.store, 0.0, 0.0, 0
    for start in range(0, len(training.which), 256):
        features, valid = store.features(training.which[start : start + 256])
        seen = features[valid].astype(np.float64)
        total, squares, count = total + seen.sum(axis=0), squares + (seen**2).sum(axis=0), count + len(seen)
    mean = np.asarray(total) / max(count, 1)
    std = np.sqrt(np.maximum(np.asarray(squares) / max(count, 1) - mean**2, _MIN_STD**2))
    columns = standardised_columns(store.config)
    mean, std = np.where(columns, mean, 0.0).astype(np.float32), np.where(columns, std, 1.0).astype(np.float32)
    return {
        "feature_mean": mean,
        "feature_std": std,
        "seq_lengths": store.num_frames[training.which].astype(np.int32),
        "motion_means": store.motions[training.which],
    }


def train(manifest: Manifest, split: Split, recipe: Recipe, options: TrainOptions) -> TrainResult:
    """Train a model and leave a run folder.

    Everything is checked and built before the folder is claimed: what cannot work leaves no run behind, at most
    packed clips, which the next attempt takes over.

    Raises:
        ConfigError: a setting that does not fit the data.
        DataError: no training clip, or (strict) one that cannot be packed.
        ArtifactError: the folder holds another run, there is nothing to resume, or its last state is damaged.
        KeyboardInterrupt: stopped from outside; the run can be resumed.
    """
    out, first = options.out, int(os.environ.get("LOCAL_RANK", "0")) == 0
    if first:  # further processes of DDP join a run that is claimed
        check_folder(out, recipe, split, options.resume)
    wanted = split.records(manifest, "train")
    check_texts(wanted, fit_tokenizer(wanted, recipe), recipe.network.max_tokens)
    store = _store(manifest, split, recipe, options, first)
    module = _module(manifest, split, recipe, store, out)
    last = checked_last(out, module.state_dict()) if options.resume else None
    if first:
        save_arrays(out / "global_stats.npz", module.statistics)
        module.training_set.tokenizer.save(out / "tokenizer_vocab.json")
        claim_folder(out, recipe, split)
    trainer = _fit(module, options, last)
    history = module.history
    if trainer.is_global_zero:
        history.finish()
    return TrainResult(out / BEST_NAME, len(history.rows), history.best_epoch, history.best_score, store.problems)


def _store(manifest: Manifest, split: Split, recipe: Recipe, options: TrainOptions, first: bool) -> PackedClips:
    """The packed clips of every role; one process packs, further ones wait for it."""
    records = split.records(manifest, *PACKED_ROLES)
    if not first:
        return wait_for_store(options.out, recipe.features, records)
    return pack_clips(records, recipe.features, options.out / STORE_NAME, strict=options.strict)


def _module(manifest: Manifest, split: Split, recipe: Recipe, store: PackedClips, out: Path) -> SignTraining:
    """Model, losses and data of a run, ready to be fitted; nothing is written."""
    left_out = {problem.clip_id for problem in store.problems}
    usable = [record for record in split.records(manifest, "train", "val") if record.clip_id not in left_out]
    train_records = tuple(record for record in usable if split.roles[record.clip_id] == "train")
    val_records = tuple(record for record in usable if split.roles[record.clip_id] == "val")
    training = training_set(store, train_records, recipe)
    check_texts(train_records, training.tokenizer, recipe.network.max_tokens)  # other parts without the left-out texts
    validation = ValidationSet(store, train_records, val_records, training.tokenizer, split.hash)
    return SignTraining(recipe, training, validation, out)


def _fit(module: SignTraining, options: TrainOptions, last: Path | None) -> pl.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its tips are for other people
    trainer = _trainer(module.recipe, options)
    with warnings.catch_warnings():
        # Batches are vectorised in the main process on purpose; Lightning recommends workers all the same.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*")
        warnings.filterwarnings("ignore", message=".*The number of training batches.*smaller than the logging.*")
        warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
        try:
            trainer.fit(module, ckpt_path=last, weights_only=True)
        except SystemExit as stopped:  # Lightning tidies up after Ctrl-C and leaves with code 1
            if trainer.interrupted:
                raise KeyboardInterrupt from stopped
            raise
    return trainer


PACKED_ROLES: tuple[Role, ...] = (
    "train", "val", "val_unknown", "test", "test_new_clip", "test_unknown", "enroll",
    "train_idle", "val_idle", "test_idle",
)  # fmt: skip


def _trainer(recipe: Recipe, options: TrainOptions) -> pl.Trainer:
    settings = recipe.optimiser
    on_gpu = options.accelerator != "cpu" and torch.cuda.is_available()
    precision: Any = ("16-mixed" if on_gpu else "32-true") if settings.precision == "auto" else settings.precision
    callbacks: list[pl.Callback] = [
        ModelCheckpoint(
            dirpath=options.out,
            filename=LAST_NAME.removesuffix(".ckpt"),
            monitor=None,
            save_top_k=1,
            every_n_epochs=1,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
    ]
    if options.progress:
        callbacks.append(TQDMProgressBar(leave=False))
    return pl.Trainer(
        accelerator=options.accelerator if options.accelerator != "auto" else ("gpu" if on_gpu else "cpu"),
        devices=options.devices,
        strategy="ddp_find_unused_parameters_true" if options.devices > 1 else "auto",
        precision=precision,
        max_epochs=min(settings.epochs, options.stop_after or settings.epochs),
        accumulate_grad_batches=settings.accumulation,
        gradient_clip_val=settings.gradient_clip or None,
        logger=TensorBoardLogger(str(options.out), name="tensorboard", version=""),
        callbacks=callbacks,
        enable_progress_bar=options.progress,
        enable_model_summary=False,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        default_root_dir=str(options.out),
    )
