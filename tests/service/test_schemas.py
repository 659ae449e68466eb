"""Bodies, and the whole description tried by a fuzzer that reads it."""

import base64
from pathlib import Path

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError
from schemathesis.specs.openapi.checks import positive_data_acceptance

from made.service import BEARER, KEY, asked_service, json_of
from made.small_run import SmallRun
from made.wire import made_clip
from signtalk.errors import ClipError
from signtalk.landmarks.wire import encode_clip
from signtalk.service.schemas import EnrollBody, PrototypeBody, clip_of_message

schemathesis.serializer.alias("application/zip", "application/octet-stream")


def test_bytes_base64_and_json_are_the_same_clip() -> None:
    clip = made_clip(4)
    data = encode_clip(clip)
    for form in (data, base64.b64encode(data).decode(), json_of(clip)):
        found = clip_of_message(form, "clip", 10)
        np.testing.assert_allclose(found.landmarks, clip.landmarks, rtol=1e-6)
        np.testing.assert_allclose(found.timestamps_s, clip.timestamps_s, atol=1e-9)
        assert found.aspect == pytest.approx(clip.aspect)
        with pytest.raises(ClipError, match="at most 3"):
            clip_of_message(form, "clip", 3)


@pytest.mark.parametrize("text", ["***", "U0dUMQ=", "ü", ""])
def test_what_is_no_base64_is_told(text: str) -> None:
    with pytest.raises(ClipError, match="clip 1"):
        EnrollBody(text="x", clips=[text]).read_clips(10)


def test_one_to_three_clips() -> None:
    for count in (0, 4):
        with pytest.raises(ValidationError):
            EnrollBody(text="x", clips=["U0dUMQ=="] * count)


def test_rows_of_the_prototype_have_one_length() -> None:
    assert PrototypeBody(features=[[1.0, 2.0], [3.0, 4.0]]).rows().shape == (2, 2)
    with pytest.raises(ClipError, match="different lengths"):
        PrototypeBody(features=[[1.0], [1.0, 2.0]]).rows()


@pytest.mark.slow
def test_whatever_the_description_allows_is_answered_as_it_says(small_run: SmallRun, tmp_path: Path) -> None:
    """No error of the service itself, and no status that the description does not name."""
    with asked_service(small_run.bundle, personal=tmp_path / "ward", key=KEY) as (client, _):
        schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
        tried = []
        for result in schema.get_all_operations():
            operation = result.ok()
            tried.append(operation.label)

            @settings(max_examples=15, suppress_health_check=list(HealthCheck), database=None)
            @given(case=operation.as_strategy())
            def ask(case: schemathesis.Case) -> None:
                # A description cannot say that a clip must show somebody: such data may be refused.
                case.call_and_validate(headers=BEARER, excluded_checks=[positive_data_acceptance])

            ask()
        assert len(tried) >= 13
