"""What people who are recorded agreed to: the form, and who said what, in a table beside the clips.

form_text -> what a person reads; read_agreements <-> consents.csv; allowed -> what holds now
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from signtalk.errors import DataError
from signtalk.files import read_csv, write_csv

CONSENTS_NAME = "consents.csv"
YES = "yes"
"""What stands in the table where somebody allowed something; else nothing."""
_FIRST_COLUMNS = 3
"""Folders from before videos could be kept, or shown, have these alone, or one more."""
_NO_PICTURES = "It keeps no picture and no sound."
_PICTURES = """It keeps no sound.
Pictures it keeps only where I allow that below. They stay on this computer.
Other people see them, as an example of a sign, only where I allow that as well."""
_PLAIN_FORM = """I sign sentences before a camera. A program looks at the pictures.
It keeps only where my hands, my face and my body are, as points. {pictures}

The points are used to teach computers to understand sign language.
People who know me well might recognise me by how I move. My name is not kept, only a code.

I may stop at any time. I may have everything deleted that was recorded of me, today or later.
I say my code then.
"""
_LONGEST_FORM = 20_000


@dataclass(frozen=True)
class Agreement:
    """What a signer agreed to.

    Attributes:
        signer: as in the table of clips.
        date: "2026-11-28".
        form: the first 16 digits of the SHA-256 of the form's text, which lies beside it.
        videos: "yes" where the pictures may be kept, too.
        shown: "yes" where others may see them, as an example of the sign.
    """

    signer: str
    date: str
    form: str
    videos: str = ""
    shown: str = ""


_COLUMNS = tuple(field.name for field in fields(Agreement))
_NOTHING = Agreement("", "", "")


def form_text(path: Path | None, keeps_videos: bool = False) -> str:
    """The text of a consent form; a plain one where none is given.

    Args:
        path: of a text file.
        keeps_videos: whether pictures are kept where the person allows it, which the plain form tells.

    Raises:
        DataError: it cannot be read, or is empty or far too long.
    """
    if path is None:
        return _PLAIN_FORM.format(pictures=_PICTURES if keeps_videos else _NO_PICTURES)
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(_LONGEST_FORM + 1).strip()
    except (OSError, UnicodeError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text ({error}); give the form as .txt") from error
    if not 0 < len(text) <= _LONGEST_FORM:
        raise DataError(f"{path}: {len(text)} characters; expected a form of 1 to {_LONGEST_FORM}")
    return text


def allowed(agreements: Sequence[Agreement], signer: str) -> Agreement:
    """What a signer said last, which holds; nothing is allowed by whom has said nothing."""
    return next((each for each in reversed(agreements) if each.signer == signer), _NOTHING)


def read_agreements(folder: Path) -> list[Agreement]:
    """All agreements of a folder in their order; none where nobody has agreed yet.

    Raises:
        DataError: the table cannot be read, or is no such table.
    """
    path = folder / CONSENTS_NAME
    if not path.exists():
        return []
    columns, rows = read_csv(path)
    if len(columns) < _FIRST_COLUMNS or tuple(columns) != _COLUMNS[: len(columns)]:
        raise DataError(f"{path}: columns {', '.join(columns)}; expected {', '.join(_COLUMNS)}. Put it back as it was")
    return [Agreement(**row) for row in rows]


def write_agreements(folder: Path, agreements: Sequence[Agreement]) -> None:
    """Write the table anew.

    Raises:
        DataError: it cannot be written.
    """
    write_csv(folder / CONSENTS_NAME, _COLUMNS, map(asdict, agreements))
