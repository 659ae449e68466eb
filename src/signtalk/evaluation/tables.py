"""Numbers, intervals and tables as reports show them: to people, and in JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from signtalk.evaluation.intervals import Interval


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar within a cell becomes a slash."""
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(cell.replace("|", "/") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def shown_number(value: float | None, digits: int = 3) -> str:
    """A number, "-" where there is none."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def shown_interval(interval: Interval | None, digits: int = 3) -> str:
    """An estimate and its range; the estimate alone where the range is not known, "-" where there is none."""
    if interval is None:
        return "-"
    if math.isnan(interval.low):
        return shown_number(interval.estimate, digits)
    return f"{interval.estimate:.{digits}f} ({interval.low:.{digits}f}-{interval.high:.{digits}f})"


def without_nan(value: Any) -> Any:
    """Nested values for JSON, which has no NaN: it becomes null."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
