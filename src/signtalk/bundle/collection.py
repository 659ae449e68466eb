"""A clinic's own collection as one file: the kept clips of a personal index, out of it and into another one.

    index folder -> export_collection -> zip (takes.csv, clips/*.npz, processed_metadata.csv) -> import_collection

The zip belongs to no model: whoever imports it encodes the clips. Unpacked it is a data folder, whose table lists the
clips that may train models, and no others. A zip from elsewhere is looked at as a bundle's is (`archive`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.bundle.archive import ZipKind, pack_files, unpack_zip
from signtalk.data.manifest import TABLE_NAME, describe_clip, write_manifest
from signtalk.data.records import CLIPS_FOLDER, ClipRecord, Problem
from signtalk.errors import ArtifactError, ClipError, ConfigError, DataError, SignTalkError
from signtalk.files import absolute, atomic_path, write_csv
from signtalk.index.files import IndexEntry, locked, workplace
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import layer_exists, load_layer, refuse_bundle
from signtalk.index.said import keep_said, read_said, said_id, said_place
from signtalk.index.takes import TAKE_COLUMNS, TAKES_NAME, Take, clip_path, read_takes
from signtalk.landmarks.clip import LandmarkClip, load_clip
from signtalk.landmarks.plausible import checked_clip
from signtalk.recognition.carrying import encode_again
from signtalk.recognition.enrolment import NewSentence, own_sentence_id, refuse_control_characters, same_clip
from signtalk.recognition.recognizer import Recognizer

COLLECTION_ZIP = ZipKind("collection", "signtalk collection export", 50_000, 256 * 1024**2)


@dataclass(frozen=True)
class ExportedCollection:
    """What was written into one file.

    Attributes:
        path: of the zip.
        num_sentences: that have a clip in it.
        num_clips: in it.
        num_training: of these may train models, and stand in its table of a data folder.
        left_out: clips that are not in it, and why.
    """

    path: str
    num_sentences: int
    num_clips: int
    num_training: int
    left_out: tuple[Problem, ...]

    def to_dict(self) -> dict[str, Any]:
        """All fields by name; plain values, as JSON has them."""
        return asdict(self)


@dataclass(frozen=True)
class ImportedCollection:
    """What was taken from a collection.

    Attributes:
        index: the folder that holds it.
        clip_ids: of the clips that are new there.
        sentences: that they say, in order of text.
        num_known: clips that were there already.
        num_said: new clips of answers that were confirmed or corrected; they are kept, and answer nothing.
        left_out: clips that cannot be used, and why.
    """

    index: str
    clip_ids: tuple[str, ...]
    sentences: tuple[str, ...]
    num_known: int
    num_said: int
    left_out: tuple[Problem, ...]

    def to_dict(self) -> dict[str, Any]:
        """All fields by name; plain values, as JSON has them."""
        return asdict(self)


def export_collection(folder: Path, out: Path, training_only: bool = False) -> ExportedCollection:
    """Write the kept clips of a personal index, and what is told of them, into one zip. No model is needed.

    Args:
        folder: the personal index.
        out: the zip; one that is there is replaced.
        training_only: only clips that may train models.

    Raises:
        DataError: no clip is kept, or the zip cannot be written.
        ArtifactError: the index is not there, damaged or part of a bundle.
    """
    folder = absolute(folder)
    refuse_bundle(folder)
    if absolute(out).is_relative_to(folder):
        raise DataError(f"{out}: lies in the index, which holds nothing else; choose a place outside {folder}")
    if not layer_exists(folder) and not read_said(folder):  # before the lock, which would leave a file there
        raise ArtifactError(f"{folder}: no such index; `signtalk enroll` makes one")
    with locked(folder), workplace(folder) as work:
        index = SentenceIndex.load(folder) if layer_exists(folder) else SentenceIndex.build((), (), "")
        takes = [
            replace(take, sentence_id=index.entries[index.row_of[take.clip_id]].sentence_id)
            for take in read_takes(folder).values()
            if take.consent and take.clip_id in index.row_of
        ]
        takes += [take for take in read_said(folder).values() if take.consent]
        if training_only:
            takes = [take for take in takes if take.consent == "train"]
        records: dict[str, ClipRecord] = {}
        problems: list[Problem] = []
        for take in takes:
            try:
                records[take.clip_id] = _record(take, folder, work)
            except ClipError as error:
                problems.append(Problem(take.clip_id, "bad_clip", str(error)))
        takes = [take for take in takes if take.clip_id in records]
        if not takes:
            wanted = "that may train models " if training_only else ""
            raise DataError(
                f"{folder}: no clip {wanted}is kept there; clips are kept where `signtalk enroll --consent` says so"
            )
        training = [take.clip_id for take in takes if take.consent == "train"]
        write_csv(work / TAKES_NAME, TAKE_COLUMNS, map(asdict, takes))
        files = {TAKES_NAME: work / TAKES_NAME}
        files[TABLE_NAME] = write_manifest(work, [records[clip_id] for clip_id in training])
        for take in takes:
            path = _clip_file(take, folder)
            files[f"{CLIPS_FOLDER}/{path.name}"] = path
        with atomic_path(absolute(out)) as temporary:
            pack_files(temporary, files)
    sentences = {take.key for take in takes}
    return ExportedCollection(str(out), len(sentences), len(takes), len(training), tuple(problems))


def _clip_file(take: Take, folder: Path) -> Path:
    """Where a clip lies that was taught to an index, or said beside it."""
    return clip_path(folder if take.origin == "taught" else said_place(folder), take.clip_id)


def _record(take: Take, folder: Path, work: Path) -> ClipRecord:
    """A clip's row in the table of a data folder at `work`; its session is the day when it was taught or said."""
    clip = load_clip(_clip_file(take, folder))
    return ClipRecord(
        clip_id=take.clip_id,
        video_file=f"{take.clip_id}.mp4",
        feature_path=clip_path(work, take.clip_id),
        sentence_id=take.sentence_id,
        sentence=take.sentence,
        category=take.category,
        signer_id=take.signer_id,
        variations=(take.sentence,),
        fps=clip.fps,
        is_idle=False,
        session=take.date,
        **vars(describe_clip(clip)),
    )


