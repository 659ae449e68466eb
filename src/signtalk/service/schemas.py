"""Bodies of requests, and what the OpenAPI description says of those that are read by hand."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from signtalk.arrays import FloatArray
from signtalk.data.mediapipe_json import clip_from_json
from signtalk.errors import ClipError
from signtalk.index.takes import Consent
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.plausible import checked_clip
from signtalk.landmarks.wire import CLIP_MEDIA_TYPE, decode_clip

MOST_TEXT = 500
"""Characters of a sentence, and of what is searched for."""
MOST_NAME = 200
"""Characters of a category and the like."""
MOST_LINE = 1000
"""Characters of a line that one device of a pair shows to the other: several taps are one line."""
MOST_LINES = 30
"""Lines of a talk that go from one to the other."""
_Text = Annotated[str, Field(min_length=1, max_length=MOST_TEXT)]
_Name = Annotated[str, Field(max_length=MOST_NAME)]
_Row = Annotated[list[float], Field(max_length=2000)]
MOST_ENROLLED = 3
MOST_ASKED = 20
"""Sentences that a person is asked to sign, so that they are known."""


class SearchBody(BaseModel):
    """What `/v1/search` is asked."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "where does it hurt", "limit": 5, "categories": []}]}
    )
    text: _Text
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    categories: Annotated[list[_Name], Field(max_length=50)] = []


class EnrollBody(BaseModel):
    """A sentence and one to three clips that say it, each as JSON or as base64 of the bytes.

    `consent` tells what the signer agreed to, and so lets the clips be kept: "recognize", or "train" as well.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": "the pump beeps", "category": "ward", "clips": ["U0dUMQ=="]}]},
    )
    text: _Text
    category: _Name = ""
    signer_id: _Name = ""
    language: _Name = ""
    consent: Consent = ""
    clips: Annotated[list[str | dict[str, JsonValue]], Field(min_length=1, max_length=MOST_ENROLLED)]

    def read_clips(self, max_frames: int) -> list[LandmarkClip]:
        """The clips.

        Raises:
            ClipError: one cannot be read, is too long, or can never be recognised.
        """
        named = {f"clip {number}": value for number, value in enumerate(self.clips, 1)}
        return [checked_clip(clip_of_message(value, name, max_frames), name) for name, value in named.items()]


class SaidBody(BaseModel):
    """What was signed, and the sentence that the patient confirmed, or chose where the answer was another one.

    The clip as JSON or as base64 of the bytes. It is kept to train models, so the signer must have agreed to that.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"text": "the pump beeps", "origin": "confirmed", "consent": "train", "clip": "U0dUMQ=="}]
        },
    )
    text: _Text
    origin: Literal["confirmed", "corrected"]
    consent: Literal["train"]
    signer_id: _Name = ""
    language: _Name = ""
    clip: str | dict[str, JsonValue]

    def read_clip(self, max_frames: int) -> LandmarkClip:
        """The clip.

        Raises:
            ClipError: it cannot be read, is too long, or can never be recognised.
        """
        return checked_clip(clip_of_message(self.clip, "clip", max_frames), "clip")


class UnsaidBody(BaseModel):
    """A clip that was said, as the answer of `/v1/said` names it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"clip_id": "said-0123456789abcdef"}]})
    clip_id: _Name


class ForgetBody(BaseModel):
    """An enrolled sentence. `undo` has it held in memory for a few minutes, so that `/v1/restore` can put it back."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "the pump beeps", "undo": True}]}
    )
    text: _Text
    undo: bool = False


class RestoreBody(BaseModel):
    """What was forgotten, as the answer of `/v1/forget` names it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"undo": "3fQp0WcZ6m2Jr9TgHk1xLA"}]})
    undo: _Name


class RenameBody(BaseModel):
    """An enrolled sentence, and what its clips say."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "the pump peeps", "new_text": "The pump beeps"}]}
    )
    text: _Text
    new_text: _Text


