"""Loops that run as machine code: numba compiles them at their first call and keeps the result beside the source.

Used by `dtw`, `ctc` and `comparison` for loops that no array operation expresses well. numba is imported at that
first call, so that commands which compare nothing start without it. It is the extra `fast`, for it takes 200 MB:
without it each loop's array form runs, which gives the same, more slowly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Compiled(Generic[_Arguments, _Result]):
    """A plain loop over arrays and numbers, compiled; other threads go on while it runs.

    Attributes:
        plain: the function as it was written, for comparison.
        arrays: the same by operations on whole arrays, where numba is not installed.
    """

    def __init__(self, plain: Callable[_Arguments, _Result], arrays: Callable[_Arguments, _Result]) -> None:
        self.plain, self.arrays = plain, arrays
        self._compiled: Callable[_Arguments, _Result] | None = None
        update_wrapper(self, plain)

    def __call__(self, *arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        """What the plain function gives."""
        if self._compiled is None:  # two threads at once compile twice, to the same
            try:
                self._compiled = _machine_code(self.plain)
            except ModuleNotFoundError:
                self._compiled = self.arrays
        return self._compiled(*arguments, **named)


def compiled(
    arrays: Callable[_Arguments, _Result],
) -> Callable[[Callable[_Arguments, _Result]], Compiled[_Arguments, _Result]]:
    """Compile the decorated loop; `arrays` gives the same where that cannot be done."""
    return lambda plain: Compiled(plain, arrays)


def _machine_code(plain: Callable[..., Any]) -> Callable[..., Any]:
    from numba import njit

    try:
        return njit(cache=True, nogil=True)(plain)
    except RuntimeError:  # no folder where the result could be kept, as in a container that may not write
        return njit(nogil=True)(plain)
