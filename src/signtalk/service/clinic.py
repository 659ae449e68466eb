"""A clinic's folder: everything that one counter needs, made where it is missing.

    clinic/
      clinic.zip     the bundle: an empty one of the base at first
      taught/        the clinic's own sentences, with the clips that may be kept
      taught.said/   answers that were confirmed, where the person agreed that these are kept
      key.txt        who knows it may teach; only this user may read it

A backup is a copy of the folder.
"""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from pydantic import SecretStr

from signtalk.bundle.base import bundle_place, new_bundle
from signtalk.bundle.bundle import open_bundle
from signtalk.errors import ArtifactError
from signtalk.files import atomic_path, copy_file, sha256_file
from signtalk.index.personal import layer_exists
from signtalk.recognition.carrying import Carried, carry

_KEY_BYTES = 16
_LONGEST_KEY = 400


@dataclass(frozen=True)
class ClinicFolder:
    """Where things lie.

    Attributes:
        folder: the whole.
    """

    folder: Path

    @property
    def bundle(self) -> Path:
        """What answers."""
        return self.folder / "clinic.zip"

    @property
    def taught(self) -> Path:
        """The personal index."""
        return self.folder / "taught"

    @property
    def key_file(self) -> Path:
        """The key that teaching needs."""
        return self.folder / "key.txt"

    def make_what_is_missing(self) -> None:
        """A bundle without sentences and a key; what is there already stays.

        Raises:
            DataError: the folder cannot be written.
            ArtifactError: the base is missing in this installation.
        """
        if not self.key_file.exists():
            with atomic_path(self.key_file, private=True) as temporary:
                temporary.write_text(secrets.token_hex(_KEY_BYTES) + "\n", encoding="ascii")
        if not self.bundle.exists():
            new_bundle(self.bundle)

    def key(self) -> SecretStr:
        """The key.

        Raises:
            ArtifactError: the file is missing or empty.
        """
        try:
            with self.key_file.open(encoding="ascii") as file:
                key = file.read(_LONGEST_KEY).strip()
        except (OSError, UnicodeError) as error:
            raise ArtifactError(f"{self.key_file}: cannot be read; delete it, and a new key is made") from error
        if not key:
            raise ArtifactError(f"{self.key_file}: is empty; delete it, and a new key is made")
        return SecretStr(key)

    def answer_with(self, model: str | PathLike[str], without_missing: bool = False) -> Carried | None:
        """Answer with another model from now on; what was taught is carried to it.

        The bundle and the index as they were stay beside the new ones. Killed at any moment, it goes on when it is
        called again.

        Args:
            model: a bundle, or "base" for the one in the package.
            without_missing: leave out what was taught without keeping its clips.

        Returns:
            What was carried; None where nothing is taught.

        Raises:
            ArtifactError: the bundle cannot be used.
            DataError: something that was taught cannot be carried, and nothing is changed; or there is no room.
        """
        source = bundle_place(model)
        if not source.is_file():
            raise ArtifactError(f"{source}: not a zip but a folder; give the zip of `signtalk export`, or base")
        with open_bundle(source) as new:
            carried = carry(new.recognizer, self.taught, None, without_missing) if layer_exists(self.taught) else None
        if not self.bundle.exists():
            copy_file(source, self.bundle)
        elif sha256_file(source) != sha256_file(self.bundle):  # else the one before it would be lost
            with atomic_path(self.bundle) as new:
                shutil.copyfile(source, new)  # first, for it may be the one before
                copy_file(self.bundle, self.bundle_before)
        return carried

    @property
    def bundle_before(self) -> Path:
        """What answered before another model did."""
        return self.folder / "clinic.before.zip"

    @property
    def is_private(self) -> bool:
        """Whether other users of this machine cannot read the key; always so where the system has no such rights."""
        return os.name == "nt" or not self.key_file.exists() or not self.key_file.stat().st_mode & 0o077
