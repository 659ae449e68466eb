"""Options as dataclasses: a command that takes them is, for whoever types, one that takes each field."""

from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from signtalk.cli.options import ModelOptions, ReadingOptions, grouped, not_nan

KINDS = {int: st.integers(-99, 99), float: st.floats(-9, 9, allow_nan=False), str: st.from_regex(r"\A[a-z]{1,8}\Z")}
NAMES = st.from_regex(r"\A[a-z]{3,8}(_[a-z]{2,5})?\Z").filter(lambda name: name not in ("help", "which", "as_json"))


def invoked(command: Any, *arguments: object) -> Any:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@st.composite
def groups(draw: st.DrawFn) -> tuple[type, dict[str, Any]]:
    """A dataclass of options, each with or without a default, and values for some that include all the needed."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    kinds = {name: draw(st.sampled_from(list(KINDS))) for name in names}
    needed = names[: draw(st.integers(0, len(names)))]  # fields without a default come first
    columns = [
        (name, Annotated[kinds[name], typer.Option()])
        if name in needed
        else (name, Annotated[kinds[name], typer.Option()], field(default=draw(KINDS[kinds[name]])))
        for name in names
    ]
    typed = {*needed, *draw(st.lists(st.sampled_from(names)))}
    values = {name: draw(KINDS[kinds[name]]) for name in names if name in typed}
    return make_dataclass("Group", columns, frozen=True), values


@given(groups(), st.booleans())
def test_a_command_gets_the_object_that_its_options_make(group: tuple[type, dict[str, Any]], as_json: bool) -> None:
    kind, values = group
    calls: list[tuple[Any, bool]] = []

    def command(which: kind, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
        calls.append((which, as_json))

    typed = [part for name, value in values.items() for part in (f"--{name.replace('_', '-')}", value)]
    result = invoked(grouped(command), *typed, *(["--json"] if as_json else []))
    assert result.exit_code == 0, result.output
    assert calls == [(kind(**values), as_json)]


@dataclass(frozen=True)
class Made:
    first: Annotated[int, typer.Option(min=1, help="At least one.")]
    second: Annotated[str, typer.Option("--other-name", "-o", help="Under another name.")] = "x"


def by_group(clip: Annotated[str, typer.Argument()], made: Made, last: Annotated[float, typer.Option()] = 0.5) -> None:
    """Does it.

    Example: signtalk do it
    """
    typer.echo(f"{clip} {made} {last}")


def by_hand(
    clip: Annotated[str, typer.Argument()],
    first: Annotated[int, typer.Option(min=1, help="At least one.")],
    second: Annotated[str, typer.Option("--other-name", "-o", help="Under another name.")] = "x",
    last: Annotated[float, typer.Option()] = 0.5,
) -> None:
    """Does it.

    Example: signtalk do it
    """


def test_the_options_are_those_of_a_command_that_names_each() -> None:
    by_hand.__name__ = "by_group"
    assert invoked(grouped(by_group), "--help").output == invoked(by_hand, "--help").output
    for arguments in (("c", "--first", 3), ("c", "-o", "y", "--first", 1, "--last", 2)):
        assert invoked(grouped(by_group), *arguments).exit_code == invoked(by_hand, *arguments).exit_code == 0


def test_name_and_help_stay_the_commands() -> None:
    command = grouped(by_group)
    assert command.__name__ == "by_group"
    assert command.__doc__ == by_group.__doc__
    assert "Example: signtalk do it" in invoked(command, "--help").output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("c",), "--first"),
        (("c", "--first", 0), "than or equal to 1"),
        (("c", "--first", "x"), "valid"),
        (("c", "--fist", 1), "fist"),
    ],
)
def test_what_a_field_refuses_is_refused(arguments: tuple[object, ...], expected: str) -> None:
    result = invoked(grouped(by_group), *arguments)
    assert result.exit_code == 2
    assert expected in result.output


def test_two_groups_stay_apart() -> None:
    seen: list[Any] = []

    def command(which: ModelOptions, reading: ReadingOptions) -> None:
        seen.append((which.run, which.bundle, reading.fps, reading.smoothing_alpha))

    assert invoked(grouped(command), "--fps", 25).exit_code == 0
    assert seen == [(None, None, 25.0, ReadingOptions().smoothing_alpha)]
    assert invoked(grouped(command), "--fps", "nan").exit_code == 2


def test_nan_is_no_number_and_none_is_not_given() -> None:
    assert not_nan(None) is None
    assert not_nan(1.5) == 1.5
    with pytest.raises(typer.BadParameter):
        not_nan(float("nan"))
