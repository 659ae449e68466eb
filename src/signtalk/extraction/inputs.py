"""Which videos there are and what the table says about them.

    VIDEOS, metadata table -> plan_extraction -> ExtractionPlan: jobs, what cannot be one, what is missing

Reads a table that names videos or sentences (`signtalk.extraction.labels`), and SignTalk-GH's own layout as it is:
`Videos/` beside `Metadata.xlsx`, names `<sentence_id><letter>.mp4`, stray blanks in names and texts.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from signtalk.data.columns import spellings
from signtalk.data.import_plan import METADATA_STEM
from signtalk.data.records import LANDMARK_SUFFIXES, Problem
from signtalk.data.tables import find_table, passed_over, read_table
from signtalk.data.unread import advice_for, counted_suffixes
from signtalk.errors import DataError
from signtalk.extraction.labels import Label, LabelTable, MissingVideo
from signtalk.extraction.video import VIDEO_SUFFIXES
from signtalk.files import linked_folders, visible_files

_NO_CLIPS = frozenset((".csv", ".tsv", ".xlsx", ".xls", ".ods", ".txt", ".md", ".pdf", ".docx", ".ini", ".db"))
"""Files beside videos that nobody takes for a recording."""
WANTED_COLUMNS = (
    "video_file", "path", "sentence_id", "sentence", "category", "signer", "session", "text_variations", "is_idle",
)  # fmt: skip
_SAFE_NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)


@dataclass(frozen=True)
class VideoJob:
    """One video to extract.

    Attributes:
        clip_id: unique; the stem of `video_file`.
        video: the file.
        video_file: its name as tables have it.
        label: what is signed.
        file_stem: name of the clip's file, safe on every system.
    """

    clip_id: str
    video: Path
    video_file: str
    label: Label
    file_stem: str


@dataclass(frozen=True)
class ExtractionPlan:
    """What is to be done, in the order of the videos' paths.

    Attributes:
        jobs: one a video.
        problems: videos that are no job, and rows that contradict each other.
        missing: rows of the table without a video.
        notes: what should be known before hours of extraction, a sentence each.
    """

    jobs: tuple[VideoJob, ...]
    problems: tuple[Problem, ...]
    missing: tuple[MissingVideo, ...]
    notes: tuple[str, ...] = ()


def plan_extraction(videos: Path, metadata: Path | None = None) -> ExtractionPlan:
    """List the videos and give each its label.

    Args:
        videos: a folder, searched with its subfolders; one video; or a folder in SignTalk-GH's layout.
        metadata: a table; None takes `Metadata.xlsx` (or .csv ...) of that layout, or leaves the clips without text.

    Raises:
        DataError: no such folder, no video in it, or the table cannot be read or lacks its columns.
        MissingExtraError: an XLSX table, and openpyxl is not installed.
    """
    named_by_user = metadata is not None
    root, metadata = _layout(videos, metadata)
    files = list_videos(root)
    others = _other_files(root)
    if not files:
        holds = f"it holds {others}" if others else f"expected files ending in {', '.join(sorted(VIDEO_SUFFIXES))}"
        if any(path.suffix.lower() in LANDMARK_SUFFIXES for path in visible_files(root)):
            holds += "; `signtalk import` reads landmarks of other tools"
        raise DataError(f"{root}: no video in it; {holds}")
    base = root if root.is_dir() else root.parent
    names = _clip_names(base, files)
    notes = [f"{root}: left aside, for their names are not those of videos: {others}"] if others else []
    if links := linked_folders(root):
        notes.append(f"{root}: folders that are links are not searched: {links}; name each by itself")
    if metadata is None:
        notes.append(f"{root}: no table, so that clips get no sentence and no signer; --metadata gives one")
        return ExtractionPlan(tuple(_job(path, name, Label()) for path, name in names.items()), (), (), tuple(notes))
    notes += () if named_by_user else passed_over(metadata, METADATA_STEM)
    table = LabelTable(read_table(metadata, WANTED_COLUMNS))
    labels = table.labels_of(files, base)
    jobs = tuple(_job(path, name, labels[path]) for path, name in names.items() if path in labels)
    notes += [*table.notes, *_label_notes(metadata, jobs, table.has_signers)]
    return ExtractionPlan(jobs, tuple(table.problems), table.missing(), tuple(notes))


def _label_notes(metadata: Path, jobs: Sequence[VideoJob], has_signers: bool) -> list[str]:
    """What the labels lack for training, as far as they lack it."""
    textless = sum(not (job.label.sentence or job.label.is_idle) for job in jobs)
    nobodys = sum(not job.label.signer for job in jobs)
    notes = []
    if textless:
        notes.append(f"{metadata}: {textless} of {len(jobs)} videos get no sentence")
    if nobodys:
        column = "empty cells" if has_signers else f"no column {spellings('signer')}"
        notes.append(f"{metadata}: {nobodys} of {len(jobs)} videos get no signer ({column}); tests by signer need one")
    return notes


def _other_files(root: Path) -> str:
    """How many files of each suffix lie beside the videos, those apart that nobody takes for a recording."""
    if not root.is_dir():
        return ""
    return counted_suffixes(
        path for path in visible_files(root) if path.suffix.lower() not in VIDEO_SUFFIXES | _NO_CLIPS
    )


def list_videos(root: Path) -> list[Path]:
    """All video files under a folder, or the one file given; sorted by path, hidden ones left out.

    Raises:
        DataError: there is no such folder or file.
    """
    if root.is_file():
        if root.suffix.lower() not in VIDEO_SUFFIXES:
            raise DataError(f"{root}: no video by its name; {advice_for(root) or 'give a folder of videos, or one'}")
        return [root]
    if not root.is_dir():
        raise DataError(f"{root}: no such folder or video")
    return sorted(path for path in visible_files(root) if path.suffix.lower() in VIDEO_SUFFIXES)


def _layout(videos: Path, metadata: Path | None) -> tuple[Path, Path | None]:
    """The folder of the videos and the table, where `videos` may be the folder that holds both."""
    if not videos.is_dir():
        return videos, metadata
    inside = {path.name.lower(): path for path in sorted(videos.iterdir())}
    root = inside["videos"] if "videos" in inside and inside["videos"].is_dir() else videos
    if metadata is None:
        metadata = inside.get(f"{METADATA_STEM}.xlsx") or find_table(videos, METADATA_STEM)
    return root, metadata


def _clip_names(root: Path, files: Iterable[Path]) -> dict[Path, str]:
    """A table name for each video, stems unique in any case: its file name, with more of its path while that is shared.

    A name depends on the files alone, not on the table, so that a later run finds the clips of an earlier one.
    """

    def with_folders(path: Path) -> str:
        return _clean("__".join(path.relative_to(root).parts))

    def with_suffix(path: Path) -> str:
        name = Path(with_folders(path))
        return f"{name.stem}_{name.suffix[1:]}{name.suffix}"

    def with_hash(path: Path) -> str:
        name = Path(with_folders(path))
        written = os.fsencode(path.relative_to(root))
        return f"{name.stem}-{hashlib.sha256(written).hexdigest()[:8]}{name.suffix}"

    names = {path: _clean(path.name) for path in files}
    for longer in (with_folders, with_suffix, with_hash):
        counts = Counter(Path(name).stem.casefold() for name in names.values())
        names |= {path: longer(path) for path, name in names.items() if counts[Path(name).stem.casefold()] > 1}
    return names


def _clean(name: str) -> str:
    """A file name as one line of valid text; tables are trimmed on reading, so the name is here."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    line = Path(" ".join("".join(c if c.isprintable() else " " for c in text).split()))
    return (line.stem.strip() or "video") + line.suffix


def _job(video: Path, name: str, label: Label) -> VideoJob:
    clip_id = Path(name).stem
    file_stem = clip_id
    if not _SAFE_NAME.fullmatch(clip_id):
        readable = re.sub(r"[^\w.-]+", "_", clip_id, flags=re.ASCII).strip("._-")[:60]
        file_stem = f"{readable or 'video'}-{hashlib.sha256(clip_id.encode()).hexdigest()[:8]}"
    return VideoJob(clip_id, video, name, label, file_stem)
