"""What was said at a counter and confirmed by the patient: labelled clips beside a personal index.

    index folder, takes, clips -> keep_said -> NAME.said/takes.csv, NAME.said/clips/*.npz -> read_said

They are kept to train models, and answer nothing: a nod in a hurry is no teacher, and one wrong label would make the
next answers wrong, which are confirmed in turn. `signtalk enroll` and the page teach what shall answer. As they belong
to no model and to no index, a confirmation neither rewrites one nor has its readers read again.

Every change holds the lock of the index (`files.locked`). A clip is written before its row and removed before it. So
whatever has a row was kept whole, and while a clip that shall go is still there, the lists show it: who was killed in
the middle can be asked again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from signtalk.data.records import CLIPS_FOLDER
from signtalk.files import absolute, append_csv, link_or_copy, remove_unfinished, write_csv
from signtalk.index.takes import TAKE_COLUMNS, TAKES_NAME, Take, clip_path, read_takes
from signtalk.landmarks.clip import LandmarkClip, save_clip

_SAID = ".said"
SAID_ID = "said-"
"""Begins the clip_id of everything that was said."""


def said_place(folder: Path) -> Path:
    """Where what was said lies beside an index."""
    folder = absolute(folder)
    return folder.with_name(f"{folder.name}{_SAID}")


def said_id(clip: LandmarkClip) -> str:
    """The id of a clip that was said: by its landmarks, so that the same signing is never kept twice."""
    numbers = np.where(np.isnan(clip.landmarks), np.float32(np.nan), clip.landmarks + np.float32(0))  # one NaN, one 0
    return f"{SAID_ID}{hashlib.sha256(numbers.astype('<f4').tobytes()).hexdigest()[:16]}"


def read_said(folder: Path) -> dict[str, Take]:
    """What was said beside an index, by clip_id; nothing where nothing is kept.

    Raises:
        ArtifactError: the table is damaged.
    """
    return read_takes(said_place(folder))


def said_state(folder: Path) -> tuple[int, ...] | None:
    """What changes whenever what was said does; None where nothing is kept."""
    try:
        state = (said_place(folder) / TAKES_NAME).stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


def keep_said(folder: Path, takes: Iterable[Take], clips: Mapping[str, LandmarkClip]) -> None:
    """Keep clips under what was said; one that is there already gets the new sentence. Hold the lock of the index.

    Args:
        folder: the index.
        takes: what is told of them.
        clips: by clip_id.

    Raises:
        ArtifactError: the table is damaged.
        DataError: the place cannot be written.
    """
    place, takes = said_place(folder), tuple(takes)
    known = {take.clip_id for take in takes if clip_path(place, take.clip_id).exists()}
    for take in takes:
        save_clip(clip_path(place, take.clip_id), clips[take.clip_id])
    if known:  # whether it has a row, or was killed before it got one
        others = [take for clip_id, take in read_takes(place).items() if clip_id not in known]
        write_csv(place / TAKES_NAME, TAKE_COLUMNS, map(asdict, (*others, *takes)))
    else:
        append_csv(place / TAKES_NAME, TAKE_COLUMNS, map(asdict, takes))


def drop_said(folder: Path, clip_ids: Collection[str]) -> None:
    """Remove what was said, and whatever a killed process left there. Hold the lock of the index.

    Args:
        folder: the index.
        clip_ids: those that go; ids that are not there are passed over.

    Raises:
        ArtifactError: the table is damaged.
        DataError: the place cannot be written.
    """
    place = said_place(folder)
    kept = [
        take for clip_id, take in read_takes(place).items()
        if clip_id not in clip_ids and clip_path(place, clip_id).exists()
    ]  # fmt: skip
    names = {clip_path(place, take.clip_id).name for take in kept}
    remove_unfinished(place / CLIPS_FOLDER)
    for path in (place / CLIPS_FOLDER).glob(f"{SAID_ID}*.npz"):
        if path.name not in names:
            path.unlink()
    retell_said(folder, kept)


def retell_said(folder: Path, takes: Iterable[Take]) -> None:
    """Write anew what is told of all clips that are kept. Hold the lock of the index.

    Raises:
        DataError: the place cannot be written.
    """
    place = said_place(folder)
    if place.exists():
        write_csv(place / TAKES_NAME, TAKE_COLUMNS, map(asdict, takes))


def copy_said(folder: Path, other: Path) -> None:
    """Keep what was said beside another index as well; files are linked. Hold the lock of both.

    Raises:
        ArtifactError: the table is damaged.
        DataError: the place cannot be written.
    """
    takes, target = read_said(folder), said_place(other)
    if not takes:
        return
    (target / CLIPS_FOLDER).mkdir(parents=True, exist_ok=True)
    for clip_id in takes:
        copy = clip_path(target, clip_id)
        if not copy.exists():
            link_or_copy(clip_path(said_place(folder), clip_id), copy)
    write_csv(target / TAKES_NAME, TAKE_COLUMNS, map(asdict, (read_said(other) | takes).values()))
