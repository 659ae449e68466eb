"""The base encoder in the wheel, and a bundle without sentences made of it.

    base_path("base") -> the base's bundle, in the package --new_bundle--> clinic.zip, to teach sentences into

A base tells signs apart that nobody trained it on (docs/base-model.md). As a bundle it has no sentence; it is opened,
verified and served like any other.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from signtalk.errors import ArtifactError, DataError
from signtalk.files import copy_file

BASE_NAMES = ("base",)
"""What stands for a file of the package."""
_FOLDER = Path(__file__).resolve().parent / "bases"


def base_path(name: str = "base") -> Path:
    """Where a base lies.

    Args:
        name: one of BASE_NAMES.

    Raises:
        ArtifactError: there is none of this name, or it was not installed.
    """
    if name not in BASE_NAMES:
        raise ArtifactError(f"no base '{name}'; there are {', '.join(BASE_NAMES)}")
    path = _FOLDER / f"{name}.zip"
    if not path.is_file():
        raise ArtifactError(f"{path}: not there, so this installation is incomplete; install SignTalk again")
    return path


def bundle_place(source: str | PathLike[str]) -> Path:
    """The path that is meant: that of a base for its name.

    Raises:
        ArtifactError: there is nothing, and it is no base's name; or there is something, and it is one. Which model
            answers must not hang on the folder that somebody happens to stand in.
    """
    path = Path(source)
    if path.exists():
        if str(path) in BASE_NAMES:
            raise ArtifactError(
                f"{path}: stands for the model in the package, and {path.absolute()} has that name, too; give its "
                "whole path if that is meant, else rename it or go to another folder"
            )
        return path
    if str(path) not in BASE_NAMES:
        raise ArtifactError(
            f"{path}: no such file; give a bundle or a run, or {' or '.join(BASE_NAMES)} for the model in the package"
        )
    return base_path(str(path))


def new_bundle(out: str | PathLike[str], name: str = "base") -> Path:
    """Write a bundle that knows no sentence yet.

    Args:
        out: the zip to make.
        name: of the base that it stands on.

    Raises:
        DataError: there is something already, or it cannot be written.
        ArtifactError: there is no such base.
    """
    path, source = Path(out), base_path(name)
    if path.exists():
        raise DataError(f"{path}: is there already; choose another name")
    copy_file(source, path)
    return path