def import_collection(recognizer: Recognizer, source: Path, folder: Path) -> ImportedCollection:
    """Teach what a collection holds, all of it at once; what is there already is left as it is.

    Args:
        recognizer: its model encodes the clips.
        source: the zip, or a folder that it was unpacked to.
        folder: the personal index; made where it is not there.

    Raises:
        ArtifactError: `source` is damaged or no collection; or the index is damaged, of another model or part of a
            bundle. Nothing is changed.
        DataError: the place cannot be written.
    """
    folder, source = absolute(folder), absolute(source)
    refuse_bundle(folder)
    if not source.exists():  # before the lock, which would leave a file there
        raise ArtifactError(f"{source}: no such file; give what `signtalk collection export` wrote")
    with locked(folder), _opened(source, folder) as data:
        layer = load_layer(folder, recognizer.index.encoder_id)
        both, takes = recognizer.index.with_layer(layer), read_takes(data)
        fresh, problems = _usable(takes, both)
        said, clips_said, bad_said = _fresh_said(fresh, data, folder)
        taught = [IndexEntry.from_take(take) for take in fresh.values() if take.origin == "taught"]
        encoded, more = encode_again(
            recognizer, taught, lambda clip_id: clip_path(data, clip_id),
            recognizer.decision.gate.motion_floor,
        )  # fmt: skip
        new = _without_known(both, encoded)
        if len(new):
            clips = {clip_id: clip_path(data, clip_id) for clip_id in new.row_of}
            layer.with_layer(new).save(folder, [fresh[clip_id] for clip_id in new.row_of], clips)
        if said:
            keep_said(folder, said, clips_said)
        unreadable = (replace(each, message=_told_of(source, data, each.message)) for each in (*more, *bad_said))
        left_out = (*problems, *unreadable)
    if left_out and len(left_out) == len(takes):
        raise DataError(f"{source}: none of its {len(takes)} clips can be taught; first: {left_out[0].message}")
    return ImportedCollection(
        index=str(folder),
        clip_ids=tuple(new.row_of),
        sentences=new.sentence_texts if len(new) else (),
        num_known=len(takes) - len(left_out) - len(new) - len(said),
        num_said=len(said),
        left_out=left_out,
    )


