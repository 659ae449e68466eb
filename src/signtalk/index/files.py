"""The index as a folder: what it holds, how it is written whole, and the checks of reading it.

`index.SentenceIndex` saves and loads through this; the format is told in docs/bundle-format.md. The folder
keeps the prototype's files (`embeddings.npy`, `embeddings_map.csv`, `prototypes.npz`) and adds the frame
projections and a header with the SHA-256 of every file, which ties vectors and map rows together. What is told of
takes that were taught lies beside them (`takes`).

Writers that share a folder wait for each other (`locked`); readers never wait, they see it before or after a writer.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, ValidationError

from signtalk.arrays import FloatArray, IntArray
from signtalk.data.records import ClipRecord
from signtalk.errors import ArtifactError, DataError, first_fault, one_line
from signtalk.files import (
    absolute,
    load_array,
    load_arrays,
    read_csv,
    read_json,
    save_array,
    save_arrays,
    sha256_file,
    sole_writer,
    write_csv,
    write_json,
)
from signtalk.index.takes import TAKES_FILES, Take, clip_path, is_litter, read_takes, refuse_strangers, write_takes
from signtalk.landmarks.clip import LandmarkClip

BUNDLE_MANIFEST = "export_manifest.json"  # a folder that holds it is a bundle
INDEX_FORMAT_VERSION = 2
_WITHOUT_KIND = 1
"""The version before: every entry is a clip, and the map has no column `kind`."""
HEADER_FILE = "index.json"
MAP_COLUMNS = (
    "video_file", "feature_path", "sentence_id", "sentence", "category", "clip_id", "signer_id", "text_key", "kind",
)  # fmt: skip
"""The prototype's five columns, then ours."""
_DATA_FILES = (
    "embeddings.npy", "embeddings_map.csv", "prototypes.npz", "projections.npy", "projection_lengths.npy",
)  # fmt: skip
_ROWS_AT_ONCE = 1024
_READ_ATTEMPTS = 50
_MAX_READ_PAUSE_S = 0.02
_LOCK_WAIT_S = 60.0

HalfArray = npt.NDArray[np.float16]
EntryKind = Literal["clip", "written"]


@dataclass(frozen=True)
class IndexEntry:
    """What is known of one reference; the row of the map that stands beside the vectors.

    `text_key` is the class: references of the same text are one sentence, whatever their `sentence_id`.
    `feature_path` is relative to the data folder, or a bare name: an index is shipped and tells of no disk.
    `kind` "written" is a sentence that nobody has signed yet: its vector is that of its text, it has no frames, and
    video, path and signer are "".
    """

    clip_id: str
    video_file: str
    feature_path: str
    sentence_id: str
    sentence: str
    category: str
    signer_id: str
    text_key: str
    kind: EntryKind = "clip"

    @classmethod
    def from_record(cls, record: ClipRecord, root: Path | None = None) -> IndexEntry:
        """The entry of a clip of a manifest in the data folder `root`; of a path outside it the name alone is kept."""
        path = record.feature_path
        feature_path = (
            path.relative_to(root).as_posix() if root is not None and path.is_relative_to(root) else path.name
        )
        return cls(
            clip_id=record.clip_id,
            video_file=record.video_file,
            feature_path=feature_path,
            sentence_id=record.sentence_id,
            sentence=record.sentence,
            category=record.category,
            signer_id=record.signer_id,
            text_key=record.text_key,
        )

    @classmethod
    def from_take(cls, take: Take) -> IndexEntry:
        """The entry of a clip that was taught elsewhere, or that was said."""
        return cls(
            clip_id=take.clip_id,
            video_file="",
            feature_path=clip_path(Path(), take.clip_id).name,
            sentence_id=take.sentence_id,
            sentence=take.sentence,
            category=take.category,
            signer_id=take.signer_id,
            text_key=take.key,
        )


