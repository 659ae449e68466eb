"""Models that do not know some of the people of a run's training, so that its gate is fitted on new signers.

    run + data + turns -> rotate_run -> RUN/rotation/1, 2, ...: a model a turn, by the run's own recipe

They are trained as the run was, each without a part of its people (`data.rotation`), and go on where they were killed.
Nothing of them is shipped: `index_run` asks each about the people whom it does not know, and the gate of the run's
model is fitted on all of these answers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from signtalk.data.manifest import Manifest
from signtalk.data.rotation import rotated_splits
from signtalk.errors import ArtifactError, first_fault
from signtalk.files import read_json, write_json
from signtalk.training.checkpoint import Checkpoint
from signtalk.training.names import RECIPE_NAME, ROTATION_FOLDER, ROTATION_NAME
from signtalk.training.progress import tell
from signtalk.training.recipe import Recipe
from signtalk.training.run import RunFolder
from signtalk.training.train import train
from signtalk.training.trainer import TrainOptions


def rotate_run(
    run: RunFolder, manifest: Manifest, turns: int, initial: Checkpoint | None = None, progress: bool = False
) -> tuple[RunFolder, ...]:
    """Train the models of a rotation, as far as they are not there.

    The model of the last epoch is kept: the people who stand aside must not choose it.

    Args:
        run: trained to its end.
        manifest: the data that it was trained on.
        turns: how many models; at most as many as people train.
        initial: what the run's recipe starts from; None = fresh weights.
        progress: tell how far it is.

    Raises:
        ConfigError: fewer than two people train.
        ArtifactError: RUN/rotation holds something else, such as turns of another number.
        KeyboardInterrupt: stopped from outside; the same call goes on.
    """
    split, recipe = run.split(manifest), run_recipe(run.folder)
    splits = rotated_splits(split, manifest, turns)
    _claim(run.folder / ROTATION_FOLDER, {"turns": len(splits), "split_hash": split.hash})
    recipe = recipe.changed([f"optimiser.val_every={recipe.optimiser.epochs}"])
    for number, turned in enumerate(splits, start=1):
        if progress:
            tell(f"turn {number} of {len(splits)}: without {', '.join(turned.config.val_signers)}")
        folder = run.folder / ROTATION_FOLDER / str(number)
        train(
            manifest, turned, recipe, TrainOptions(folder, (folder / RECIPE_NAME).exists(), progress=progress), initial
        )
    return run.turns()


def _claim(folder: Path, rotation: dict[str, Any]) -> None:
    """Note what rotation a folder holds, so that turns of another one are never taken for its own."""
    path = folder / ROTATION_NAME
    if path.exists() and (there := read_json(path)) != rotation:
        raise ArtifactError(
            f"{folder}: holds a rotation of {there.get('turns')} turns of split {str(there.get('split_hash'))[:12]}; "
            f"asked for {rotation['turns']} of {rotation['split_hash'][:12]}; delete the folder to train them anew"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, rotation)


def run_recipe(folder: Path) -> Recipe:
    """The recipe of a run folder.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    path = folder / RECIPE_NAME
    try:
        return Recipe.model_validate(read_json(path))
    except ValidationError as error:
        raise ArtifactError(f"{path}: {first_fault(error)}; not a recipe of this version") from error