class PrototypeBody(BaseModel):
    """A clip as the prototype's clients send it: its 540 columns a frame (docs/data-format.md)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"features": [[0.0] * 3], "fps": 30}]})
    # Far above what can be used, so that the rest of a hostile body is not even looked at.
    features: Annotated[list[_Row], Field(min_length=1, max_length=100_000)]
    fps: Annotated[float, Field(ge=1, le=1000)] = 30.0
    smoothing_alpha: Annotated[float, Field(gt=0, le=1)] = 0.2
    top_k: Annotated[int, Field(ge=1, le=50)] = 5

    def rows(self) -> FloatArray:
        """(T, n) float32.

        Raises:
            ClipError: rows of different lengths.
        """
        if len({len(row) for row in self.features}) > 1:
            raise ClipError("features: rows of different lengths; expected 540 numbers a frame")
        with np.errstate(over="ignore"):  # infinite afterwards, and refused with the other absurd values
            return np.array(self.features, dtype=np.float64).astype(np.float32)


def clip_of_message(value: Any, where: str, max_frames: int) -> LandmarkClip:
    """A clip from bytes, from base64 of them, or from a JSON value.

    Args:
        value: bytes, text in base64, or a JSON object.
        where: what errors call the clip.
        max_frames: a longer clip is refused.

    Raises:
        ClipError: it cannot be read, or is too long.
    """
    if isinstance(value, str):
        try:
            value = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ClipError(f"{where}: no base64 of the bytes of docs/protocol.md, and no JSON") from error
    if isinstance(value, bytes):
        return decode_clip(value, where, max_frames)
    frames = value.get("frames") if isinstance(value, dict) else value
    if isinstance(frames, list) and len(frames) > max_frames:
        raise ClipError(f"{where}: {len(frames)} frames; at most {max_frames}")
    clip = clip_from_json(value, where)
    if clip.num_frames > max_frames:  # an object of numbered frames
        raise ClipError(f"{where}: {clip.num_frames} frames; at most {max_frames}")
    return clip


_POINT = {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 3, "maxItems": 4}


def _part(count: int) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": _POINT, "minItems": count, "maxItems": count}


_EXAMPLE_FRAME = {
    "time_s": 0.0,
    "pose": [[0.6 if number == 11 else 0.4, 0.5, 0.0, 0.99] for number in range(33)],  # 11 and 12: the shoulders
    "left_hand": None,
    "right_hand": [[0.4, 0.6, 0.0]] * 21,
    "face": None,
}
CLIP_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A clip of landmarks; docs/protocol.md.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["frames"],
                    "properties": {
                        "aspect": {"type": ["number", "null"], "minimum": 0.2, "maximum": 5},
                        "fps": {"type": ["number", "null"], "minimum": 1, "maximum": 1000},
                        "frames": {
                            "type": "array",
                            "minItems": 1,
                            "items": {
                                "type": "object",
                                "properties": {
                                    "time_s": {"type": "number"},
                                    "pose": _part(33),
                                    "left_hand": _part(21),
                                    "right_hand": _part(21),
                                    "face": _part(94),
                                },
                            },
                        },
                    },
                },
                "example": {"aspect": 4 / 3, "frames": [_EXAMPLE_FRAME, {**_EXAMPLE_FRAME, "time_s": 0.04}]},
            },
            CLIP_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
"""For `openapi_extra`: clips are read by hand, a validated tree of numbers would take longer than the answer."""
ZIP_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "What `signtalk collection export` or the page wrote.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {
                        "error": {
                            "type": "object",
                            "required": ["code", "message"],
                            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                        }
                    },
                }
            }
        },
    }
    for status, text in {
        400: "The clip or a value cannot be used.",
        401: "No key, or another one.",
        403: "This service changes nothing.",
        404: "There is no such thing.",
        408: "The body took too long.",
        413: "The body is too large.",
        415: "Neither JSON nor the bytes of a clip.",
        422: "JSON of another shape.",
        429: "This client asks too much; see Retry-After.",
        503: "Busy or stopping; see Retry-After.",
    }.items()
}