@dataclass(frozen=True, eq=False)
class Prototypes:
    """The mean direction of each sentence that has two references or more.

    Attributes:
        sentence_ids: (S,) text, the canonical id of each sentence.
        embeddings: (S, D) float32, unit length.
        counts: (S,) int64 references of each.
    """

    sentence_ids: npt.NDArray[np.str_]
    embeddings: FloatArray
    counts: IntArray

    def agrees_with(self, other: Prototypes) -> bool:
        """Whether both hold the same sentences, counts and, but for rounding, directions."""
        return (
            np.array_equal(self.sentence_ids, other.sentence_ids)
            and np.array_equal(self.counts, other.counts)
            and self.embeddings.shape == other.embeddings.shape
            and np.allclose(self.embeddings, other.embeddings, atol=1e-5)
        )


@dataclass(frozen=True, eq=False)
class IndexParts:
    """Everything an index folder holds; the arrays are those of `SentenceIndex`."""

    embeddings: FloatArray
    projections: HalfArray
    projection_lengths: IntArray
    entries: tuple[IndexEntry, ...]
    prototypes: Prototypes
    encoder_id: str


class _Header(BaseModel, frozen=True, extra="forbid", strict=True):
    """`index.json`."""

    format_version: int
    encoder_id: str
    num_references: int = Field(ge=0)
    num_prototypes: int = Field(ge=0)
    embedding_width: int = Field(ge=0)
    projection_width: int = Field(ge=0)
    files: dict[str, str]


@contextmanager
def locked(folder: Path, wait_s: float = _LOCK_WAIT_S) -> Iterator[None]:
    """Keep every other writer of this index waiting, threads and processes; readers do not ask.

    Who changes an index that others may change, too, holds this from reading it until it is written, so that of two
    changes none is lost. A writer that is killed holds nothing, because the lock is the operating system's, and what
    it left half written beside the index is removed here. The file of the lock, `.NAME.lock`, stays.

    Args:
        folder: the index.
        wait_s: how long another writer is waited for.

    Raises:
        ArtifactError: another writer did not finish in that time.
        DataError: the place cannot be written.
    """
    folder = absolute(folder)
    busy = ArtifactError(f"{folder}: another process has been writing it for {wait_s:g} s; see which")
    with sole_writer(folder.with_name(f".{folder.name}.lock"), busy, wait_s):
        for path in folder.parent.iterdir():
            if path.name.startswith(_begun(folder)):
                shutil.rmtree(path, ignore_errors=True)
        _end_replacement(folder)
        yield


def _end_replacement(folder: Path) -> None:
    """Where a writer was killed at its renames: the index that it replaced goes, or comes back where there is none."""
    if not folder.exists() and _previous(folder).exists():
        _previous(folder).rename(folder)
    shutil.rmtree(_previous(folder), ignore_errors=True)


def write_index(
    folder: Path,
    parts: IndexParts,
    takes: Sequence[Take] = (),
    clips: Mapping[str, LandmarkClip | Path] | None = None,
) -> None:
    """Write an index folder whole: a reader, or a process killed at any moment, leaves the old one or the new one.

    What was told of its takes before stays with those that it still holds, and so do their kept clips.

    Args:
        folder: the index.
        parts: what it shall hold.
        takes: what is told of new ones.
        clips: of these, by clip_id, where they may be kept; or the files that hold them.

    Raises:
        ArtifactError: the folder holds files that are no part of an index; nothing is written.
        DataError: the place cannot be written.
    """
    before = existing_folder(folder)
    known = read_takes(before) | {take.clip_id: take for take in takes}
    told = [_take_as_indexed(known[entry.clip_id], entry) for entry in parts.entries if entry.clip_id in known]
    refuse_strangers(before, [entry.clip_id for entry in parts.entries])
    with replaced_folder(folder, (*_DATA_FILES, HEADER_FILE, *TAKES_FILES)) as temporary:
        write_takes(temporary, before, told, clips or {})
        save_array(temporary / "embeddings.npy", parts.embeddings)
        write_csv(temporary / "embeddings_map.csv", MAP_COLUMNS, map(asdict, parts.entries))
        save_arrays(temporary / "prototypes.npz", vars(parts.prototypes))
        save_array(temporary / "projections.npy", parts.projections)
        save_array(temporary / "projection_lengths.npy", parts.projection_lengths)
        header = _Header(
            format_version=INDEX_FORMAT_VERSION,
            encoder_id=parts.encoder_id,
            num_references=len(parts.entries),
            num_prototypes=len(parts.prototypes.counts),
            embedding_width=parts.embeddings.shape[1],
            projection_width=parts.projections.shape[2],
            files={name: sha256_file(temporary / name) for name in _DATA_FILES},
        )
        write_json(temporary / HEADER_FILE, header.model_dump())


