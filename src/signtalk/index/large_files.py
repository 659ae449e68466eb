"""A large index as a folder: packed once from parts, and opened only after its files were compared with its header.

    parts of references -> write_large_index -> folder -> read_header, mapped -> `large.LargeIndex`

Every file but the engine's and the names is one plain array without a head, so that it can be mapped as it is. The
format is told in docs/bundle-format.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import weakref
from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, ValidationError

from signtalk.arrays import IntArray
from signtalk.errors import ArtifactError, DataError, first_fault
from signtalk.files import DAMAGE, read_json, sha256_file, write_json
from signtalk.index.encoded import padded_frames
from signtalk.index.files import HEADER_FILE, IndexEntry, locked, replaced_folder
from signtalk.index.index import SentenceIndex
from signtalk.index.nearest import EXACT_UP_TO, EngineReport, build_engine
from signtalk.index.references import refuse_unfit

ENGINE_FILE = "vectors.faiss"
PROJECTIONS_FILE = "projections.bin"
_DTYPES = {
    "embeddings.bin": np.float16, PROJECTIONS_FILE: np.float16, "lengths.bin": np.int32, "entries.bin": np.uint8,
    "entry_ends.bin": np.int64, "classes.bin": np.int32, "row_order.bin": np.int32, "starts.bin": np.int64,
    "canonical.bin": np.int32, "categories.bin": np.int32, "signers.bin": np.int32,
}  # fmt: skip
NAMES_FILE = "names.json"
_FILES = (*_DTYPES, NAMES_FILE, ENGINE_FILE, HEADER_FILE)


class _File(BaseModel, frozen=True, extra="forbid", strict=True):
    num_bytes: int = Field(ge=0)
    sha256: str


class LargeHeader(BaseModel, frozen=True, extra="forbid"):
    """`index.json` of a large index."""

    large_index_version: Literal[1] = 1
    encoder_id: str
    num_references: int = Field(ge=0)
    num_sentences: int = Field(ge=0)
    embedding_width: int = Field(ge=0)
    num_frames: int = Field(ge=0)
    projection_width: int = Field(ge=0)
    engine: EngineReport
    files: dict[str, _File]


class _Writer:
    """Appends references to the files of a folder; what it keeps in memory is a few numbers a clip."""

    def __init__(self, folder: Path, encoder_id: str, num_frames: int) -> None:
        self.folder, self.encoder_id, self.num_frames = folder, encoder_id, num_frames
        self.widths = (0, 0)
        self.num_references = 0
        self.classes: list[int] = []
        self.keys: dict[str, int] = {}
        self._canonical: list[tuple[str, int]] = []
        self._names: dict[str, dict[str, int]] = {"categories": {}, "signers": {}}
        self._seen: set[str] = set()
        self._files = {name: (folder / name).open("wb") for name in _DTYPES}
        self._hashes = {name: hashlib.sha256() for name in _DTYPES}
        self._end = 0

    def write(self, name: str, array: npt.NDArray[Any]) -> None:
        data = np.ascontiguousarray(array, dtype=_DTYPES[name]).data.cast("B") if array.size else b""
        self._files[name].write(data)
        self._hashes[name].update(data)

    def add(self, part: SentenceIndex) -> None:
        refuse_unfit(part, self.encoder_id)
        widths = (part.embeddings.shape[1], part.projections.shape[2])
        if part.projections.shape[1] > self.num_frames or (self.num_references and widths != self.widths):
            raise ValueError(
                f"clips of {part.projections.shape[1]} frames, widths (D, P) {widths}; expected at most "
                f"{self.num_frames} frames, widths {self.widths}"
            )
        self.widths = widths
        self.write("embeddings.bin", part.embeddings)
        self.write(PROJECTIONS_FILE, padded_frames(np.asarray(part.projections), self.num_frames))
        self.write("lengths.bin", part.projection_lengths)
        texts = [json.dumps(astuple(entry), ensure_ascii=False).encode() for entry in part.entries]
        self.write("entries.bin", np.frombuffer(b"".join(texts), dtype=np.uint8))
        ends = np.cumsum([len(text) for text in texts], dtype=np.int64) + self._end
        self.write("entry_ends.bin", ends)
        self._end = int(ends[-1]) if len(ends) else self._end
        for entry in part.entries:
            self._note(entry)
        self.write("categories.bin", self._numbers("categories", [entry.category for entry in part.entries]))
        self.write("signers.bin", self._numbers("signers", [entry.signer_id for entry in part.entries]))

    def _note(self, entry: IndexEntry) -> None:
        if entry.clip_id in self._seen:
            raise DataError(f"clip {entry.clip_id} is there twice; leave one out, or give it another clip_id")
        self._seen.add(entry.clip_id)
        number = self.keys.setdefault(entry.text_key, len(self.keys))
        named = (entry.sentence_id, self.num_references)
        if number == len(self._canonical):
            self._canonical.append(named)
        self._canonical[number] = min(self._canonical[number], named)
        self.classes.append(number)
        self.num_references += 1

    def _numbers(self, name: str, values: list[str]) -> IntArray:
        numbers = self._names[name]
        return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)

    def finish(self, exact_up_to: int) -> EngineReport:
        """Sort by sentence, build the engine and write the header."""
        in_order = sorted(self.keys)
        place = np.empty(len(in_order), dtype=np.int64)
        numbers = np.array([self.keys[key] for key in in_order], dtype=np.int64)
        place[numbers] = np.arange(len(in_order))
        classes = place[np.array(self.classes, dtype=np.int64)]
        counts = np.bincount(classes, minlength=len(in_order))
        self.write("classes.bin", classes)
        self.write("row_order.bin", np.argsort(classes, kind="stable"))
        self.write("starts.bin", np.concatenate([[0], np.cumsum(counts)]))
        self.write("canonical.bin", np.array([self._canonical[number][1] for number in numbers], dtype=np.int64))
        self.close()
        write_json(self.folder / NAMES_FILE, {name: list(numbers) for name, numbers in self._names.items()})
        vectors = mapped(self.folder / "embeddings.bin", (self.num_references, self.widths[0]))
        report = build_engine(vectors, self.folder / ENGINE_FILE, exact_up_to)
        hashes = {name: digest.hexdigest() for name, digest in self._hashes.items()}
        for name in (NAMES_FILE, *([ENGINE_FILE] if report.kind == "ivf" else [])):
            hashes[name] = sha256_file(self.folder / name)
        files = {
            name: _File(num_bytes=(self.folder / name).stat().st_size, sha256=sha256) for name, sha256 in hashes.items()
        }
        header = LargeHeader(
            encoder_id=self.encoder_id,
            num_references=self.num_references,
            num_sentences=len(in_order),
            embedding_width=self.widths[0],
            num_frames=self.num_frames,
            projection_width=self.widths[1],
            engine=report,
            files=files,
        )
        write_json(self.folder / HEADER_FILE, header.model_dump())
        return report

    def close(self) -> None:
        for handle in self._files.values():
            handle.close()


def write_large_index(
    folder: Path, parts: Iterable[SentenceIndex], encoder_id: str, num_frames: int, exact_up_to: int = EXACT_UP_TO
) -> EngineReport:
    """Pack references into a folder that is there whole or not at all; one that is there is replaced.

    Killed at any moment it leaves the old one or the new one; what it left half written the next one removes.

    Args:
        folder: of the large index.
        parts: its references, a part at a time, so that they need not fit into memory together.
        encoder_id: the model of all of them.
        num_frames: T', of the longest clip.
        exact_up_to: so many clips are searched exactly.

    Returns:
        How its clips are searched, with the measured recall.

    Raises:
        DataError: a clip_id repeats, or the place cannot be written.
        ArtifactError: a part is of another model, the folder holds other things, or another process is packing it.
        ValueError: a part holds written sentences, longer clips or other widths.
    """
    with locked(folder), replaced_folder(folder, _FILES) as temporary:
        writer = _Writer(temporary, encoder_id, num_frames)
        try:
            for part in parts:
                writer.add(part)
            return writer.finish(exact_up_to)
        except OSError as error:
            raise DataError(f"{folder}: cannot be written ({error.strerror or error}); check the disk") from error
        finally:
            writer.close()


def is_large_index(folder: Path) -> bool:
    """Whether a folder holds a large index, damaged or not."""
    try:
        return "large_index_version" in read_json(folder / HEADER_FILE)
    except (ArtifactError, TypeError):
        return False


def read_large_header(folder: Path) -> LargeHeader:
    """Read what a large index says of itself.

    Raises:
        ArtifactError: it is missing, damaged or of another version.
    """
    if not is_large_index(folder):
        fault = "no large index" if (folder / HEADER_FILE).exists() else "no such file, so no large index"
        raise ArtifactError(f"{folder / HEADER_FILE}: {fault}; `signtalk pack` makes one")
    try:
        header = LargeHeader.model_validate(read_json(folder / HEADER_FILE))
    except ValidationError as error:
        raise ArtifactError(f"{folder / HEADER_FILE}: {first_fault(error)}; pack the index again") from error
    expected = {*_DTYPES, NAMES_FILE, *([ENGINE_FILE] if header.engine.kind == "ivf" else [])}
    if set(header.files) != expected:
        raise ArtifactError(f"{folder / HEADER_FILE}: names {sorted(header.files)}; expected {sorted(expected)}")
    return header


def check_large_files(folder: Path, header: LargeHeader, all_of_them: bool) -> None:
    """Make sure that the files of a large index are those that were written.

    Args:
        folder: of the large index.
        header: of `read_large_header`.
        all_of_them: read the projections as well, nearly all of a large index; else their size alone is compared.

    Raises:
        ArtifactError: one is missing or another.
    """
    for name, expected in header.files.items():
        path = folder / name
        try:
            num_bytes = path.stat().st_size
        except OSError as error:
            raise ArtifactError(f"{path}: cannot be read ({error.strerror}); pack the index again") from error
        hashed = all_of_them or name != PROJECTIONS_FILE
        if num_bytes != expected.num_bytes or (hashed and sha256_file(path) != expected.sha256):
            raise ArtifactError(f"{path}: not the file that was written; pack the index again")


def mapped(path: Path, shape: tuple[int, ...] | None = None) -> npt.NDArray[Any]:
    """A read-only map of a file's numbers.

    Args:
        path: a file of a large index.
        shape: of the numbers; None = (as many as there are,).

    Raises:
        ArtifactError: there are not so many.
    """
    dtype = _DTYPES[path.name]
    shape = shape or (path.stat().st_size // np.dtype(dtype).itemsize,)
    if 0 in shape:  # nothing cannot be mapped
        return np.zeros(shape, dtype=dtype)
    try:
        return np.memmap(path, dtype=dtype, mode="r", shape=shape).view(np.ndarray)  # whose single rows are read faster
    except DAMAGE as error:
        raise ArtifactError(f"{path}: not {shape} numbers as the header says; pack the index again") from error


class StoredRows:
    """Rows of a mapped file that is larger than memory: those asked for are read side by side.

    A map reads a page when it is touched, and waits for it, and reads megabytes around it: 90 clips from a cold disk
    took 91 ms so. Told beforehand which ones will be read, the system reads them at once: 2 ms (docs/experiments.md).
    Where it cannot be told, as on macOS and Windows, they are read as the map does.

    Attributes:
        rows: the map of all of them.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        """Map a file of a large index; arguments and errors as `mapped`."""
        self.rows = mapped(path, shape)
        self._descriptor: int | None = None
        if hasattr(os, "posix_fadvise") and len(self.rows):
            self._descriptor = os.open(path, os.O_RDONLY)
            weakref.finalize(self, os.close, self._descriptor)

    def announce(self, which: IntArray) -> None:
        """Tell the system that these rows will be read now."""
        if self._descriptor is None:
            return
        num_bytes = self.rows[0].nbytes
        try:
            for row in np.unique(which).tolist():
                os.posix_fadvise(self._descriptor, row * num_bytes, num_bytes, os.POSIX_FADV_WILLNEED)
        except OSError:  # a file system that knows no such thing; the map reads all the same
            self._descriptor = None
