"""Body and time bounds, keys, origins: without a model behind them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from pydantic import SecretStr
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient
from starlette.types import Message

from signtalk.service.errors import RefusedError
from signtalk.service.guards import Guard, check_key, is_own_origin
from signtalk.service.metrics import ServiceMetrics


def connection(**headers: str) -> HTTPConnection:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "headers": raw})


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI()

    @app.post("/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("a secret")

    app.add_middleware(Guard, max_body_bytes=1000, body_timeout_s=0.2, metrics=ServiceMetrics(), max_brackets=300)
    with TestClient(app) as found:
        yield found


def test_a_body_up_to_the_bound_passes(client: TestClient) -> None:
    assert client.post("/size", content=b"x" * 1000).json() == 1000
    assert client.post("/size", content=iter([b"x" * 500, b"x" * 500])).json() == 1000
    assert client.post("/size", content=b"x" * 1001).status_code == 413
    assert client.post("/size", content=iter([b"x" * 500, b"x" * 501])).status_code == 413


@pytest.mark.slow
def test_lists_and_objects_are_bounded_before_anybody_reads_them(client: TestClient) -> None:
    assert client.post("/size", content=b"[" * 150 + b"{" * 150).status_code == 200
    for body in (b"[" * 301, b"{}" * 301, iter([b"[[" * 100, b"{{" * 100])):
        answer = client.post("/size", content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_an_error_that_nobody_foresaw_is_answered(client: TestClient) -> None:
    answer = client.get("/broken")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in answer.text


def test_a_slow_body_is_given_up() -> None:
    said: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass

    async def receive() -> Message:
        await asyncio.sleep(0.06)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Message) -> None:
        said.append(message)

    guard = Guard(app, 1000, 0.2, ServiceMetrics())
    asyncio.run(guard({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send))
    assert said[0]["status"] == 408


def test_all_bodies_together_are_bounded() -> None:
    async def run() -> list[int]:
        statuses = []
        here = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await here.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def receive() -> Message:
            return {"type": "http.request", "body": b"x" * 60, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        guard = Guard(app, 100, 5, ServiceMetrics(), max_bytes_at_once=150)
        scopes = [{"type": "http", "method": "POST", "path": "/", "headers": []} for _ in range(4)]
        tasks = [asyncio.create_task(guard(scope, receive, send)) for scope in scopes[:3]]
        await asyncio.sleep(0.05)
        here.set()
        await asyncio.gather(*tasks)
        await guard(scopes[3], receive, send)  # there is room again
        return statuses

    assert asyncio.run(run()) == [503, 200, 200, 200]


def test_the_key() -> None:
    key = SecretStr("the right key, long enough")
    check_key(connection(authorization="Bearer the right key, long enough"), key)
    check_key(connection(authorization="bearer the right key, long enough"), key)
    for given in ("", "Bearer", "Bearer ", "Bearer the right key", "Basic the right key, long enough", "Bearer \xe4"):
        with pytest.raises(RefusedError) as refused:
            check_key(connection(authorization=given), key)
        assert refused.value.status == 401
    with pytest.raises(RefusedError) as refused:
        check_key(connection(), None)
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({}, True),
        ({"host": "ward:8000", "origin": "http://ward:8000"}, True),
        ({"host": "ward:8000", "origin": "https://ward:8000"}, True),
        ({"host": "ward:8000", "origin": "http://ward:9000"}, False),
        ({"host": "ward:8000", "origin": "null"}, False),
        ({"host": "ward", "origin": "https://allowed.example"}, True),
        ({"host": "ward", "origin": "https://allowed.example.evil"}, False),
    ],
)
def test_origins(headers: dict[str, str], own: bool) -> None:
    assert is_own_origin(connection(**headers), ("https://allowed.example",)) is own


def test_what_follows_a_refusal_is_read_for_a_while_and_not_kept() -> None:
    async def asked(parts: int, **headers: str) -> tuple[int, list[Message]]:
        said: list[Message] = []
        read = 0

        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise RefusedError(413, "too large")

        async def receive() -> Message:
            nonlocal read
            read += 1
            return {"type": "http.request", "body": b"x" * 100, "more_body": read < parts}

        async def send(message: Message) -> None:
            said.append(message)

        guard = Guard(app, 100, 5, ServiceMetrics())
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        await guard({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive, send)
        assert (said[0]["status"], said[-1].get("more_body", False)) == (413, False)
        return read, said

    assert asyncio.run(asked(5, transfer_encoding="chunked"))[0] == 5
    assert asyncio.run(asked(10_000, transfer_encoding="chunked"))[0] == 16  # times the largest body
    assert asyncio.run(asked(5))[0] == 0  # nothing is sent
    assert asyncio.run(asked(5, content_length="90", expect="100-continue"))[0] == 0  # nothing is sent yet
