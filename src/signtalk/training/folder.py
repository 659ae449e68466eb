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

from signtalk.data.manifest import ClipRecord
from signtalk.data.packed import PackedClips, fitting_store
from signtalk.data.splits import Split
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.errors import ArtifactError, ConfigError, DataError
from signtalk.files import read_json, write_json
from signtalk.landmarks.features import FeatureConfig
from signtalk.training.names import LAST_NAME, RECIPE_NAME, SPLIT_NAME, STORE_NAME
from signtalk.training.recipe import Recipe

_STORE_WAIT_S = 3600.0
_POLL_S = 0.5


def check_run_folder(out: Path, recipe: Recipe, split: Split, resume: bool) -> None:
    """Make sure that a run may begin in `out`, or go on there; nothing is written.

    Args:
        out: run folder.
        recipe: of the run.
        split: of the run.
        resume: whether to go on with a run that is there.

    Raises:
        ArtifactError: the folder holds another run, or there is nothing to resume.
        DataError: it is a file.
    """
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: is a file; give a folder for the run")
    if (out / RECIPE_NAME).exists():
        same = read_json(out / RECIPE_NAME) == recipe.model_dump(mode="json")
        split_content = read_json(out / SPLIT_NAME)
        same = same and isinstance(split_content, dict) and split_content.get("hash") == split.hash
        if not resume:
            raise ArtifactError(f"{out}: holds a run; add --resume to go on with it, or choose another folder")
        if not same:
            raise ArtifactError(
                f"{out}: holds a run of another recipe or split; give the recipe, settings and split it was begun "
                "with, or choose another folder"
            )
    elif resume and not (out / STORE_NAME).is_dir():  # a run that was stopped while it packed has only a store
        raise ArtifactError(f"{out}: no run to resume; leave out --resume")


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
