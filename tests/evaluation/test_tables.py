import math

from signtalk.evaluation.intervals import Interval
from signtalk.evaluation.tables import markdown_table, shown_interval, shown_number, without_nan


def test_a_table_is_markdown_whatever_its_cells_hold() -> None:
    found = markdown_table(("a", "b"), [("1", "x|y"), ("2", "")])
    assert found == "| a | b |\n| --- | --- |\n| 1 | x/y |\n| 2 |  |"


def test_what_is_not_known_is_a_dash() -> None:
    assert [shown_number(v) for v in (None, math.nan, 0.12345)] == ["-", "-", "0.123"]
    assert shown_interval(None) == "-"
    assert shown_interval(Interval(0.5, math.nan, math.nan, 0.95)) == "0.500"
    assert shown_interval(Interval(0.5, 0.25, 0.75, 0.95), 2) == "0.50 (0.25-0.75)"


def test_json_gets_null_for_nan_at_any_depth() -> None:
    assert without_nan({"a": [math.nan, (1.0, math.inf)], "b": "NaN"}) == {"a": [None, [1.0, None]], "b": "NaN"}
