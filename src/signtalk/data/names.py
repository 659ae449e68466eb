"""Texts to names of files that are safe on every system.

Labels and ids of clips -> unique_names -> one name each; imports and exports of other tools' clips use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LONGEST_NAME = 50
"""Characters of a file name made from a text: 255 bytes are the limit, a letter may take four."""


def safe_name(text: str) -> str:
    """A name that is safe on every file system, "" for a text without letters or digits."""
    return re.sub(r"[^\w.-]+", "_", text)[:_LONGEST_NAME].strip("._-")


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
