"""Refusals of the service: one JSON form for all of them, without a path, a trace or a library's words."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from signtalk.errors import ClipError, ConfigError, SignTalkError
from signtalk.service.queue import BusyError, ClosedError

_logger = logging.getLogger("signtalk.service")

_CODES = {
    400: "bad_request", 401: "key_needed", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    408: "too_slow", 413: "too_large", 415: "unsupported_media_type", 422: "invalid", 429: "too_many_requests",
    503: "busy",
}  # fmt: skip
_INTERNAL = "something went wrong in the service; its log says what"


class RefusedError(Exception):
    """A request that is not carried out.

    Attributes:
        status: of HTTP.
        code: for machines.
        message: what was found, what was expected, what to do.
        retry_after_s: when to try again; None = not by waiting.
    """

    def __init__(self, status: int, message: str, code: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after_s = status, message, retry_after_s
        self.code = code or _CODES.get(status, "error")

    def to_dict(self) -> dict[str, Any]:
        """The body of every refusal."""
        return {"error": {"code": self.code, "message": self.message}}

    def response(self) -> JSONResponse:
        """As an answer of HTTP."""
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.to_dict(), self.status, headers)


def refusal_of(error: Exception) -> RefusedError:
    """What a client is told about an error; what is not the client's doing goes to the log and is not told."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, BusyError):
        whose = "this client's questions" if error.of_client else "questions"
        return RefusedError(
            429 if error.of_client else 503, f"too many {whose} wait; ask again later", "", error.retry_after_s
        )
    if isinstance(error, ClosedError):
        return RefusedError(503, "the service stops; ask again later", "stopping", 5)
    if isinstance(error, TimeoutError):
        return RefusedError(503, "no answer in time; ask again later", "busy", 2)
    if isinstance(error, ClipError):
        return RefusedError(400, str(error), "bad_clip")
    if isinstance(error, ConfigError):
        return RefusedError(400, str(error), "bad_value")
    # Other errors of SignTalk name files of this machine.
    known = f"{type(error).__name__}: {error}" if isinstance(error, SignTalkError) else ""
    _logger.error("%s", known or "unexpected error", exc_info=None if known else error)
    return RefusedError(500, _INTERNAL, "internal")


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error of an application in the one form."""

    async def refuse(_: Request, error: Exception) -> JSONResponse:
        return refusal_of(error).response()

    async def of_http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, RefusedError):  # met while FastAPI read the body
            return error.__cause__.response()
        response = RefusedError(error.status_code, str(error.detail)).response()
        response.headers.update(error.headers or {})
        return response

    async def of_shape(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return RefusedError(422, f"{place}: {first['msg']}").response()

    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_shape)
    for kind in (RefusedError, BusyError, ClosedError, TimeoutError, SignTalkError):
        app.add_exception_handler(kind, refuse)
