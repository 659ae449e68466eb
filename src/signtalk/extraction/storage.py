"""A data folder's files in an object store or on another machine, behind a URL that fsspec knows.

    worker: clip file --RemoteFolder.put--> s3://bucket/data/clips/1A.npz       paths(), get: what is there already

Every file is put under a temporary name and moved when it is whole, so that a process killed at any moment leaves
the old file or the new one. Files keep the place that they have in the data folder on this machine.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signtalk.errors import ConfigError, DataError, MissingExtraError
from signtalk.files import TEMPORARY_PREFIX


@dataclass(frozen=True)
class RemoteFolder:
    """Where the files of a data folder go; plain values, so that it can be sent to other machines.

    Attributes:
        url: such as s3://bucket/data; who may write there is told to fsspec's plugin by its own settings.
        root: the data folder on this machine, absolute. It need not exist where workers run.
    """

    url: str
    root: Path

    def prepare(self, folders: Iterable[Path]) -> None:
        """Make the folders, where the storage has such a thing.

        Args:
            folders: in the data folder.

        Raises:
            ConfigError: the URL is none, or of a kind that fsspec does not know.
            DataError: the storage cannot be reached or written.
            MissingExtraError: fsspec, or its plugin for such URLs, is not installed.
        """
        system, base = self._opened()
        with self._told("folders cannot be made there"):
            for folder in folders:
                system.makedirs(self._name(base, folder), exist_ok=True)

    def paths(self) -> set[Path]:
        """The paths, in the data folder, of all files that are there; unfinished ones are removed.

        Nobody else may be writing there.

        Raises:
            DataError: the storage cannot be read or written.
        """
        system, base = self._opened()
        paths = set()
        with self._told("cannot be listed"):
            system.invalidate_cache()
            for name in system.find(base):
                path = self.root / str(name).removeprefix(base).lstrip("/")
                if path.name.startswith(TEMPORARY_PREFIX):
                    system.rm_file(name)
                else:
                    paths.add(path)
        return paths

    def get(self, path: Path, local: Path) -> bool:
        """Copy a file from there, if it is there.

        Args:
            path: in the data folder.
            local: where to put it on this machine.

        Raises:
            DataError: the storage cannot be read.
        """
        system, base = self._opened()
        with self._told(f"{path.name} cannot be read"):
            try:
                system.get_file(self._name(base, path), str(local))
            except FileNotFoundError:
                local.unlink(missing_ok=True)  # some plugins make the file before they know
                return False
        return True

    def put(self, local: Path, path: Path) -> None:
        """Copy a file there, whole or not at all, in place of an earlier one.

        Args:
            local: the file on this machine.
            path: its place in the data folder.

        Raises:
            DataError: the storage cannot be written.
        """
        system, base = self._opened()
        name = self._name(base, path)
        temporary = f"{name.rpartition('/')[0]}/{TEMPORARY_PREFIX}{uuid.uuid4().hex}{path.suffix}"
        with self._told(f"{path.name} cannot be written"):
            try:
                system.put_file(str(local), temporary)
                system.mv(temporary, name)
            except BaseException:
                with suppress(Exception):
                    system.rm_file(temporary)
                raise

    def _name(self, base: str, path: Path) -> str:
        return f"{base}/{path.relative_to(self.root).as_posix()}"

    def _opened(self) -> tuple[Any, str]:
        """The file system, which fsspec keeps for each thread, and the folder's path in it."""
        try:
            import fsspec
        except ImportError as error:
            raise MissingExtraError("--storage needs fsspec: pip install 'signtalk[extract]'") from error
        if "://" not in self.url:
            raise ConfigError(f"storage '{self.url}'; expected a URL such as s3://bucket/data (a folder is for --out)")
        try:
            system, base = fsspec.core.url_to_fs(self.url)
        except ImportError as error:
            raise MissingExtraError(f"{self._scheme}: {error}; install that plugin of fsspec") from error
        except ValueError as error:
            raise ConfigError(f"storage {self._scheme}: {error}") from error
        return system, str(base).rstrip("/")

    @property
    def _scheme(self) -> str:
        return self.url.partition("://")[0] + "://"

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Whatever a plugin raises, as one line without the URL, which may hold a password."""
        try:
            yield
        except Exception as error:
            raise DataError(
                f"storage {self._scheme}: {what} ({type(error).__name__}: {error}); check the address and your rights, "
                "and start the command again to go on"
            ) from error
