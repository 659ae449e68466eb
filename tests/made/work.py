"""How much a call does, counted instead of timed: other programs on the machine change a time, never a count."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from signtalk import __file__ as _package_file

_PACKAGE = _package_file.rpartition("/")[0]


def lines_run(call: Callable[[], Any]) -> int:
    """How many lines of SignTalk's Python run during a call; what runs compiled, in NumPy or Numba, counts nothing."""
    count = 0

    def traced(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            return None
        count += event == "line"
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        call()
    finally:
        sys.settrace(before)
    return count
