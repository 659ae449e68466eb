"""A bundle, or a collection, as one zip: written, and unpacked only after every entry has been looked at.

    folder -> pack_zip -> sign_encoder_bundle.zip -> unpack_zip (checked) -> folder

A zip from outside may name files outside its folder, hold links, the same file twice or a gigabyte of zeros in a few
kilobytes. All of it is refused by what the directory of the zip says, before anything is unpacked; zipfile itself
then unpacks no more bytes than the directory promised, and compares their checksums.
"""

from __future__ import annotations

import errno
import stat
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from signtalk.errors import ArtifactError, DataError
from signtalk.files import DAMAGE, TEMPORARY_PREFIX
from signtalk.index.files import BUNDLE_MANIFEST

MAX_ENTRIES = 64
MAX_BYTES = 4 * 1024**3
MAX_ENTRY_BYTES = 2 * 1024**3
MAX_NAME = 120
MAX_RATIO = 200
"""Bytes that a compressed byte may stand for, in entries above RATIO_FROM; tables of numbers stay below 20."""
RATIO_FROM = 16 * 1024**2
_STORED = ("projections.npy",)
"""Not compressed: noise but for the zeros of written sentences, of which very many would look like a bomb."""
_LOCAL_HEADER = 30
_ENCRYPTED = 0x1
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class ZipKind:
    """What a zip is expected to be.

    Attributes:
        name: as messages call it.
        maker: the command that writes one.
        max_entries: more are refused.
        max_entry_bytes: of one file, unpacked.
    """

    name: str
    maker: str
    max_entries: int
    max_entry_bytes: int


BUNDLE_ZIP = ZipKind("bundle", "signtalk export", MAX_ENTRIES, MAX_ENTRY_BYTES)


def pack_zip(path: Path, folder: Path, names: Iterable[str]) -> None:
    """Write files of a folder, named relative to it, as a zip; the same files give the same bytes.

    Args:
        path: of the zip.
        folder: what the names are relative to.
        names: of the files; the zip holds them sorted.
    """
    pack_files(path, {name: folder / name for name in names})


def pack_files(path: Path, files: Mapping[str, Path]) -> None:
    """As `pack_zip`, of files that lie anywhere, by their names in the zip."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name)  # of 1980: a bundle does not depend on when it was packed
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            stored = PurePosixPath(name).name in _STORED
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            entry.file_size = file.stat().st_size
            with file.open("rb") as source, archive.open(entry, "w") as target:
                while block := source.read(1 << 20):
                    target.write(block)


def unpack_zip(path: Path, folder: Path, kind: ZipKind = BUNDLE_ZIP) -> tuple[str, ...]:
    """Unpack a zip into an empty folder; nothing is written when an entry is refused.

    Args:
        path: of the zip.
        folder: where its files go.
        kind: what it is expected to be.

    Returns:
        The names of its files.

    Raises:
        ArtifactError: missing, damaged, or an entry that no such zip has.
        DataError: there is no room for it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_sizes(path, entries, kind)
            for entry in entries:
                _check_entry(path, entry, kind.name)
            files = [entry for entry in entries if not entry.is_dir()]
            _check_names(path, [entry.filename for entry in files])
            _check_places(path, entries, archive.start_dir)
            archive.extractall(folder, files)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path}: no such file") from error
    except (*DAMAGE, zipfile.LargeZipFile) as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise DataError(f"{folder}: {path} cannot be unpacked there ({error.strerror}); make room") from error
        raise ArtifactError(f"{path}: not a readable zip ({error}); get the {kind.name} again") from error
    return tuple(entry.filename for entry in files)


def _check_sizes(path: Path, entries: list[zipfile.ZipInfo], kind: ZipKind) -> None:
    if len(entries) > kind.max_entries or sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise ArtifactError(f"{path}: {len(entries)} entries or too large to be a {kind.name}")
    if not entries:
        raise ArtifactError(f"{path}: an empty zip; give the {kind.name} that `{kind.maker}` wrote")
    for entry in entries:
        ratio = entry.file_size / max(entry.compress_size, 1)
        if entry.file_size > kind.max_entry_bytes or (entry.file_size > RATIO_FROM and ratio > MAX_RATIO):
            raise ArtifactError(
                f"{path}: entry '{entry.filename}' unpacks to {entry.file_size:,} bytes, {ratio:.0f} times its size; "
                "do not use this file"
            )


def _check_entry(path: Path, entry: zipfile.ZipInfo, kind: str) -> None:
    """Refuse a name that leads elsewhere, and what is no plain file."""
    full_name = entry.orig_filename  # as it stands there; zipfile cuts `filename` at a NUL
    name = PurePosixPath(full_name)
    odd = any(character in full_name for character in '\\:*?"<>|') or not full_name.isprintable() or name.is_absolute()
    file_type = stat.S_IFMT(entry.external_attr >> 16)
    if (
        odd
        or {"..", "."} & set(full_name.split("/"))
        or "" in full_name.rstrip("/").split("/")
        or stat.S_ISLNK(file_type)
    ):
        raise ArtifactError(f"{path}: entry {full_name[:80]!r} leaves the {kind}; do not use this file")
    if len(full_name) > MAX_NAME:
        raise ArtifactError(
            f"{path}: entry {full_name[:80]!r}...: a name of {len(full_name)} characters; at most {MAX_NAME}"
        )
    if file_type not in (0, stat.S_IFREG, stat.S_IFDIR) or (entry.is_dir() and entry.file_size):
        raise ArtifactError(f"{path}: entry '{full_name}' is no plain file; do not use this file")
    if name.name == BUNDLE_MANIFEST and full_name != BUNDLE_MANIFEST:
        raise ArtifactError(f"{path}: '{full_name}' lies in a folder; a bundle has its {BUNDLE_MANIFEST} at the top")
    if name.name.startswith(TEMPORARY_PREFIX):
        raise ArtifactError(f"{path}: entry '{full_name}' is an unfinished file; get the {kind} again")
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArtifactError(
            f"{path}: entry '{full_name}' is encrypted or packed in an unknown way; get the {kind} again"
        )


def _check_names(path: Path, names: list[str]) -> None:
    """Refuse a file that is there twice, in whatever case, or is a folder as well."""
    folded = [name.casefold() for name in names]
    counts = Counter(folded)
    folders = {parent.as_posix() for name in folded for parent in PurePosixPath(name).parents}
    for name, key in zip(names, folded, strict=True):
        if counts[key] > 1 or key in folders:
            raise ArtifactError(f"{path}: entry '{name}' is there twice; do not use this file")


def _check_places(path: Path, entries: list[zipfile.ZipInfo], end: int) -> None:
    """Refuse entries that share bytes: a few kilobytes could then stand for any number of files."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    following = [*(entry.header_offset for entry in ordered[1:]), end]
    for entry, limit in zip(ordered, following, strict=True):
        if entry.header_offset + _LOCAL_HEADER + len(entry.orig_filename) + entry.compress_size > limit:
            raise ArtifactError(f"{path}: entry '{entry.filename}' overlaps another; do not use this file")
