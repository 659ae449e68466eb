"""A small stand-in for the service, for tests of the live page: the protocol with a crude recogniser behind it.

It answers by how the wrists went, compared with what was enrolled, so that a page can enrol a clip of the fake camera
and have it recognised. It is told by its own paths below `/test/` what to do next.

    python tests/made/page_service.py 8123 /path/to/holistic_landmarker.task     # then open http://127.0.0.1:8123/
"""

import asyncio
import json
import signal
import struct
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, JSONResponse

from signtalk.service.errors import add_error_handlers
from signtalk.service.page import add_page
from signtalk.service.pairing import PairSocket
from signtalk.service.pairs import Pairs
from signtalk.service.settings import ServiceSettings
from signtalk.service.sockets import TalkingSocket

WEB = Path(__file__).resolve().parents[2] / "src" / "signtalk" / "service" / "web"
KEY = "the key of the tests"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
FRAME = np.dtype([("time_s", "<f8"), ("points", "<f4", (169, 3)), ("visibility", "<f4", (33,))])
WRISTS, ELBOWS, SHOULDERS, PATH_POINTS = [15, 16], [13, 14], [11, 12], 12
NEAR = 0.45  # shoulder widths between two paths that count as the same sentence
SEEN_S, REST_S = 0.4, 0.6
KNOWN = [
    ("s1", "Where does it hurt?", "complaint"), ("s2", "I have a fever.", "complaint"),
    ("s3", "Good morning.", "greeting"), ("s4", "Please sit down.", "instruction"),
    ("s5", "Do you take any medicine?", "question"),
]  # fmt: skip


def path_of(frames: np.ndarray, aspect: float) -> np.ndarray:
    """(PATH_POINTS, 2, 2): both wrists against the shoulders' middle, in shoulder widths; the last known place kept."""
    places = frames["points"][:, :, :2] * np.array([aspect, 1])
    middle = places[:, SHOULDERS].mean(axis=1, keepdims=True)
    width = np.linalg.norm(places[:, SHOULDERS[0]] - places[:, SHOULDERS[1]], axis=-1)[:, None, None]
    wrists = ((places[:, WRISTS] - middle) / width)[~np.isnan(width[:, 0, 0])]
    at = np.linspace(0, len(wrists) - 1, PATH_POINTS)
    columns = [np.interp(at, np.arange(len(wrists)), wrists[:, i, j]) for i in range(2) for j in range(2)]
    return np.stack(columns, axis=1).reshape(PATH_POINTS, 2, 2)


def frames_of_json(clip: dict[str, Any]) -> np.ndarray:
    frames = np.zeros(len(clip["frames"]), dtype=FRAME)
    frames["points"], frames["visibility"] = np.nan, np.nan
    starts = {"pose": (0, 33), "left_hand": (33, 54), "right_hand": (54, 75), "face": (75, 169)}
    for i, frame in enumerate(clip["frames"]):
        frames["time_s"][i] = frame["time_s"]
        for part, (start, stop) in starts.items():
            if (rows := frame[part]) is not None:
                assert len(rows) == stop - start
                frames["points"][i, start:stop] = [row[:3] for row in rows]
                if part == "pose":
                    frames["visibility"][i] = [row[3] for row in rows]
    return frames


def frames_of_bytes(body: bytes) -> tuple[np.ndarray, float]:
    magic, count, aspect = struct.unpack_from("<4sIf", body)
    assert magic == b"SGT1" and len(body) == 12 + count * FRAME.itemsize
    return np.frombuffer(body, FRAME, offset=12), aspect


def bytes_of(frames: np.ndarray, aspect: float) -> bytes:
    return struct.pack("<4sIf", b"SGT1", len(frames), aspect) + frames.tobytes()


