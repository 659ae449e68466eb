"""The socket: a stream of landmarks in, states and answers out."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from made.service import CLIP, asked_service, signing
from made.small_run import SmallRun
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import FRAME, decode_frames, encode_clip
from signtalk.recognition.signer_fit import fit_signer
from signtalk.recognition.signer_prompts import next_sentences
from signtalk.service.model import Question, Reply
from signtalk.service.queue import BusyError

pytestmark = pytest.mark.usefixtures("any_count")
HELLO = {"type": "hello", "candidates": 3, "mode": "button"}


@pytest.fixture
def any_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single sentence is enough to learn a person."""
    monkeypatch.setattr("signtalk.service.stream_signer.LEAST_SENTENCES", 1)


def messages(clip: LandmarkClip, start_s: float = 0.0, size: int = 7) -> list[bytes]:
    """The clip as a stream sends it."""
    frames = decode_frames(encode_clip(clip)[12:])
    frames["time_s"] += start_s
    return [frames[at : at + size].tobytes() for at in range(0, len(frames), size)]


def until(socket: WebSocketTestSession, kind: str) -> tuple[dict[str, Any], list[str]]:
    """The first message of a kind, and what came before it."""
    before = []
    for _ in range(500):
        message = socket.receive_json()
        if message["type"] == kind:
            return message, before
        before.append(message.get("state", message["type"]))
    raise AssertionError(f"no {kind}, but {before}")


@contextmanager
def greeted(client: TestClient, **hello: Any) -> Iterator[WebSocketTestSession]:
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_json({**HELLO, **hello})
        assert socket.receive_json()["type"] == "ready"
        yield socket


