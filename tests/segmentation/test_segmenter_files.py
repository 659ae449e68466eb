"""The numbers of a segmenter as a file: they come back, and a hostile file is named."""

import json
import math

import pytest

from signtalk.errors import ArtifactError
from signtalk.segmentation.activity import FEATURE_NAMES
from signtalk.segmentation.segmenter import SHIPPED, SegmenterSettings, shipped_settings

SETTINGS = shipped_settings()


def test_settings_come_back_from_a_file(tmp_path) -> None:
    path = tmp_path / "numbers.json"
    SETTINGS.save(path)
    assert SegmenterSettings.load(path) == SETTINGS
    assert json.loads(path.read_text())["format_version"] == 1


def test_the_shipped_file_is_whole() -> None:
    settings = shipped_settings()
    assert settings == SegmenterSettings.load(SHIPPED)
    assert settings.model.feature_names == FEATURE_NAMES
    assert settings.fitted_by
    assert settings is shipped_settings()


def broken(**change):
    return SETTINGS.model_dump(mode="json") | change


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not a UTF-8 JSON file"),
        ("[" * 100_000, "not a UTF-8 JSON file"),
        ("[]", "the file"),
        ("{}", "model: Field required"),
        (json.dumps(broken(format_version=2)), "format_version"),
        (json.dumps(broken(extra=1)), "extra: Extra inputs"),
        (json.dumps(broken(signing_mean=math.nan)), "signing_mean"),
        (json.dumps(broken(model=broken()["model"] | {"output_bias": math.inf})), "model.output_bias"),
        (json.dumps(broken(model=broken()["model"] | {"hidden": [["a"] * 16]})), "model.hidden.0.0"),
        (json.dumps(broken(model=broken()["model"] | {"mean": [0.0]})), "model: Value error"),
        (json.dumps(broken(config={"stop_threshold": 0.99})), "config: Value error"),
    ],
)
def test_a_hostile_file_is_one_line_that_names_it(content, said, tmp_path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text(content)
    with pytest.raises(ArtifactError) as caught:
        SegmenterSettings.load(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(path))


def test_a_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="no such file"):
        SegmenterSettings.load(tmp_path / "none.json")
