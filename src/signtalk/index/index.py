"""The references that a query is compared with: vectors, frame projections and what each one says.

References are clips, or sentences that are only written: vectors of a text, without a frame (`written`).

Encoded clips -> `SentenceIndex` -> neighbours and sentences, read by `scoring`; on disk the folder of
docs/bundle-format.md. An index is never changed: enrolling and leaving out give new ones, so that a
service can go on answering from the old one meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array, FloatArray, IntArray
from signtalk.errors import ArtifactError
from signtalk.index.encoded import Encoded, padded_frames, valid_lengths
from signtalk.index.files import HalfArray, IndexParts, Prototypes, read_index, write_index
from signtalk.index.files import IndexEntry as IndexEntry
from signtalk.index.takes import Take
from signtalk.landmarks.clip import LandmarkClip

_UNIT_TOLERANCE = 1e-3
_SEARCH_THREADS = 1
"""One thread a search: 10,000 references take well under a millisecond, and a service runs several at once."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest references of each query, nearest first.

    Attributes:
        rows: (B, K) int64; equal similarities in order of row.
        similarities: (B, K) float32 cosine.
    """

    rows: IntArray
    similarities: FloatArray


@dataclass(frozen=True, eq=False)
class SentenceGroups:
    """Which rows say the same; sentences stand in order of text_key, their axis is C.

    Attributes:
        text_keys: C classes.
        class_of_row: (N,) class of each reference.
        row_order: (N,) all rows, class after class.
        starts: (C,) where each class begins in row_order.
        counts: (C,) references of each class, at least 1.
        canonical_rows: (C,) the reference that names the class: the first of those with its smallest sentence_id.
    """

    text_keys: tuple[str, ...]
    class_of_row: IntArray
    row_order: IntArray
    starts: IntArray
    counts: IntArray
    canonical_rows: IntArray

    @classmethod
    def of(cls, entries: Sequence[IndexEntry]) -> SentenceGroups:
        """Group entries by text_key."""
        keys = sorted({entry.text_key for entry in entries})
        position = {key: c for c, key in enumerate(keys)}
        class_of_row = np.array([position[entry.text_key] for entry in entries], dtype=np.int64)
        counts = np.bincount(class_of_row, minlength=len(keys)).astype(np.int64)
        canonical: dict[int, int] = {}
        for row in sorted(range(len(entries)), key=lambda row: (entries[row].sentence_id, row)):
            canonical.setdefault(int(class_of_row[row]), row)
        return cls(
            text_keys=tuple(keys),
            class_of_row=class_of_row,
            row_order=np.argsort(class_of_row, kind="stable").astype(np.int64),
            starts=np.cumsum(counts) - counts,
            counts=counts,
            canonical_rows=np.array([canonical[c] for c in range(len(keys))], dtype=np.int64),
        )


@dataclass(frozen=True, eq=False)
class SentenceIndex:
    """N references; row n of every array and entry n belong to the same clip.

    Attributes:
        embeddings: (N, D) float32, unit length.
        projections: (N, T', P) float16, zeros in padding; a read-only memory map after loading.
        projection_lengths: (N,) int64, frames that count, at least 1; 0 for a written sentence.
        entries: what each reference is; clip_ids are unique.
        encoder_id: hash of the model that made the vectors; vectors of two models cannot be compared.

    Raises:
        ValueError: the parts do not belong together.
    """

    embeddings: FloatArray
    projections: HalfArray
    projection_lengths: IntArray
    entries: tuple[IndexEntry, ...]
    encoder_id: str

    def __post_init__(self) -> None:
        num_references = len(self.entries)
        shapes = (self.embeddings.shape, self.projections.shape, self.projection_lengths.shape)
        if tuple(map(len, shapes)) != (2, 3, 1) or {shape[0] for shape in shapes} != {num_references}:
            raise ValueError(f"arrays {shapes} for {num_references} entries; expected (N, D), (N, T', P) and (N,)")
        dtypes = [array.dtype.name for array in (self.embeddings, self.projections, self.projection_lengths)]
        if dtypes != ["float32", "float16", "int64"]:
            raise ValueError(f"arrays of {', '.join(dtypes)}; expected float32, float16, int64")
        off_unit = ~(np.abs(np.linalg.norm(self.embeddings, axis=1) - 1) <= _UNIT_TOLERANCE)  # NaN is off, too
        if off_unit.any():
            clip_id = self.entries[int(np.argmax(off_unit))].clip_id
            raise ValueError(f"{int(off_unit.sum())} embeddings not of unit length, first that of clip {clip_id}")
        least = np.where(self.written, 0, 1)
        most = np.where(self.written, 0, self.projections.shape[1])
        if ((self.projection_lengths < least) | (self.projection_lengths > most)).any():
            expected = f"1 to {self.projections.shape[1]}; a clip needs a frame, a written sentence has none"
            raise ValueError(f"projection lengths outside {expected}")
        self._check_entries()

    def _check_entries(self) -> None:
        seen: set[str] = set()
        for entry in self.entries:
            if entry.clip_id in seen:
                raise ValueError(f"clip {entry.clip_id} is there twice; leave one out, or give it another clip_id")
            if not entry.text_key:
                raise ValueError(f"clip {entry.clip_id} says nothing (no text_key); only sentences can be references")
            seen.add(entry.clip_id)
        mixed = np.flatnonzero(self.written & (self.groups.counts[self.groups.class_of_row] > 1))
        if mixed.size:
            key = self.entries[int(mixed[0])].text_key
            raise ValueError(f"'{key}' is written and there besides; a sentence has clips, or is written once")

    @classmethod
    def build(
        cls, encoded: Encoded | Iterable[Encoded], entries: Sequence[IndexEntry], encoder_id: str
    ) -> SentenceIndex:
        """Make an index of encoded clips.

        Args:
            encoded: the clips, or batches of them: a generator keeps only the halved projections of each.
            entries: one a clip, in the same order.
            encoder_id: hash of the model.

        Raises:
            ValueError: numbers differ, a clip_id repeats, a clip has no text or no valid frame, or the
                encoder gave something that is not finite or not of unit length.
        """
        batches = [encoded] if isinstance(encoded, Encoded) else encoded
        parts = [_reference_arrays(batch) for batch in batches]
        num_frames = max((projections.shape[1] for _, projections, _ in parts), default=0)
        if not parts:
            empty = np.zeros((0, 0), dtype=np.float32)
            parts = [(empty, np.zeros((0, 0, 0), dtype=np.float16), np.zeros(0, dtype=np.int64))]
        return cls(
            embeddings=np.concatenate([part[0] for part in parts]),
            projections=np.concatenate([padded_frames(part[1], num_frames) for part in parts]),
            projection_lengths=np.concatenate([part[2] for part in parts]),
            entries=tuple(entries),
            encoder_id=encoder_id,
        )

    @classmethod
    def load(cls, folder: Path, encoder_id: str | None = None) -> SentenceIndex:
        """Read an index folder; its projections stay on disk until they are needed.

        Args:
            folder: as `save` wrote it.
            encoder_id: the model that will make the queries; None = take what the index says.

        Raises:
            ArtifactError: the folder is missing, damaged, of another version or of another model.
        """
        parts = read_index(folder)
        if encoder_id is not None and parts.encoder_id != encoder_id:
            raise ArtifactError(
                f"{folder}: made by encoder {parts.encoder_id[:12]}, the queries come from {encoder_id[:12]}; "
                "take along what was taught (`signtalk carry`), or build the index again with this model"
            )
        try:
            arrays = parts.embeddings, parts.projections, parts.projection_lengths
            index = cls(*arrays, parts.entries, parts.encoder_id)
        except ValueError as error:
            raise ArtifactError(f"{folder}: {error}; build the index again") from error
        if not parts.prototypes.agrees_with(index.stored_prototypes()):
            raise ArtifactError(f"{folder}: prototypes.npz does not follow from the embeddings; build the index again")
        return index

    def save(
        self, folder: Path, takes: Sequence[Take] = (), clips: Mapping[str, LandmarkClip | Path] | None = None
    ) -> None:
        """Write the index folder as a whole; one that is there is replaced in one step.

        Args:
            folder: the index.
            takes: what is told of new clips.
            clips: those of them that are kept, by clip_id; or the files that hold them.

        Raises:
            ArtifactError: the folder holds files that are no part of an index; nothing is written.
            DataError: the place cannot be written.
        """
        write_index(
            folder,
            IndexParts(
                embeddings=self.embeddings,
                projections=self.projections,
                projection_lengths=self.projection_lengths,
                entries=self.entries,
                prototypes=self.stored_prototypes(),
                encoder_id=self.encoder_id,
            ),
            takes,
            clips,
        )

    def stored_prototypes(self) -> Prototypes:
        """What `prototypes.npz` holds: the sentences with two references or more, under their canonical ids."""
        several = np.flatnonzero(self.groups.counts > 1)
        names = [self.entries[row].sentence_id for row in self.groups.canonical_rows[several]]
        return Prototypes(
            sentence_ids=np.array(names, dtype=np.str_),
            embeddings=self.centroid_matrix()[several],
            counts=self.groups.counts[several],
        )

    def __len__(self) -> int:
        """Number of references N."""
        return len(self.entries)

    @cached_property
    def written(self) -> BoolArray:
        """(N,) bool, True where the reference is a sentence without a clip."""
        return np.array([entry.kind == "written" for entry in self.entries], dtype=np.bool_)

    @cached_property
    def written_classes(self) -> BoolArray:
        """(C,) bool, the same by sentence: a sentence has clips, or is written."""
        return np.asarray(self.written[self.groups.canonical_rows])

    @cached_property
    def groups(self) -> SentenceGroups:
        """The references by sentence."""
        return SentenceGroups.of(self.entries)

    @cached_property
    def sentences(self) -> Mapping[str, IntArray]:
        """text_key -> rows that say it, ascending."""
        groups = self.groups
        return dict(zip(groups.text_keys, np.split(groups.row_order, groups.starts[1:]), strict=True)) if self else {}

    @cached_property
    def sentence_texts(self) -> tuple[str, ...]:
        """(C,) canonical text of each sentence of `groups`."""
        return tuple(self.entries[row].sentence for row in self.groups.canonical_rows)

    def clips_of(self, text_key: str) -> tuple[str, ...]:
        """Ids of a sentence's clips; none of one that is not indexed."""
        return tuple(self.entries[row].clip_id for row in self.sentences.get(text_key, ()))

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """clip_id -> row."""
        return {entry.clip_id: row for row, entry in enumerate(self.entries)}

    @cached_property
    def class_sums(self) -> Float64Array:
        """(C, D) sum of the embeddings of each sentence, so that single clips can be taken out of a prototype."""
        if not self:
            return np.zeros(self.embeddings.shape, dtype=np.float64)
        ordered = self.embeddings[self.groups.row_order].astype(np.float64)
        return np.asarray(np.add.reduceat(ordered, self.groups.starts, axis=0))

    @cached_property
    def squared_sums(self) -> tuple[Float64Array, Float64Array]:
        """(C,) squared lengths of `class_sums`, and (N,) each clip's product with its sentence's sum."""
        sums = self.class_sums
        return np.vecdot(sums, sums), np.vecdot(sums[self.groups.class_of_row], self.embeddings)

    @cached_property
    def _prototypes(self) -> FloatArray:
        return unit_rows(self.class_sums)

    def centroid_matrix(self) -> FloatArray:
        """(C, D) float32, unit length: the mean direction of each sentence; of a one-clip sentence the clip itself."""
        return self._prototypes

    @cached_property
    def _engine(self) -> faiss.IndexFlatIP:
        engine = faiss.IndexFlatIP(self.embeddings.shape[1])
        engine.add(np.ascontiguousarray(self.embeddings))
        return engine

    def search(self, queries: FloatArray, k: int) -> Neighbours:
        """The k nearest references of each query by cosine, exactly; all of them where the index holds fewer.

        Args:
            queries: (B, D) float32, unit length.
            k: at least 1.
        """
        if k < 1:
            raise ValueError(f"{k} neighbours asked for; expected at least 1")
        self._check_queries(queries)
        k = min(k, len(self))
        if k == 0 or len(queries) == 0:
            shape = (len(queries), k)
            return Neighbours(np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32))
        engine = self._engine
        faiss.omp_set_num_threads(_SEARCH_THREADS)  # holds for the calling thread alone, so it is set at each search
        similarities, rows = engine.search(np.ascontiguousarray(queries, dtype=np.float32), k)
        order = np.lexsort((rows, -similarities))
        return Neighbours(np.take_along_axis(rows, order, axis=1), np.take_along_axis(similarities, order, axis=1))

    def all_similarities(self, queries: FloatArray) -> FloatArray:
        """(B, N) float32 cosine of each query (B, D) to every reference."""
        self._check_queries(queries)
        if not self:
            return np.zeros((len(queries), 0), dtype=np.float32)
        return np.asarray(queries @ self.embeddings.T, dtype=np.float32)

    def _check_queries(self, queries: FloatArray) -> None:
        if queries.ndim != 2 or (len(self) and queries.shape[1] != self.embeddings.shape[1]):
            raise ValueError(f"queries {queries.shape} for embeddings {self.embeddings.shape}; expected (B, D)")

    def add(self, encoded: Encoded, entries: Sequence[IndexEntry]) -> SentenceIndex:
        """A new index with further clips at the end (enrolment), of the same model only.

        A sentence that was only written so far is its clips from now on.

        Raises:
            ValueError: as for `build`, or the widths differ from those of this index.
        """
        if encoded.num_clips == 0 and not entries:
            return self
        more = SentenceIndex.build(encoded, entries, self.encoder_id)
        if not self:
            return more
        widths = [(i.embeddings.shape[1], i.projections.shape[2]) for i in (self, more)]
        if widths[0] != widths[1]:
            raise ValueError(f"widths (D, P) {widths[1]} of the new clips; expected {widths[0]} of the index's encoder")
        return self.without(self._written_ids(more.sentences)).joined(more)

    def with_written(self, embeddings: FloatArray, entries: Sequence[IndexEntry]) -> SentenceIndex:
        """A new index with sentences at the end that nobody has signed; `written.write_sentences` makes them.

        Args:
            embeddings: (M, D) float32, unit length: the texts among the signs.
            entries: M entries of kind "written", of sentences that this index does not hold.

        Raises:
            ValueError: an entry is a clip, its sentence is there already, or widths differ.
        """
        if any(entry.kind != "written" for entry in entries):
            raise ValueError("entries of clips; expected written sentences alone")
        if embeddings.shape != (len(entries), self.embeddings.shape[1]):
            raise ValueError(f"embeddings {embeddings.shape}; expected ({len(entries)}, {self.embeddings.shape[1]})")
        shape = (len(entries), *self.projections.shape[1:])
        lengths = np.zeros(len(entries), dtype=np.int64)
        frames = np.zeros(shape, dtype=np.float16)
        return self.joined(
            SentenceIndex(embeddings.astype(np.float32), frames, lengths, tuple(entries), self.encoder_id)
        )

    def _written_ids(self, text_keys: Collection[str]) -> list[str]:
        rows = np.flatnonzero(self.written)
        return [self.entries[row].clip_id for row in rows if self.entries[row].text_key in text_keys]

    def joined(self, more: SentenceIndex) -> SentenceIndex:
        """A new index of these references and others of the same model, whose clip_ids and written texts are new.

        Raises:
            ValueError: one is there already, or widths differ.
        """
        num_frames = max(self.projections.shape[1], more.projections.shape[1])
        return SentenceIndex(
            embeddings=np.concatenate([self.embeddings, more.embeddings]),
            projections=np.concatenate(
                [padded_frames(self.projections, num_frames), padded_frames(more.projections, num_frames)]
            ),
            projection_lengths=np.concatenate([self.projection_lengths, more.projection_lengths]),
            entries=self.entries + more.entries,
            encoder_id=self.encoder_id,
        )

    def with_layer(self, layer: SentenceIndex) -> SentenceIndex:
        """A new index of these references and those of another index of the same model, such as one signer's own.

        A clip that both hold is taken from the layer; a sentence that one of them holds in writing alone is its clips
        where the other has some, else the layer's.

        Raises:
            ValueError: the layer is of another model.
        """
        if layer.encoder_id != self.encoder_id:
            raise ValueError(f"a layer of encoder {layer.encoder_id[:12]} over an index of {self.encoder_id[:12]}")
        signed = {entry.text_key for entry in self.entries if entry.kind == "clip"}
        layer = layer.without(layer._written_ids(signed))
        if not len(layer):
            return self
        below = self.without({*layer.row_of, *self._written_ids(layer.sentences)})
        return below.joined(layer) if len(below) else layer

    def without(self, clip_ids: Collection[str]) -> SentenceIndex:
        """A new index that lacks these clips; ids that it does not hold are ignored."""
        left_out = _as_set(clip_ids)
        return self._select([row for row, entry in enumerate(self.entries) if entry.clip_id not in left_out])

    def without_sentences(self, text_keys: Collection[str]) -> SentenceIndex:
        """A new index that lacks every clip of these sentences; keys that it does not hold are ignored."""
        left_out = _as_set(text_keys)
        return self._select([row for row, entry in enumerate(self.entries) if entry.text_key not in left_out])

    def _select(self, rows: list[int]) -> SentenceIndex:
        if len(rows) == len(self):
            return self  # nothing is left out, and an index is never changed
        positions = np.array(rows, dtype=np.int64)
        return SentenceIndex(
            embeddings=self.embeddings[positions],
            projections=np.asarray(self.projections[positions]),
            projection_lengths=self.projection_lengths[positions],
            entries=tuple(self.entries[row] for row in rows),
            encoder_id=self.encoder_id,
        )


def unit_rows(vectors: npt.NDArray[np.floating]) -> FloatArray:
    """Rows scaled to length 1, float32; a row of zeros (embeddings that cancel) stays zeros."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)


def _reference_arrays(encoded: Encoded) -> tuple[FloatArray, HalfArray, IntArray]:
    with np.errstate(over="ignore"):
        projections = np.where(encoded.memory_valid[..., None], encoded.projections, 0).astype(np.float16)
    if not np.isfinite(projections).all():
        raise ValueError("projections are not finite in half precision; check the encoder")
    return encoded.embeddings.astype(np.float32), projections, valid_lengths(encoded.memory_valid)


def _as_set(names: Collection[str]) -> set[str]:
    if isinstance(names, str):
        raise ValueError(f'"{names}" is one text; expected a collection of them, such as a list')
    return set(names)