def test_a_stream_answers_as_a_request_does(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    with asked_service(small_run.bundle) as (client, _):
        expected = client.post("/v1/recognize?candidates=3", content=encode_clip(clip), headers=CLIP).json()
        with greeted(client, aspect=clip.aspect) as socket:
            socket.send_json({"type": "start"})
            for message in messages(clip, 50.0):
                socket.send_bytes(message)
            socket.send_json({"type": "stop"})
            answer, before = until(socket, "answer")
            assert [each for each in before if each != "activity"] == ["signing", "thinking"]
            assert answer["cause"] == "button"
            assert answer["start_s"] == 50.0
            reply = answer["answer"]
            assert [line["sentence"] for line in reply["candidates"]] == [c["sentence"] for c in expected["candidates"]]
            assert reply["confidence"] == pytest.approx(expected["confidence"], abs=1e-3)
            assert until(socket, "state")[0]["state"] == "answer"
        assert 'signtalk_answers_total{outcome="' in client.get("/metrics").text
        assert f"signtalk_frames_total {clip.num_frames:.1f}" in client.get("/metrics").text


def signed(socket: WebSocketTestSession, clip: LandmarkClip, start_s: float) -> dict[str, Any]:
    """The answer to a clip between two presses of the button."""
    socket.send_json({"type": "start"})
    for message in messages(clip, start_s):
        socket.send_bytes(message)
    socket.send_json({"type": "stop"})
    return until(socket, "answer")[0]


def test_what_a_person_confirmed_makes_the_next_answers_theirs(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    with asked_service(small_run.bundle) as (client, model), greeted(client, aspect=clip.aspect) as socket:
        answer = signed(socket, clip, 0.0)
        text = answer["answer"]["candidates"][1]["sentence"]
        socket.send_json({"type": "confirmed", "segment": 0, "text": text})
        assert until(socket, "signer")[0]["sentences"] == 1
        own = signed(socket, clip, 50.0)
        recognizer = model.recognizer
        (reply,) = model.answer([Question(clip)])
        assert isinstance(reply, Reply)
        signer = fit_signer(reply.encoded, [text], recognizer.index, recognizer.tokenizer)
        (expected,) = recognizer.knowing(signer).recognize([clip])
        lines = own["answer"]["candidates"]
        assert [line["sentence"] for line in lines] == [line.sentence for line in expected.candidates[:3]]
        assert lines[0]["text_score"] == pytest.approx(expected.candidates[0].text_score, abs=1e-3)
        assert (answer["signer_sentences"], own["signer_sentences"]) == (0, 1)
        socket.send_json({"type": "reset"})
        assert until(socket, "signer")[0]["sentences"] == 0
        again = signed(socket, clip, 100.0)
        plain = client.post("/v1/recognize?candidates=3", content=encode_clip(clip), headers=CLIP).json()
        assert again["answer"]["candidates"][0]["text_score"] == pytest.approx(
            plain["candidates"][0]["text_score"], abs=1e-3
        )
        assert again["signer_sentences"] == 0


def test_what_was_wrongly_confirmed_is_taken_back(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    with asked_service(small_run.bundle) as (client, _), greeted(client) as socket:
        text = signed(socket, clip, 0.0)["answer"]["candidates"][0]["sentence"]
        socket.send_json({"type": "confirmed", "segment": 0, "text": text})
        assert until(socket, "signer")[0]["sentences"] == 1
        socket.send_json({"type": "confirmed", "segment": 0, "text": ""})
        assert until(socket, "signer")[0]["sentences"] == 0


@pytest.mark.parametrize("off", ["hello", "service"])
def test_who_does_not_want_it_is_not_learned(small_run: SmallRun, off: str) -> None:
    _, clip = signing(small_run.data, 1)[0]
    settings, hello = ({}, {"learn": False}) if off == "hello" else ({"max_signer_sentences": 0}, {})
    with asked_service(small_run.bundle, **settings) as (client, _), greeted(client, **hello) as socket:
        text = signed(socket, clip, 0.0)["answer"]["candidates"][0]["sentence"]
        socket.send_json({"type": "confirmed", "segment": 0, "text": text})
        error, _ = until(socket, "error")
        assert (error["segment"], error["error"]["code"]) == (0, "not_offered")
        socket.send_json({"type": "next"})
        assert until(socket, "next")[0]["sentences"] == []


def test_a_person_is_asked_for_sentences_that_tell_most_and_what_was_asked_counts(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    with asked_service(small_run.bundle) as (client, model), greeted(client) as socket:
        socket.send_json({"type": "next", "limit": 4})
        asked = until(socket, "next")[0]["sentences"]
        recognizer = model.recognizer
        expected = next_sentences(recognizer.index, recognizer.tokenizer, (), 4)
        assert [each["sentence"] for each in asked] == list(expected)
        answer = signed(socket, clip, 0.0)["answer"]
        listed = {line["sentence"] for line in answer["candidates"]}
        unlikely = next(each["sentence"] for each in asked if each["sentence"] not in listed)
        socket.send_json({"type": "confirmed", "segment": 0, "text": unlikely})
        assert until(socket, "signer")[0]["sentences"] == 1
        socket.send_json({"type": "next"})
        again = until(socket, "next")[0]["sentences"]
        assert len(again) == 5
        assert unlikely not in {each["sentence"] for each in again}


def test_what_nobody_offered_is_refused_and_the_stream_goes_on(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    with asked_service(small_run.bundle) as (client, _), greeted(client) as socket:
        signed(socket, clip, 0.0)
        for segment, text in ((0, "Nobody offered this."), (7, "What segment?")):
            socket.send_json({"type": "confirmed", "segment": segment, "text": text})
            error, _ = until(socket, "error")
            assert (error["segment"], error["error"]["code"]) == (segment, "not_offered")
        assert signed(socket, clip, 50.0)["segment"] == 1


@pytest.mark.parametrize("fault", ["unexpected", "busy"])
def test_a_lesson_that_fails_leaves_the_answers_as_they_were(
    small_run: SmallRun, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, clip = signing(small_run.data, 1)[0]

    def fail(*_: Any) -> Any:
        raise {"unexpected": ValueError("of the fit"), "busy": BusyError(True, 1)}[fault]

    monkeypatch.setattr("signtalk.service.stream_signer.fit_signer", fail)
    with asked_service(small_run.bundle) as (client, _), greeted(client) as socket:
        text = signed(socket, clip, 0.0)["answer"]["candidates"][0]["sentence"]
        socket.send_json({"type": "confirmed", "segment": 0, "text": text})
        assert signed(socket, clip, 50.0)["signer_sentences"] == 0


def test_signing_is_found_by_itself(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    still = [np.repeat(part[:1], 100, axis=0) for part in (clip.landmarks, clip.visibility)]
    rest = LandmarkClip(still[0], still[1], np.arange(100) / 25, None)
    served = asked_service(small_run.bundle, max_frames_a_second=10_000)
    with served as (client, _), greeted(client, mode="auto", aspect=clip.aspect) as socket:
        at = 0.0
        for part in (rest, clip, rest):
            for message in messages(part, at):
                socket.send_bytes(message)
            at += part.duration_s + 0.04
        answer, before = until(socket, "answer")
        assert "signing" in before
        assert answer["cause"] == "rest"
        assert abs(answer["start_s"] - 4.0) < 1.5
        assert abs(answer["end_s"] - 4.0 - clip.duration_s) < 1.5


def test_two_people_have_two_sessions(small_run: SmallRun) -> None:
    (_, first), (_, second), *_ = signing(small_run.data)
    with asked_service(small_run.bundle) as (client, _):
        with greeted(client) as one, greeted(client) as other:
            assert "signtalk_streams 2.0" in client.get("/metrics").text
            for socket in (one, other):
                socket.send_json({"type": "start"})
            for of_one, of_other in zip(messages(first), messages(second), strict=False):
                one.send_bytes(of_one)
                other.send_bytes(of_other)
            lengths = []
            for socket in (one, other):
                socket.send_json({"type": "stop"})
                lengths.append(until(socket, "answer")[0]["end_s"])
        assert lengths[0] != lengths[1]
        assert "signtalk_streams 0.0" in client.get("/metrics").text


BAD_FRAMES = {
    "bytes": b"x" * 100,
    "empty": b"",
    "infinite": bytes(8) + np.full(540, np.inf, "<f4").tobytes(),
    "no time": np.array([np.nan]).tobytes() + bytes(FRAME.itemsize - 8),
    "backwards": bytes(FRAME.itemsize * 2),
    "too many": b"".join(np.array([float(t)]).tobytes() + bytes(FRAME.itemsize - 8) for t in range(61)),
}


@pytest.mark.parametrize("kind", BAD_FRAMES)
def test_bad_frames_end_the_stream_with_a_reason(small_run: SmallRun, kind: str) -> None:
    with asked_service(small_run.bundle) as (client, _):
        with greeted(client) as socket:
            socket.send_bytes(BAD_FRAMES[kind])
            error, _ = until(socket, "error")
            assert error["error"]["message"]
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_json()
            assert closed.value.code == 1008
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", '"start"', '{"type": 5}', '{"type": ["start"]}', '{"type": "shout"}', "[" * 50_000,
     '{"type": "confirmed"}', '{"type": "confirmed", "segment": "0", "text": "a"}',
     '{"type": "next", "limit": 0}', '{"type": "next", "limit": 21}',
     '{"type": "confirmed", "segment": 0, "text": null}', '{"type": "confirmed", "segment": -1, "text": "a"}'],
)  # fmt: skip
def test_bad_orders_end_the_stream_with_a_reason(small_run: SmallRun, text: str) -> None:
    with asked_service(small_run.bundle) as (client, _), greeted(client) as socket:
        socket.send_text(text)
        error, _ = until(socket, "error")
        assert error["error"]["code"] == "bad_message"


@pytest.mark.parametrize(
    "hello", ["", "{}", '{"type": "hello", "aspect": "wide"}', '{"type": "hello", "aspect": 1e999}',
              '{"type": "hello", "more": 1}', '{"type": "hello", "candidates": 1000000}'],
)  # fmt: skip
def test_who_does_not_say_hello_is_not_served(small_run: SmallRun, hello: str) -> None:
    with asked_service(small_run.bundle) as (client, _), client.websocket_connect("/v1/stream") as socket:
        socket.send_text(hello)
        assert socket.receive_json()["type"] == "error"


def test_silent_sockets_are_closed(small_run: SmallRun) -> None:
    quick = asked_service(small_run.bundle, hello_timeout_s=0.1)
    with quick as (client, _), client.websocket_connect("/v1/stream") as socket:
        assert socket.receive_json()["error"]["code"] == "idle"
    with asked_service(small_run.bundle, idle_timeout_s=0.2) as (client, _), greeted(client) as socket:
        assert until(socket, "error")[0]["error"]["code"] == "idle"


def test_a_ping_is_answered_and_keeps_no_socket_open(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle, idle_timeout_s=0.5) as (client, _), greeted(client) as socket:
        kinds = []
        for _ in range(100):
            socket.send_text('{"type":"ping"}')
            kinds.append(socket.receive_json()["type"])
            if kinds[-1] == "error":
                break
            time.sleep(0.02)
        assert kinds[0] == "pong"
        assert kinds[-1] == "error"


def test_no_more_streams_than_allowed(small_run: SmallRun) -> None:
    for settings in ({"max_streams": 1}, {"max_streams_a_client": 1}):
        with asked_service(small_run.bundle, **settings) as (client, _):
            with greeted(client):
                with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/v1/stream") as socket:
                    socket.receive_json()
                assert refused.value.code == 1013
            with greeted(client):  # there is room again
                pass


def test_pages_of_other_hosts_are_not_served(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle, origins=("https://ward.example",)) as (client, _):
        for origin in ("https://evil.example", "null", "http://testserver.evil.example"):
            with (
                pytest.raises(WebSocketDisconnect),
                client.websocket_connect("/v1/stream", headers={"Origin": origin}) as socket,
            ):
                socket.receive_json()
        for origin in ("https://ward.example", "http://testserver"):
            with client.websocket_connect("/v1/stream", headers={"Origin": origin}) as socket:
                socket.send_json(HELLO)
                assert socket.receive_json()["type"] == "ready"


def test_too_many_frames_a_second_are_refused(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    with asked_service(small_run.bundle, max_frames_a_second=2) as (client, _), greeted(client) as socket:
        for message in messages(clip, size=5):
            socket.send_bytes(message)
        error, _ = until(socket, "error")
        assert error["error"]["code"] == "too_many_frames"


def test_a_clip_that_cannot_be_used_does_not_end_the_stream(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    nobody = np.full_like(clip.landmarks, np.nan)
    nobody[:, 33:54] = clip.landmarks[:, 54:75]
    with asked_service(small_run.bundle) as (client, _), greeted(client) as socket:
        for at, shown in ((0.0, LandmarkClip(nobody, clip.visibility, clip.timestamps_s, None)), (20.0, clip)):
            socket.send_json({"type": "start"})
            for message in messages(shown, at):
                socket.send_bytes(message)
            socket.send_json({"type": "stop"})
            kind = "error" if at == 0 else "answer"
            found, _ = until(socket, kind)
            assert found["segment"] == (0 if at == 0 else 1)
            assert until(socket, "state")[0]["state"] == ("idle" if at == 0 else "answer")
        socket.send_text(json.dumps({"type": "reset"}))
        assert until(socket, "state")[0]["state"] == "idle"
