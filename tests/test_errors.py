import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel, Field, ValidationError

from signtalk import errors

CHILDREN = {
    "DataError": "SignTalkError",
    "ClipError": "DataError",
    "ArtifactError": "SignTalkError",
    "ExportRefusedError": "ArtifactError",
    "ConfigError": "SignTalkError",
    "MissingExtraError": "SignTalkError",
    "ServiceError": "SignTalkError",
}


def test_the_tree_is_the_one_that_the_docstring_draws():
    classes = {name: cls for name, cls in vars(errors).items() if isinstance(cls, type)}
    assert set(classes) == {"SignTalkError", *CHILDREN}
    assert {name: classes[name].__bases__[0].__name__ for name in CHILDREN} == CHILDREN
    assert all(name in errors.__doc__ for name in classes)


def test_a_missing_extra_is_also_an_import_error():
    with pytest.raises(ImportError, match="pip install"):
        raise errors.MissingExtraError("plots need matplotlib: pip install 'signtalk[train]'")


def test_user_errors_are_not_programming_errors():
    assert not issubclass(errors.SignTalkError, (ValueError, TypeError))


PROJECT = Path(__file__).parent.parent / "pyproject.toml"
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn"}  # else the import name with dashes


def requirements() -> dict[str, set[str]]:
    """Names of the packages of each extra, without those of the extras that it builds on."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    return {extra: {re.split(r"[^\w.-]", line)[0] for line in lines} for extra, lines in extras.items()}


def test_every_optional_package_is_in_the_extra_that_the_table_says():
    needed = requirements()
    for package, extra in errors.EXTRA_OF.items():
        assert DISTRIBUTIONS.get(package, package.replace("_", "-")) in needed[extra], package


def test_no_package_of_an_extra_is_forgotten():
    needed = requirements()
    listed = {DISTRIBUTIONS.get(package, package.replace("_", "-")) for package in errors.EXTRA_OF}
    named = set().union(*(needed[extra] for extra in set(errors.EXTRA_OF.values()))) - {"signtalk"}
    assert named - listed == set()


def test_a_clinic_builds_the_models_with_the_release_that_their_checksum_holds_for():
    extras = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (pin,) = [line for line in extras["extract"] if line.startswith("flatbuffers==")]
    assert pin in extras["serve"]


def test_a_missing_package_is_told_with_its_extra():
    gone = ModuleNotFoundError("No module named 'pose_format.numpy'", name="pose_format.numpy")
    error = errors.missing_extra(gone, "reading .pose")
    assert str(error) == "reading .pose needs pose_format: pip install 'signtalk[interchange]'"
    assert "needs other" in str(errors.missing_extra(ModuleNotFoundError("", name="other")))


def test_what_comes_from_outside_is_told_in_one_line():
    assert errors.one_line("two\n  lines", 7) == "two lin" and errors.one_line(None) == "None"


def test_a_name_of_any_bytes_can_be_printed():
    assert errors.printable("café") == "café"
    assert errors.printable("a\udcffb") == "a\\udcffb"


def test_the_first_fault_of_a_document_names_its_place():
    class Form(BaseModel):
        rows: list[int]

    with pytest.raises(ValidationError) as raised:
        Form.model_validate({"rows": [1, "x"]})
    assert errors.first_fault(raised.value).startswith("rows.1: Input should be a valid integer")


class Settings(BaseModel):
    share: float = Field(gt=0)


def test_a_setting_out_of_range_is_one_clear_line() -> None:
    assert errors.checked(lambda: Settings(share=0.5)).share == 0.5
    with pytest.raises(errors.ConfigError, match=r"^share: Input should be greater than 0$"):
        errors.checked(lambda: Settings(share=0))
