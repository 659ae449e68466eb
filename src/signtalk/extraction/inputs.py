"""Which videos there are and what the table says about them.

    VIDEOS, metadata table -> plan_extraction -> ExtractionPlan: jobs, what cannot be one, what is missing

Reads a CSV or XLSX table that names videos or sentences, and SignTalk-GH's own layout as it is: `Videos/` beside
`Metadata.xlsx`, names `<sentence_id><letter>.mp4`, stray blanks in names and texts.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from signtalk.data.records import Problem, text_key
from signtalk.errors import DataError, MissingExtraError
from signtalk.files import read_csv

VIDEO_SUFFIXES = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".webm",
        ".mkv",
        ".avi",
        ".mpg",
        ".mpeg",
        ".3gp",
        ".wmv",
        ".flv",
        ".ts",
        ".mts",
        ".m2ts",
        ".ogv",
    ]
)
_COLUMNS = {
    "video_file": ("videofile", "video", "videoname", "filename", "file", "clip", "videopath", "path"),
    "sentence_id": ("sentenceid", "id", "sentenceno", "sentencenumber", "no", "sn", "number", "sid"),
    "sentence": ("sentence", "text", "english", "englishsentence", "sentences", "translation", "label", "transcript"),
    "category": ("category", "categories", "class", "domain", "topic"),
    "signer": ("signer", "signerid"),
    "session": ("session", "day"),
    "text_variations": ("textvariations", "variations", "paraphrases"),
    "is_idle": ("isidle", "idle"),
}
"""Our names, and how a header may spell them: without case, blanks and punctuation; the first column that fits wins."""
_LETTERED = re.compile(r"(.+?)[A-Ea-e]")
_SAFE_NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
_MAX_ROWS = 2_000_000


@dataclass(frozen=True)
class Label:
    """What the table says about a video; all texts trimmed, "" where it says nothing."""

    sentence_id: str = ""
    sentence: str = ""
    category: str = ""
    signer: str = ""
    session: str = ""
    variations: tuple[str, ...] = ()
    is_idle: bool = False


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
class MissingVideo:
    """A row of the table without a video."""

    video_file: str
    sentence_id: str
    sentence: str


@dataclass(frozen=True)
class ExtractionPlan:
    """What is to be done, in the order of the videos' paths.

    Attributes:
        jobs: one a video.
        problems: videos that are no job, and rows that contradict each other.
        missing: rows of the table without a video.
    """

    jobs: tuple[VideoJob, ...]
    problems: tuple[Problem, ...]
    missing: tuple[MissingVideo, ...]


def plan_extraction(videos: Path, metadata: Path | None = None) -> ExtractionPlan:
    """List the videos and give each its label.

    Args:
        videos: a folder, searched with its subfolders; one video; or a folder in SignTalk-GH's layout.
        metadata: CSV or XLSX; None takes `Metadata.xlsx` (or .csv) of that layout, or leaves the clips without text.

    Raises:
        DataError: no such folder, no video in it, or the table cannot be read or lacks its columns.
        MissingExtraError: an XLSX table, and openpyxl is not installed.
    """
    root, metadata = _layout(videos, metadata)
    files = list_videos(root)
    if not files:
        raise DataError(f"{root}: no video in it; expected files ending in {', '.join(sorted(VIDEO_SUFFIXES))}")
    names, problems = _clip_names(root if root.is_dir() else root.parent, files)
    if metadata is None:
        return ExtractionPlan(tuple(_job(path, name, Label()) for path, name in names.items()), tuple(problems), ())
    table = _LabelTable(metadata, read_table(metadata))
    jobs = []
    for path, name in names.items():
        label = table.label_of(path)
        if label is None:
            problems.append(Problem(Path(name).stem, "no_metadata", f"{path}: no row of {metadata} names it; add one"))
        else:
            jobs.append(_job(path, name, label))
    return ExtractionPlan(tuple(jobs), (*problems, *table.problems), table.missing())


def list_videos(root: Path) -> list[Path]:
    """All video files under a folder, or the one file given; sorted by path, hidden ones left out.

    Raises:
        DataError: there is no such folder or file.
    """
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise DataError(f"{root}: no such folder or video")
    paths = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        paths += [Path(folder) / name for name in names if not name.startswith(".")]
    return sorted(path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES)


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Read a CSV or XLSX table as text: column names and rows, blanks trimmed and runs of blanks made one.

    Raises:
        DataError: it cannot be read or has no header.
        MissingExtraError: an XLSX table, and openpyxl is not installed.
    """
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _read_xlsx(path)
    columns, rows = read_csv(path)
    return columns, [{name: " ".join(cell.split()) for name, cell in row.items()} for row in rows]


def _layout(videos: Path, metadata: Path | None) -> tuple[Path, Path | None]:
    """The folder of the videos and the table, where `videos` may be the folder that holds both."""
    if not videos.is_dir():
        return videos, metadata
    inside = {path.name.lower(): path for path in sorted(videos.iterdir())}
    root = inside["videos"] if "videos" in inside and inside["videos"].is_dir() else videos
    if metadata is None:
        metadata = inside.get("metadata.xlsx") or inside.get("metadata.csv")
    return root, metadata


