"""Which row of a table is a video's: by its name and folder, or by the sentence id that its name begins with.

    Table + videos -> LabelTable.labels_of -> Label of each video that has one

Names are compared without suffix, blanks and case, however their letters are composed; where two videos differ in case
alone, case decides, and none of them takes the other's row.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from signtalk.data.cells import span_titles
from signtalk.data.columns import spellings
from signtalk.data.names import composed, unquoted
from signtalk.data.records import Problem, RowError, read_flag, text_key
from signtalk.data.tables import Table
from signtalk.errors import DataError
from signtalk.extraction.video import VIDEO_SUFFIXES

_LETTERED = re.compile(r"(.+?)[A-Ea-e]")
_FILE_COLUMNS = ("video_file", "path")


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
class MissingVideo:
    """A row of the table without a video."""

    video_file: str
    sentence_id: str
    sentence: str


@dataclass(frozen=True)
class _Row:
    """One row: the video that it names or "", that name's parts, and its label; None where the row is at fault."""

    video: str
    label: Label | None
    where: str

    @property
    def stem(self) -> str:
        return _stem(self.video)

    @property
    def folders(self) -> tuple[str, ...]:
        return _folders(PurePosixPath(unquoted(self.video).replace("\\", "/")).parts[:-1])


class LabelTable:
    """The rows by video name and by sentence id, and which of them were asked for.

    Args:
        table: read with the columns of videos and labels.

    Raises:
        DataError: it has no column of videos or sentence ids, or none of texts; or its variations are no JSON.
    """

    def __init__(self, table: Table) -> None:
        columns = table.columns
        if not columns & {*_FILE_COLUMNS, "sentence_id"}:
            raise DataError(
                table.without(f"expected 'video_file' or 'sentence_id', and 'sentence' ({spellings('video_file')})")
            )
        if not columns & {"sentence", "text_variations", "is_idle"}:
            raise DataError(table.without(f"none says what is signed, expected one of {spellings('sentence')}"))
        self._path = table.path
        self.has_signers = "signer" in columns
        self.notes = list(table.notes)
        self._spans = "' and '".join(span_titles(table.titles))
        if self._spans:
            self.notes.append(
                f"{table.path}: '{self._spans}' say that rows are parts of videos, but videos are taken whole; cut "
                "each row's part into a video of its own first (ffmpeg -ss START -to END)"
            )
        self.problems: list[Problem] = []
        self._rows: list[_Row] = []
        self._used: set[int] = set()
        self._by_name: dict[str, list[int]] = defaultdict(list)
        self._by_id: dict[str, int] = {}
        self._first: dict[tuple[str, ...], int] = {}
        for row in table.rows:
            cells = {name: " ".join(text.split()) for name, text in row.cells.items()}
            video = next((cells[name] for name in _FILE_COLUMNS if cells.get(name)), "")
            try:
                row.checked()
                label = _label(table.path, cells)
            except RowError as error:
                self.problems.append(Problem(video or cells.get("sentence_id") or row.where, error.kind, str(error)))
                label = None
            self._add(_Row(video, label, row.where), cells.get("sentence_id", ""))

    def _add(self, row: _Row, sentence_id: str) -> None:
        number = len(self._rows)
        self._rows.append(row)
        key = (*row.folders, row.stem) if row.video else ("", _folded_id(sentence_id), "")
        first = self._first.setdefault(key, number)
        if first != number:
            self._used.add(number)  # a repetition is not missing
            self._tell_contradiction(first, row)
        elif row.video:
            self._by_name[row.stem.casefold()].append(number)
        else:
            self._by_id[_folded_id(sentence_id)] = number

    def _tell_contradiction(self, first: int, later: _Row) -> None:
        one, other = self._rows[first].label, later.label
        if one and other and (text_key(one.sentence), one.signer) != (text_key(other.sentence), other.signer):
            name = later.video or other.sentence_id
            texts = [" by ".join(filter(None, (f"'{label.sentence}'", label.signer))) for label in (one, other)]
            what, counts = f"'{name}' is {texts[0]} and later {texts[1]}", "the first counts"
            if self._spans:  # the whole video is none of them
                self._rows[first] = replace(self._rows[first], label=None)
                counts = "it is left out, for each means a part of it"
            self.problems.append(Problem(name, "contradiction", f"{self._path}: {what}; {counts}"))

    def labels_of(self, videos: Iterable[Path], base: Path) -> dict[Path, Label]:
        """The label of each video that has one; what has none stands in `problems`.

        Args:
            videos: the files.
            base: the folder that they lie in.
        """
        takers: dict[int, list[Path]] = defaultdict(list)
        labels: dict[Path, Label] = {}
        for video in videos:
            number, by_letter, why = self._row_of(video, _folders(video.relative_to(base).parts[:-1]))
            if number is None:
                self._refuse(video, "ambiguous" if why else "no_metadata", why or f"no row of {self._path} names it")
                continue
            self._used.add(number)
            label = self._rows[number].label
            if label is not None:  # a row at fault has been told
                takers[number].append(video)
                labels[video] = _signed(video, label, by_letter)
        for number, group in takers.items():
            self._check_shared(self._rows[number], group, labels)
        return labels

    def missing(self) -> tuple[MissingVideo, ...]:
        """Rows that no video was found for."""
        return tuple(
            MissingVideo(row.video, row.label.sentence_id, row.label.sentence)
            for number, row in enumerate(self._rows)
            if number not in self._used and row.label is not None
        )

    def _row_of(self, video: Path, folders: tuple[str, ...]) -> tuple[int | None, bool, str]:
        """The row of a video, whether the last letter of its name is the signer, and why there is none."""
        stem = _stem(video.name)
        lettered = _LETTERED.fullmatch(stem)
        for name, by_letter in ((stem, False), *([(lettered[1], True)] if lettered else ())):
            by_id = [self._by_id[_folded_id(name)]] if _folded_id(name) in self._by_id else []
            numbers = self._fitting(name, folders)
            for rows in (by_id, numbers) if by_letter else (numbers, by_id):
                if len(rows) > 1:
                    places = " and ".join(self._rows[number].where for number in rows[:3])
                    return None, False, f"{places} of {self._path} fit it alike; name its folder or its case there"
                if rows:
                    return rows[0], by_letter, ""
        return None, False, ""

    def _fitting(self, name: str, folders: tuple[str, ...]) -> list[int]:
        """The rows that name a video best: one for a clear match, several that fit alike, or none."""
        candidates = self._by_name.get(name.casefold(), [])
        scores = {}
        for number in candidates:
            row = self._rows[number]
            pairs = list(zip(reversed(row.folders), reversed(folders), strict=False))
            if all(one == other for one, other in pairs):
                scores[number] = (row.stem == name, len(pairs))
        if not scores:  # folders as they were on another machine: the name alone may be clear
            return candidates[:1] if len(candidates) == 1 else []
        return [number for number, score in scores.items() if score == max(scores.values())]

    def _check_shared(self, row: _Row, videos: Sequence[Path], labels: dict[Path, Label]) -> None:
        """Videos that differ in case alone do not share a row; those of one name do, and are told."""
        groups: dict[str, list[Path]] = defaultdict(list)
        for video in videos:
            groups[_stem(video.name).casefold()].append(video)
        for group in groups.values():
            stems = sorted({_stem(video.name) for video in group})
            kept = row.stem if row.stem in stems else stems[0]
            for video in [video for video in group if len(stems) > 1 and _stem(video.name) != kept]:
                del labels[video]
                self._refuse(
                    video, "same_name", f"its name differs in case alone from that of '{kept}', whose row it is"
                )
            alike = [video for video in group if video in labels]
            if row.video and len(alike) > 1 and len(stems) == 1:
                self.notes.append(
                    f"{self._path}: {row.where} ('{row.video}') is taken for {len(alike)} videos of that name; where "
                    "they differ, give each its row with its folder"
                )

    def _refuse(self, video: Path, kind: str, why: str) -> None:
        advice = "; add one" if kind == "no_metadata" else ""
        self.problems.append(Problem(video.stem, kind, f"{video}: {why}{advice}"))


def _signed(video: Path, label: Label, by_letter: bool) -> Label:
    """With the signer that the last letter of the name tells, where the table tells none."""
    stem = _stem(video.name)
    lettered = _LETTERED.fullmatch(stem)
    is_letter = by_letter or (lettered and _folded_id(lettered[1]) == _folded_id(label.sentence_id))
    return replace(label, signer=stem[-1].upper()) if is_letter and not label.signer else label


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
        is_idle=read_flag(cells, "is_idle"),
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


def _stem(name: str) -> str:
    """A file name without folder, the suffix of a video, and blanks, as tables and folders spell them differently."""
    last = unquoted(name).replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, suffix = last.rpartition(".")
    last = stem if dot and f".{suffix.strip().lower()}" in VIDEO_SUFFIXES else last
    return _squeezed(last)


def _squeezed(name: str) -> str:
    """Without blanks, its letters composed."""
    return composed(re.sub(r"\s+", "", name))


def _folders(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(_squeezed(part).casefold() for part in parts if part not in (".", "/"))


def _folded_id(sentence_id: str) -> str:
    folded = _squeezed(sentence_id).casefold()
    return str(int(folded)) if folded.isdecimal() else folded
