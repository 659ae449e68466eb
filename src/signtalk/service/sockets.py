"""What both kinds of sockets do alike: wait for a message, send one, tell a refusal, close."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from signtalk.service.errors import RefusedError

GOING_AWAY, BAD_MESSAGE, TOO_BUSY = 1001, 1008, 1013
_BURST_S = 4.0
"""Who stood still may catch up by so many seconds."""
_CLOSE_TIMEOUT_S = 5.0


class Allowance:
    """How much a socket may still send; refills with time.

    Args:
        a_second: frames or messages a second.
        clock: seconds that only grow.
    """

    def __init__(self, a_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_second, self._left, self._clock = a_second, a_second * _BURST_S, clock
        self._last = clock()

    def take(self, count: int) -> bool:
        """Whether so many are allowed now."""
        now = self._clock()
        self._left = min(self._left + (now - self._last) * self._a_second, self._a_second * _BURST_S)
        self._last = now
        self._left -= count
        return self._left >= 0


class TalkingSocket:
    """One socket that was accepted.

    Args:
        socket: the socket.
        send_timeout_s: whoever does not read what is sent is not waited for longer.
    """

    def __init__(self, socket: WebSocket, send_timeout_s: float) -> None:
        self._socket, self._send_timeout_s = socket, send_timeout_s

    async def received(self, seconds: float, allowed: float) -> str | bytes:
        """The next message, for which there are `seconds` left of those that are allowed.

        Raises:
            RefusedError: nothing came.
            WebSocketDisconnect: it closed.
        """
        try:
            async with asyncio.timeout(seconds):
                message = await self._socket.receive()
        except TimeoutError as error:
            raise RefusedError(408, f"nothing was sent for {allowed:g} s", "idle") from error
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        text = message.get("text")
        return text if text is not None else message.get("bytes") or b""

    async def send(self, message: dict[str, Any] | bytes) -> None:
        """Send JSON or bytes.

        Raises:
            WebSocketDisconnect: it closed meanwhile, or nobody reads.
        """
        try:
            async with asyncio.timeout(self._send_timeout_s):
                if isinstance(message, bytes):
                    await self._socket.send_bytes(message)
                else:
                    await self._socket.send_text(json.dumps(message, allow_nan=False))
        except (RuntimeError, TimeoutError) as error:
            raise WebSocketDisconnect(1006) from error

    async def refuse(self, error: RefusedError) -> None:
        """Tell it, and close."""
        with contextlib.suppress(WebSocketDisconnect):  # whoever sent that has gone already
            await self.send({"type": "error", **error.to_dict()})
        await self.close(TOO_BUSY if error.status in (429, 503) else BAD_MESSAGE)

    async def close(self, code: int) -> None:
        """Close it, where it is not closed already; neither is waited for whoever does not read."""
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._socket.close(code)
