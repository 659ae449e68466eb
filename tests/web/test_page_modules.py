"""The page's modules that need no browser, each by its own tests in node."""

import subprocess
from pathlib import Path

import pytest

from made.web import NODE, needs_node

TESTS = sorted(Path(__file__).parent.glob("*.test.mjs"))


@needs_node
@pytest.mark.parametrize("script", TESTS, ids=lambda script: script.name.removesuffix(".test.mjs"))
def test_in_node(script: Path) -> None:
    done = subprocess.run([NODE, "--test", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_some() -> None:
    assert TESTS