def _take_as_indexed(take: Take, entry: IndexEntry) -> Take:
    """The take under the words that stand in the index, of which there is one truth."""
    return replace(
        take, sentence_id=entry.sentence_id, sentence=entry.sentence, category=entry.category,
        signer_id=entry.signer_id,
    )  # fmt: skip


def read_index(folder: Path, attempts: int = _READ_ATTEMPTS) -> IndexParts:
    """Read an index folder and check it against its header; the projections stay on disk, memory-mapped.

    A folder that is being replaced meanwhile is read again, old or new, never mixed.

    Args:
        folder: as `write_index` wrote it.
        attempts: how often it is read before a writer in a loop has won.

    Raises:
        ArtifactError: something is missing, damaged, of another version, or does not fit together.
    """
    for _ in range(attempts):
        before = index_identity(folder)
        try:
            parts = _read_parts(existing_folder(folder))
        except ArtifactError:
            if index_identity(folder) == before:
                raise
        else:
            if index_identity(folder) == before:
                return parts
        time.sleep(random.uniform(0, _MAX_READ_PAUSE_S))  # so that a writer in a loop is not met at the same step
    raise ArtifactError(f"{folder}: was replaced {attempts} times while it was read; try again")


def index_identity(folder: Path) -> tuple[object, ...] | None:
    """What changes when another index takes this place; None where there is none.

    Equal before and after reading = one index was read, and what was read of it still holds.
    """
    source = existing_folder(folder)
    try:
        state = source.stat()
    except OSError:
        return None
    return source.name, state.st_dev, state.st_ino, state.st_ctime_ns


def _read_parts(folder: Path) -> IndexParts:
    path = folder / HEADER_FILE
    if folder.is_file():
        raise ArtifactError(f"{folder}: is a file; an index is a folder")
    if not path.exists():
        raise ArtifactError(f"{path}: no such file, so no index; `signtalk index` and `signtalk enroll` make one")
    header = _checked_header(path, read_json(path))
    for name, expected in header.files.items():
        if sha256_file(folder / name) != expected:
            raise ArtifactError(f"{folder / name}: not the file that was written (SHA-256 differs); build it again")
    parts = IndexParts(
        embeddings=load_array(folder / "embeddings.npy"),
        projections=load_array(folder / "projections.npy", memory_map=True),
        projection_lengths=load_array(folder / "projection_lengths.npy"),
        entries=_read_entries(folder / "embeddings_map.csv", header.format_version),
        prototypes=_read_prototypes(folder / "prototypes.npz"),
        encoder_id=header.encoder_id,
    )
    if not _are_finite(parts.projections):
        raise ArtifactError(f"{folder / 'projections.npy'}: holds numbers that are not finite; build the index again")
    widths = parts.embeddings.shape[1:] + parts.projections.shape[2:]
    counts = (len(parts.entries), len(parts.prototypes.counts), *widths)
    expected_counts = (header.num_references, header.num_prototypes, header.embedding_width, header.projection_width)
    if counts != expected_counts:
        raise ArtifactError(f"{folder}: references, prototypes, widths {counts}; {HEADER_FILE} says {expected_counts}")
    return parts


def _are_finite(frames: npt.NDArray[Any]) -> bool:
    """Whether no number is NaN or infinite, read block by block."""
    blocks = (
        frames[start : start + _ROWS_AT_ONCE] for start in range(0, len(frames) if frames.ndim else 0, _ROWS_AT_ONCE)
    )
    return frames.dtype.kind != "f" or all(bool(np.isfinite(block).all()) for block in blocks)


