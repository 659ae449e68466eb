"""Two devices of one talk: what passes between them, and what does not."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, WebSocket
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from made.service import asked_service
from made.small_run import SmallRun
from signtalk.landmarks.wire import FRAME_BYTES
from signtalk.service.pairing import PairSocket
from signtalk.service.pairs import Pairs
from signtalk.service.schemas import MOST_LINES, MOST_TEXT
from signtalk.service.settings import ServiceSettings
from signtalk.service.sockets import TalkingSocket

FRAMES = np.zeros(2 * FRAME_BYTES, dtype=np.uint8)
FRAMES[FRAME_BYTES + 7] = 0x3F  # the second time is later
LINE = {"who": "patient", "words": "My head hurts \u00b7 3", "how": "tapped", "at": 1.0}


@contextmanager
def service(**settings: Any) -> Iterator[TestClient]:
    """The socket's route alone: no model is needed."""
    bounds = ServiceSettings(**settings)
    app, pairs = FastAPI(), Pairs(bounds)

    @app.websocket("/v1/pair")
    async def pair(socket: WebSocket) -> None:
        await socket.accept()
        await PairSocket(TalkingSocket(socket, 1), pairs, bounds, "address").run()

    with TestClient(app) as client:
        yield client


class Devices:
    """Devices of one service; each is closed at the end."""

    def __init__(self, client: TestClient, stack: ExitStack) -> None:
        self._client, self._stack = client, stack

    def speaks(self, first: dict[str, Any]) -> WebSocketTestSession:
        socket = self._stack.enter_context(self._client.websocket_connect("/v1/pair"))
        socket.send_json(first)
        return socket

    def paired(self) -> tuple[WebSocketTestSession, WebSocketTestSession, list[str]]:
        tablet = self.speaks({"type": "open"})
        code = tablet.receive_json()["code"]
        phone = self.speaks({"type": "join", "code": code})
        told = [socket.receive_json() for socket in (tablet, phone)]
        assert [(each["type"], each["role"]) for each in told] == [("paired", "patient"), ("paired", "staff")]
        return tablet, phone, [each["token"] for each in told]


@contextmanager
def devices(**settings: Any) -> Iterator[Devices]:
    with service(**settings) as client, ExitStack() as stack:
        yield Devices(client, stack)


def test_states_texts_and_landmarks_pass_as_they_are() -> None:
    with devices() as each:
        tablet, phone, _ = each.paired()
        told: list[dict[str, Any]] = [
            {"type": "state", "state": "signing"},
            {"type": "standing", "kind": "confirm", "words": ["Where does it hurt?"]},
            {"type": "talk", "lines": [LINE]},
        ]
        for message in told:
            tablet.send_json(message)
            assert phone.receive_json() == message
        tablet.send_bytes(FRAMES.tobytes())
        assert phone.receive_bytes() == FRAMES.tobytes()
        shown = {"type": "show", "words": "Please sit down.", "sentence_id": "s4"}
        phone.send_json(shown)
        assert tablet.receive_json() == shown
        tablet.send_json({"type": "ping"})
        assert tablet.receive_json() == {"type": "pong"}


