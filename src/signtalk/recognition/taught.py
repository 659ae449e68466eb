"""Mistakes with taught sentences, mended: another text for the same clips, and what was forgotten put back.

personal index, sentence -> rename -> the same clips under another text
personal index, sentence -> held_of -> Held; after `index.personal.forget` -> put_back -> as it was
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from signtalk.data.records import text_key
from signtalk.errors import ArtifactError, ClipError, ConfigError, DataError
from signtalk.index.files import IndexEntry, existing_folder, locked
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import layer_exists, load_layer, refuse_bundle
from signtalk.index.said import keep_said, read_said, retell_said, said_place
from signtalk.index.takes import Take, clip_path, read_takes
from signtalk.landmarks.clip import LandmarkClip, load_clip
from signtalk.recognition.enrolment import NewSentence, own_sentence_id, sentence_id_of


@dataclass(frozen=True, eq=False)
class Held:
    """All that a personal index holds of a sentence, in memory.

    Attributes:
        index: its references alone.
        takes: what is told of them.
        said: what was said of it, and confirmed.
        clips: those that are kept, by clip_id.
    """

    index: SentenceIndex
    takes: tuple[Take, ...]
    said: tuple[Take, ...]
    clips: Mapping[str, LandmarkClip]

    @property
    def sentence(self) -> str:
        """Its text; "" where nothing is held."""
        return self.index.entries[0].sentence if len(self.index) else self.said[0].sentence if self.said else ""

    @property
    def clip_ids(self) -> tuple[str, ...]:
        """Of all its clips."""
        return (*self.index.row_of, *(take.clip_id for take in self.said))


def rename(base: SentenceIndex, folder: Path, text: str, new_text: str) -> tuple[IndexEntry, ...]:
    """Give the clips of a taught sentence another text; kept clips and what is told of them stay.

    What was said of it, and confirmed, gets the new text too.

    Args:
        base: what everybody shares; its sentences keep their texts.
        folder: the personal index.
        text: the sentence, as `text_key` tells it apart.
        new_text: what its clips say.

    Returns:
        The clips as they stand in the index now.

    Raises:
        ConfigError: the new text is no sentence, or another one that is known already.
        DataError: no such sentence was taught.
        ArtifactError: the index is not there, damaged, of another model or part of a bundle.
    """
    sentence = NewSentence(new_text)
    old_key, key = text_key(text), text_key(sentence.text)
    refuse_bundle(folder)
    if not layer_exists(folder):  # before the lock, which would leave a file there
        raise ArtifactError(f"{folder}: no such index; nothing was taught there")
    with locked(folder):
        layer = SentenceIndex.load(folder, base.encoder_id)
        if old_key not in layer.sentences:
            raise DataError(f"{folder}: holds no '{text}'; `signtalk list` shows what it holds")
        if key != old_key and (key in layer.sentences or key in base.sentences):
            raise ConfigError(f"'{sentence.text}' is known already; teach it further clips, and forget '{text}'")
        sentence_id = sentence_id_of(base, key)
        entries = tuple(
            replace(entry, sentence=sentence.text, text_key=key, sentence_id=sentence_id)
            if entry.text_key == old_key else entry
            for entry in layer.entries
        )  # fmt: skip
        said = read_said(folder)
        retold = {
            clip_id: replace(take, sentence=sentence.text, sentence_id=own_sentence_id(key))
            for clip_id, take in said.items()
            if take.key == old_key
        }
        if retold:
            retell_said(folder, (said | retold).values())
        replace(layer, entries=entries).save(folder)
    return tuple(entry for entry in entries if entry.text_key == key)


def held_of(folder: Path, text: str, encoder_id: str) -> Held:
    """What a personal index holds of a sentence, so that it can be put back after it was forgotten.

    Args:
        folder: the personal index.
        text: the sentence, as `text_key` tells it apart.
        encoder_id: the model that the index must be of.

    Raises:
        ArtifactError: the index is damaged or of another model.
    """
    layer = load_layer(folder, encoder_id)
    rows = layer.sentences.get(text_key(text), ())
    ids = {layer.entries[row].clip_id for row in rows}
    place = existing_folder(folder)
    takes = tuple(take for take in read_takes(place).values() if take.clip_id in ids)
    said = tuple(take for take in read_said(folder).values() if take.key == text_key(text))
    clips: dict[str, LandmarkClip] = {}
    for where, take in (*((place, take) for take in takes), *((said_place(folder), take) for take in said)):
        if take.consent:
            with suppress(ClipError):  # one that is missing or damaged hinders nobody from forgetting it
                clips[take.clip_id] = load_clip(clip_path(where, take.clip_id))
    return Held(layer.without([clip_id for clip_id in layer.row_of if clip_id not in ids]), takes, said, clips)


def put_back(folder: Path, held: Held) -> int:
    """Put what was forgotten back into a personal index; how many clips that were. What is there already stays.

    Args:
        folder: the personal index.
        held: by `held_of`, before it was forgotten.

    Raises:
        ArtifactError: the index is damaged, of another model or part of a bundle.
        DataError: the place cannot be written.
    """
    refuse_bundle(folder)
    with locked(folder):
        layer = load_layer(folder, held.index.encoder_id)
        missing = held.index.without(layer.row_of)
        if len(missing):
            takes = [take for take in held.takes if take.clip_id in missing.row_of]
            layer.with_layer(missing).save(folder, takes, held.clips)
        there = read_said(folder)
        said = [take for take in held.said if take.clip_id not in there and take.clip_id in held.clips]
        if said:
            keep_said(folder, said, held.clips)
    return len(missing) + len(said)
