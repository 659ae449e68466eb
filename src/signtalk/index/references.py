"""Where references lie, one interface for every engine: an index folder, a large index, a database on other machines.

    References.narrowed(queries) -> the few sentences worth a comparison, as a SentenceIndex -> `scoring`
    References.search(queries)   -> the nearest clips, of some categories or signers alone
    ReferenceStore.add, delete   -> confirmed when they return

Whatever the engine, what is near enough is compared by the same exact code. `FolderStore` is the default: all
references in one index folder, exactly searched, up to some ten thousand. `large_index` searches millions on one
machine, `milvus_store` a database; docs/scale.md tells when to move. `tests/test_references.py` holds every engine to
one contract.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.errors import ArtifactError, DataError
from signtalk.index.files import IndexEntry, index_identity, locked
from signtalk.index.index import SentenceIndex
from signtalk.index.text_search import ClipHit

_ABSENT_ATTEMPTS = 3


@dataclass(frozen=True)
class Only:
    """Which clips a search may find; upper and lower case are alike.

    Attributes:
        categories: of the sentence; empty = all.
        signers: who signs; empty = all.
    """

    categories: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.categories or self.signers)

    def allows(self, entry: IndexEntry) -> bool:
        """Whether a search may find this clip."""
        return _named(entry.category, self.categories) and _named(entry.signer_id, self.signers)


def _named(name: str, wanted: Collection[str]) -> bool:
    return not wanted or name.casefold() in {each.casefold() for each in wanted}


@dataclass(frozen=True, eq=False)
class Narrowed:
    """The references that some queries are compared with.

    Attributes:
        index: all clips of each sentence in it.
        classes: (C,) which sentences of `sentence_texts` those of `index.groups` are; None where these are not listed.
    """

    index: SentenceIndex
    classes: IntArray | None = None


class References(Protocol):
    """Clips of one model."""

    @property
    def encoder_id(self) -> str:
        """Hash of the model that made the vectors."""
        ...

    def __len__(self) -> int:
        """Number of clips."""
        ...

    def sentence_texts(self) -> Sequence[str] | None:
        """One text a sentence, in order of text_key; None where they change, or are too many to be held in memory."""
        ...

    def narrowed(self, queries: FloatArray, num_sentences: int, classes: IntArray | None = None) -> Narrowed:
        """The sentences that are worth a comparison.

        Args:
            queries: (B, D) float32, unit length.
            num_sentences: at least so many are found for each query by their closest clips, if there are as many.
            classes: further ones, as places in `sentence_texts`.
        """
        ...

    def search(self, queries: FloatArray, k: int, only: Only = Only()) -> tuple[tuple[ClipHit, ...], ...]:
        """The k nearest clips of each query (B, D), nearest first."""
        ...


class ReferenceStore(References, Protocol):
    """References that can be changed; what returned without an error is kept, whatever happens next."""

    def add(self, references: SentenceIndex) -> None:
        """Keep further clips, all of them or none.

        Raises:
            DataError: a clip_id is there already, or the place cannot be written.
            ArtifactError: they are of another model.
            ValueError: a reference is no clip.
        """
        ...

    def delete(self, clip_ids: Collection[str]) -> int:
        """Forget clips; how many of them were there."""
        ...

    def close(self) -> None:
        """Let go of files and connections; nothing is lost without it."""
        ...


class FolderStore:
    """References in an index folder (`index_files`), all of them in memory and exactly searched.

    Attributes:
        folder: need not be there yet.
        encoder_id: the model.
    """

    def __init__(self, folder: Path, encoder_id: str) -> None:
        self.folder, self.encoder_id = folder, encoder_id
        self._read: tuple[tuple[object, ...] | None, SentenceIndex] = (None, SentenceIndex.build((), (), encoder_id))
        self.index()  # a damaged folder is told at once

    def index(self) -> SentenceIndex:
        """The references as they are now on disk, whoever changed them.

        Raises:
            ArtifactError: the folder is damaged, of another version or of another model.
        """
        asked = (index_identity(self.folder) for _ in range(_ABSENT_ATTEMPTS))  # a writer may be renaming it
        identity = next((found for found in asked if found is not None), None)
        seen, index = self._read
        if identity is None and (seen is not None or self.folder.exists()):
            raise ArtifactError(f"{self.folder}: no index there any more; put it back")
        if identity != seen:
            index = SentenceIndex.load(self.folder, self.encoder_id)
            self._read = (identity, index)
        return index

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.index())

    def sentence_texts(self) -> None:
        """Nobody has to choose among them: all are compared."""

    def narrowed(self, queries: FloatArray, num_sentences: int, classes: IntArray | None = None) -> Narrowed:
        """All of them: they are few enough to be compared with."""
        del queries, num_sentences, classes
        return Narrowed(self.index())

    def search(self, queries: FloatArray, k: int, only: Only = Only()) -> tuple[tuple[ClipHit, ...], ...]:
        """As `References.search`."""
        index = self.index()
        if not only:
            found = index.search(queries, k)
            return hits(index.entries, found.rows, found.similarities)
        allowed = np.array([only.allows(entry) for entry in index.entries], dtype=np.bool_)
        return hits(index.entries, *nearest_allowed(index.all_similarities(queries), allowed, k))

    def add(self, references: SentenceIndex) -> None:
        """As `ReferenceStore.add`; the folder is written anew as a whole."""
        refuse_unfit(references, self.encoder_id)
        with locked(self.folder):
            index = self.index()
            refuse_known(references, index.row_of)
            (index.joined(references) if len(index) else references).save(self.folder)

    def delete(self, clip_ids: Collection[str]) -> int:
        """As `ReferenceStore.delete`."""
        with locked(self.folder):
            index = self.index()
            left = index.without(clip_ids)
            if len(left) < len(index):
                left.save(self.folder)
        return len(index) - len(left)

    def close(self) -> None:
        """Nothing is held."""


def hits(entries: Sequence[IndexEntry], rows: IntArray, similarities: FloatArray) -> tuple[tuple[ClipHit, ...], ...]:
    """What lies at rows (B, K), with its cosine; -1 = nothing."""
    return tuple(
        tuple(
            ClipHit.of(entries[row], rank, similarity)
            for rank, (row, similarity) in enumerate(zip(of_query, near, strict=True), 1)
            if row >= 0
        )
        for of_query, near in zip(rows.tolist(), similarities.tolist(), strict=True)
    )


def nearest_allowed(similarities: FloatArray, allowed: BoolArray, k: int) -> tuple[IntArray, FloatArray]:
    """(B, K) rows and cosines of the k largest of (B, N) among those (N,) that are allowed, equal ones by row."""
    places = np.flatnonzero(allowed)
    near = similarities[:, places]
    order = np.argsort(-near, axis=1, kind="stable")[:, :k]
    return places[order], np.take_along_axis(near, order, axis=1)


def refuse_unfit(references: SentenceIndex, encoder_id: str) -> None:
    """Make sure that references are clips of a model.

    Raises:
        ArtifactError: they are of another model.
        ValueError: one is a sentence that is only written.
    """
    if references.encoder_id != encoder_id:
        found = f"references of encoder {references.encoder_id[:12]}"
        raise ArtifactError(f"{found}; expected those of {encoder_id[:12]}: index the clips with this model")
    if references.written.any():
        raise ValueError("a sentence that is only written is no clip; such sentences stand in an index folder")


def refuse_known(references: SentenceIndex, known: Collection[str]) -> None:
    """Make sure that no clip_id is there already.

    Raises:
        DataError: one is.
    """
    there = [entry.clip_id for entry in references.entries if entry.clip_id in known]
    if there:
        raise DataError(f"clip {there[0]} is there already; delete it first, or give the new one another clip_id")
