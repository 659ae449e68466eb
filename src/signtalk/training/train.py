"""Train a model: clips of a split, a recipe, and Lightning's Trainer.

    Manifest + Split + Recipe -> train -> run folder

A run folder holds `recipe.json`, `split.json`, `tokenizer_vocab.json`, `feature_stats.npz`,
`training_history.csv`, `training_curves.png`, `best.safetensors` (what is shipped), `last.ckpt` (to go
on from) and `tensorboard/`.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from signtalk.data.manifest import Manifest, Problem
from signtalk.data.packed import PackedClips, pack_clips
from signtalk.data.roles import Role
from signtalk.data.splits import Split
from signtalk.errors import ConfigError
from signtalk.files import save_arrays
from signtalk.training.batches import TrainingSet, fit_tokenizer, training_set
from signtalk.training.checkpoint import Checkpoint
from signtalk.training.folder import check_run_folder, check_texts, checked_last, claim_folder, wait_for_store
from signtalk.training.module import SignTraining
from signtalk.training.names import BEST_NAME, STATISTICS_NAME, STORE_NAME, VOCABULARY_NAME
from signtalk.training.progress import tell
from signtalk.training.recipe import Recipe
from signtalk.training.trainer import TrainOptions, fit
from signtalk.training.validation import ValidationSet

PACKED_ROLES: tuple[Role, ...] = (
    "train", "val", "val_unknown", "test", "test_new_clip", "test_unknown", "enroll",
    "train_idle", "val_idle", "test_idle",
)  # fmt: skip


@dataclass(frozen=True)
class TrainResult:
    """What a run ended with.

    Attributes:
        best: the checkpoint that is shipped.
        epochs: rows of the history.
        best_epoch: the epoch it was taken from.
        best_score: its validation measure.
        recipe: name of the recipe.
        next_command: what to run next, as it is typed.
        left_out: clips that could not be packed, and why.
        note: what follows from more epochs than the run was begun with; "" otherwise.
    """

    best: Path
    epochs: int
    best_epoch: int
    best_score: float
    recipe: str
    next_command: str
    left_out: tuple[Problem, ...] = ()
    note: str = ""


def train(
    manifest: Manifest, split: Split, recipe: Recipe, options: TrainOptions, initial: Checkpoint | None = None
) -> TrainResult:
    """Train a model and leave a run folder.

    Everything is checked and built before the folder is claimed: what cannot work leaves no run behind, at most
    packed clips, which the next attempt takes over.

    Args:
        manifest: the data folder.
        split: who trains and who chooses.
        recipe: all settings.
        options: where to, and how.
        initial: what `recipe.init` names (`export.initial`); None = fresh weights.

    Raises:
        ConfigError: a setting that does not fit the data.
        DataError: no training clip, or (strict) one that cannot be packed.
        ArtifactError: the folder holds another run, there is nothing to resume, or its last state is damaged.
        KeyboardInterrupt: stopped from outside; the run can be resumed.
    """
    out, first = options.out, int(os.environ.get("LOCAL_RANK", "0")) == 0
    if bool(recipe.init) != (initial is not None):
        raise ConfigError(f"init {recipe.init!r}: give the checkpoint that it names, and none without a name")
    longer = check_run_folder(out, recipe, split, options.resume) if first else ""  # others of DDP join a claimed run
    if longer and options.progress:
        tell(longer)
    wanted = split.records(manifest, "train")
    check_texts(wanted, fit_tokenizer(wanted, recipe), recipe.network.max_tokens)
    store = _store(manifest, split, recipe, options, first)
    training, validation = _clips(manifest, split, recipe, store)
    module = SignTraining(recipe, training, validation, out, initial)
    last = checked_last(out, module.state_dict()) if options.resume else None
    if first:
        save_arrays(out / STATISTICS_NAME, module.statistics.to_arrays())
        module.training_set.tokenizer.save(out / VOCABULARY_NAME)
        claim_folder(out, recipe, split)
        if options.progress:
            tell(f"recipe {recipe.name}, from {recipe.init or 'fresh weights'}")
    trainer = fit(module, recipe.optimiser, options, last)
    history = module.history
    if trainer.is_global_zero:
        history.finish()
    return TrainResult(
        best=out / BEST_NAME,
        epochs=len(history.rows),
        best_epoch=history.best_epoch,
        best_score=history.best_score,
        recipe=recipe.name,
        next_command=shlex.join(["signtalk", "index", str(out), "--data", str(manifest.root)]),
        left_out=store.problems,
        note=longer,
    )


def _store(manifest: Manifest, split: Split, recipe: Recipe, options: TrainOptions, first: bool) -> PackedClips:
    """The packed clips of every role; one process packs, further ones wait for it."""
    records = split.records(manifest, *PACKED_ROLES)
    if not first:
        return wait_for_store(options.out, recipe.features, records)
    return pack_clips(records, recipe.features, options.out / STORE_NAME, strict=options.strict)


def _clips(manifest: Manifest, split: Split, recipe: Recipe, store: PackedClips) -> tuple[TrainingSet, ValidationSet]:
    """What is learned from and what is chosen by; nothing is written."""
    left_out = {problem.clip_id for problem in store.problems}
    usable = [record for record in split.records(manifest, "train", "val") if record.clip_id not in left_out]
    train_records = tuple(record for record in usable if split.roles[record.clip_id] == "train")
    val_records = tuple(record for record in usable if split.roles[record.clip_id] == "val")
    training = training_set(store, train_records, recipe)
    check_texts(train_records, training.tokenizer, recipe.network.max_tokens)  # other parts without the left-out texts
    validation = ValidationSet(store, train_records, val_records, training.tokenizer, split.hash)
    return training, validation
