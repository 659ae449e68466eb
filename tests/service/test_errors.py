"""What a client is told about an error, and what not."""

import logging

import pytest

from signtalk.errors import ArtifactError, ClipError, ConfigError, DataError
from signtalk.service.errors import RefusedError, refusal_of
from signtalk.service.queue import BusyError, ClosedError


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RefusedError(404, "none"), 404, "not_found"),
        (BusyError(True, 3), 429, "too_many_requests"),
        (BusyError(False, 3), 503, "busy"),
        (ClosedError(), 503, "stopping"),
        (TimeoutError(), 503, "busy"),
        (ClipError("frame 3"), 400, "bad_clip"),
        (ConfigError("no word"), 400, "bad_value"),
        (ArtifactError("/srv/ward: damaged"), 500, "internal"),
        (DataError("/srv/ward: cannot write"), 500, "internal"),
        (OSError("/srv/ward"), 500, "internal"),
        (ZeroDivisionError("x"), 500, "internal"),
    ],
)
def test_status_and_code(error: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    refusal = refusal_of(error)
    assert (refusal.status, refusal.code) == (status, code)
    assert "/srv" not in str(refusal.to_dict())
    assert ("Retry-After" in refusal.response().headers) == (status in (429, 503))
    assert bool(caplog.records) == (status == 500)
    assert refusal.message


def test_a_client_waits_as_long_as_it_was_told() -> None:
    assert refusal_of(BusyError(True, 7)).response().headers["Retry-After"] == "7"
