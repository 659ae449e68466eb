"""Which row of a table is a video's: by its name and folder, or by the sentence id that its name begins with.

    Table + videos -> LabelTable.labels_of -> Label of each video that has one

A row is first given to the file that has just its name, then to the file that has it but for the suffix, which a row
may leave out; only rows and videos that are still without each other are compared without suffix, blanks and case, then
by a signer's letter behind a sentence id, and only where one fits one. Whoever names a folder means what lies in it
before anything elsewhere. Letters may be composed in any way throughout.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path, PurePosixPath

from signtalk.data.cells import span_titles
from signtalk.data.columns import spellings
from signtalk.data.names import composed, folded_id, split_letter, unquoted
from signtalk.data.records import Problem, RowError, read_flag, text_key
from signtalk.data.tables import Table
from signtalk.errors import DataError
from signtalk.extraction.video import VIDEO_SUFFIXES

_FILE_COLUMNS = ("video_file", "path")
_Key = tuple[str, str]
"""By which a row is found: whether it is the name of a file or a sentence id, and that."""
_Claim = tuple[int, str]
"""The number of a row, and the signer's letter by which its sentence id names a video, else ""."""
_CLOSENESS = _EXACT, _WITHOUT_SUFFIX, _LOOSE, _LETTER, _LOOSE_LETTER = range(5)
"""How a row names a video, the closest first."""
_ELSEWHERE = -1
"""In place of how many folders a row and a video share: its folders were those of another machine."""


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
    """One row: the video that it names or "", else its sentence id; and its label, None where the row is at fault."""

    video: str
    sentence_id: str
    label: Label | None
    where: str

    @property
    def folders(self) -> tuple[str, ...]:
        return _folders(PurePosixPath(unquoted(self.video).replace("\\", "/")).parts[:-1])

    @property
    def named(self) -> str:
        return f"{self.where} ('{self.video or self.sentence_id}')"

    def keys(self) -> dict[int, _Key]:
        """By which it is found, from the closest on."""
        if not self.video:
            as_written, folded = ("id", self.sentence_id), ("id", folded_id(self.sentence_id))
            return {_WITHOUT_SUFFIX: as_written, _LOOSE: folded, _LETTER: as_written, _LOOSE_LETTER: folded}
        name = _name(self.video)
        closest = _EXACT if _without_suffix(name) != name else _WITHOUT_SUFFIX
        return {closest: ("file", name), _LOOSE: ("file", _folded(name))}

    def common_folders(self, folders: tuple[str, ...]) -> int | None:
        """How many of these, from the last one on, it names too; None where it names another in their place."""
        pairs = list(zip(reversed(self.folders), reversed(folders), strict=False))
        return len(pairs) if all(one == other for one, other in pairs) else None


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
        self._taken: dict[_Claim, Path] = {}
        self._by_key: dict[tuple[int, _Key], list[int]] = defaultdict(list)
        self._first: dict[tuple[object, ...], int] = {}
        for row in table.rows:
            cells = {name: " ".join(text.split()) for name, text in row.cells.items()}
            video = next((cells[name] for name in _FILE_COLUMNS if cells.get(name)), "")
            try:
                row.checked()
                label = _label(table.path, cells)
            except RowError as error:
                self.problems.append(Problem(video or cells.get("sentence_id") or row.where, error.kind, str(error)))
                label = None
            self._add(_Row(video, composed(cells.get("sentence_id", "")), label, row.where))

    def _add(self, row: _Row) -> None:
        number = len(self._rows)
        self._rows.append(row)
        name = _name(row.video) if row.video else folded_id(row.sentence_id)
        first = self._first.setdefault((bool(row.video), row.folders, name), number)
        if first != number:
            self._used.add(number)  # a repetition is not missing
            self._tell_contradiction(first, row)
            return
        for key in row.keys().items():
            self._by_key[key].append(number)

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
        unmatched = {video: _folders(video.relative_to(base).parts[:-1]) for video in videos}
        claimed: dict[Path, _Claim] = {}
        for closeness, least_common in [*product(_CLOSENESS, (1,)), *product(_CLOSENESS, (0, _ELSEWHERE))]:
            wanted: dict[_Claim, list[Path]] = defaultdict(list)
            for video, folders in list(unmatched.items()):
                claims = self._claims(video, folders, closeness, least_common)
                if len(claims) > 1:
                    del unmatched[video]
                    self._refuse_several(video, claims)
                elif claims:
                    wanted[claims[0]].append(video)
            for claim, group in wanted.items():
                self._taken[claim] = group[0]
                for video in group:
                    del unmatched[video]
                claimed |= dict.fromkeys(self._agreed(claim, group), claim)
        for video in unmatched:
            self._refuse_unnamed(video)
        self._used |= {number for number, _ in claimed.values()}
        labels = {video: self._rows[number].label for video, (number, _) in claimed.items()}
        # a row at fault has been told
        return {video: _signed(video, label) for video, label in labels.items() if label is not None}

    def missing(self) -> tuple[MissingVideo, ...]:
        """Rows that no video was found for."""
        return tuple(
            MissingVideo(row.video, row.label.sentence_id, row.label.sentence)
            for number, row in enumerate(self._rows)
            if number not in self._used and row.label is not None
        )

    def _claims(self, video: Path, folders: tuple[str, ...], closeness: int, least_common: int) -> list[_Claim]:
        """The rows that name a video so closely: one for a clear match, several that fit alike, or none.

        Args:
            video: the file.
            folders: that it lies in.
            closeness: how the row must name it.
            least_common: how many folders both must name; _ELSEWHERE = whatever they name, the name alone is clear.
        """
        for key, letter in _keys_of(video.name)[closeness]:
            numbers = self._by_key.get((closeness, key), [])
            if least_common != _ELSEWHERE:
                common = {number: self._rows[number].common_folders(folders) for number in numbers}
                scores = {row: score for row, score in common.items() if score is not None and score >= least_common}
                numbers = [number for number in scores if scores[number] == max(scores.values())]
            elif len(numbers) > 1:
                numbers = []
            free = [(number, letter) for number in numbers if (number, letter) not in self._taken]
            if free:
                return free
        return []

    def _agreed(self, claim: _Claim, videos: Sequence[Path]) -> Sequence[Path]:
        """Those of the videos that a row names which may have it: all if they share their name, else none; and told."""
        row = self._rows[claim[0]]
        is_one_name = len({_without_suffix(_name(video.name)) for video in videos}) == 1
        lie_apart = is_one_name and len({video.parent for video in videos}) == len(videos)
        if len({video.name for video in videos}) > 1 and not lie_apart:
            for video in videos:
                others = "' and '".join(str(other) for other in videos if other != video)
                why = f"{row.named} of {self._path} fits it and '{others}' alike"
                self._refuse(video, "ambiguous", why, "write there which file is meant, or rename one")
            return ()
        if row.video and len(videos) > 1:
            self.notes.append(
                f"{self._path}: {row.named} is taken for {len(videos)} videos of that name; where they differ, give "
                "each its row with its folder"
            )
        return videos

    def _refuse_several(self, video: Path, claims: Sequence[_Claim]) -> None:
        places = " and ".join(self._rows[number].where for number, _ in claims[:3])
        advice = "name its folder there, or write its name as the file has it"
        self._refuse(video, "ambiguous", f"{places} of {self._path} fit it alike", advice)

    def _refuse_unnamed(self, video: Path) -> None:
        """Tell that a video has no row, and which one has that of its name without suffix, blanks and case."""
        for closeness in (_LOOSE, _LOOSE_LETTER):
            for key, letter in _keys_of(video.name)[closeness]:
                for number in self._by_key.get((closeness, key), ()):
                    if other := self._taken.get((number, letter)):
                        why = f"no row of {self._path} names it, and {self._rows[number].named} fits '{other}' better"
                        self._refuse(video, "same_name", why, "add a row with its name, or rename it")
                        return
        self._refuse(video, "no_metadata", f"no row of {self._path} names it", "add one")

    def _refuse(self, video: Path, kind: str, why: str, advice: str) -> None:
        self.problems.append(Problem(video.stem, kind, f"{video}: {why}; {advice}"))


