"""What both kinds of sockets do alike."""

import asyncio
from typing import Any, cast

import pytest
from fastapi import WebSocket, WebSocketDisconnect

from signtalk.service.errors import RefusedError
from signtalk.service.sockets import BAD_MESSAGE, TOO_BUSY, Allowance, TalkingSocket


class Silent:
    """A socket that says nothing, reads nothing, and tells what was sent to it."""

    def __init__(self, *messages: dict[str, Any], reads: bool = True) -> None:
        self.messages, self.reads, self.sent, self.code = list(messages), reads, list[Any](), 0

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.sleep(60)
        return self.messages.pop(0)

    async def send_text(self, text: str) -> None:
        if not self.reads:
            await asyncio.sleep(60)
        self.sent.append(text)

    async def send_bytes(self, data: bytes) -> None:
        self.sent.append(data)

    async def close(self, code: int) -> None:
        self.code = code


def talking(socket: Silent) -> TalkingSocket:
    return TalkingSocket(cast(WebSocket, socket), 0.01)


def test_an_allowance_refills() -> None:
    now = [0.0]
    allowance = Allowance(10, clock=lambda: now[0])
    assert allowance.take(40)
    assert not allowance.take(1)
    now[0] += 1.0
    assert allowance.take(9)
    assert not allowance.take(1)
    now[0] += 1000.0
    assert allowance.take(40)
    assert not allowance.take(1)


def test_texts_and_bytes_are_received_and_silence_is_refused() -> None:
    socket = talking(Silent({"type": "websocket.receive", "text": "a"}, {"type": "websocket.receive", "bytes": b"b"}))

    async def hear() -> list[str | bytes]:
        return [await socket.received(1, 1), await socket.received(1, 1)]

    assert asyncio.run(hear()) == ["a", b"b"]
    with pytest.raises(RefusedError, match=r"nothing was sent for 0\.02 s") as refused:
        asyncio.run(talking(Silent()).received(0.01, 0.02))
    assert refused.value.code == "idle"
    with pytest.raises(WebSocketDisconnect):
        asyncio.run(talking(Silent({"type": "websocket.disconnect"})).received(1, 1))


def test_who_does_not_read_is_not_waited_for() -> None:
    with pytest.raises(WebSocketDisconnect):
        asyncio.run(talking(Silent(reads=False)).send({"type": "pong"}))


@pytest.mark.parametrize(("status", "code"), [(400, BAD_MESSAGE), (429, TOO_BUSY), (503, TOO_BUSY)])
def test_a_refusal_is_told_before_it_closes(status: int, code: int) -> None:
    socket = Silent()
    asyncio.run(talking(socket).refuse(RefusedError(status, "words", "its_code")))
    assert "its_code" in socket.sent[0] and socket.code == code
    asyncio.run(talking(socket).send(b"frame"))
    assert socket.sent[1] == b"frame"
