"""What training starts from when it does not start from nothing: the encoder of a base, a run or a bundle.

Checkpoint --start_from--> the encoder of a new model

`export.initial` finds the checkpoint that a recipe names. The encoder comes along, with the mean and spread that it
standardises features by; heads, texts and classes are fresh.
"""

from __future__ import annotations

from signtalk.errors import ConfigError
from signtalk.models.model import SignModel
from signtalk.training.checkpoint import Checkpoint
from signtalk.training.recipe import Recipe

_FREE = ("num_frames",)
"""Of the features: what an encoder reads any amount of."""
_SIZES = (
    "kind", "width", "embedding_dim", "num_layers", "num_heads", "feed_forward", "conv_blocks", "kernel_size",
)  # fmt: skip


def start_from(model: SignModel, initial: Checkpoint, recipe: Recipe) -> None:
    """Give a model the encoder of another, in place.

    Args:
        model: of fresh weights.
        initial: whose encoder and statistics it gets.
        recipe: of the model.

    Raises:
        ConfigError: the two read other features, or are of other sizes; the message names the settings.
    """
    theirs, ours = initial.features.model_dump(), recipe.features.model_dump()
    differ = [f"features.{name}={_text(theirs[name])}" for name in theirs if theirs[name] != ours[name]]
    differ = [setting for setting in differ if setting.split("=")[0].split(".")[1] not in _FREE]
    sizes, own = initial.model.config.encoder.model_dump(), model.config.encoder.model_dump()
    differ += [f"network.{name}={_text(sizes[name])}" for name in sizes if sizes[name] != own[name] and name in _SIZES]
    if differ:
        raise ConfigError(
            f"init {recipe.init}: its encoder is of other features or sizes; add "
            + " ".join(f"--set {setting}" for setting in differ)
            + ", or start from fresh weights with --set init="
        )
    model.encoder.load_state_dict(initial.model.encoder.state_dict())
    model.set_statistics(initial.model.feature_mean, initial.model.feature_std)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