@contextmanager
def _opened(source: Path, folder: Path) -> Iterator[Path]:
    """The folder of a collection; a zip is unpacked beside the index, where the next writer removes what a kill left.

    Raises:
        ArtifactError: it holds no takes.
    """
    with workplace(folder) as work:
        if not source.is_dir():
            unpack_zip(source, work, COLLECTION_ZIP)
        data = source if source.is_dir() else work
        if not (data / TAKES_NAME).is_file():
            raise ArtifactError(f"{source}: no {TAKES_NAME} in it; give what `signtalk collection export` wrote")
        try:
            yield data
        except ArtifactError as error:
            raise ArtifactError(_told_of(source, data, str(error))) from error


def _told_of(source: Path, data: Path, message: str) -> str:
    """A message that names the collection that the user gave, not the folder that it was unpacked to."""
    return message.replace(str(data), str(source))


def _usable(takes: dict[str, Take], index: SentenceIndex) -> tuple[dict[str, Take], list[Problem]]:
    """The takes whose clips no layer holds, by clip_id, and why some of them cannot be taught."""
    fresh: dict[str, Take] = {}
    problems: list[Problem] = []
    for take in takes.values():
        if take.clip_id in index.row_of:
            continue
        try:
            clean = NewSentence(take.sentence, take.category, take.signer_id)
            if not (take.sentence_id and take.consent):
                raise ConfigError(f"no {'consent' if take.sentence_id else 'sentence_id'} is told")
            refuse_control_characters("clip_id", take.clip_id)
            fresh[take.clip_id] = replace(take, sentence=clean.text, category=clean.category, signer_id=clean.signer_id)
        except SignTalkError as error:
            problems.append(Problem(take.clip_id, "bad_take", str(error)))
    return fresh, problems


def _fresh_said(
    takes: Mapping[str, Take], data: Path, folder: Path
) -> tuple[list[Take], dict[str, LandmarkClip], list[Problem]]:
    """What was said elsewhere and not here, its clips, and why some cannot be used."""
    known, fresh, problems = read_said(folder), dict[str, Take](), list[Problem]()
    clips: dict[str, LandmarkClip] = {}
    for take in takes.values():
        if take.origin == "taught":
            continue
        path = clip_path(data, take.clip_id)
        try:
            clip = checked_clip(load_clip(path), str(path))
        except ClipError as error:
            problems.append(Problem(take.clip_id, "bad_clip", str(error)))
            continue
        clip_id = said_id(clip)  # whatever name it has there
        if clip_id not in known:
            fresh[clip_id] = replace(take, clip_id=clip_id, sentence_id=own_sentence_id(take.key))
            clips[clip_id] = clip
    return list(fresh.values()), clips, problems


def _without_known(index: SentenceIndex, new: SentenceIndex) -> SentenceIndex:
    """Without clips that are there under another id, as after the same film was taught on two machines."""
    known: set[str] = set()
    for row, entry in enumerate(new.entries):
        frames = np.asarray(new.projections[row][: new.projection_lengths[row]], dtype=np.float32)
        held = same_clip(index, new.embeddings[row], frames) if len(index) else None
        first = held or same_clip(new, new.embeddings[row], frames)  # in order of row, so the first is kept
        if first is not None and (held or first.clip_id != entry.clip_id):
            known.add(entry.clip_id)
    return new.without(known)