def _checked_header(path: Path, raw: Any) -> _Header:
    version = raw.get("format_version") if isinstance(raw, dict) else None
    if version not in (_WITHOUT_KIND, INDEX_FORMAT_VERSION):
        known = f"{_WITHOUT_KIND} and {INDEX_FORMAT_VERSION}"
        raise ArtifactError(f"{path}: index format {one_line(version, 40)}; this SignTalk reads {known}; build again")
    try:
        header = _Header.model_validate(raw)
    except ValidationError as error:
        raise ArtifactError(f"{path}: {first_fault(error)}; build again") from error
    if set(header.files) != set(_DATA_FILES):
        raise ArtifactError(f"{path}: names the files {sorted(header.files)}; expected {sorted(_DATA_FILES)}")
    return header


def _read_entries(path: Path, version: int) -> tuple[IndexEntry, ...]:
    expected = MAP_COLUMNS[:-1] if version == _WITHOUT_KIND else MAP_COLUMNS
    try:
        columns, rows = read_csv(path)
    except DataError as error:
        raise ArtifactError(str(error)) from error
    if tuple(columns) != expected:
        raise ArtifactError(f"{path}: columns {', '.join(columns)}; expected {', '.join(expected)}")
    odd = {row["kind"] for row in rows if "kind" in row} - set(get_args(EntryKind))
    if odd:
        raise ArtifactError(f"{path}: kind '{min(odd)}'; expected {' or '.join(get_args(EntryKind))}")
    rest = expected[:8]
    return tuple(
        IndexEntry(**{name: row[name] for name in rest}, kind="written" if row.get("kind") == "written" else "clip")
        for row in rows
    )


def _read_prototypes(path: Path) -> Prototypes:
    arrays = load_arrays(path)
    names = [field.name for field in fields(Prototypes)]
    if sorted(arrays) != sorted(names) or len({array.shape[:1] for array in arrays.values()}) != 1:
        raise ArtifactError(f"{path}: arrays {sorted(arrays)}; expected {sorted(names)}, one row a sentence")
    prototypes = Prototypes(**arrays)
    dtypes = [getattr(prototypes, name).dtype for name in names]
    if dtypes[0].kind != "U" or dtypes[1:] != [np.float32, np.int64]:
        raise ArtifactError(f"{path}: arrays of {dtypes}; expected text, float32 and int64; build the index again")
    return prototypes


def _begun(folder: Path) -> str:
    """How the names of folders begin that are being written."""
    return f".{folder.name}.writing-"


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def existing_folder(folder: Path) -> Path:
    """The folder, or, where a writer stands or was killed between its two renames, the one it replaces."""
    return _previous(folder) if not folder.exists() and _previous(folder).exists() else folder


@contextmanager
def replaced_folder(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """Yield an empty folder beside `folder` that takes its place when the block ends without error.

    Args:
        folder: what is there is removed as a whole, so it may hold nothing but these files.
        names: of the files.

    Raises:
        ArtifactError: it holds other files; nothing is changed.
        DataError: the place cannot be written.
    """
    folder = absolute(folder)
    if folder.exists():
        _refuse_other_files(folder, names)
    with workplace(folder) as temporary:
        yield temporary
        open_to_others(temporary)
        if folder.exists():
            shutil.rmtree(_previous(folder), ignore_errors=True)
            folder.rename(_previous(folder))
        temporary.rename(folder)
        shutil.rmtree(_previous(folder), ignore_errors=True)


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside an index, gone at the end; of a killed process the next writer removes it.

    Raises:
        DataError: the place cannot be written.
    """
    folder = absolute(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=_begun(folder), dir=folder.parent))
    except OSError as error:
        raise DataError(f"{folder}: cannot write there ({error.strerror}); choose a folder you may write to") from error
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def open_to_others(folder: Path) -> None:
    """Give a folder that was made as a temporary one the rights of any other."""
    umask = os.umask(0)
    os.umask(umask)
    folder.chmod(0o777 & ~umask)


def _refuse_other_files(folder: Path, names: Collection[str]) -> None:
    if not folder.is_dir():
        raise ArtifactError(f"{folder}: is a file; give a folder for the index")
    others = sorted(path.name for path in folder.iterdir() if path.name not in names and not is_litter(path.name))
    if others:
        raise ArtifactError(f"{folder}: holds {', '.join(others[:3])}, no part of an index; choose another folder")
