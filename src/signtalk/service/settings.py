"""What a service allows, and how it is set: one object, given by the command line or the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, field_validator

from signtalk.service.stream_signer import LEAST_SENTENCES

KEY_VARIABLE = "SIGNTALK_KEY"
_SHORTEST_KEY = 16


class ServiceSettings(BaseModel, frozen=True, extra="forbid"):
    """Bounds on everything that comes from outside.

    Attributes:
        key: whoever sends it may enrol and forget; None = nobody may.
        personal: folder of the index that enrolled sentences go to; None = nothing can be enrolled.
        keep_clips: keep the landmarks of what is enrolled, where the request tells consent.
        films: folder of `signtalk record --videos`, of which sentences are shown by people who agreed to it.
        origins: web pages of other hosts that may ask; none by default.
        hosts: names under which it is asked, as `localhost` or `*.ward.example`; empty = any. Against pages
            whose host's name is made to point here.
        log_content: let landmarks' sizes and the sentences of answers stand in the log; off, for they are a patient's.
        max_body_bytes: of a request.
        max_collection_bytes: of what was taught, as one file.
        max_frames: of a clip.
        max_waiting: questions that wait for an answer at a time; more are told to come back.
        max_waiting_a_client: of these from one address; each stream counts as a client of its own.
        max_batch: questions that are answered together.
        body_timeout_s: until a request's body must be there.
        answer_timeout_s: until its answer must be.
        max_streams: sockets at a time.
        max_streams_a_client: of these from one address; as many devices of pairs from it, too.
        hello_timeout_s: until a socket must have said what it is.
        idle_timeout_s: without a frame after which a socket is closed.
        max_frames_a_message: of a stream.
        max_frames_a_second: of a stream, on average over a few seconds.
        max_pairs: of two devices at a time.
        pair_code_s: how long the code that one of them shows is good.
        max_pair_tries: wrong codes from one address within a minute.
        pair_silent_s: without a word after which a device counts as lost.
        pair_lost_s: after which a lost device can no longer come back.
        max_signer_sentences: confirmed sentences that a stream learns its person from, the last ones; 0 = it learns
            nothing.
        stop_timeout_s: how long accepted requests are still answered once the service is told to stop.
    """

    key: SecretStr | None = None
    personal: Path | None = None
    keep_clips: bool = False
    films: Path | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    log_content: bool = False
    max_body_bytes: int = Field(default=16 * 1024**2, ge=1024)
    max_collection_bytes: int = Field(default=128 * 1024**2, ge=1024)
    max_frames: int = Field(default=1200, ge=1)
    max_waiting: int = Field(default=256, ge=1)
    max_waiting_a_client: int = Field(default=64, ge=1)
    max_batch: int = Field(default=16, ge=1, le=64)
    body_timeout_s: float = Field(default=20, gt=0)
    answer_timeout_s: float = Field(default=20, gt=0)
    max_streams: int = Field(default=256, ge=1)
    max_streams_a_client: int = Field(default=256, ge=1)
    hello_timeout_s: float = Field(default=10, gt=0)
    idle_timeout_s: float = Field(default=120, gt=0)
    max_frames_a_message: int = Field(default=60, ge=1)
    max_frames_a_second: float = Field(default=75, gt=0)
    max_pairs: int = Field(default=64, ge=1)
    pair_code_s: float = Field(default=120, gt=0)
    max_pair_tries: int = Field(default=5, ge=1)
    pair_silent_s: float = Field(default=2.5, gt=0)
    pair_lost_s: float = Field(default=120, gt=0)
    max_signer_sentences: int = Field(default=30, ge=0)
    stop_timeout_s: float = Field(default=20, gt=0)

    @field_validator("key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < _SHORTEST_KEY:
            raise ValueError(f"a key needs at least {_SHORTEST_KEY} characters; try `openssl rand -hex 24`")
        return key

    @field_validator("max_signer_sentences")
    @classmethod
    def _enough_or_none(cls, most: int) -> int:
        if 0 < most < LEAST_SENTENCES:
            raise ValueError(f"{most} sentences teach nothing; expected 0, or at least {LEAST_SENTENCES}")
        return most

    @field_validator("origins")
    @classmethod
    def _no_star(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not origin.startswith(("http://", "https://")) or origin.endswith("/") or "*" in origin:
                raise ValueError(f"origin '{origin}'; expected scheme and host alone, as https://ward.example")
        return origins

    @property
    def may_enroll(self) -> bool:
        """Whether sentences can be enrolled at all."""
        return self.key is not None and self.personal is not None

    @property
    def may_keep_clips(self) -> bool:
        """Whether clips can be kept at all."""
        return self.may_enroll and self.keep_clips


def key_from(environment: Mapping[str, str] = os.environ) -> SecretStr | None:
    """The key of the environment, where other users of the machine do not see it as they see arguments."""
    key = environment.get(KEY_VARIABLE, "").strip()
    return SecretStr(key) if key else None
