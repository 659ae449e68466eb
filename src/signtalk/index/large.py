"""Millions of references on one machine: packed once, memory-mapped, searched by the engine of `nearest`.

    folder of `large_files.write_large_index` -> LargeIndex -> narrowed -> SentenceIndex -> `scoring`

A query never meets all references. The nearest clips, and the sentences whose words the frames show best, name some
hundred sentences; all clips of these make a small `SentenceIndex`, which is compared exactly. Opening the folder maps
its files; what is read is what queries touch. It is never changed: new sentences stand in a personal index over it
(`Recognizer`), and now and then it is packed anew.
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.errors import ArtifactError
from signtalk.files import read_json
from signtalk.index.files import HalfArray, IndexEntry, existing_folder
from signtalk.index.index import SentenceIndex, unit_rows
from signtalk.index.large_files import (
    ENGINE_FILE,
    NAMES_FILE,
    PROJECTIONS_FILE,
    StoredRows,
    check_large_files,
    mapped,
    read_large_header,
)
from signtalk.index.nearest import EXACT_UP_TO, Engine, exact_neighbours, open_engine
from signtalk.index.references import (
    MOST_CLIPS_A_SENTENCE,
    Hit,
    NameKind,
    Narrowed,
    Only,
    hits_at,
    nearest_allowed,
    widened,
)

_ENTRIES_AT_ONCE = 1000
"""Entries read as one list where many are wanted: bounds the memory."""


class _Rows:
    """Some rows of the stored projections, in place of an array of them: read when they are asked for."""

    def __init__(self, source: StoredRows, rows: IntArray) -> None:
        self._source, self._rows = source, rows
        self.shape, self.ndim, self.dtype = (len(rows), *source.rows.shape[1:]), 3, source.rows.dtype

    def __getitem__(self, key: Any) -> HalfArray:
        rows, *rest = key if isinstance(key, tuple) else (key,)
        wanted = self._rows[rows]
        self._source.announce(wanted)
        return np.asarray(self._source.rows[(wanted, *rest)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        del copy  # it is always one
        return np.asarray(self[:], dtype=dtype)


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
        self._header = header = read_large_header(folder)
        self.encoder_id, self.report = header.encoder_id, header.engine
        if encoder_id is not None and encoder_id != header.encoder_id:
            raise ArtifactError(
                f"{folder}: made by encoder {header.encoder_id[:12]}, the queries come from {encoder_id[:12]}; "
                "pack an index of this model"
            )
        check_large_files(folder, header, check)
        num, width = header.num_references, header.embedding_width
        self._embeddings: HalfArray = mapped(folder / "embeddings.bin", (num, width))
        self._projections = StoredRows(folder / PROJECTIONS_FILE, (num, header.num_frames, header.projection_width))
        self.entries = _Entries(mapped(folder / "entries.bin"), mapped(folder / "entry_ends.bin", (num,)))
        self._lengths, self._classes = mapped(folder / "lengths.bin", (num,)), mapped(folder / "classes.bin", (num,))
        self._row_order = mapped(folder / "row_order.bin", (num,))
        self._starts = mapped(folder / "starts.bin", (header.num_sentences + 1,))
        self._canonical = mapped(folder / "canonical.bin", (header.num_sentences,))
        self._engine: Engine = open_engine(self._embeddings, header.engine, folder / ENGINE_FILE)

    def __len__(self) -> int:
        """Number of clips."""
        return self._header.num_references

    @property
    def num_sentences(self) -> int:
        """Number of sentences."""
        return self._header.num_sentences

    def sentence_texts(self) -> Sequence[str]:
        """As `References.sentence_texts`."""
        blocks = np.array_split(self._canonical, len(self._canonical) // _ENTRIES_AT_ONCE + 1)
        return [entry.sentence for block in blocks for entry in self.entries.at(block)]

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
            entries=self.entries.at(rows),
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
                allowed &= np.isin(mapped(self.folder / f"{kind}.bin", (len(self),)), numbers)
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
        return dict(read_json(self.folder / NAMES_FILE))


class _Entries(Sequence[IndexEntry]):
    """(N,) entries, read one by one."""

    def __init__(self, texts: npt.NDArray[np.uint8], ends: IntArray) -> None:
        self._texts, self._ends = texts, ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: Any) -> Any:
        return self.at(np.array([row]))[0]

    def at(self, rows: npt.NDArray[np.integer]) -> tuple[IndexEntry, ...]:
        """Those of some rows, read as one list: of some hundred in half the time of one after the other."""
        rows = np.where(rows < 0, rows + len(self), rows).astype(np.int64)  # unsigned ones have none before the first
        starts, ends = np.where(rows > 0, self._ends[rows - 1], 0).tolist(), self._ends[rows].tolist()
        texts = self._texts.data
        joined = b",".join([texts[start:end] for start, end in zip(starts, ends, strict=True)])
        return tuple(IndexEntry(*values) for values in json.loads(b"[%b]" % joined))
