"""Functions of items for worker processes, which import them by name, and a machine where two work on ten items."""

import os
import time
import warnings

import pytest

from signtalk import processes
from signtalk.errors import ClipError


def in_two_processes(monkeypatch: pytest.MonkeyPatch, chunk: int = 2) -> None:
    monkeypatch.setattr(processes, "usable_cores", lambda: 2)
    monkeypatch.setattr(processes, "_LEAST_ITEMS", 2)
    monkeypatch.setattr(processes, "_CHUNK", chunk)


class Stubborn(Exception):
    """Can be pickled, but not unpickled."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


def with_process(item: int) -> tuple[int, int]:
    return item, os.getpid()


def refuses_five(item: int) -> int:
    if item == 5:
        raise ClipError(f"clip {item}: damaged")
    return item


def stubborn(item: int) -> int:
    raise Stubborn(f"{item} is odd", item)


def warns_of_thirds(item: int, words: str = "") -> int:
    if item % 3 == 0:
        warnings.warn(words or f"{item} is odd", UserWarning, stacklevel=1)
    return item


def ends_elsewhere(item: int, home: int) -> int:
    if item == 5 and os.getpid() != home:
        os._exit(3)
    return item


def slow(item: int) -> int:
    time.sleep(0.5)
    return item
