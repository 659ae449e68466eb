"""A personal index over a shared one: read as one, changed and listed apart.

    base index + personal folder -> LayeredIndex.current() -> the index that queries are answered from

What one signer needs lies in an index folder of its own; the index that everybody shares, and a bundle, stay as they
are. A change is read, checked and written under a lock, and the folder is replaced as a whole (`files`): two
changes at once are both kept, a reader sees the folder before or after, and whoever is killed leaves every change that
was confirmed. `recognition.enrolment` adds to such a folder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from signtalk.data.records import text_key
from signtalk.errors import ArtifactError, DataError
from signtalk.files import absolute
from signtalk.index.files import (
    BUNDLE_MANIFEST,
    HEADER_FILE,
    IndexEntry,
    existing_folder,
    index_identity,
    locked,
)
from signtalk.index.index import SentenceIndex
from signtalk.index.said import drop_said, read_said
from signtalk.index.takes import Take, read_takes

ENROLLED_ID = "enrolled-"
"""Begins the sentence_id of every sentence that no other index held when it was enrolled."""
_ABSENT_ATTEMPTS = 3
_OF_MODEL = ".of-"


@dataclass(frozen=True)
class ListedSentence:
    """A sentence of one layer.

    Attributes:
        layer: "base", "personal", or another name that `list_sentences` was given; "said" of `list_said`.
        sentence: canonical text.
        sentence_id: canonical id.
        category: of the sentence.
        num_clips: 0 = it is only written.
        signers: who signs it, in order of name; those who are not told left out.
        clip_ids: its clips.
        kept_clip_ids: those of them whose landmarks are kept, so that they can be carried to another model.
        language: of the text, as it was told last; "" = not told.
        date: of the day when it was last taught; "" = not told.
    """

    layer: str
    sentence: str
    sentence_id: str
    category: str
    num_clips: int
    signers: tuple[str, ...]
    clip_ids: tuple[str, ...]
    kept_clip_ids: tuple[str, ...] = ()
    language: str = ""
    date: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return asdict(self)


class LayeredIndex:
    """A personal index folder over a base index, read again whenever it was changed.

    Attributes:
        base: what everybody shares.
        folder: the personal index; it need not be there yet.
    """

    def __init__(self, base: SentenceIndex, folder: Path) -> None:
        self.base, self.folder = base, folder
        # One attribute, so that threads never meet an index beside the identity of another.
        self._read: tuple[tuple[object, ...] | None, SentenceIndex] = (None, base)

    def current(self) -> SentenceIndex:
        """Both layers as they are now; the same object as before where nothing changed.

        Raises:
            ArtifactError: the folder is damaged, of another version or of another model.
        """
        identity, (seen, index) = index_identity(self.folder), self._read
        if identity is None or identity != seen:
            index = self.base.with_layer(load_layer(self.folder, self.base.encoder_id))
            self._read = (identity, index)
        return index

    def existing(self) -> SentenceIndex:
        """As `current`, for whoever names a folder that must be there.

        Raises:
            ArtifactError: it is not, or as for `current`.
        """
        if not layer_exists(self.folder):
            raise ArtifactError(f"{self.folder}: no such index; `signtalk enroll` makes one")
        return self.current()


def layer_exists(folder: Path) -> bool:
    """Whether an index is there; asked more than once, because a writer may be renaming it."""
    return any(index_identity(folder) is not None for _ in range(_ABSENT_ATTEMPTS))


def load_layer(folder: Path, encoder_id: str) -> SentenceIndex:
    """Read a personal index; an empty one where none is there yet, or an empty folder.

    Raises:
        ArtifactError: it is damaged, of another version or of another model.
    """
    try:
        if layer_exists(folder):
            return SentenceIndex.load(folder, encoder_id)
    except ArtifactError:
        if not folder.is_dir() or any(folder.iterdir()):
            raise
    return SentenceIndex.build((), (), encoder_id)


def takes_of(folder: Path) -> dict[str, Take]:
    """What is told of the takes of a personal index, by clip_id; nothing where it is not there yet.

    Raises:
        ArtifactError: the table is damaged.
    """
    return read_takes(existing_folder(folder))


def forget(
    folder: str | PathLike[str],
    texts: Collection[str] = (),
    clip_ids: Collection[str] = (),
    encoder_id: str | None = None,
) -> tuple[IndexEntry, ...]:
    """Take sentences, or single clips, out of an index folder; all that are named or, at an error, none.

    Their kept landmarks go with them, at once, and so does what a backup of `recognition.carrying` holds of them, and
    what was said of them (`said`).

    Args:
        folder: the personal index.
        texts: sentences, as `text_key` tells them apart.
        clip_ids: single clips.
        encoder_id: the model that the index must be of; None = any.

    Returns:
        What was taken out.

    Raises:
        DataError: it holds no such sentence or clip.
        ArtifactError: it is not there, damaged or part of a bundle; or a backup is damaged: then it is forgotten
            everywhere else.
    """
    folder = Path(folder)
    refuse_bundle(folder)
    if not layer_exists(folder) and not read_said(folder):  # before the lock, which would leave a file there
        raise ArtifactError(f"{folder}: no such index; nothing was enrolled there")
    keys = {text_key(text) for text in texts}
    with locked(folder):
        indexes, damaged = _with_backups(folder, encoder_id)
        said = {take.clip_id: IndexEntry.from_take(take) for take in read_said(folder).values()}
        held = {key for index in indexes.values() for key in index.sentences} | {e.text_key for e in said.values()}
        held_ids = {clip_id for index in indexes.values() for clip_id in index.row_of} | set(said)
        unknown = [text for text in texts if text_key(text) not in held]
        unknown += [clip_id for clip_id in clip_ids if clip_id not in held_ids]
        if unknown:
            raise DataError(f"{folder}: holds no '{unknown[0]}'; `signtalk list` shows what it holds")
        # A backup may know a clip under the text that it had before it was renamed.
        own = indexes[folder].entries if folder in indexes else ()
        named = {entry.clip_id for entry in own if entry.text_key in keys}
        gone = {i: entry for i, entry in said.items() if entry.text_key in keys or i in clip_ids}
        if gone:
            drop_said(folder, gone)
        for place, index in reversed(indexes.items()):  # the index itself last: then nothing of it is left anywhere
            left = index.without_sentences(keys).without({*clip_ids, *named})
            if len(left) < len(index):
                with nullcontext() if place == folder else locked(place):
                    left.save(place)
            gone |= {entry.clip_id: entry for entry in index.entries if entry.clip_id not in left.row_of}
    if damaged:
        raise ArtifactError(
            f"{damaged[0]}: this backup is damaged and may hold it still; remove the folder. It is forgotten elsewhere"
        )
    return tuple(gone.values())


def _with_backups(folder: Path, encoder_id: str | None) -> tuple[dict[Path, SentenceIndex], list[str]]:
    """The index, where it is there, and its backups; and those of them that are damaged."""
    indexes = {folder: SentenceIndex.load(folder, encoder_id)} if layer_exists(folder) else {}
    damaged: list[str] = []
    for backup in _backups(folder):
        try:
            indexes[backup] = SentenceIndex.load(backup)
        except ArtifactError:
            damaged.append(str(backup))
    return indexes, damaged


def backup_place(folder: Path, encoder_id: str) -> Path:
    """Where an index of a model is kept once another model's has taken its place."""
    return folder.with_name(f"{folder.name}{_OF_MODEL}{encoder_id[:8]}")


