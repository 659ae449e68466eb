"""The front door of the base encoder: pretrained, and a bundle without sentences made of it.

made-up signs + data folders -> pretrain -> weights
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from signtalk._clips import PathLike, names_of
from signtalk.bundle.base import new_bundle
from signtalk.data.manifest import load_manifest

if TYPE_CHECKING:
    from signtalk.export.adapt import Adapted
    from signtalk.training.pretrain import PretrainResult


def pretrain(
    out: PathLike,
    *,
    learn: PathLike | Sequence[PathLike] = (),
    ask: PathLike | Sequence[PathLike] = (),
    name: Literal["hands", "body"] = "hands",
    settings: str | Sequence[str] = (),
    resume: bool = False,
    stop_after: int | None = None,
    progress: bool = True,
) -> PretrainResult:
    """Train an encoder on signs without end, made up, so that it tells signs apart that nobody trained it on.

    Args:
        out: folder to make.
        learn: data folders whose clips are learned from as well.
        ask: data folders on which the best epoch is chosen, beside made-up signs; nothing is learned from them.
        name: "hands" for trackers that find hands, "body" for those that find body joints alone.
        settings: changes to the settings, such as "epochs=10" or "encoder.width=96".
        resume: go on with the pretraining in `out`.
        stop_after: end this call after so many epochs in all, to go on later.
        progress: show how far it is.

    Raises:
        ConfigError: an unknown setting, or a value out of range.
        DataError: a data folder cannot be used.
        ArtifactError: `out` holds another pretraining.
        MissingExtraError: the extra `train` is not installed.
    """
    from signtalk.training.pretrain import pretrain as fit
    from signtalk.training.pretrain_config import PretrainConfig
    from signtalk.training.settings import with_settings
    from signtalk.training.trainer import TrainOptions

    config = with_settings(PretrainConfig.named(name), names_of(settings))
    learned, asked = ([load_manifest(Path(each)) for each in folders_of(folders)] for folders in (learn, ask))
    return fit(config, TrainOptions(Path(out), resume=resume, progress=progress, stop_after=stop_after), learned, asked)


def new(out: PathLike) -> Path:
    """Make a bundle that knows no sentence yet, to teach sentences into.

    Args:
        out: the zip to make.

    Raises:
        DataError: there is something already, or it cannot be written.
    """
    return new_bundle(out)


def adapt(
    bundle: PathLike, data: PathLike, out: PathLike, *, steps: int | None = None, seed: int | None = None
) -> Adapted:
    """Tune small parts of a bundle on some dozens of clips, where cross-validation shows a gain; a minute on a CPU.

    Args:
        bundle: "base", or a bundle of `new`; it stays as it is.
        data: data folder of the clips, two of each sentence or more, by one person or several.
        out: the bundle to make; it knows the sentences of the clips.
        steps: of the tuning, in place of 15.
        seed: of its chances, in place of 0.

    Raises:
        ExportRefusedError: there is no gain, or more answers would be wrong; nothing is written.
        DataError: too few clips, or some that `enroll` refuses; or something is at `out` already.
        ArtifactError: the bundle ships no weights, or holds sentences.
        MissingExtraError: the extra `train` is not installed.
    """
    from signtalk.export.adapt import adapt_bundle
    from signtalk.training.adapt import AdaptConfig

    given = {name: value for name, value in (("steps", steps), ("seed", seed)) if value is not None}
    return adapt_bundle(os.fspath(bundle), load_manifest(Path(data)), Path(out), AdaptConfig(**given))


def folders_of(folders: PathLike | Sequence[PathLike]) -> Sequence[PathLike]:
    """One folder or several as a list."""
    return [folders] if isinstance(folders, str | os.PathLike) else list(folders)
