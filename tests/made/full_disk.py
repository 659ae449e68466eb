"""A disk that is full: a file system of a few hundred kilobytes, for those who may mount one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, kilobytes: int = 1024) -> Iterator[Path]:
    """A folder that holds no more than so much; the test is skipped where none can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    if os.name != "posix" or done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # arrays may still be mapped from it


def is_one_line(text: str) -> bool:
    """One line of an error, and no trace of the program."""
    lines = [line for line in text.splitlines() if line.startswith("signtalk:")]
    return len(lines) == 1 and text.strip().endswith(lines[0]) and "Traceback" not in text