def _backups(folder: Path) -> list[Path]:
    folder = absolute(folder)
    beside = (path for path in folder.parent.iterdir() if path.name.startswith(f"{folder.name}{_OF_MODEL}"))
    return sorted(path for path in beside if (path / HEADER_FILE).is_file())


def list_sentences(
    layers: Mapping[str, SentenceIndex], takes: Mapping[str, Take] | None = None
) -> tuple[ListedSentence, ...]:
    """The sentences of each layer, in order of text; one that two layers hold is told for each of them.

    Args:
        layers: by name.
        takes: what is told of clips, by clip_id.
    """
    listed, takes = [], takes or {}
    for layer, index in layers.items():
        for rows, canonical in zip(index.sentences.values(), index.groups.canonical_rows, strict=True):
            entries, named = [index.entries[row] for row in rows], index.entries[canonical]
            clips = [entry for entry in entries if entry.kind == "clip"]
            of_clips = sorted((takes[c.clip_id] for c in clips if c.clip_id in takes), key=lambda take: take.date)
            listed.append(
                ListedSentence(
                    layer=layer,
                    sentence=named.sentence,
                    sentence_id=named.sentence_id,
                    category=named.category,
                    num_clips=len(clips),
                    signers=tuple(sorted({entry.signer_id for entry in clips} - {""})),
                    clip_ids=tuple(entry.clip_id for entry in clips),
                    kept_clip_ids=tuple(take.clip_id for take in of_clips if take.consent),
                    language=next((take.language for take in reversed(of_clips) if take.language), ""),
                    date=of_clips[-1].date if of_clips else "",
                )
            )
    return tuple(sorted(listed, key=lambda each: text_key(each.sentence)))


def list_said(takes: Iterable[Take]) -> tuple[ListedSentence, ...]:
    """The sentences of what was said and confirmed, in order of text, as the layer "said".

    Args:
        takes: of `said.read_said`.
    """
    by_key: dict[str, list[Take]] = {}
    for take in takes:
        by_key.setdefault(take.key, []).append(take)
    listed = []
    for key in sorted(by_key):
        own, last = by_key[key], by_key[key][-1]
        clip_ids = tuple(take.clip_id for take in own)
        listed.append(
            ListedSentence(
                layer="said",
                sentence=last.sentence,
                sentence_id=last.sentence_id,
                category=last.category,
                num_clips=len(own),
                signers=tuple(sorted({take.signer_id for take in own} - {""})),
                clip_ids=clip_ids,
                kept_clip_ids=clip_ids,
                language=next((take.language for take in reversed(own) if take.language), ""),
                date=last.date,
            )
        )
    return tuple(listed)


def refuse_bundle(folder: Path) -> None:
    """Make sure that an index folder is no part of an unpacked bundle, whose files are signed for.

    Raises:
        ArtifactError: it is.
    """
    if (folder / BUNDLE_MANIFEST).exists() or (folder.absolute().parent / BUNDLE_MANIFEST).exists():
        raise ArtifactError(f"{folder}: part of a bundle, which is never changed; give a folder beside it")
