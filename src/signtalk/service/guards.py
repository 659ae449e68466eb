"""What every request passes: a bound on body and time, headers that keep a browser safe, a count and a log line.

The log line holds method, route, status and time: no address, no query, no landmark and no sentence.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signtalk.service.errors import RefusedError, refusal_of
from signtalk.service.metrics import ServiceMetrics

_logger = logging.getLogger("signtalk.service")

CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self' blob:", "style-src 'self'",
    "img-src 'self' data: blob:", "media-src 'self' blob:", "connect-src 'self'", "manifest-src 'self'",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
))  # fmt: skip
_MOST_DISCARDED = 16
"""Times the largest body: so much of what is refused is read and forgotten before the line is closed."""
_SILENT_S = 2.0
"""So long a client whose request is refused may send nothing, until it counts as waiting for the answer."""
_SAFE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass
class _Body:
    """What has come of a request's body, and how much may; `max_brackets` None = they are not counted."""

    max_bytes: int
    seconds: float
    max_brackets: int | None
    size: int = 0
    brackets: int = 0
    whole: bool = False

    def too_large(self) -> RefusedError:
        return RefusedError(413, f"a body of more than {self.max_bytes} bytes; send less")


class Guard:
    """ASGI middleware around the whole application.

    Args:
        app: the application.
        max_body_bytes: of a request.
        max_brackets: opening brackets in a body, of whatever content: lists and objects of JSON, each of which costs
            far more time and memory than its two characters.
        body_timeout_s: until the body must be there.
        metrics: counts.
        max_bytes_at_once: of all bodies that are in memory.
        files: paths whose bodies are files, and how large these may be; they get more time, at the same least speed.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_body_bytes: int,
        body_timeout_s: float,
        metrics: ServiceMetrics,
        max_bytes_at_once: int = 256 * 1024**2,
        max_brackets: int = 700_000,
        files: Mapping[str, int] | None = None,
    ) -> None:
        self._app, self._max_bytes, self._seconds, self._metrics = app, max_body_bytes, body_timeout_s, metrics
        self._max_bytes_at_once, self._bytes_now = max_bytes_at_once, 0
        self._max_brackets, self._files = max_brackets, dict(files or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; sockets pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, started = time.perf_counter(), 500, False
        file_bytes = self._files.get(scope["path"])
        body = _Body(self._max_bytes, self._seconds, self._max_brackets)
        if file_bytes is not None:
            body = _Body(file_bytes, self._seconds * max(1, file_bytes / self._max_bytes), None)

        async def sending(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                headers = MutableHeaders(scope=message)
                for name, value in _SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            elif status >= HTTPStatus.BAD_REQUEST and not message.get("more_body") and not body.whole:
                # A line that is closed while the client still sends is reset, and the answer with it.
                await send({**message, "more_body": True})
                await self._discard(receive, Headers(scope=scope))
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        try:
            length = Headers(scope=scope).get("content-length", "")
            if length.isdecimal() and int(length) > body.max_bytes:
                raise body.too_large()
            await self._app(scope, self._bounded(receive, body), sending)
        except Exception as error:  # noqa: BLE001 - the last place where it can be answered
            if not started:
                await refusal_of(error).response()(scope, receive, sending)
        finally:
            self._bytes_now -= body.size
            route = getattr(scope.get("route"), "path", "other")
            seconds = time.perf_counter() - began
            self._metrics.requests.labels(scope["method"] if route != "other" else "any", route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(seconds)
            _logger.info("%s %s %d %.0f ms", scope["method"], route, status, 1000 * seconds)

    def _bounded(self, receive: Receive, body: _Body) -> Receive:
        until = time.monotonic() + body.seconds

        async def receiving() -> Message:
            if body.whole:  # only whether the client has gone is still to come
                return await receive()
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    message = await receive()
            except TimeoutError as error:
                raise RefusedError(408, f"the body was not there after {body.seconds:g} s") from error
            part = message.get("body", b"")
            size = len(part)
            body.size += size
            body.brackets += part.count(b"[") + part.count(b"{")
            self._bytes_now += size
            if body.size > body.max_bytes:
                raise body.too_large()
            if body.max_brackets is not None and body.brackets > body.max_brackets:
                raise RefusedError(413, f"more than {body.max_brackets} lists and objects in a body; send less")
            if self._bytes_now > self._max_bytes_at_once:
                raise RefusedError(503, "too much is sent at once; ask again later", "busy", 2)
            body.whole = not message.get("more_body", False)
            return message

        return receiving

    async def _discard(self, receive: Receive, headers: Headers) -> None:
        """Read the rest of a refused request's body without keeping it, for a bounded while."""
        length = headers.get("content-length", "0")
        is_sending = "transfer-encoding" in headers or (length.isdecimal() and int(length) > 0)
        if not is_sending or "expect" in headers:  # whoever waits for "100 Continue" has not begun to send
            return
        left, until = _MOST_DISCARDED * self._max_bytes, time.monotonic() + self._seconds
        more = True
        while more and left > 0 and time.monotonic() < until:
            try:
                async with asyncio.timeout(_SILENT_S):
                    message = await receive()
            except TimeoutError:
                return
            left -= len(message.get("body", b""))
            more = message["type"] == "http.request" and message.get("more_body", False)


class OwnNames:
    """ASGI middleware: only who asks for this service by one of its names is answered.

    A page of another host whose name was made to point at this machine names that host.

    Args:
        app: the application.
        names: without a port; `*` stands for any part, as in `*.ward.example`.
    """

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app, self._names = app, tuple(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or socket."""
        if scope["type"] in ("http", "websocket"):
            name = _name_of(Headers(scope=scope).get("host", ""))
            if not any(fnmatchcase(name, own) for own in self._names):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                    return
                raise RefusedError(400, "asked under a name that is not this service's; see --allow-host", "bad_host")
        await self._app(scope, receive, send)


def _name_of(host: str) -> str:
    """The name in a Host header, lower-case and without the port; an address of IPv6 without its brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def check_key(connection: HTTPConnection, key: SecretStr | None) -> None:
    """Let pass who sends the key.

    Raises:
        RefusedError: no key, another one, or this service has none and changes nothing.
    """
    if key is None:
        raise RefusedError(403, "this service changes nothing: it was started without a key")
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    # Compared in constant time, and as bytes: headers may hold anything.
    same = hmac.compare_digest(token.strip().encode("utf-8", "replace"), key.get_secret_value().encode())
    if scheme.lower() != "bearer" or not same:
        raise RefusedError(401, "no key, or not this service's; send 'Authorization: Bearer KEY'")


class KeyedRoute(APIRoute):
    """A route for who sends the key of the application's service; others are refused before their body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the key."""
        handle = super().get_route_handler()

        async def with_key(request: Request) -> Response:
            check_key(request, request.app.state.service.settings.key)
            return await handle(request)

        return with_key


def is_own_origin(connection: HTTPConnection, origins: tuple[str, ...]) -> bool:
    """Whether a socket is opened by a page of this service, of an allowed origin, or by no page at all.

    Browsers do not hold sockets back from other hosts' pages, as they do requests.
    """
    origin = connection.headers.get("origin")
    return origin is None or origin in origins or urlsplit(origin).netloc == connection.headers.get("host")
