"""What a table's cells say that nobody meant: texts encoded twice, people told apart by case, numbers for words.

    our columns, rows -> worded_column, cell_notes -> the column that holds words, and a sentence for each oddity

Nothing is changed here: a cell may be meant as it stands, so that its owner is told and decides.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from signtalk.data.columns import folded_title, places_of
from signtalk.errors import one_line

_TEXTS = ("sentence", "signer", "category")
_FILES = ("video_file", "path")
_NOBODY = frozenset(("unknown", "unk", "n/a", "none", "null", "nan", "tbd", "?", "??", "-", "--", "."))
"""What people and programs write where nothing is known."""
_DITTO = frozenset(
    ('"', "''", ",,", "\u201e", "\u201d", "\u2033", "\u3003", "ditto", "dito", "idem", "id.", "do.", "same", "as above",
     "same as above", "see above", '-"-', '"-', '-"', "-''-")
)  # fmt: skip
"""What people write for "as in the row above"."""
_MARKUP = re.compile(
    r"&(#\d+|#x[0-9a-f]+|amp|lt|gt|quot|apos|nbsp);|</?(b|i|u|p|br|em|strong|span|div|font)\b[^<>]*>", re.I
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?")
_NUMBER = re.compile(r"-?\d+(\.0)?")
_STARTS, _ENDS = ("start", "begin", "begin", "from"), ("end", "end", "stop", "to")
_UNITS = ("", "time", "s", "ms", "sec", "frame", "realigned", "timecode", "times", "timems", "timehhmmssms")
_LIST = re.compile(r"""[\[{]\s*["'\[{].*[\]}]""", re.DOTALL)
"""A list or object as JSON and Python write it, which tells nobody how it is to be read."""
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")
_MOST = 4


def span_titles(titles: Sequence[str]) -> tuple[str, ...]:
    """The titles by which a row says which part of a video it means, first and last; none where it means all of it."""
    by_spelling = {folded_title(title): title for title in reversed(titles)}
    for start, end in zip(_STARTS, _ENDS, strict=True):
        for unit in _UNITS:
            for pair in ((f"{start}{unit}", f"{end}{unit}"), (f"{unit}{start}", f"{unit}{end}")):
                if all(spelled in by_spelling for spelled in pair):
                    return tuple(by_spelling[spelled] for spelled in pair)
    return ()


def worded_column(titles: Sequence[str], rows: Sequence[Sequence[str]], place: int) -> int:
    """The column of texts: another of its names where the first holds class numbers alone, and that one words.

    Args:
        titles: of the table.
        rows: its cells.
        place: of the column that was matched by its title.
    """
    if not _only_numbers(_filled(rows, place)):
        return place
    others = [other for other in places_of(titles, "sentence") if other != place]
    return next((other for other in others if (c := _filled(rows, other)) and not _only_numbers(c)), place)


def cell_notes(where: str, columns: Mapping[str, Sequence[str]], not_texts: Sequence[str] = ()) -> list[str]:
    """A sentence for each thing about the cells that is hardly meant.

    Args:
        where: the table, for the notes.
        columns: the trimmed cells of each of our columns.
        not_texts: the texts of sentences that a spreadsheet holds as numbers, times, or true and false.
    """
    notes = _letter_notes(where, [cell for name in _TEXTS for cell in columns.get(name, ()) if cell])
    notes += _unseen_notes(where, [cell for name in (*_TEXTS, *_FILES) for cell in columns.get(name, ())])
    for name, meaning in (("sentence", "text"), ("signer", "person")):
        cells = columns.get(name, ())
        if nobody := [cell for cell in cells if cell.casefold() in _NOBODY]:
            notes.append(
                f"{where}: {len(nobody)} cells for {name} say {_some(nobody)}, which counts as a {meaning} of that "
                "name; leave what is not known empty"
            )
        if ditto := [cell for cell in cells if cell.casefold() in _DITTO]:
            notes.append(
                f"{where}: {len(ditto)} cells for {name} say {_some(ditto)}, which counts as a {meaning} of that name; "
                "write out what stands in the row above"
            )
    notes += _case_notes(where, columns.get("signer", ()))
    for name in ("sentence", "sentence_id"):
        if dates := [cell for cell in columns.get(name, ()) if _DATE.fullmatch(cell)]:
            notes.append(
                f"{where}: {len(dates)} cells for {name} are dates, such as {_some(dates)}; spreadsheets make dates of "
                "1-2 and the like, so write such cells as text"
            )
    sentences = [cell for cell in columns.get("sentence", ()) if cell]
    if lists := [cell for cell in sentences if _LIST.fullmatch(cell)]:
        notes.append(f"{where}: {len(lists)} texts are lists, such as {_some(lists)}; write each as words with blanks")
    if len(set(sentences)) > 1 and _only_numbers(sentences):
        notes.append(
            f"{where}: its texts are numbers alone, such as {_some(sentences)}; where they are numbers of classes, "
            "write what is signed"
        )
    elif not_texts:
        notes.append(
            f"{where}: {len(not_texts)} cells for sentence are numbers, times, or true or false, such as "
            f"{_some(not_texts)}; they are taken as they stand, so where a word is meant, write it as text"
        )
    return notes


def _letter_notes(where: str, texts: Sequence[str]) -> list[str]:
    """What is said of letters that were spoilt on their way."""
    notes = []
    if twice := [cell for cell in texts if _is_encoded_twice(cell)]:
        notes.append(
            f"{where}: {len(twice)} texts look as if encoded twice, such as {_some(twice)}; save the table as UTF-8"
        )
    if lost := [cell for cell in texts if "\ufffd" in cell]:
        notes.append(f"{where}: {len(lost)} texts have lost letters (\ufffd), such as {_some(lost)}; write them anew")
    if marked := [cell for cell in texts if _MARKUP.search(cell)]:
        notes.append(
            f"{where}: {len(marked)} texts hold marks of a web page, such as {_some(marked)}; write the letters that "
            "they stand for"
        )
    return notes


def _unseen_notes(where: str, texts: Sequence[str]) -> list[str]:
    """What is said of letters that nobody sees."""
    unseen = [cell for cell in texts if _INVISIBLE.search(cell)]
    if not unseen:
        return []
    some = _some(_INVISIBLE.sub(lambda letter: f"\\u{ord(letter[0]):04x}", cell) for cell in unseen)
    return [
        f"{where}: {len(unseen)} texts hold invisible characters, such as {some}; texts that differ in them alone "
        "count as two, so write them anew"
    ]


def _filled(rows: Sequence[Sequence[str]], place: int) -> list[str]:
    return [cells[place].strip() for cells in rows if place < len(cells) and cells[place].strip()]


def _only_numbers(cells: Sequence[str]) -> bool:
    return bool(cells) and all(_NUMBER.fullmatch(cell) for cell in cells)


def _is_encoded_twice(text: str) -> bool:
    """Whether these letters are the bytes of UTF-8, each read as a letter: "Ã¹" is "ù"."""
    with suppress(UnicodeError):
        return text.encode("cp1252").decode("utf-8") != text
    return False


def _case_notes(where: str, signers: Iterable[str]) -> list[str]:
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for signer in filter(None, signers):
        groups[_spelling(signer)][signer] += 1
    alike = ["' and '".join(spelled) for spelled in groups.values() if len(spelled) > 1]
    if not alike:
        return []
    some = "; ".join(f"'{names}'" for names in alike[:_MOST])
    return [
        f"{where}: signers that differ in case, blanks, marks or zeros alone count as several people: {some}; spell "
        "each one way"
    ]


def _spelling(signer: str) -> str:
    """A name without case, marks, blanks and the zeros before and behind a number: "S-01" and "s1" are one."""
    bare = re.sub(r"[\W_]+", "", re.sub(r"(\d)\.0$", r"\1", signer.casefold()))
    return re.sub(r"(?<!\d)0+(?=\d)", "", bare) or signer


def _some(cells: Iterable[str]) -> str:
    return ", ".join(f"'{one_line(cell, 40)}'" for cell in list(dict.fromkeys(cells))[:_MOST])
