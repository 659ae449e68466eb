"""Where references lie, one interface for every engine: memory, a large index, a database on other machines.

    Searchable.search(queries)   -> the nearest clips, of some categories, signers or sentences alone
    References.narrowed(queries) -> the few sentences worth a comparison, as a SentenceIndex -> `scoring`

Whatever the engine, what is near enough is compared by the same exact code. The default is an index folder, all of it
in memory and exactly searched (`InMemory`), up to some ten thousand clips. `large` searches millions on one machine,
`milvus` a database; docs/scale.md tells when to move. `tests/index/test_references.py` holds every engine to one
contract.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, TypeVar

import numpy as np

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.errors import ArtifactError, DataError
from signtalk.index.files import IndexEntry
from signtalk.index.index import SentenceIndex

NameKind = Literal["categories", "signers"]
T = TypeVar("T")
_CLIPS_A_SENTENCE = 4
"""How many of the nearest clips are looked at to find one sentence, at first; `widened` looks at more."""
_WIDER = 4
MOST_CLIPS_A_SENTENCE = 64
"""Of a sentence with more clips the first ones, and those found, stand for it."""


@dataclass(frozen=True)
class Hit:
    """A clip that a search has found.

    Attributes:
        rank: 1 = first.
        similarity: cosine between the query and the clip.
        clip_id: the clip.
        video_file: its video.
        feature_path: its landmark file.
        sentence_id: of its sentence.
        sentence: its text.
        category: of the sentence.
        signer_id: who signs.
    """

    rank: int
    similarity: float
    clip_id: str
    video_file: str
    feature_path: str
    sentence_id: str
    sentence: str
    category: str
    signer_id: str

    @classmethod
    def of(cls, entry: IndexEntry, rank: int, similarity: float) -> Hit:
        """The hit of a reference.

        Args:
            entry: of the reference.
            rank: 1 = nearest.
            similarity: cosine.
        """
        return cls(
            rank=rank,
            similarity=similarity,
            clip_id=entry.clip_id,
            video_file=entry.video_file,
            feature_path=entry.feature_path,
            sentence_id=entry.sentence_id,
            sentence=entry.sentence,
            category=entry.category,
            signer_id=entry.signer_id,
        )

    def __str__(self) -> str:
        """As a person reads it: `1. Where does it hurt? (clip a1, 0.83)`."""
        return f"{self.rank}. {self.sentence} (clip {self.clip_id}, {self.similarity:.2f})"

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Only:
    """Which clips a search may find.

    Attributes:
        categories: of the sentence, upper and lower case alike; empty = all.
        signers: who signs, upper and lower case alike; empty = all.
        text_keys: what is said, as `records.text_key` writes it; empty = anything.
    """

    categories: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    text_keys: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.categories or self.signers or self.text_keys)

    def allows(self, entry: IndexEntry) -> bool:
        """Whether a search may find this clip."""
        return (
            (not self.text_keys or entry.text_key in self.text_keys)
            and _is_one_of(entry.category, self.categories)
            and _is_one_of(entry.signer_id, self.signers)
        )


def _is_one_of(name: str, wanted: Collection[str]) -> bool:
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


class Searchable(Protocol):
    """Clips among which the nearest ones can be found."""

    def search(self, queries: FloatArray, k: int, only: Only = Only()) -> tuple[tuple[Hit, ...], ...]:
        """The k nearest clips of each query (B, D), nearest first.

        Args:
            queries: (B, D) float32, unit length.
            k: at most so many clips a query.
            only: which clips may be found.
        """
        ...

    def names(self, kind: NameKind) -> Collection[str] | None:
        """The categories, or the signers, of its clips; None where they are not listed."""
        ...


class References(Searchable, Protocol):
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


@dataclass(frozen=True, eq=False)
class InMemory:
    """The clips of an index, every one of them compared; sentences that are only written are no clips.

    Attributes:
        index: the references.
    """

    index: SentenceIndex

    def search(self, queries: FloatArray, k: int, only: Only = Only()) -> tuple[tuple[Hit, ...], ...]:
        """As `Searchable.search`; equally near clips in order of row."""
        entries, allowed = self.index.entries, ~self.index.written
        if only:
            allowed &= np.array([only.allows(entry) for entry in entries], dtype=np.bool_)
        return hits_at(entries, *nearest_allowed(self.index.all_similarities(queries), allowed, k))

    def names(self, kind: NameKind) -> Collection[str]:
        """As `Searchable.names`."""
        clips = [entry for entry in self.index.entries if entry.kind == "clip"]
        return {entry.category if kind == "categories" else entry.signer_id for entry in clips} - {""}


def widened(look: Callable[[int], tuple[T, BoolArray]], num_sentences: int, most: int) -> T:
    """Look at the nearest clips of some queries, at more and more of them until they say enough sentences.

    Args:
        look: given a number of clips, what lies there, and (B,) which queries lack sentences and have further clips.
        num_sentences: how many sentences are wanted for each query.
        most: so many clips are looked at in the end, however few sentences they say.

    Returns:
        What the last look gave.
    """
    k = min(_CLIPS_A_SENTENCE * max(num_sentences, 1), most)
    while True:
        nearest, lacking = look(k)
        if k >= most or not lacking.any():
            return nearest
        k = min(_WIDER * k, most)


def hits_at(entries: Sequence[IndexEntry], rows: IntArray, similarities: FloatArray) -> tuple[tuple[Hit, ...], ...]:
    """What lies at rows (B, K), with its cosine; -1 = nothing.

    Args:
        entries: of all rows.
        rows: (B, K) places in them, -1 = nothing.
        similarities: (B, K) cosines.
    """
    return tuple(
        tuple(
            Hit.of(entries[row], rank, similarity)
            for rank, (row, similarity) in enumerate(zip(of_query, near, strict=True), 1)
            if row >= 0
        )
        for of_query, near in zip(rows.tolist(), similarities.tolist(), strict=True)
    )


def nearest_allowed(similarities: FloatArray, allowed: BoolArray, k: int) -> tuple[IntArray, FloatArray]:
    """(B, K) rows and cosines of the k largest of (B, N) among those (N,) that are allowed, equal ones by row.

    Args:
        similarities: (B, N) cosines.
        allowed: (N,) True = may be found.
        k: K, fewer where fewer are allowed.
    """
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
        raise ArtifactError(
            f"references of encoder {references.encoder_id[:12]}; expected those of {encoder_id[:12]}: index the clips "
            "with this model"
        )
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
