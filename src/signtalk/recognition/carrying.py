"""What was taught, under another model: kept clips are encoded again, for vectors of two models cannot be compared.

    index folder with kept clips, model -> carry -> the same sentences, clips and signers in vectors of that model

Nothing that was taught is dropped in silence: where a clip was not kept, or shows the new model nothing, all stays as
it is until the caller says that it may be left out.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.data.manifest import read_landmarks
from signtalk.data.records import Problem
from signtalk.errors import ArtifactError, ClipError, DataError
from signtalk.files import absolute, link_or_copy
from signtalk.index.encoded import Encoded
from signtalk.index.files import IndexEntry, locked, open_to_others, workplace
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import backup_place, layer_exists, refuse_bundle
from signtalk.index.said import copy_said
from signtalk.index.takes import Consent, Take, clip_path, read_takes
from signtalk.landmarks.clip import DEFAULT_FPS, LandmarkClip
from signtalk.landmarks.legacy_rows import DEFAULT_SMOOTHING_ALPHA
from signtalk.landmarks.plausible import checked_clip
from signtalk.recognition.enrolment import checked_features, sentence_id_of
from signtalk.recognition.recognizer import Recognizer

_SHOWN_SENTENCES = 20


@dataclass(frozen=True)
class Carried:
    """What was carried to another model.

    Attributes:
        index: the folder that answers with that model.
        sentences: that it holds, in order of text.
        clip_ids: their clips.
        left_out: clips that it no longer holds, and why.
        backup: the folder as it was before; "" = none.
    """

    index: str
    sentences: tuple[str, ...]
    clip_ids: tuple[str, ...]
    left_out: tuple[Problem, ...]
    backup: str

    def __str__(self) -> str:
        """One line of what was carried, and one of what was not."""
        lines = [f"carried: {len(self.sentences)} sentences, {len(self.clip_ids)} clips, in {self.index}"]
        if self.left_out:
            lines.append(f"left out: {len(self.left_out)} clips, first {self.left_out[0].message}")
        if self.backup:
            lines.append(f"as it was before: {self.backup}; remove it when the new model is proven")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """All fields by name; plain values, as JSON has them."""
        return asdict(self)


@dataclass(frozen=True)
class Originals:
    """The files that clips were taught from, where those were not kept: every clip of an index of older versions.

    Attributes:
        folder: where they lie, under the names that they had, or as CLIP_ID.npz.
        consent: what their signers agree to; where it is told, the clips are kept from now on.
    """

    folder: Path
    consent: Consent = ""


def carry(
    recognizer: Recognizer,
    folder: Path,
    out: Path | None = None,
    without_missing: bool = False,
    backup: bool = True,
    *,
    originals: Originals | None = None,
) -> Carried:
    """Encode the kept clips of a personal index again, for the model that answers from now on.

    Clips, texts, categories, signers and what is told of the takes stay; sentences get the ids of that model. The index
    is replaced in one step: readers, and a process killed at any moment, meet the old one or the new one.

    Args:
        recognizer: its model encodes.
        folder: the personal index, of any other model.
        out: a new folder to write to; None = `folder` is replaced.
        without_missing: leave out what cannot be carried.
        backup: keep the old index beside the new one, as `NAME.of-` and the beginning of its model's id.
        originals: files of clips that were not kept.

    Raises:
        DataError: a clip cannot be carried and `without_missing` is not told, or none can; or the place cannot be
            written. Nothing is changed.
        ArtifactError: the folder is not there, damaged or part of a bundle; or something is at `out`.
    """
    folder = absolute(folder)
    refuse_bundle(folder)
    if not layer_exists(folder):  # before the lock, which would leave a file there
        raise ArtifactError(f"{folder}: no such index; `signtalk enroll` makes one")
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ArtifactError(f"{out}: is there already; give a new folder")
    with locked(folder):
        old = SentenceIndex.load(folder)
        if out is None and old.encoder_id == recognizer.index.encoder_id:
            return _carried(folder, old)
        files = _Files(folder, old.entries, originals)
        new, problems = encode_again(recognizer, old.entries, files.path_of, 0.0)
        if problems and not (without_missing and len(new)):
            raise DataError(_cannot_be_carried(folder, old, new, problems, without_missing))
        if out is not None:
            _write_elsewhere(files, absolute(out), new)
            return _carried(absolute(out), new, problems)
        kept = _back_up(folder, old) if backup else None
        try:
            new.save(folder, *files.fresh(new))
        except BaseException:
            if kept is not None:
                shutil.rmtree(kept, ignore_errors=True)
            raise
    return _carried(folder, new, problems, "" if kept is None else str(kept))


def encode_again(
    recognizer: Recognizer, entries: Sequence[IndexEntry], path_of: Callable[[str], Path], motion_floor: float
) -> tuple[SentenceIndex, tuple[Problem, ...]]:
    """References of clips that are kept in files.

    Args:
        recognizer: its model encodes, and its index names the sentences that it knows.
        entries: what the clips are.
        path_of: the file of a clip_id; it need not be there.
        motion_floor: of the hands, as `checked_features` takes it.

    Returns:
        An index of those that can be used, and why others cannot.
    """
    problems: list[Problem] = []
    usable: list[IndexEntry] = []

    def batches() -> Iterator[Encoded]:
        for start in range(0, len(entries), recognizer.clips_at_once):
            features = []
            for entry in entries[start : start + recognizer.clips_at_once]:
                try:
                    path = path_of(entry.clip_id)
                    if not path.is_file():
                        raise _NotKeptError(f"no clip of '{entry.sentence}' is kept under {entry.clip_id}")
                    clip = checked_clip(_read(path), str(path))
                    features.append(checked_features(str(path), clip, recognizer.encoder.feature_config, motion_floor))
                    # An id is its model's: under another one it may be that of another sentence.
                    usable.append(replace(entry, sentence_id=sentence_id_of(recognizer.index, entry.text_key)))
                except ClipError as error:
                    kind = "not_kept" if isinstance(error, _NotKeptError) else "bad_clip"
                    problems.append(Problem(entry.clip_id, kind, str(error)))
            if features:
                yield recognizer.encoder.encode(
                    np.stack([each.features for each in features]), np.stack([each.valid for each in features])
                )

    # `usable` fills while the batches are read, which `build` does before it looks at the entries.
    return SentenceIndex.build(batches(), usable, recognizer.index.encoder_id), tuple(problems)


class _NotKeptError(ClipError):
    """There is no file of a clip."""


def _read(path: Path) -> LandmarkClip:
    return read_landmarks(path, DEFAULT_FPS, DEFAULT_SMOOTHING_ALPHA)


class _Files:
    """Where the clips of an index lie: kept beside its vectors, or among the originals."""

    def __init__(self, folder: Path, entries: Sequence[IndexEntry], originals: Originals | None) -> None:
        self.folder, self.originals = folder, originals
        self.entries = {entry.clip_id: entry for entry in entries}
        self._names = Counter(entry.feature_path for entry in entries)

    def path_of(self, clip_id: str) -> Path:
        """The file of a clip; it need not be there.

        Raises:
            ClipError: the originals have several that it may be.
        """
        kept = clip_path(self.folder, clip_id)
        return kept if self.originals is None or kept.is_file() else self._original(clip_id, self.originals.folder)

    def _original(self, clip_id: str, place: Path) -> Path:
        by_id = place / clip_path(place, clip_id).name
        name = Path(self.entries[clip_id].feature_path).name
        if by_id.is_file() or not name:
            return by_id
        if self._names[self.entries[clip_id].feature_path] > 1:
            raise _NotKeptError(
                f"{self._names[name]} clips were taught from files called {name}; call that of "
                f"'{self.entries[clip_id].sentence}' {by_id.name}"
            )
        return place / name

    def fresh(self, new: SentenceIndex) -> tuple[list[Take], dict[str, LandmarkClip | Path]]:
        """What is told of clips that are kept from now on, and the clips."""
        if self.originals is None or not self.originals.consent:
            return [], {}
        known = read_takes(self.folder)
        takes: list[Take] = []
        clips: dict[str, LandmarkClip | Path] = {}
        for entry in new.entries:
            if clip_path(self.folder, entry.clip_id).is_file():
                continue
            path = self.path_of(entry.clip_id)
            clips[entry.clip_id] = path if path.suffix == ".npz" else _read(path)
            take = known.get(entry.clip_id) or Take(
                entry.clip_id, entry.sentence_id, entry.sentence, entry.category, entry.signer_id
            )
            takes.append(replace(take, consent=self.originals.consent))
        return takes, clips


def _cannot_be_carried(
    folder: Path, old: SentenceIndex, new: SentenceIndex, problems: Sequence[Problem], without_missing: bool
) -> str:
    """Which sentences lose clips, how many of how many, and what to do."""
    lost = Counter(entry.sentence for entry in old.entries if entry.clip_id not in new.row_of)
    held = Counter(entry.sentence for entry in old.entries)
    named = [f"'{sentence}' ({number} of {held[sentence]} clips)" for sentence, number in sorted(lost.items())]
    more = f" and {len(named) - _SHOWN_SENTENCES} more" if len(named) > _SHOWN_SENTENCES else ""
    what_to_do = "give the files that they were taught from (--clips), or teach them again and keep them (--consent)"
    if not without_missing:
        what_to_do += ", or leave them out with --without-missing; nothing was changed"
    return (
        f"{folder}: cannot be carried: {', '.join(named[:_SHOWN_SENTENCES])}{more}; first: {problems[0].message}; "
        f"{what_to_do}"
    )


def _write_elsewhere(files: _Files, out: Path, new: SentenceIndex) -> None:
    refuse_bundle(out)
    with locked(out):
        if layer_exists(out):  # made while the clips were encoded
            raise ArtifactError(f"{out}: is there already; give a new folder")
        fresh, clips = files.fresh(new)
        takes = read_takes(files.folder) | {take.clip_id: take for take in fresh}
        kept = {clip_id: clip_path(files.folder, clip_id) for clip_id in new.row_of if clip_id not in clips}
        copy_said(files.folder, out)
        new.save(out, [takes[clip_id] for clip_id in new.row_of if clip_id in takes], {**kept, **clips})


def _back_up(folder: Path, old: SentenceIndex) -> Path:
    """Keep an index under a second name; its files are linked, not copied.

    An older backup gives way where this one holds all that it holds; otherwise it may be the last that holds it.
    """
    first = backup_place(folder, old.encoder_id)
    for number in count(1):
        target = first if number == 1 else first.with_name(f"{first.name}-{number}")
        if not target.exists() or _holds_no_more(target, old):
            break
    with workplace(folder) as temporary, workplace(folder) as replaced:
        shutil.copytree(folder, temporary, copy_function=link_or_copy, dirs_exist_ok=True)
        open_to_others(temporary)
        if target.exists():  # removed where it is, it would be left half there by a kill
            target.rename(replaced / target.name)
        temporary.rename(target)
    return target


def _holds_no_more(backup: Path, old: SentenceIndex) -> bool:
    """Whether an index holds all that a backup does; what cannot be read of a damaged one may be more."""
    try:
        return layer_exists(backup) and set(SentenceIndex.load(backup).row_of) <= set(old.row_of)
    except ArtifactError:
        return False


def _carried(folder: Path, index: SentenceIndex, problems: Sequence[Problem] = (), backup: str = "") -> Carried:
    return Carried(str(folder), index.sentence_texts, tuple(index.row_of), tuple(problems), backup)
