"""A run folder from outside: its names, whose it is, and whether training may begin or go on in it.

Everything here is asked before a model is built or a byte is written, so that a setting, a text or a file
that cannot work costs one line and leaves the folder as it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from signtalk.data.manifest import ClipRecord
from signtalk.data.packed import PackedClips, fitting_store
from signtalk.data.splits import Split
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.errors import ArtifactError, ConfigError, DataError
from signtalk.files import read_json, write_json
from signtalk.landmarks.features import FeatureConfig
from signtalk.training.names import LAST_NAME, RECIPE_NAME, SPLIT_NAME, STORE_NAME
from signtalk.training.recipe import RECIPE_NAMES, Recipe

_STORE_WAIT_S = 3600.0
_POLL_S = 0.5


def check_run_folder(out: Path, recipe: Recipe, split: Split, resume: bool) -> str:
    """Make sure that a run may begin in `out`, or go on there; nothing is written.

    Args:
        out: run folder.
        recipe: of the run; one that goes on may have more epochs than it was begun with.
        split: of the run.
        resume: whether to go on with a run that is there.

    Returns:
        What follows from more epochs, for whoever trains; "" where the run goes on as it was begun.

    Raises:
        ArtifactError: the folder holds another run, or there is nothing to resume.
        DataError: it is a file.
    """
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: is a file; give a folder for the run")
    if (out / RECIPE_NAME).exists():
        if not resume:
            raise ArtifactError(f"{out}: holds a run; add --resume to go on with it, or choose another folder")
        split_content = read_json(out / SPLIT_NAME)
        begun, now = _completed(read_json(out / RECIPE_NAME)), recipe.model_dump(mode="json")
        epochs = _epochs_of(begun)
        is_same_split = isinstance(split_content, dict) and split_content.get("hash") == split.hash
        if is_same_split and epochs and epochs != recipe.optimiser.epochs:
            is_longer = _with_epochs(begun, recipe.optimiser.epochs) == now
            if is_longer and epochs < recipe.optimiser.epochs:
                return _told_of_more_epochs(recipe, epochs)
            if is_longer:
                raise ArtifactError(
                    f"{out}: optimiser.epochs {recipe.optimiser.epochs}, and the run was begun for {epochs}; it can be "
                    "made longer, not shorter"
                )
        if not is_same_split or begun != now:
            raise ArtifactError(
                f"{out}: holds a run of another recipe or split; give the recipe, settings and split it was begun "
                "with (optimiser.epochs may be more), or choose another folder"
            )
    elif resume and not (out / STORE_NAME).is_dir():  # a run that was stopped while it packed has only a store
        raise ArtifactError(f"{out}: no run to resume; leave out --resume")
    return ""


def begun_recipe(out: Path) -> str | None:
    """Name of the recipe of a run that was begun in a folder; None where none was, or none that is known."""
    recipe = read_json(out / RECIPE_NAME) if (out / RECIPE_NAME).exists() else None
    name = recipe.get("name") if isinstance(recipe, dict) else None
    return name if name in RECIPE_NAMES else None


def _completed(recipe: Any) -> Any:
    """A recipe.json with the settings that later versions added, at their defaults."""
    try:
        return Recipe.model_validate(recipe).model_dump(mode="json")
    except ValidationError:  # told by the comparison
        return recipe


def _epochs_of(recipe: Any) -> int:
    """Of a recipe.json; 0 where it has none."""
    optimiser = recipe.get("optimiser") if isinstance(recipe, dict) else None
    epochs = optimiser.get("epochs") if isinstance(optimiser, dict) else None
    return epochs if isinstance(epochs, int) else 0


def _with_epochs(recipe: dict[str, Any], epochs: int) -> dict[str, Any]:
    return {**recipe, "optimiser": {**recipe["optimiser"], "epochs": epochs}}


def _told_of_more_epochs(recipe: Recipe, before: int) -> str:
    """What a longer run does to the learning rate: the schedule and the warm-up are shares of the whole."""
    now = recipe.optimiser.epochs
    told = f"the run is made longer: {now} epochs in place of {before}"
    if recipe.optimiser.schedule == "cosine":
        return (
            f"{told}; the learning rate falls over all {now} now, so it rises again at first, and the result differs "
            f"from that of a run begun with {now}"
        )
    if recipe.optimiser.warmup_share:
        return f"{told}; the warm-up is a share of all {now}, so a run begun with {now} would have another start"
    return told


def claim_folder(out: Path, recipe: Recipe, split: Split) -> None:
    """Write down whose the folder is, the recipe last: it is what makes a run.

    Args:
        out: run folder, made when it is missing.
        recipe: of the run.
        split: of the run.
    """
    split.save(out / SPLIT_NAME)
    write_json(out / RECIPE_NAME, recipe.model_dump(mode="json"))


def check_texts(records: Iterable[ClipRecord], tokenizer: SentenceTokenizer, max_tokens: int) -> None:
    """Make sure that the decoder can write every training text.

    Args:
        records: training clips.
        tokenizer: of the model.
        max_tokens: that the decoder takes, the end of the text included.

    Raises:
        ConfigError: a text has more tokens than the decoder takes.
    """
    lengths = {
        (record.clip_id, text): len(tokenizer.encode(text)) - 1  # sos is given, eos is written
        for record in records
        for text in record.variations or (record.sentence,)
    }
    longest = max(lengths, key=lengths.__getitem__, default=None)
    if longest is not None and lengths[longest] > max_tokens:
        clip_id, text = longest
        needed = lengths[longest]
        raise ConfigError(
            f"clip {clip_id}: its text '{text[:40]}...' has {needed - 1} tokens, {needed} with the end; the "
            f"decoder takes {max_tokens}; set network.max_tokens={needed}, or shorten the text"
        )


def checked_last(out: Path, model: Mapping[str, torch.Tensor]) -> Path | None:
    """The state to go on from, or None where there is none yet: training then starts at its first epoch.

    Args:
        out: the run folder.
        model: the state that it must fit, by name.

    Raises:
        ArtifactError: the file is damaged or of another model.
    """
    path = out / LAST_NAME
    if not path.exists():
        return None
    remedy = f"remove it and resume again: training then starts from its first epoch, and {STORE_NAME}/ is kept"
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
        shapes = {name: tuple(tensor.shape) for name, tensor in content["state_dict"].items()}
        complete = {"optimizer_states", "lr_schedulers", "loops", "signtalk_history"} <= set(content)
    except Exception as error:  # damaged bytes raise whatever zip, pickle and struct have; none has a common base
        raise ArtifactError(f"{path}: not a readable checkpoint ({type(error).__name__}); {remedy}") from error
    if not complete or shapes != {name: tuple(tensor.shape) for name, tensor in model.items()}:
        raise ArtifactError(f"{path}: not the state of this model, whose texts or sizes differ; {remedy}")
    return path


def wait_for_store(
    out: Path, config: FeatureConfig, records: Sequence[ClipRecord], timeout_s: float = _STORE_WAIT_S
) -> PackedClips:
    """The store that the first process of several packs; the others wait for it.

    Args:
        out: run folder.
        config: of the features.
        records: clips that the store must hold.
        timeout_s: how long to wait.

    Raises:
        ArtifactError: it is not there in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        store = fitting_store(out / STORE_NAME, config, records)
        if store is not None:
            return store
        if time.monotonic() >= deadline:
            raise ArtifactError(
                f"{out / STORE_NAME}: no store that fits after {timeout_s:g} s; the process with LOCAL_RANK 0 packs "
                "it: see what it says, and that all processes see the same folder"
            )
        time.sleep(_POLL_S)
