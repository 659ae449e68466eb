"""Texts to names of files that are safe on every system, and names as other systems write them.

Labels and ids of clips -> unique_names -> one name each; imports and exports of other tools' clips use it.
Names in a table or of a folder -> unquoted, composed -> what can be compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote

_LONGEST_NAME = 50
"""Characters of a file name made from a text: 255 bytes are the limit, a letter may take four."""


def safe_name(text: str) -> str:
    """A name that is safe on every file system, "" for a text without letters or digits."""
    return re.sub(r"[^\w.-]+", "_", text)[:_LONGEST_NAME].strip("._-")


def unquoted(name: str) -> str:
    """A name as a file has it, where a table has its address: "my%20clip.mp4"."""
    return unquote(name) if "%20" in name or "://" in name else name


def composed(name: str) -> str:
    """The name with its letters composed (NFC): macOS writes "é" as two characters, other systems as one."""
    return unicodedata.normalize("NFC", name)


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
