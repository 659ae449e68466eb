"""Clips of real people that lie beside the project, for tests that may read them."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

REAL_DATA = Path(os.environ.get("SIGNTALK_DATA", Path(__file__).parents[3] / "shared" / "data"))


def real_reader() -> Any:
    """The module that reads the real sets; the test is skipped where they are not there."""
    script = REAL_DATA / "signdata.py"
    if not script.is_file():
        pytest.skip(f"{script} is not there; set SIGNTALK_DATA")
    spec = importlib.util.spec_from_file_location("signdata", script)
    assert spec is not None and spec.loader is not None
    signdata = importlib.util.module_from_spec(spec)
    sys.modules["signdata"] = signdata  # dataclasses look their module up by name
    spec.loader.exec_module(signdata)
    return signdata


def real_clips(name: str) -> list[Any]:
    """The clips of a set, as its own reader gives them."""
    return list(real_reader().load(name))