def _read_xlsx(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError("reading .xlsx needs openpyxl: pip install 'signtalk[extract]'") from error
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        cells = [
            [_cell(value) for value in row] for row in book.worksheets[0].iter_rows(values_only=True, max_row=_MAX_ROWS)
        ]
        book.close()
    except Exception as error:
        raise DataError(f"{path}: not a readable .xlsx table ({error}); save it again, or as CSV") from error
    # A title may stand above the header: the first row that names two columns we know is the header.
    for number, header in enumerate(cells):
        if len(_known_columns(header)) >= 2:
            rows = [dict(zip(header, row, strict=False)) for row in cells[number + 1 :] if any(row)]
            return header, rows
    raise DataError(f"{path}: no header row with columns such as 'video_file' or 'sentence_id', and 'sentence'")


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else " ".join(str(value).split())


def _known_columns(columns: Iterable[str]) -> dict[str, str]:
    """Our column names, each with the table's name for it."""
    folded = {re.sub(r"[\W_]+", "", name).lower(): name for name in reversed(list(columns)) if name}
    return {
        ours: next(folded[alias] for alias in aliases if alias in folded)
        for ours, aliases in _COLUMNS.items()
        if any(alias in folded for alias in aliases)
    }


class _LabelTable:
    """The labels by video name and by sentence id, and which of them were asked for."""

    def __init__(self, path: Path, table: tuple[list[str], list[dict[str, str]]]) -> None:
        columns, rows = table
        known = _known_columns(columns)
        if "video_file" not in known and "sentence_id" not in known:
            raise DataError(
                f"{path}: columns {', '.join(columns)}; expected 'video_file' or 'sentence_id', and 'sentence'"
            )
        self._rows: list[tuple[str, Label]] = []
        self._used: set[int] = set()
        self._by_video: dict[str, int] = {}
        self._by_id: dict[str, int] = {}
        self.problems: list[Problem] = []
        for row in rows:
            cells = {ours: row.get(name, "") for ours, name in known.items()}
            self._add(path, cells.get("video_file", ""), _label(path, cells))

    def _add(self, path: Path, video: str, label: Label) -> None:
        number = len(self._rows)
        self._rows.append((video, label))
        keys, key = (self._by_video, _folded(video)) if video else (self._by_id, _folded_id(label.sentence_id))
        if key in keys:
            first = self._rows[keys[key]][1]
            self._used.add(number)  # a repetition is not missing
            if text_key(first.sentence) != text_key(label.sentence):
                what = f"'{video or label.sentence_id}' is '{first.sentence}' and later '{label.sentence}'"
                self.problems.append(
                    Problem(video or label.sentence_id, "contradiction", f"{path}: {what}; the first counts")
                )
            return
        keys[key] = number

    def label_of(self, video: Path) -> Label | None:
        """The label of a video: by its name, else by the sentence id that its name begins with."""
        stem = re.sub(r"\s+", "", video.stem)
        lettered = _LETTERED.fullmatch(stem)
        tries = [(self._by_video, _folded(video.name), False), (self._by_id, _folded_id(stem), False)]
        if lettered:
            tries += [(self._by_id, _folded_id(lettered[1]), True), (self._by_video, _folded(lettered[1]), True)]
        for rows, key, letter_is_signer in tries:
            if key in rows:
                self._used.add(rows[key])
                label = self._rows[rows[key]][1]
                signed = letter_is_signer or (lettered and _folded_id(lettered[1]) == _folded_id(label.sentence_id))
                return replace(label, signer=stem[-1].upper()) if signed and not label.signer else label
        return None

    def missing(self) -> tuple[MissingVideo, ...]:
        """Rows that no video was found for."""
        return tuple(
            MissingVideo(video, label.sentence_id, label.sentence)
            for number, (video, label) in enumerate(self._rows)
            if number not in self._used
        )


def _label(path: Path, cells: Mapping[str, str]) -> Label:
    sentence_id = re.sub(r"^(\d+)\.0$", r"\1", cells.get("sentence_id", ""))
    sentence = cells.get("sentence", "")
    if not sentence_id and sentence:  # without ids the text is the class
        sentence_id = hashlib.sha256(text_key(sentence).encode()).hexdigest()[:8]
    return Label(
        sentence_id=sentence_id,
        sentence=sentence,
        category=cells.get("category", ""),
        signer=cells.get("signer", ""),
        session=cells.get("session", ""),
        variations=_variations(path, cells.get("text_variations", "")),
        is_idle=cells.get("is_idle", "").lower().removesuffix(".0") in ("1", "true"),
    )


def _variations(path: Path, cell: str) -> tuple[str, ...]:
    if not cell:
        return ()
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: text_variations '{cell[:40]}' is not JSON; expected a list of texts") from error
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise DataError(f"{path}: text_variations '{cell[:40]}' is no JSON list of texts")
    return tuple(value)


def _folded(name: str) -> str:
    """A file name without folder, suffix, blanks and case, as tables and folders spell them differently."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, suffix = last.rpartition(".")
    last = stem if dot and f".{suffix.strip().lower()}" in VIDEO_SUFFIXES else last
    return re.sub(r"\s+", "", last).casefold()


def _folded_id(sentence_id: str) -> str:
    folded = re.sub(r"\s+", "", sentence_id).casefold()
    return str(int(folded)) if folded.isdecimal() else folded


def _clip_names(root: Path, files: Iterable[Path]) -> tuple[dict[Path, str], list[Problem]]:
    """A table name for each video, stems unique: its file name, with its folders where that name comes twice."""
    names: dict[Path, str] = {}
    problems: list[Problem] = []
    taken: set[str] = set()
    cleaned = {path: _clean(path.name) for path in files}
    counts = Counter(Path(name).stem.casefold() for name in cleaned.values())
    for path, name in cleaned.items():
        if counts[Path(name).stem.casefold()] > 1:
            name = _clean("__".join(path.relative_to(root).parts))
        key = Path(name).stem.casefold()
        if key in taken:
            problems.append(Problem(Path(name).stem, "duplicate", f"{path}: another video has this name; rename one"))
            continue
        taken.add(key)
        names[path] = name
    return names, problems


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
