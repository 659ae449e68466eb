"""Lightning's Trainer as SignTalk uses it: one kept state an epoch, progress, nothing written by halves.

module + OptimiserConfig + TrainOptions -> fit -> the module, trained; a run that was stopped goes on

`train` and `pretrain` go through it.
"""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger

from signtalk.threads import usable_cores
from signtalk.training.atomic import AtomicCheckpoints
from signtalk.training.names import LAST_NAME
from signtalk.training.progress import EpochProgress
from signtalk.training.recipe import OptimiserConfig


@dataclass(frozen=True)
class TrainOptions:
    """Where and on what a run is made; unlike the recipe it does not change what is learned.

    Attributes:
        out: the run folder.
        resume: go on from `last.ckpt` there, if it exists.
        devices: processes; 2 or more train with DDP.
        strict: stop at the first clip that cannot be packed instead of leaving it out.
        accelerator: "auto", "cpu" or "gpu".
        progress: tell how far it is: a bar on a terminal, a line now and then elsewhere.
        stop_after: end this call after so many epochs, to go on later; None runs to the end.
    """

    out: Path
    resume: bool = False
    devices: int = 1
    strict: bool = False
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    progress: bool = True
    stop_after: int | None = None


def fit(module: pl.LightningModule, settings: OptimiserConfig, options: TrainOptions, last: Path | None) -> pl.Trainer:
    """Train a module to the end of its epochs, or of those that `options` allows this call.

    Args:
        module: what is trained; `history.rows` tells of each epoch.
        settings: epochs, precision, accumulation and clipping.
        options: where to, and on what.
        last: the state to go on from; None = from the start.

    Raises:
        KeyboardInterrupt: stopped from outside; the run can be resumed.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its tips are for other people
    trainer = _trainer(settings, options)
    with warnings.catch_warnings():
        # Batches are vectorised in the main process on purpose; Lightning recommends workers all the same.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*")
        warnings.filterwarnings("ignore", message=".*The number of training batches.*smaller than the logging.*")
        warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
        # A run folder that was moved goes on; what Lightning holds of the best epoch nobody asks.
        warnings.filterwarnings("ignore", message=".*The dirpath has changed.*")
        try:
            trainer.fit(module, ckpt_path=last, weights_only=True)
        except SystemExit as stopped:  # Lightning tidies up after Ctrl-C and leaves with code 1
            if trainer.interrupted:
                raise KeyboardInterrupt from stopped
            raise
    return trainer


def _trainer(settings: OptimiserConfig, options: TrainOptions) -> pl.Trainer:
    if options.devices == 1 and "OMP_NUM_THREADS" not in os.environ:  # of several Lightning divides the cores itself
        torch.set_num_threads(min(torch.get_num_threads(), usable_cores()))
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
        callbacks.append(EpochProgress(settings.epochs))
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
        plugins=[AtomicCheckpoints()],
        enable_progress_bar=False,
        enable_model_summary=False,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        default_root_dir=str(options.out),
    )