def waving() -> bytes:
    """A made-up sign: a person of sticks who lifts the right hand and moves it from side to side."""
    frames = np.zeros(45, dtype=FRAME)
    frames["time_s"], frames["visibility"] = np.arange(45) / 15, 1.0
    frames["points"] = np.nan
    body = {0: (0.5, 0.25), 2: (0.53, 0.22), 5: (0.47, 0.22), 7: (0.57, 0.24), 8: (0.43, 0.24), 9: (0.52, 0.29)}
    body |= {10: (0.48, 0.29), 11: (0.65, 0.45), 12: (0.35, 0.45), 13: (0.68, 0.65), 14: (0.30, 0.62)}
    body |= {15: (0.66, 0.85), 23: (0.6, 0.9), 24: (0.4, 0.9)}
    frames["points"][:, :33] = (0.5, 0.9, 0)
    for i, place in body.items():
        frames["points"][:, i, :2] = place
    sway = 0.06 * np.sin(np.arange(45) / 15 * 2 * np.pi)
    frames["points"][:, 16, 0], frames["points"][:, 16, 1] = 0.28 + sway, 0.4
    fingers = np.arange(20)
    spread, length = (fingers // 4 - 2) * 0.02, (fingers % 4 + 1) * 0.025
    hand = np.concatenate([[[0, 0]], np.stack([spread * (1 + length * 8), -0.02 - length], axis=1)])
    frames["points"][:, 54:75, :2] = frames["points"][:, 16:17, :2] + hand
    frames["points"][:, 54:75, 2] = 0
    return bytes_of(frames, 1.0)


class Recogniser:
    """What was enrolled, and answers by it."""

    def __init__(self) -> None:
        self.enrolled: dict[str, np.ndarray] = {}
        self.forced: dict[str, Any] | None = None  # the next answer, as a test wants it

    def answer(self, frames: np.ndarray, aspect: float, asked: str = "") -> dict[str, Any]:
        if self.forced is not None:
            forced, self.forced = self.forced, None
            return forced
        path = path_of(frames, aspect)
        far = {text: float(np.abs(path - known).mean()) for text, known in self.enrolled.items()}
        ranked = sorted(far, key=far.__getitem__)
        names = [*ranked, *(text for _, text, _ in KNOWN)][:5]
        known_ids = {text: sentence_id for sentence_id, text, _ in KNOWN}
        candidates = [
            {"rank": i, "sentence": text, "sentence_id": known_ids.get(text, text), "category": "", "confidence": 0.5}
            for i, text in enumerate(names, 1)
        ]
        near = bool(ranked) and far[ranked[0]] < NEAR
        likeness = 0.62 if not ranked else max(0.0, 1 - far[ranked[0]])
        return {
            "outcome": "answer" if near else "not_sure", "text": ranked[0] if near else None,
            "text_source": "sentence" if near else "", "reason": "" if near else "low_similarity",
            "confidence": likeness, "motion_mean": 1.0, "promise": {"proven": True} if near else None,
            "candidates": candidates, "choices": [],
            "translation": None, "translation_confidence": None, "translation_words": [],
            "asked": {"sentence_id": asked, "rank": 1, "similarity": likeness, "confidence": 0.5} if asked else None,
        }  # fmt: skip


class Session:
    """One stream: a segment begins when a hand is above its elbow and ends when none is, or by the button."""

    def __init__(self, socket: WebSocket, recogniser: Recogniser, aspect: float, mode: str) -> None:
        self.socket, self.recogniser, self.aspect, self.mode = socket, recogniser, aspect, mode
        self.frames: list[np.ndarray] = []
        self.segment, self.began = 0, False
        self.seen_s = self.activity_s = -1e9
        self.state = "idle"

    async def to(self, state: str) -> None:
        if state != self.state:
            self.state = state
            await self.socket.send_json({"type": "state", "state": state, "time_s": 0.0})

    async def push(self, frame: np.ndarray) -> None:
        time_s = float(frame["time_s"])
        if self.frames and time_s <= float(self.frames[-1]["time_s"]):
            await self.socket.send_json({"type": "error", "error": {"code": "bad_clip", "message": "times go back"}})
            await self.socket.close(1008)
            return
        self.frames.append(frame)
        raised = bool((frame["points"][WRISTS, 1] < frame["points"][ELBOWS, 1]).any())
        if raised:
            self.seen_s = time_s
        if time_s - self.activity_s > 0.2:
            self.activity_s = time_s
            activity = {"type": "activity", "time_s": time_s, "probability": 0.9 if raised else 0.1, "motion": 1.0}
            await self.socket.send_json(activity)
        if self.mode == "auto":
            if raised and not self.began:
                await self.start()
            elif self.began and time_s - self.seen_s > REST_S:
                await self.stop("rest")

    async def start(self) -> None:
        self.began = True
        self.frames = self.frames[-1:]
        await self.to("signing")

    async def stop(self, cause: str) -> None:
        if not self.began:
            return
        self.began = False
        frames = np.array(self.frames, dtype=FRAME)
        if len(frames) < 3 or frames["time_s"][-1] - frames["time_s"][0] < SEEN_S:
            await self.socket.send_json({"type": "cancel", "segment": self.segment, "cause": "too short"})
            await self.to("idle")
            return
        await self.to("thinking")
        answer = self.recogniser.answer(frames, self.aspect)
        times = {"start_s": float(frames["time_s"][0]), "end_s": float(frames["time_s"][-1])}
        message = {"type": "answer", "segment": self.segment, **times, "cause": cause, "answer": answer}
        await self.socket.send_json(message)
        self.segment += 1
        await self.to("answer")


def learned(order: dict[str, Any], known: dict[int, str]) -> list[dict[str, Any]]:
    """What a stream says that learns its person at once; `known` are their sentences by segment."""
    if order["type"] == "next":
        asked = [{"sentence_id": sentence_id, "sentence": text} for sentence_id, text, _ in KNOWN]
        return [{"type": "next", "sentences": asked[: order["limit"]]}]
    if order["type"] == "reset":
        known.clear()
    elif order["text"]:
        known[order["segment"]] = order["text"]
    else:
        del known[order["segment"]]
    return [{"type": "signer", "sentences": len(known)}]


class Counted:
    """How many bytes each path was sent, an entry for each time that it was any."""

    def __init__(self, app: Any, sent: dict[str, list[int]]) -> None:
        self.app, self.sent = app, sent

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        size = 0

        async def counted(message: Any) -> None:
            nonlocal size
            size += len(message.get("body", b""))
            await send(message)

        await self.app(scope, receive, counted if scope["type"] == "http" else send)
        if size:
            self.sent.setdefault(scope["path"], []).append(size)


def create_app(model: Path | None) -> FastAPI:
    app = FastAPI()
    sent: dict[str, list[int]] = {}
    app.add_middleware(Counted, sent=sent)
    recogniser = Recogniser()
    sockets: set[WebSocket] = set()
    films: dict[str, str] = {}
    orders: list[dict[str, Any]] = []  # what the streams were told of their people

    @app.middleware("http")
    async def safe_headers(request: Request, go_on: Any) -> Response:
        response: Response = await go_on(request)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    @app.get("/v1/config")
    async def config() -> dict[str, Any]:
        return {"version": "0", "can_enroll": True, "can_search": True, "can_pair": True, "limits": {}}

    @app.get("/v1/sentences")
    async def sentences(
        query: str = "", limit: int = 100, offset: int = 0, category: str | None = None
    ) -> dict[str, Any]:
        listed = [
            {
                "sentence_id": i,
                "sentence": text,
                "category": kind,
                "has_sign": i != "s5",
                "has_film": i in films,
                "language": "en",
            }
            for i, text, kind in KNOWN
            if all(word in text.lower() for word in query.lower().split()) and category in (None, kind)
        ]
        return {"total": len(listed), "sentences": listed[offset : offset + limit]}

    @app.get("/v1/categories")
    async def categories() -> dict[str, Any]:
        counts = Counter(kind for *_, kind in KNOWN)
        return {"categories": [{"category": kind, "sentences": count} for kind, count in sorted(counts.items())]}

    @app.get("/v1/sentences/{sentence_id}/sign")
    async def sign(sentence_id: str) -> Response:
        if sentence_id == "s5":
            return JSONResponse({"error": {"code": "not_found", "message": "no sign"}}, 404)
        return Response(waving(), media_type="application/vnd.signtalk.clip")

    @app.get("/v1/sentences/{sentence_id}/film")
    async def film(sentence_id: str) -> Response:
        return FileResponse(films[sentence_id])

    @app.post("/v1/search")
    async def search(request: Request) -> dict[str, Any]:
        await request.json()
        return {"hits": [{"sentence_id": "s1", "sentence": KNOWN[0][1], "category": "complaint", "similarity": 0.8}]}

    @app.post("/v1/recognize")
    async def recognize(request: Request, sentence_id: str = "") -> dict[str, Any]:
        frames, aspect = frames_of_bytes(await request.body())
        return recogniser.answer(frames, aspect, sentence_id)

    @app.post("/v1/enroll")
    async def enroll(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"code": "unauthorized", "message": "no key"}}, 401)
        body = await request.json()
        (clip,) = body["clips"]
        recogniser.enrolled[body["text"]] = path_of(frames_of_json(clip), clip["aspect"])
        unlike = "clip-1 is less like the sentence's other clips (0.51) than like a clip of 'Where is my key?' (0.61)"
        return JSONResponse({"sentence": body["text"], "confused_with": ["Where is my key?"], "warnings": [unlike]})

    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        sockets.add(socket)
        try:
            hello = await socket.receive_json()
            learns = {"max_signer_sentences": 30 if hello["learn"] else 0}
            await socket.send_json({"type": "ready", "state": "idle", "limits": learns})
            known: dict[int, str] = {}
            session = Session(socket, recogniser, hello["aspect"], hello["mode"])
            while (message := await socket.receive())["type"] == "websocket.receive":
                if message.get("bytes"):
                    for frame in np.frombuffer(message["bytes"], FRAME):
                        await session.push(frame)
                    continue
                order = message["text"]
                value = json.loads(order)
                if value["type"] in ("confirmed", "next", "reset"):
                    orders.append(value)
                    for said in learned(value, known):
                        await socket.send_json(said)
                    continue
                if "ping" in order:
                    await socket.send_json({"type": "pong"})
                if "start" in order:
                    await session.start()
                elif "stop" in order:
                    await session.stop("button")
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            sockets.discard(socket)

    bounds = ServiceSettings()
    pairs = Pairs(bounds)

    @app.websocket("/v1/pair")
    async def pair(socket: WebSocket) -> None:
        await socket.accept()
        await PairSocket(TalkingSocket(socket, 2), pairs, bounds, "address").run()

    @app.get("/test/orders")
    async def told() -> list[dict[str, Any]]:
        return orders

    @app.get("/test/sent")
    async def counts() -> dict[str, list[int]]:
        return {path: sizes for path, sizes in sent.items() if not path.startswith(("/v1/", "/test/"))}

    @app.post("/test/films")
    async def keep_films(request: Request) -> None:
        """From now on sentences have the films at these paths, by their ids."""
        films.update(await request.json())

    @app.post("/test/force")
    async def force(request: Request) -> dict[str, Any]:
        recogniser.forced = await request.json()
        return {}

    @app.post("/test/say")
    async def say(request: Request) -> dict[str, Any]:
        """Send a message of the protocol to whoever listens, as an answer that comes now."""
        message = await request.json()
        await asyncio.gather(*(socket.send_json(message) for socket in tuple(sockets)))
        return {}

    @app.post("/test/drop")
    async def drop() -> dict[str, Any]:
        await asyncio.gather(*(socket.close(1013) for socket in tuple(sockets)))
        return {}

    @app.post("/test/quit")
    async def leave() -> dict[str, Any]:
        signal.raise_signal(signal.SIGINT)
        return {}

    add_error_handlers(app)
    add_page(app, model or WEB / "no_models.task", WEB)
    return app


if __name__ == "__main__":
    served = create_app(Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    uvicorn.run(served, port=int(sys.argv[1]), log_level="warning", timeout_graceful_shutdown=1)
