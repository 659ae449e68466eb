"""Finds the weights that training starts from: a base, a bundle, a run or a checkpoint.

"base" | bundle | run | checkpoint --load_initial--> Checkpoint (`training.initial` puts it to use)
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from signtalk.bundle.base import BASE_NAMES, base_path, bundle_place
from signtalk.bundle.bundle import WEIGHTS_NAME, unpack_bundle
from signtalk.errors import ArtifactError
from signtalk.training.checkpoint import Checkpoint, load_checkpoint
from signtalk.training.names import BEST_NAME
from signtalk.training.recipe import Recipe


def initial_of(recipe: Recipe) -> Checkpoint | None:
    """What a recipe starts from; None for fresh weights."""
    return load_initial(recipe.init) if recipe.init else None


def load_initial(source: str) -> Checkpoint:
    """Read weights to start from.

    Args:
        source: "base", always the one in the package; or the path of a bundle that ships its weights (a zip or folder),
            of a run, or of a checkpoint.

    Raises:
        ArtifactError: it is none of these, or holds no weights.
    """
    path = base_path(source) if source in BASE_NAMES else bundle_place(source)
    if path.suffix == ".safetensors":
        return load_checkpoint(path)
    if path.is_dir():
        held = [path / name for name in (BEST_NAME, WEIGHTS_NAME) if (path / name).is_file()]
        if not held:
            raise ArtifactError(f"{path}: holds neither {BEST_NAME} of a run nor {WEIGHTS_NAME} of a bundle")
        return load_checkpoint(held[0])
    with tempfile.TemporaryDirectory(prefix="signtalk-initial-") as folder:
        unpack_bundle(path, folder)
        weights = Path(folder) / WEIGHTS_NAME
        if not weights.is_file():
            raise ArtifactError(f"{path}: ships no weights to go on from; export it again with --weights")
        return load_checkpoint(weights)
