"""Millions of references on one machine: packed once, memory-mapped, searched by the engine of `nearest`.

    SentenceIndex parts -> write_large_index -> folder -> LargeIndex -> narrowed -> SentenceIndex -> `scoring`

A query never meets all references. The nearest clips, and the sentences whose words the frames show best, name some
hundred sentences; all clips of these make a small `SentenceIndex`, which is compared exactly. Opening the folder maps
its files; what is read is what queries touch. It is never changed: new sentences stand in a personal index over it
(`Recognizer`), and now and then it is packed anew. Its format is told in docs/bundle-format.md.
"""

from __future__ import annotations

import bisect
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, ValidationError

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.errors import ArtifactError, DataError, first_fault
from signtalk.files import DAMAGE, read_json, sha256_file, write_json
from signtalk.index.encoded import padded_frames
from signtalk.index.files import HEADER_FILE, HalfArray, IndexEntry, existing_folder, locked, replaced_folder
from signtalk.index.index import SentenceIndex, unit_rows
from signtalk.index.nearest import EXACT_UP_TO, Engine, EngineReport, build_engine, exact_neighbours, open_engine
from signtalk.index.references import (
    MOST_CLIPS_A_SENTENCE,
    Hit,
    NameKind,
    Narrowed,
    Only,
    hits_at,
    nearest_allowed,
    refuse_unfit,
    widened,
)

_ENGINE_FILE = "vectors.faiss"
_PROJECTIONS = "projections.bin"
_DTYPES = {
    "embeddings.bin": np.float16, _PROJECTIONS: np.float16, "lengths.bin": np.int32, "entries.bin": np.uint8,
    "entry_ends.bin": np.int64, "classes.bin": np.int32, "row_order.bin": np.int32, "starts.bin": np.int64,
    "canonical.bin": np.int32, "categories.bin": np.int32, "signers.bin": np.int32,
}  # fmt: skip
_NAMES_FILE = "names.json"
_FILES = (*_DTYPES, _NAMES_FILE, _ENGINE_FILE, HEADER_FILE)


class _File(BaseModel, frozen=True, extra="forbid", strict=True):
    num_bytes: int = Field(ge=0)
    sha256: str


class _Header(BaseModel, frozen=True, extra="forbid"):
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