def _keys_of(name: str) -> tuple[list[tuple[_Key, str]], ...]:
    """How rows may name a file of this name, and the signer's letter behind the id: for each closeness, best first."""
    exact = _name(name)
    bare, loose = _without_suffix(exact), _folded(exact)
    told_id, letter = split_letter(bare)
    loose_id, loose_letter = split_letter(loose)
    return (
        [(("file", exact), "")],
        [(("file", bare), ""), (("id", bare), "")],
        [(("file", loose), ""), (("id", folded_id(loose)), "")],
        [(("id", told_id), letter)] if letter and bare.endswith(letter) else [],
        [(("id", folded_id(loose_id)), loose_letter)] if loose_letter else [],
    )


def _signed(video: Path, label: Label) -> Label:
    """With the signer that the letter behind the sentence id tells, where the table tells none."""
    sentence_id, letter = split_letter(_folded(_name(video.name)))
    is_signer = letter and folded_id(sentence_id) == folded_id(label.sentence_id)
    return replace(label, signer=letter) if is_signer and not label.signer else label


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


def _name(path: str) -> str:
    """The name of a file without its folders, its letters composed, as one line."""
    return composed(" ".join(unquoted(path).replace("\\", "/").rsplit("/", 1)[-1].split()))


def _without_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem.strip() if dot and f".{suffix.strip().lower()}" in VIDEO_SUFFIXES else name


def _folded(name: str) -> str:
    """Without the suffix of a video, blanks and case, as tables and folders spell names differently."""
    return _squeezed(_without_suffix(name)).casefold()


def _squeezed(name: str) -> str:
    """Without blanks, its letters composed."""
    return composed(re.sub(r"\s+", "", name))


def _folders(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(_squeezed(part).casefold() for part in parts if part not in (".", "/"))
