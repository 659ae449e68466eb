"""The service as a process: an orderly end, many sockets, slow senders, a kill in the middle of enrolment."""

import asyncio
import base64
import contextlib
import json
import queue
import random
import re
import resource
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
import websockets

import signtalk.service.run
from made.bundles import resealed
from made.service import BEARER, CLIP, KEY, running_service, signing
from made.small_run import SmallRun
from signtalk.bundle.bundle import open_bundle
from signtalk.index.index import SentenceIndex
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import decode_frames, encode_clip
from signtalk.service.app import create_app
from signtalk.service.run import ask_bundle, served

SLOW_BODY = (
    b"POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"
)


def test_a_bundle_is_served_for_one_request(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    with open_bundle(small_run.bundle) as opened:
        (expected,) = opened.recognizer.recognize([clip])
    answer = ask_bundle(small_run.bundle, clip)
    assert answer["outcome"] == expected.outcome
    assert [line["sentence"] for line in answer["candidates"]] == [line.sentence for line in expected.candidates]


@pytest.mark.parametrize("kind", ["whole", "in parts"])
@pytest.mark.parametrize("path", ["/v1/recognize", "/v1/search", "/v1/config", "/none"])
def test_who_sends_far_too_much_reads_the_answer(path: str, kind: str) -> None:
    """A client that sends all before it reads, and closes after it, as `urllib` and many others do."""
    no_model: Any = SimpleNamespace(answer=None)  # it is not asked
    part = b"x" * 2**20
    body = part * 64 if kind == "whole" else iter([part] * 64)
    with served(create_app(no_model)) as address:
        request = urllib.request.Request(f"{address}{path}", body, {"Content-Type": "application/json"}, method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        with refused.value as answer:
            expected = {"/v1/config": 405, "/none": 404}.get(path, 413)
            assert answer.status == (413 if kind == "whole" else expected)
            assert "error" in json.load(answer)


@pytest.mark.slow
def test_sigterm_under_load_loses_no_accepted_request(small_run: SmallRun) -> None:
    """Every request that the service took is answered, and every answer arrives.

    A kept connection may be closed in the very moment in which a client uses it again: that request was not taken,
    which the service's own log tells.
    """
    body = encode_clip(signing(small_run.data, 1)[0][1])
    statuses: list[int] = []
    busy = threading.Event()

    def ask(address: str) -> None:
        with httpx2.Client(timeout=30) as client:
            while True:
                try:
                    answer = client.post(f"http://{address}/v1/recognize", content=body, headers=CLIP)
                except httpx2.HTTPError:
                    return
                statuses.append(answer.status_code)
                if len(statuses) > 16:
                    busy.set()

    with running_service(small_run.bundle) as (address, process):
        threads = [threading.Thread(target=ask, args=(address,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert busy.wait(60)
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(30)
        log = process.communicate(timeout=30)[1]
    taken = [int(status) for status in re.findall(r"POST /v1/recognize (\d+) ", log)]
    assert sorted(taken) == sorted(statuses)
    assert set(taken) <= {200, 503}
    assert taken.count(200) > 8


def test_a_bundle_that_cannot_answer_is_told_at_the_start(
    small_run: SmallRun, tmp_path: Path, ask: Callable[..., Any]
) -> None:
    bad = resealed(small_run.bundle, tmp_path / "bad.zip", {"signs.npz": b"no signs"})
    error = ask("serve", bad, "--port", 0, "--no-page", code=2).err
    assert error.startswith(f"signtalk: {bad}/signs.npz: ")
    assert error.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_unpacked_is_left_behind(
    number: signal.Signals, small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    ignored = signal.getsignal(number) is signal.SIG_IGN  # Ctrl-C by what a shell started in the background
    with running_service(small_run.bundle) as (_, process):
        assert list(tmp_path.glob("signtalk-bundle-*"))
        process.send_signal(number)
        assert process.wait(30) == (0 if ignored else 128 + number)
    assert not list(tmp_path.glob("signtalk-bundle-*"))


@pytest.mark.slow
def test_sigterm_answers_a_stream_that_thinks(small_run: SmallRun) -> None:
    clip = signing(small_run.data, 1)[0][1]

    async def talk(address: str, process: object) -> tuple[list[str], int | None]:
        kinds = []
        async with websockets.connect(f"ws://{address}/v1/stream") as stream:
            await stream.send(json.dumps({"type": "hello", "mode": "button"}))
            await stream.send(json.dumps({"type": "start"}))
            frames = decode_frames(encode_clip(clip)[12:])
            for at in range(0, len(frames), 50):
                await stream.send(frames[at : at + 50].tobytes())
            await stream.send(json.dumps({"type": "stop"}))
            try:
                while True:
                    message = json.loads(await stream.recv())
                    kinds.append(message["type"])
                    if message.get("state") == "thinking":
                        process.send_signal(signal.SIGTERM)  # type: ignore[attr-defined]
            except websockets.ConnectionClosed as closed:
                return kinds, closed.rcvd.code if closed.rcvd else None

    with running_service(small_run.bundle) as (address, process):
        kinds, code = asyncio.run(talk(address, process))
        process.wait(30)
    assert "answer" in kinds
    assert code == 1001


@pytest.mark.slow
def test_a_thousand_idle_sockets_and_slow_senders_keep_nobody_waiting(small_run: SmallRun) -> None:
    body = encode_clip(signing(small_run.data, 1)[0][1])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    begun = {1: b"POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Le", 2: SLOW_BODY}
    with running_service(small_run.bundle) as (address, process), contextlib.ExitStack() as held:
        place = address.split(":")[0], int(address.split(":")[1])
        sockets = [held.enter_context(socket.create_connection(place)) for _ in range(1001)]
        for number, connection in enumerate(sockets):
            connection.sendall(begun.get(number % 4, b""))
        answer = httpx2.post(f"http://{address}/v1/recognize", content=body, headers=CLIP, timeout=20)
        assert answer.status_code == 200
        with pytest.raises(OSError):
            sockets[-1].sendall(b"GET / HTTP/1.1\r\nX: ")
            while True:  # a head without end
                sockets[-1].sendall(b"X" * 1000)
        for silent in (sockets[0], sockets[1]):
            silent.settimeout(60)
            assert silent.recv(10) == b""  # closed after ten seconds
        assert process.poll() is None


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
@pytest.mark.slow
def test_a_kill_during_enrolment_loses_nothing_confirmed(small_run: SmallRun, tmp_path: Path, seed: int) -> None:
    clips = [clip for _, clip in signing(small_run.data, 3)]
    rng = random.Random(seed)
    confirmed = []
    with running_service(small_run.bundle, "--index", tmp_path / "ward", key=KEY) as (address, process):
        killer = threading.Timer(0.6 * rng.random(), process.kill)
        for number in range(10_000):
            first, last = sorted(rng.sample(range(len(clips[0].landmarks)), 2))
            if last - first < 10:
                continue
            kept = slice(first, last)
            whole = clips[number % 3]
            part = LandmarkClip(whole.landmarks[kept], whole.visibility[kept], whole.timestamps_s[kept], whole.aspect)
            if part.num_frames < 10:
                continue
            body = {"text": f"sentence {number}", "clips": [base64.b64encode(encode_clip(part)).decode()]}
            try:
                answer = httpx2.post(f"http://{address}/v1/enroll", json=body, headers=BEARER, timeout=20)
            except httpx2.HTTPError:
                break
            if answer.status_code == 200:
                if not confirmed:
                    killer.start()
                confirmed += answer.json()["clip_ids"]
        killer.join()
    assert confirmed
    assert set(confirmed) <= set(SentenceIndex.load(tmp_path / "ward").row_of)


@pytest.mark.slow
def test_the_log_holds_no_address_and_no_trace_of_those_who_leave(small_run: SmallRun) -> None:
    async def leave_early(address: str) -> None:
        async with websockets.connect(f"ws://{address}/v1/stream?asked=privately") as stream:
            await stream.send(json.dumps({"type": "hello"}))
            await stream.send(b"no frame")
            stream.transport.abort()

    async def go_on(address: str) -> None:
        await asyncio.gather(*(leave_early(address) for _ in range(40)))

    with running_service(small_run.bundle) as (address, process):
        asyncio.run(go_on(address))
        assert process.stderr
        log = ""
        while log.count("stream closed after") < 40:
            log += process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        log += process.stderr.read()
    assert f"running on http://{address}" in log
    assert log.count("stream closed after") == 40
    assert "privately" not in log
    assert not re.search(r"127\.0\.0\.1(?!:" + address.split(":")[1] + r"\b)", log)
    assert "Traceback" not in log


def test_a_browser_that_is_waited_for_does_not_hold_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: queue.Queue[str] = queue.Queue()
    closed = threading.Event()
    monkeypatch.setattr("webbrowser.open", lambda page: (opened.put(page), closed.wait(60)))
    no_model: Any = SimpleNamespace(answer=None)  # it is not asked
    server = signtalk.service.run._server(create_app(no_model), port=0, log_config=None)
    server.opens = ""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert httpx2.get(f"{opened.get(timeout=60)}healthz", timeout=20).status_code == 200
    finally:
        closed.set()
        server.should_exit = True
        thread.join(60)


@pytest.mark.slow
def test_a_smaller_encoder_can_be_served(small_run: SmallRun, ask: Callable[..., Any]) -> None:
    _, clip = signing(small_run.data, 1)[0]
    with open_bundle(small_run.bundle, "int8") as opened:
        (expected,) = opened.recognizer.recognize([clip])
    with running_service(small_run.bundle, "--variant", "int8") as (address, _):
        answer = httpx2.post(f"http://{address}/v1/recognize", content=encode_clip(clip), headers=CLIP).json()
    similarities = [line["similarity"] for line in answer["candidates"]]
    assert similarities == pytest.approx([line.similarity for line in expected.candidates], abs=1e-6)
    refused = ask("serve", small_run.bundle, "--variant", "int1", "--no-page", code=2).err
    assert "no variant 'int1'" in refused


@pytest.mark.slow
def test_one_address_may_hold_some_streams_alone(small_run: SmallRun) -> None:
    async def third(address: str) -> int:
        url = f"ws://{address}/v1/stream"
        async with websockets.connect(url) as one, websockets.connect(url) as two:
            await asyncio.gather(one.ping(), two.ping())
            try:
                async with websockets.connect(url) as refused:
                    await refused.recv()
            except websockets.ConnectionClosed as closed:
                return int(closed.rcvd.code) if closed.rcvd else 0
        return 0

    with running_service(small_run.bundle, "--max-streams-a-client", 2) as (address, _):
        assert asyncio.run(third(address)) == 1013


@pytest.mark.slow
def test_what_cannot_be_served_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no such file"), running_service(tmp_path / "none.zip"):
        pass
    with pytest.raises(AssertionError, match="at least 16"), running_service(tmp_path / "none.zip", key="short"):
        pass
