"""Tables in JSON, as data sets of signs come: a list of objects, one a clip, or one a word with its clips in it.

    text -> json_rows -> rows of cells, the titles first

WLASL has an object a word with `gloss` and `instances`; MS-ASL and many others one an example. Lines of JSON objects
are read, too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from signtalk.errors import DataError
from signtalk.files import json_or_lines

_EXPECTED = "expected a list of objects, one a clip, or one a word with a list of its clips"


def is_json(text: str) -> bool:
    """Whether a text is JSON by its beginning, which no table of titles has."""
    return text.lstrip()[:1] in ("[", "{") and text.lstrip()[1:].lstrip()[:1] in ('"', "{", "[", "]", "}")


def json_rows(path: Path, text: str) -> list[list[str]]:
    """The titles, and a row for each clip.

    Values that are lists or objects become their JSON, a missing one "".

    Args:
        path: for messages.
        text: of the file.

    Raises:
        DataError: no JSON, or of another shape.
    """
    records = [record for entry in _entries(path, text) for record in _records(entry)]
    titles = list(dict.fromkeys(name for record in records for name in record))
    if not titles:
        raise DataError(f"{path}: JSON without a clip in it; {_EXPECTED}")
    return [titles, *([_cell(record.get(title)) for title in titles] for record in records)]


def _entries(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        value = json_or_lines(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not readable as JSON ({error}); {_EXPECTED}") from error
    if isinstance(value, dict):  # {"annotations": [...]}
        lists = [each for each in value.values() if _is_list_of_objects(each)]
        value = lists[0] if len(lists) == 1 else value
    if not _is_list_of_objects(value):
        raise DataError(f"{path}: JSON of another shape than a table; {_EXPECTED}")
    entries: list[dict[str, Any]] = value
    return entries


def _records(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The entry itself, or each object of the one list that it holds, with what the entry says of all."""
    lists = [name for name, value in entry.items() if _is_list_of_objects(value)]
    if len(lists) != 1:
        return [entry]
    shared = {name: value for name, value in entry.items() if name != lists[0]}
    return [shared | record for record in entry[lists[0]]]


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
