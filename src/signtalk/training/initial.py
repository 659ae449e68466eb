"""What training starts from when it does not start from nothing: the encoder of a base, a run or a bundle.

Checkpoint --start_from--> the encoder of a new model

`export.initial` finds the checkpoint that a recipe names. The encoder comes along, with the mean and spread that it
standardises features by; heads, texts and classes are fresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from signtalk.data.manifest import ClipRecord, clip_of_record
from signtalk.errors import ClipError, ConfigError
from signtalk.landmarks.features import LEAST_HAND_SHARE, hand_share
from signtalk.models.model import SignModel
from signtalk.training.checkpoint import Checkpoint
from signtalk.training.recipe import RECIPE_NAMES, Recipe

_LOOKED_AT = 20
"""Clips that tell whether a data set has hands."""
_FREE = ("num_frames",)
"""Of the features: what an encoder reads any amount of."""
_SIZES = (
    "kind", "width", "embedding_dim", "num_layers", "num_heads", "feed_forward", "conv_blocks", "kernel_size",
)  # fmt: skip


def recipe_for(initial: Checkpoint, assignments: Sequence[str]) -> Recipe:
    """The recipe that has an encoder's own features and sizes; of several the first, of none "base".

    Args:
        initial: whose encoder it is.
        assignments: settings that are applied to it, as `Recipe.changed` takes them.

    Raises:
        ConfigError: a setting is malformed, unknown or out of range.
    """
    base = Recipe.named("base").changed(assignments)
    return next((recipe for recipe in (base, *_recipes_with(assignments)) if not _differences(initial, recipe)), base)


def recipe_of_nobodys_choice(
    initial: Checkpoint, records: Sequence[ClipRecord], assignments: Sequence[str] = ()
) -> Recipe:
    """The recipe where nobody names one: "base" where its encoder can be started from, else "default".

    Started from it, models know new signers of sentences better than from fresh weights, and those of phrases and
    words as well (docs/base-model.md). It cannot read other features, and is of no use for clips without hands.

    Args:
        initial: the base in the package.
        records: the clips to train on; a few of them are read.
        assignments: settings that are applied, as `Recipe.changed` takes them.

    Raises:
        ConfigError: a setting is malformed, unknown or out of range.
    """
    default = Recipe.named("default").changed(assignments)
    with suppress(ConfigError):  # of a setting that "base" cannot take
        base = Recipe.named("base").changed(assignments)
        if base.init and not _differences(initial, base) and _show_hands(records, base):
            return base
    return default


def _show_hands(records: Sequence[ClipRecord], recipe: Recipe) -> bool:
    """Whether most of a few clips, spread over all, show hands often enough to be answered."""
    shares = list[float]()
    for record in records[:: max(1, len(records) // _LOOKED_AT)]:
        with suppress(ClipError):  # told when the clips are packed
            shares.append(hand_share(clip_of_record(record), recipe.features))
    return bool(shares) and float(np.median(shares)) >= LEAST_HAND_SHARE


def _recipes_with(assignments: Sequence[str]) -> Iterator[Recipe]:
    """The recipes that can take some settings: what one of them cannot be says nothing about the others."""
    for name in RECIPE_NAMES:
        with suppress(ConfigError):
            yield Recipe.named(name).changed(assignments)


def start_from(model: SignModel, initial: Checkpoint, recipe: Recipe) -> None:
    """Give a model the encoder of another, in place.

    Args:
        model: of fresh weights.
        initial: whose encoder and statistics it gets.
        recipe: of the model.

    Raises:
        ConfigError: the two read other features, or are of other sizes; the message names what fits.
    """
    if differ := _differences(initial, recipe):
        fitting = [differ, *([f"--recipe {name}", *_differences(initial, Recipe.named(name))] for name in RECIPE_NAMES)]
        fewest = min(fitting, key=len)
        raise ConfigError(
            f"init {recipe.init}: its encoder is of other features or sizes than recipe {recipe.name}; train with "
            + " ".join(fewest)
            + ", or from fresh weights with --set init="
        )
    model.encoder.load_state_dict(initial.model.encoder.state_dict())
    model.set_statistics(initial.model.feature_mean, initial.model.feature_std)


def _differences(initial: Checkpoint, recipe: Recipe) -> list[str]:
    """The settings that a recipe lacks to be that of an encoder."""
    theirs, ours = initial.features.model_dump(), recipe.features.model_dump()
    differ = [name for name in theirs if name not in _FREE and theirs[name] != ours[name]]
    sizes, own = initial.model.config.encoder.model_dump(), recipe.network.model_dump()
    return [
        *(f"--set features.{name}={_text(theirs[name])}" for name in differ),
        *(f"--set network.{name}={_text(sizes[name])}" for name in _SIZES if sizes[name] != own[name]),
    ]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
