"""Bounds, keys and origins."""

import pytest
from pydantic import ValidationError

from signtalk.service.settings import ServiceSettings, key_from


def test_nothing_is_open_by_default() -> None:
    settings = ServiceSettings()
    assert settings.key is None
    assert settings.origins == ()
    assert not settings.may_enroll
    assert not settings.log_content


def test_a_key_is_long_and_not_shown() -> None:
    with pytest.raises(ValidationError, match="at least 16"):
        ServiceSettings.model_validate({"key": "short"})
    assert "0123456789" not in repr(ServiceSettings.model_validate({"key": "0123456789abcdef"}))


@pytest.mark.parametrize("origin", ["*", "https://*.example", "ward.example", "https://ward.example/", "null"])
def test_an_origin_is_one_host(origin: str) -> None:
    with pytest.raises(ValidationError, match="expected scheme and host"):
        ServiceSettings(origins=(origin,))


def test_a_person_is_learned_from_enough_sentences_or_none() -> None:
    assert ServiceSettings(max_signer_sentences=0).max_signer_sentences == 0
    with pytest.raises(ValidationError, match="at least 4"):
        ServiceSettings(max_signer_sentences=3)


def test_the_key_comes_from_the_environment() -> None:
    assert key_from({}) is None
    assert key_from({"SIGNTALK_KEY": "  "}) is None
    key = key_from({"SIGNTALK_KEY": " secret \n"})
    assert key is not None
    assert key.get_secret_value() == "secret"


def test_enrolment_needs_a_key_and_a_place(tmp_path) -> None:  # type: ignore[no-untyped-def]
    key = "0123456789abcdef"
    assert ServiceSettings.model_validate({"key": key, "personal": tmp_path}).may_enroll
    assert not ServiceSettings.model_validate({"key": key}).may_enroll
    assert not ServiceSettings(personal=tmp_path).may_enroll


def test_clips_are_kept_only_where_sentences_can_be_enrolled(tmp_path) -> None:  # type: ignore[no-untyped-def]
    enrolling = {"key": "0123456789abcdef", "personal": tmp_path}
    assert not ServiceSettings.model_validate(enrolling).may_keep_clips
    assert ServiceSettings.model_validate({**enrolling, "keep_clips": True}).may_keep_clips
    assert not ServiceSettings(keep_clips=True).may_keep_clips
