"""Running a command in this process, at a terminal of some width."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from signtalk.cli import main as cli
from signtalk.cli.console import out_console


def run_cli(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["signtalk", *map(str, arguments)])
    try:
        cli.main()
    except SystemExit as done:
        return int(done.code or 0)
    return 0


@contextmanager
def terminal(columns: int) -> Iterator[None]:
    """Let tables be as wide as that; at 80 columns a path is folded."""
    before = out_console.width
    out_console.width = columns
    try:
        yield
    finally:
        out_console.width = before
