"""Texts to names of files that are safe on every system, and names as other systems write them.

Labels and ids of clips -> unique_names -> one name each; imports and exports of other tools' clips use it.
Names in a table or of a folder -> unquoted, composed -> what can be compared.
`<sentence_id><letter>` -> split_letter, folded_id -> the sentence and who signs it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote

_LONGEST_NAME = 50
"""Characters of a file name made from a text: 255 bytes are the limit, a letter may take four."""
_LETTERED = re.compile(r"(.*\d)([A-Ea-e])", re.DOTALL)


def safe_name(text: str) -> str:
    """A name that is safe on every file system, "" for a text without letters or digits."""
    return re.sub(r"[^\w.-]+", "_", text)[:_LONGEST_NAME].strip("._-")


def unquoted(name: str) -> str:
    """A name as a file has it, where a table has its address: "my%20clip.mp4"."""
    return unquote(name) if "%20" in name or "://" in name else name


def composed(name: str) -> str:
    """The name with its letters composed (NFC): macOS writes "é" as two characters, other systems as one."""
    return unicodedata.normalize("NFC", name)


def split_letter(name: str) -> tuple[str, str]:
    """The sentence id and the signer's letter, as a capital, of a name that is `<sentence_id><letter>`.

    The id must end in a digit: "care" is not the sentence "car", signed by E.

    Returns:
        Both; or the name and "" where it is built otherwise.
    """
    match = _LETTERED.fullmatch(name)
    return (match[1], match[2].upper()) if match else (name, "")


def folded_id(sentence_id: str) -> str:
    """A sentence id without blanks and case; of a number also without leading zeros and the ".0" of spreadsheets."""
    folded = composed(re.sub(r"\s+", "", sentence_id)).casefold()
    number = re.sub(r"^(\d+)\.0$", r"\1", folded)
    return str(int(number)) if number.isdecimal() else folded


def unique_names(names: Iterable[str]) -> list[str]:
    """Safe file names of these clips, a number added where two would be the same, whatever their case."""
    taken: set[str] = set()
    unique = []
    for wanted in names:
        base = safe_name(wanted) or "clip"
        tries = (base if i == 1 else f"{base}-{i}" for i in range(1, len(taken) + 2))
        name = next(name for name in tries if name.casefold() not in taken)
        taken.add(name.casefold())
        unique.append(name)
    return unique