REFUSED: dict[str, tuple[str, str | bytes]] = {
    "no JSON": ("tablet", "{"),
    "another type": ("tablet", json.dumps({"type": "video", "data": "AAAA"})),
    "more fields": ("tablet", json.dumps({"type": "state", "state": "idle", "picture": "AAAA"})),
    "of the other device": ("tablet", json.dumps({"type": "show", "words": "a", "sentence_id": ""})),
    "states of staff": ("phone", json.dumps({"type": "state", "state": "idle"})),
    "too long": ("phone", json.dumps({"type": "show", "words": "a" * (MOST_TEXT + 1), "sentence_id": ""})),
    "too many lines": ("tablet", json.dumps({"type": "talk", "lines": [LINE] * (MOST_LINES + 1)})),
    "much too long": ("tablet", " " * 70_000),
    "no landmarks": ("tablet", b"\xff\xd8\xff\xe0 a picture"),
    "landmarks of staff": ("phone", FRAMES.tobytes()),
    "too many frames": ("tablet", bytes(FRAME_BYTES * 61)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_else_passes(name: str) -> None:
    sender, message = REFUSED[name]
    with devices() as each:
        tablet, phone, _ = each.paired()
        socket, other = (tablet, phone) if sender == "tablet" else (phone, tablet)
        if isinstance(message, bytes):
            socket.send_bytes(message)
        else:
            socket.send_text(message)
        assert socket.receive_json()["type"] == "error"
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()
        assert other.receive_json() == {"type": "partner", "here": False}


@pytest.mark.parametrize(
    "first", ["{", '{"type": "state", "state": "idle"}', '{"type": "join"}', '{"type": "open", "code": "1"}']
)
def test_a_device_begins_in_one_of_three_ways(first: str) -> None:
    with service() as client, client.websocket_connect("/v1/pair") as socket:
        socket.send_text(first)
        assert socket.receive_json()["error"]["code"] == "bad_message"


def test_a_wrong_code_and_an_unknown_token_are_told() -> None:
    with devices(max_pair_tries=1) as each:
        assert each.speaks({"type": "join", "code": "000000"}).receive_json()["error"]["code"] == "no_code"
        assert each.speaks({"type": "join", "code": "000000"}).receive_json()["error"]["code"] == "too_many_tries"
        assert each.speaks({"type": "back", "token": "x"}).receive_json()["error"]["code"] == "not_paired"


@pytest.mark.parametrize("lost", [0, 1])
def test_a_device_that_goes_is_told_and_comes_back(lost: int) -> None:
    with devices() as each:
        *sockets, tokens = each.paired()
        left, stays = sockets[lost], sockets[1 - lost]
        left.close()
        assert stays.receive_json() == {"type": "partner", "here": False}
        again = each.speaks({"type": "back", "token": tokens[lost]})
        for told in (again.receive_json(), stays.receive_json()):
            assert (told["type"], told["here"]) == ("paired", True)


def test_who_comes_back_first_is_told_that_the_other_one_is_still_away() -> None:
    with devices() as each:
        tablet, phone, tokens = each.paired()
        tablet.close()
        assert phone.receive_json() == {"type": "partner", "here": False}
        phone.close()
        first = each.speaks({"type": "back", "token": tokens[1]})
        told = first.receive_json()
        assert (told["type"], told["here"]) == ("paired", False)
        assert first.receive_json() == {"type": "partner", "here": False}
        each.speaks({"type": "back", "token": tokens[0]})
        told = first.receive_json()
        assert (told["type"], told["here"]) == ("paired", True)


def test_a_silent_device_is_told_within_three_seconds() -> None:
    with devices(pair_silent_s=1) as each:
        tablet, _, _ = each.paired()
        began = time.monotonic()
        while True:
            tablet.send_json({"type": "ping"})
            if tablet.receive_json() == {"type": "partner", "here": False}:
                break
            time.sleep(0.05)
        assert time.monotonic() - began < 3
    assert ServiceSettings().pair_silent_s <= 3


def test_one_device_has_one_socket() -> None:
    with devices() as each:
        tablet, phone, tokens = each.paired()
        again = each.speaks({"type": "back", "token": tokens[0]})
        assert again.receive_json()["type"] == phone.receive_json()["type"] == "paired"
        assert tablet.receive_json() == {"type": "ended", "cause": "ended"}  # a copied tab does not come back by itself
        with pytest.raises(WebSocketDisconnect):
            tablet.receive_json()
        again.send_json({"type": "state", "state": "idle"})
        assert phone.receive_json()["state"] == "idle"


@pytest.mark.parametrize("ends", [0, 1])
def test_either_device_ends_it(ends: int) -> None:
    with devices() as each:
        *sockets, tokens = each.paired()
        sockets[ends].send_json({"type": "end"})
        for socket in sockets:
            assert socket.receive_json() == {"type": "ended", "cause": "ended"}
            with pytest.raises(WebSocketDisconnect):
                socket.receive_json()
        assert each.speaks({"type": "back", "token": tokens[0]}).receive_json()["error"]["code"] == "not_paired"


def test_an_old_code_and_a_device_that_stays_away_are_told() -> None:
    with devices(pair_code_s=0.1) as each:
        tablet = each.speaks({"type": "open"})
        assert tablet.receive_json()["type"] == "code"
        time.sleep(0.2)
        tablet.send_json({"type": "ping"})
        assert [tablet.receive_json() for _ in range(2)] == [{"type": "pong"}, {"type": "ended", "cause": "expired"}]
    with devices(pair_lost_s=0.1) as each:
        tablet, phone, _ = each.paired()
        phone.close()
        assert tablet.receive_json()["here"] is False
        time.sleep(0.2)
        tablet.send_json({"type": "ping"})
        assert [tablet.receive_json() for _ in range(2)] == [{"type": "pong"}, {"type": "ended", "cause": "lost"}]


def test_two_devices_are_paired_by_pages_of_this_service_alone(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle) as (client, _):
        assert client.get("/v1/config").json()["can_pair"] is True
        with client.websocket_connect("/v1/pair") as tablet:
            tablet.send_json({"type": "open"})
            code = tablet.receive_json()["code"]
            with client.websocket_connect("/v1/pair") as phone:
                phone.send_json({"type": "join", "code": code})
                assert [each.receive_json()["type"] for each in (tablet, phone)] == ["paired", "paired"]
        other = {"Origin": "https://ward.example"}
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/v1/pair", headers=other) as socket:
            socket.receive_json()


def test_one_address_has_no_more_devices_than_allowed(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle, max_streams_a_client=1) as (client, _):
        with client.websocket_connect("/v1/pair") as tablet:
            tablet.send_json({"type": "open"})
            assert tablet.receive_json()["type"] == "code"
            with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/v1/pair") as phone:
                phone.receive_json()
            assert refused.value.code == 1013
        with client.websocket_connect("/v1/pair") as again:  # there is room again
            again.send_json({"type": "open"})
            assert again.receive_json()["type"] == "code"
