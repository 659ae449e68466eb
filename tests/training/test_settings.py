import pytest
from pydantic import BaseModel

from signtalk.errors import ConfigError
from signtalk.training.settings import checked_settings, nearest, with_settings


class Part(BaseModel, frozen=True, extra="forbid"):
    size: int = 3
    name: str = "a"


class Whole(BaseModel, frozen=True, extra="forbid"):
    seed: int = 0
    part: Part = Part()


def test_assignments_change_what_they_name_and_nothing_else() -> None:
    whole = Whole()
    changed = with_settings(whole, ["part.size=7", "seed=2", "part.name=two words"])
    assert changed == Whole(seed=2, part=Part(size=7, name="two words"))
    assert whole == Whole()


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("part.sizes=7", "no setting 'part.sizes'; did you mean part.size"),
        ("part=7", "no setting 'part'"),
        ("seed", "setting 'seed' without a value; write seed=VALUE"),
        ("part.size=x", r"setting part.size: .*found 'x'"),
    ],
)
def test_what_cannot_be_set_is_told_by_name(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        with_settings(Whole(), [assignment])


def test_a_value_of_the_wrong_kind_is_told_with_what_was_found() -> None:
    with pytest.raises(ConfigError, match=r"setting seed: .*found None"):
        checked_settings(Whole, {"seed": None})


def test_the_nearest_name_is_asked_for() -> None:
    assert nearest("optimizer", ["optimiser", "network"]) == "; did you mean optimiser?"
    assert nearest("zzz", ["size", "name"]) == ""