class _Rows:
    """Some rows of the mapped projections, in place of an array of them: read when they are asked for."""

    def __init__(self, source: HalfArray, rows: IntArray) -> None:
        self._source, self._rows = source, rows
        self.shape, self.ndim, self.dtype = (len(rows), *source.shape[1:]), 3, source.dtype

    def __getitem__(self, key: Any) -> HalfArray:
        rows, *rest = key if isinstance(key, tuple) else (key,)
        return np.asarray(self._source[(self._rows[rows], *rest)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        del copy  # it is always one
        return np.asarray(self._source[self._rows], dtype=dtype)


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
        self.write(_PROJECTIONS, padded_frames(np.asarray(part.projections), self.num_frames))
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
        write_json(self.folder / _NAMES_FILE, {name: list(numbers) for name, numbers in self._names.items()})
        vectors = _mapped(self.folder / "embeddings.bin", (self.num_references, self.widths[0]))
        report = build_engine(vectors, self.folder / _ENGINE_FILE, exact_up_to)
        hashes = {name: digest.hexdigest() for name, digest in self._hashes.items()}
        for name in (_NAMES_FILE, *([_ENGINE_FILE] if report.kind == "ivf" else [])):
            hashes[name] = sha256_file(self.folder / name)
        files = {
            name: _File(num_bytes=(self.folder / name).stat().st_size, sha256=sha256) for name, sha256 in hashes.items()
        }
        header = _Header(
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


@dataclass(frozen=True, eq=False)
class _Nearest:
    """The clips nearest to B queries.

    Attributes:
        rows: (B, K) of the clips; -1 = no further one was found.
        said: (B, K) their sentences, likewise.
        lacking: (B,) bool, whether they say fewer sentences than wanted.
    """

    rows: IntArray
    said: IntArray
    lacking: BoolArray


class LargeIndex:
    """A large index, mapped into memory.

    Attributes:
        folder: where it lies.
        encoder_id: the model.
        report: how its clips are searched.
        entries: (N,) what each clip is, read one by one.
    """

    def __init__(
        self,
        folder: Path,
        encoder_id: str | None = None,
        check: bool = False,
        looked_through: int = EXACT_UP_TO,
    ) -> None:
        """Open a folder that `write_large_index` made.

        Args:
            folder: of the large index.
            encoder_id: the model that will make the queries; None = take what the index says.
            check: also compare the projections with their checksum, which reads the whole file; their size is always
                looked at, and the other files are always checked.
            looked_through: of so many clips that a search may find, each one is compared; of more the engine chooses.

        Raises:
            ArtifactError: the folder is missing, damaged, of another version or of another model.
        """
        self._looked_through = looked_through
        self.folder = folder = existing_folder(folder)
        self._header = header = _read_header(folder)
        self.encoder_id, self.report = header.encoder_id, header.engine
        if encoder_id is not None and encoder_id != header.encoder_id:
            raise ArtifactError(
                f"{folder}: made by encoder {header.encoder_id[:12]}, the queries come from {encoder_id[:12]}; "
                "pack an index of this model"
            )
        for name, expected in header.files.items():
            _check_file(folder / name, expected, hashed=check or name != _PROJECTIONS)
        num, width = header.num_references, header.embedding_width
        self._embeddings: HalfArray = _mapped(folder / "embeddings.bin", (num, width))
        self._projections: HalfArray = _mapped(folder / _PROJECTIONS, (num, header.num_frames, header.projection_width))
        self.entries = _Entries(_mapped(folder / "entries.bin"), _mapped(folder / "entry_ends.bin", (num,)))
        self._lengths, self._classes = _mapped(folder / "lengths.bin", (num,)), _mapped(folder / "classes.bin", (num,))
        self._row_order = _mapped(folder / "row_order.bin", (num,))
        self._starts = _mapped(folder / "starts.bin", (header.num_sentences + 1,))
        self._canonical = _mapped(folder / "canonical.bin", (header.num_sentences,))
        self._engine: Engine = open_engine(self._embeddings, header.engine, folder / _ENGINE_FILE)

    def __len__(self) -> int:
        """Number of clips."""
        return self._header.num_references

    @property
    def num_sentences(self) -> int:
        """Number of sentences."""
        return self._header.num_sentences

    def sentence_texts(self) -> Sequence[str]:
        """As `References.sentence_texts`."""
        return [self.entries[row].sentence for row in self._canonical.tolist()]

    def narrowed(self, queries: FloatArray, num_sentences: int, classes: IntArray | None = None) -> Narrowed:
        """As `References.narrowed`; of a sentence with very many clips only some."""
        near, sentences = self._near_sentences(queries, num_sentences)
        if classes is not None:
            sentences = np.union1d(sentences, classes)
        counts = self._starts[sentences + 1] - self._starts[sentences]
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = self._row_order[np.repeat(self._starts[sentences], counts) + within].astype(np.int64)
        rows = rows[(within < MOST_CLIPS_A_SENTENCE) | np.isin(rows, near)]
        index = SentenceIndex(
            embeddings=unit_rows(self._embeddings[rows].astype(np.float32)),
            projections=_Rows(self._projections, rows),  # type: ignore[arg-type]  # read like an array
            projection_lengths=self._lengths[rows].astype(np.int64),
            entries=tuple(self.entries[row] for row in rows.tolist()),
            encoder_id=self.encoder_id,
        )
        return Narrowed(index, sentences)

    def _near_sentences(self, queries: FloatArray, num_sentences: int) -> tuple[IntArray, IntArray]:
        """Rows of the nearest clips, and the sentences that they say, ascending.

        Where sentences have very many clips, the lists of an IVF index that are looked into hold few sentences. The
        others are then found by the clip that names each: they are what the nearest one has to stand out from.
        """
        wanted = min(num_sentences, self.num_sentences)

        def look(k: int) -> tuple[_Nearest, BoolArray]:
            rows = self._engine.search(queries, k)[0]
            said = np.where(rows >= 0, self._classes[np.maximum(rows, 0)], -1)
            distinct = (np.diff(np.sort(said, axis=1), axis=1, prepend=-1) > 0).sum(axis=1)
            nearest = _Nearest(rows, said, distinct < wanted)
            return nearest, nearest.lacking & (rows >= 0).all(axis=1)

        most = len(self) if self.report.kind == "exact" else MOST_CLIPS_A_SENTENCE * max(num_sentences, 1)
        nearest = widened(look, num_sentences, most)
        rows, said = nearest.rows, nearest.said
        sentences = np.unique(said[said >= 0]).astype(np.int64)
        if nearest.lacking.any():
            named = exact_neighbours(self._embeddings[self._canonical], queries[nearest.lacking], wanted)
            sentences = np.union1d(sentences, named)
        return np.unique(rows[rows >= 0]), sentences

    def search(self, queries: FloatArray, k: int, only: Only = Only()) -> tuple[tuple[Hit, ...], ...]:
        """As `Searchable.search`; of few categories, signers or sentences the clips are looked through one by one."""
        if not only:
            return hits_at(self.entries, *self._engine.search(queries, k))
        allowed = self._allowed(only)
        places = np.flatnonzero(allowed)
        if len(places) > self._looked_through:
            return hits_at(self.entries, *self._engine.search(queries, k, allowed))
        near = queries @ self._embeddings[places].astype(np.float32).T
        order, similarities = nearest_allowed(near, np.ones(len(places), dtype=np.bool_), k)
        return hits_at(self.entries, places[order], similarities)

    def names(self, kind: NameKind) -> set[str]:
        """As `Searchable.names`."""
        return set(self._names[kind]) - {""}

    def _allowed(self, only: Only) -> BoolArray:
        allowed = np.ones(len(self), dtype=np.bool_)
        kinds: tuple[tuple[NameKind, tuple[str, ...]], ...] = (
            ("categories", only.categories),
            ("signers", only.signers),
        )
        for kind, wanted in kinds:
            if wanted:
                folded = {each.casefold() for each in wanted}
                numbers = [n for n, known in enumerate(self._names[kind]) if known.casefold() in folded]
                allowed &= np.isin(_mapped(self.folder / f"{kind}.bin", (len(self),)), numbers)
        if only.text_keys:
            saying = np.zeros(len(self), dtype=np.bool_)
            for key in only.text_keys:
                saying[self._rows_saying(key)] = True
            allowed &= saying
        return allowed

    def _rows_saying(self, text_key: str) -> IntArray:
        """The clips of a sentence; sentences stand in order of text_key, so that few entries are read."""

        def key_of(sentence: int) -> str:
            return str(self.entries[int(self._canonical[sentence])].text_key)

        place = bisect.bisect_left(range(self.num_sentences), text_key, key=key_of)
        if place == self.num_sentences or key_of(place) != text_key:
            return np.zeros(0, dtype=np.int64)
        return np.asarray(self._row_order[self._starts[place] : self._starts[place + 1]], dtype=np.int64)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        return dict(read_json(self.folder / _NAMES_FILE))


class _Entries(Sequence[IndexEntry]):
    """(N,) entries, read one by one."""

    def __init__(self, texts: npt.NDArray[np.uint8], ends: IntArray) -> None:
        self._texts, self._ends = texts, ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: Any) -> Any:
        start = self._ends[row - 1] if row else 0
        return IndexEntry(*json.loads(self._texts[start : self._ends[row]].tobytes()))


def _read_header(folder: Path) -> _Header:
    if not is_large_index(folder):
        fault = "no large index" if (folder / HEADER_FILE).exists() else "no such file, so no large index"
        raise ArtifactError(f"{folder / HEADER_FILE}: {fault}; `signtalk pack` makes one")
    try:
        header = _Header.model_validate(read_json(folder / HEADER_FILE))
    except ValidationError as error:
        raise ArtifactError(f"{folder / HEADER_FILE}: {first_fault(error)}; pack the index again") from error
    expected = {*_DTYPES, _NAMES_FILE, *([_ENGINE_FILE] if header.engine.kind == "ivf" else [])}
    if set(header.files) != expected:
        raise ArtifactError(f"{folder / HEADER_FILE}: names {sorted(header.files)}; expected {sorted(expected)}")
    return header


def _check_file(path: Path, expected: _File, hashed: bool) -> None:
    try:
        num_bytes = path.stat().st_size
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror}); pack the index again") from error
    if num_bytes != expected.num_bytes or (hashed and sha256_file(path) != expected.sha256):
        raise ArtifactError(f"{path}: not the file that was written; pack the index again")


def _mapped(path: Path, shape: tuple[int, ...] | None = None) -> npt.NDArray[Any]:
    """A read-only map of a file's numbers; shape None = as many as there are."""
    dtype = _DTYPES[path.name]
    shape = shape or (path.stat().st_size // np.dtype(dtype).itemsize,)
    if 0 in shape:  # nothing cannot be mapped
        return np.zeros(shape, dtype=dtype)
    try:
        return np.memmap(path, dtype=dtype, mode="r", shape=shape)
    except DAMAGE as error:
        raise ArtifactError(f"{path}: not {shape} numbers as the header says; pack the index again") from error
