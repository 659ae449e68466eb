"""Clients of a service: many at once, each keeping its connection, and live streams at camera speed.

Plain sockets of asyncio, so that the clients take as little of the machine as they can.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import websockets

from signtalk.landmarks.wire import FrameArray


@dataclass
class Asked:
    """What happened to requests.

    Attributes:
        seconds: of those that were answered.
        refused: of those told to come back, with Retry-After.
        failed: what went wrong otherwise.
        elapsed_s: of the whole.
    """

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    failed: list[str] = field(default_factory=list)
    elapsed_s: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed_s if self.elapsed_s else 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the answers came; NaN without one."""
        return 1000 * float(np.quantile(self.seconds, share)) if self.seconds else float("nan")


class Connection:
    """One kept connection that posts bodies."""

    def __init__(self, port: int, path: str, content_type: str) -> None:
        self._port, self._path, self._type = port, path, content_type
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes, asked: Asked) -> None:
        """Post a body and count what came of it."""
        began = time.perf_counter()
        try:
            status, retry = await asyncio.wait_for(self._exchange(body), 60)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            asked.failed.append(type(error).__name__)
            self.close()
            return
        if status == 200:
            asked.seconds.append(time.perf_counter() - began)
        elif status in (429, 503) and retry:
            asked.refused += 1
        else:
            asked.failed.append(str(status))

    async def _exchange(self, body: bytes) -> tuple[int, bool]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        head = f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {self._type}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        await reader.readexactly(int(headers.get("content-length", 0)))
        return int(lines[0].split()[1]), "retry-after" in headers

    def close(self) -> None:
        """Give the connection up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


Client = Callable[[], Connection]


async def closed_loop(make: Client, bodies: Sequence[bytes], num_clients: int, seconds: float) -> Asked:
    """Clients of which each asks again as soon as it is answered."""
    asked, until = Asked(), time.perf_counter() + seconds

    async def client(number: int) -> None:
        connection = make()
        while time.perf_counter() < until:
            await connection.post(bodies[number % len(bodies)], asked)
            number += 1
        connection.close()

    return await _timed(asked, [client(number) for number in range(num_clients)])


async def open_loop(make: Client, bodies: Sequence[bytes], rate: float, seconds: float) -> Asked:
    """Requests at a rate, whether or not those before are answered."""
    asked = Asked()

    async def one(number: int) -> None:
        await asyncio.sleep(number / rate)
        connection = make()
        await connection.post(bodies[number % len(bodies)], asked)
        connection.close()

    return await _timed(asked, [one(number) for number in range(round(rate * seconds))])


async def _timed(asked: Asked, clients: Sequence[Awaitable[None]]) -> Asked:
    began = time.perf_counter()
    await asyncio.gather(*clients)
    asked.elapsed_s = time.perf_counter() - began
    return asked


@dataclass
class Streamed:
    """What happened to live streams.

    Attributes:
        expected: sentences that a segmenter finds in what was sent.
        thinking: that the service said it found.
        answered: answers.
        failed: errors and closed sockets.
        delays: seconds from a sentence's end, as the service told it, to its answer; the pause that a segmenter waits
            for is part of it.
        behind_s: how much later than due the last frame was sent, the worst of all streams.
    """

    expected: int = 0
    thinking: int = 0
    answered: int = 0
    failed: list[str] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    behind_s: float = 0.0


async def stream(port: int, frames: FrameArray, aspect: float | None, wait_s: float, streamed: Streamed) -> None:
    """Send frames at their own times, one a message, and count what is said; begin after `wait_s`."""
    await asyncio.sleep(wait_s)
    try:
        async with websockets.connect(f"ws://127.0.0.1:{port}/v1/stream", compression=None) as socket:
            await socket.send(json.dumps({"type": "hello", "aspect": aspect, "mode": "auto"}))
            began = time.perf_counter()
            listening = asyncio.create_task(_listen(socket, began, streamed))
            for frame in frames:
                await asyncio.sleep(max(0.0, began + float(frame["time_s"]) - time.perf_counter()))
                await socket.send(frame.tobytes())
            late = time.perf_counter() - began - float(frames["time_s"][-1])
            streamed.behind_s = max(streamed.behind_s, late)
            await asyncio.sleep(8)  # for the last answer
            listening.cancel()
    except (OSError, websockets.WebSocketException) as error:
        streamed.failed.append(type(error).__name__)


async def _listen(socket: websockets.ClientConnection, began: float, streamed: Streamed) -> None:
    async for message in socket:
        said = json.loads(message)
        if said["type"] == "answer":
            streamed.answered += 1
            streamed.delays.append(time.perf_counter() - began - said["end_s"])
        elif said["type"] == "error":
            streamed.failed.append(said["error"]["code"])
        elif said.get("state") == "thinking":
            streamed.thinking += 1
