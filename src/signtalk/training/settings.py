"""Settings that are changed from outside: `section.key=value`, checked, with the nearest name where one is unknown.

Recipe | PretrainConfig + ["optimiser.epochs=60"] --with_settings--> the same kind of object, changed
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from signtalk.errors import ConfigError

Settings = TypeVar("Settings", bound=BaseModel)


def with_settings(settings: Settings, assignments: Iterable[str]) -> Settings:
    """The settings with `section.key=value` assignments applied, values read as JSON where they can be.

    Args:
        settings: a tree of frozen settings.
        assignments: in their order.

    Raises:
        ConfigError: an assignment is malformed, unknown or out of range.
    """
    tree: dict[str, Any] = settings.model_dump()
    for assignment in assignments:
        path, separator, text = assignment.partition("=")
        *sections, key = path.strip().split(".")
        place: Any = tree
        for section in sections:
            place = place.get(section) if isinstance(place, dict) else None
        if not separator or not isinstance(place, dict) or key not in place or isinstance(place[key], dict):
            raise ConfigError(_no_setting(path.strip(), bool(separator), tree))
        place[key] = _value(text.strip())
    return checked_settings(type(settings), tree)


def checked_settings(kind: type[Settings], tree: dict[str, Any]) -> Settings:
    """The settings of this kind from their values.

    Raises:
        ConfigError: a value is out of range, or two do not fit each other.
    """
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "of the recipe"
        if first["type"] == "value_error":  # of several settings together: the message names what was found
            raise ConfigError(f"setting {where}: {first['ctx']['error']}") from error
        raise ConfigError(f"setting {where}: {first['msg']}; found {first['input']!r}") from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _no_setting(path: str, has_value: bool, tree: dict[str, Any]) -> str:
    """What is wrong with a setting's name, and what may have been meant."""
    names = [
        name
        for key, value in tree.items()
        for name in ([f"{key}.{inner}" for inner in value] if isinstance(value, dict) else [key])
    ]
    if path in names and not has_value:
        return f"setting '{path}' without a value; write {path}=VALUE"
    *_, key = path.split(".")
    same_key = [name for name in names if name.split(".")[-1] == key]
    section, sections = path.split(".")[0], [key for key, value in tree.items() if isinstance(value, dict)]
    where = (
        f"{section} has {', '.join(tree[section])}" if section in sections else f"sections are {', '.join(sections)}"
    )
    return f"no setting '{path}'{nearest(path, names, same_key)}; {where}"


def nearest(name: str, names: Sequence[str], surely: Sequence[str] = ()) -> str:
    """A question with the nearest names, those of `surely` if there are any; nothing where none is near.

    Args:
        name: that is not known.
        names: that are.
        surely: the names that are meant, where something else tells.
    """
    near = list(surely) or difflib.get_close_matches(name, names, n=2, cutoff=0.8)
    return f"; did you mean {' or '.join(near[:3])}?" if near else ""
