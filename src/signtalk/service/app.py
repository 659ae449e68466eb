"""The service of a bundle over HTTP and sockets; docs/protocol.md is its description for clients.

    ServiceModel + ServiceSettings --Service--> create_app --> FastAPI application, run by `run.serve`

No torch. Answers are made in a thread beside the event loop, several clients' questions together.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, FastAPI, Query, Request, WebSocket
from fastapi.responses import FileResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.legacy_rows import from_prototype_rows
from signtalk.landmarks.plausible import checked_clip
from signtalk.landmarks.wire import CLIP_MEDIA_TYPE, encode_clip
from signtalk.recognition.enrolment import NewSentence
from signtalk.service.errors import RefusedError, add_error_handlers
from signtalk.service.guards import Guard, KeyedRoute, OwnNames, is_own_origin
from signtalk.service.metrics import ServiceMetrics
from signtalk.service.model import Question, Reply, ServiceModel
from signtalk.service.pairing import PairSocket
from signtalk.service.pairs import Pairs
from signtalk.service.queue import ClosedError, QuestionQueue
from signtalk.service.reference import add_reference
from signtalk.service.said import said_routes
from signtalk.service.schemas import (
    CLIP_BODY,
    MOST_NAME,
    MOST_TEXT,
    REFUSALS,
    EnrollBody,
    PrototypeBody,
    SearchBody,
    clip_of_message,
)
from signtalk.service.settings import ServiceSettings
from signtalk.service.sockets import TOO_BUSY, TalkingSocket
from signtalk.service.stream import StreamSocket
from signtalk.service.stream_signer import SignerTeacher
from signtalk.service.taught import COLLECTION_PATH, TaughtSentences, taught_routes
from signtalk.version import VERSION

_logger = logging.getLogger("signtalk.service")
R = TypeVar("R")
_Candidates = Annotated[int, Query(ge=1, le=50, description="How many sentences the answer lists.")]
_SentenceId = Annotated[
    str, Query(max_length=MOST_NAME, description="A sentence of which the answer tells how near it was.")
]


class Service:
    """What all requests share.

    Args:
        model: answers.
        settings: bounds.
    """

    def __init__(self, model: ServiceModel, settings: ServiceSettings) -> None:
        self.model, self.settings, self.metrics = model, settings, ServiceMetrics()
        self.questions = QuestionQueue[Question, Reply](
            model.answer, settings.max_batch, settings.max_waiting, settings.max_waiting_a_client
        )
        self.teacher = SignerTeacher(lambda: model.recognizer)
        self.metrics.waiting.set_function(lambda: len(self.questions))
        self.streams: set[StreamSocket] = set()
        self._streams_of: Counter[str] = Counter()
        self.pairs, self.paired = Pairs(settings), set[PairSocket]()
        self._paired_of: Counter[str] = Counter()
        self.stopping = False

    async def clip_of(self, request: Request) -> LandmarkClip:
        """The clip in a request's body.

        Raises:
            RefusedError: neither JSON nor the bytes of a clip.
            ClipError: the clip cannot be read.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("application/json", CLIP_MEDIA_TYPE):
            raise RefusedError(415, f"content type '{kind[:80]}'; expected application/json or {CLIP_MEDIA_TYPE}")
        body = await request.body()
        return await self.aside(_read_body, body, kind, self.settings.max_frames)

    async def ask(self, request: Request, question: Question) -> dict[str, Any]:
        """The answer to a request's clip, counted."""
        client = request.client.host if request.client else ""
        async with asyncio.timeout(self.settings.answer_timeout_s):
            reply = await self.questions.ask(question, client)
        self.count_answer(reply.answer, "request")
        return reply.answer

    def count_answer(self, answer: dict[str, Any], source: str) -> None:
        """Count an answer; the log holds its words only where that was asked for."""
        self.metrics.answers.labels(source, answer["outcome"]).inc()
        if self.settings.log_content:
            _logger.info("answer by %s: %s, text %r", source, answer["outcome"], answer["text"])

    async def aside(self, work: Callable[..., R], *arguments: Any) -> R:
        """Do something that takes a while beside the event loop."""
        if self.stopping:
            raise ClosedError
        return await run_in_threadpool(work, *arguments)

    async def stream(self, socket: WebSocket) -> None:
        """Serve a socket."""
        client = socket.client.host if socket.client else ""
        most, most_of_one = self.settings.max_streams, self.settings.max_streams_a_client
        if not is_own_origin(socket, self.settings.origins):
            await socket.close(1008, "a page of another host")
            return
        await socket.accept()
        if self.stopping or len(self.streams) >= most or self._streams_of[client] >= most_of_one:
            await socket.close(TOO_BUSY, "too many streams; try again later")
            return
        began = time.monotonic()
        stream = StreamSocket(
            socket, self.questions, self.teacher, settings=self.settings, metrics=self.metrics,
            on_answer=self.count_answer,
        )  # fmt: skip
        self.streams.add(stream)
        self._streams_of[client] += 1
        self.metrics.streams.inc()
        try:
            await stream.run()
        finally:
            self.streams.discard(stream)
            self._streams_of -= Counter((client,))
            self.metrics.streams.dec()
            _logger.info("stream closed after %.0f s", time.monotonic() - began)

    async def pair(self, socket: WebSocket) -> None:
        """Serve the socket of one of two devices."""
        address = socket.client.host if socket.client else ""
        if not is_own_origin(socket, self.settings.origins):
            await socket.close(1008, "a page of another host")
            return
        await socket.accept()
        too_many = len(self.paired) >= 4 * self.settings.max_pairs
        if self.stopping or too_many or self._paired_of[address] >= self.settings.max_streams_a_client:
            await socket.close(TOO_BUSY, "too many devices; try again later")
            return
        device = PairSocket(TalkingSocket(socket, self.settings.pair_silent_s), self.pairs, self.settings, address)
        self.paired.add(device)
        self._paired_of[address] += 1
        try:
            await device.run()
        finally:
            self.paired.discard(device)
            self._paired_of -= Counter((address,))

    async def stop(self) -> None:
        """Take nothing new; answer what was accepted."""
        self.stopping = True
        sockets: tuple[StreamSocket | PairSocket, ...] = (*self.streams, *self.paired)
        await asyncio.gather(*(each.stop() for each in sockets))


def create_app(model: ServiceModel, settings: ServiceSettings | None = None) -> FastAPI:
    """The application; `app.state.service` is its Service."""
    service = Service(model, settings or ServiceSettings())

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        await service.stop()
        await asyncio.gather(service.questions.close(), service.teacher.close())

    app = FastAPI(
        title="SignTalk", version=VERSION, lifespan=life, responses=REFUSALS,
        docs_url=None, redoc_url=None,  # their pages load scripts from other hosts
        description="From a signed sentence to text, or an honest 'not sure'. docs/protocol.md tells more.",
    )  # fmt: skip
    app.state.service = service
    add_error_handlers(app)
    for router in (make(service) for make in (_recognition, _index, _changes, _prototype, _operations)):
        app.include_router(router)
    app.include_router(taught_routes(TaughtSentences(model), service.aside))
    app.include_router(said_routes(model, service.aside, service.settings.max_frames))
    add_reference(app)
    app.add_api_websocket_route("/v1/stream", service.stream)
    app.add_api_websocket_route("/v1/pair", service.pair)
    if service.settings.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(service.settings.origins), allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )  # fmt: skip
    if service.settings.hosts:
        app.add_middleware(OwnNames, names=service.settings.hosts)
    app.add_middleware(
        Guard, max_body_bytes=service.settings.max_body_bytes, body_timeout_s=service.settings.body_timeout_s,
        metrics=service.metrics, files={COLLECTION_PATH: service.settings.max_collection_bytes},
    )  # fmt: skip
    return app


def _read_body(body: bytes, kind: str, max_frames: int) -> LandmarkClip:
    if kind == CLIP_MEDIA_TYPE:
        return checked_clip(clip_of_message(body, "clip", max_frames), "clip")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "the body is no JSON", "bad_json") from error
    if isinstance(value, str):
        raise RefusedError(422, "expected a clip: an object with 'frames'")
    return checked_clip(clip_of_message(value, "clip", max_frames), "clip")


def _recognition(service: Service) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["recognition"])

    @router.post("/recognize", openapi_extra=CLIP_BODY)
    async def recognize(request: Request, candidates: _Candidates = 5, sentence_id: _SentenceId = "") -> dict[str, Any]:
        """The sentence that was signed, candidates to choose from, or "not sure" with the reason."""
        clip = await service.clip_of(request)
        answer = await service.ask(request, Question(clip, candidates, sentence_id))
        return {**answer, "notes": list(clip.notes)}

    @router.post("/translate", openapi_extra=CLIP_BODY)
    async def translate(request: Request) -> dict[str, Any]:
        """What the text decoder reads, whether or not the sentence is known, and whether that may be shown."""
        answer = await service.ask(request, Question(await service.clip_of(request)))
        names = ("translation", "translation_score", "translation_words", "translation_confidence", "translation_shown")
        text, promise = None, None
        if answer["translation_shown"]:
            text = answer["translation"]
            promise = service.model.recognizer.decision.promises["translated"].to_dict()
        return {"text": text, **{name: answer[name] for name in names}, "promise": promise}

    return router


def _index(service: Service) -> APIRouter:
    router, model = APIRouter(prefix="/v1", tags=["sentences"]), service.model

    @router.post("/search")
    async def search(body: SearchBody) -> dict[str, Any]:
        """The clips that mean a text, nearest first."""
        return await service.aside(model.search, body.text, body.limit, body.categories)

    @router.get("/sentences")
    async def sentences(
        query: Annotated[str, Query(max_length=MOST_TEXT)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
        category: Annotated[str | None, Query(max_length=MOST_NAME)] = None,
    ) -> dict[str, Any]:
        """The sentences that are known, or those of one category."""
        return await service.aside(model.sentences, query, limit, offset, category)

    @router.get("/categories")
    async def categories() -> dict[str, Any]:
        """The categories of the sentences, with how many are in each."""
        return {"categories": await service.aside(model.categories)}

    @router.get("/sentences/{sentence_id}/sign", response_class=Response)
    async def sign(sentence_id: str) -> Response:
        """How a sentence is signed: a clip of landmarks to draw."""
        clip = await service.aside(model.sign, sentence_id)
        if clip is None:
            raise RefusedError(404, "no sign of such a sentence is kept in the bundle")
        return Response(encode_clip(clip), media_type=CLIP_MEDIA_TYPE)

    @router.get("/sentences/{sentence_id}/film", response_class=Response)
    async def film(sentence_id: str) -> Response:
        """A person who signs a sentence, and agreed that others see it: a film without sound."""
        path = await service.aside(model.film, sentence_id)
        if path is None:
            raise RefusedError(404, "no film of such a sentence is kept here")
        return FileResponse(path, headers={"Cache-Control": "no-store"})  # the consent may end

    return router


def _changes(service: Service) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["sentences"], route_class=KeyedRoute)
    model, settings = service.model, service.settings

    @router.post("/enroll")
    async def enroll(body: EnrollBody) -> dict[str, Any]:
        """Enroll a sentence from one to three clips; the next question meets it. Needs the key."""
        clips = await service.aside(body.read_clips, settings.max_frames)
        sentence = NewSentence(body.text, body.category, body.signer_id, body.language, body.consent)
        return await service.aside(model.enroll, sentence, clips)

    return router


def _prototype(service: Service) -> APIRouter:
    """The paths of the prototype, answered in its fields (docs/contract.md 1.9) and the promise.

    Not sure means no sentence.
    """
    router = APIRouter(tags=["prototype"])

    @router.post("/predict")
    @router.post("/v1/inference")
    async def predict(request: Request, body: PrototypeBody) -> dict[str, Any]:
        """Recognise a clip of the prototype's 540 columns a frame."""
        if len(body.features) > service.settings.max_frames:
            raise RefusedError(400, f"{len(body.features)} frames; at most {service.settings.max_frames}", "bad_clip")
        clip = await service.aside(_prototype_clip, body)
        answer = await service.ask(request, Question(clip, body.top_k))
        names = ("accepted", "reason", "confidence", "motion_mean", "sentence", "promise")
        said = {name: answer[name] for name in names}
        return {
            **said,
            "results": [{**line, "attention_mean": answer["attention_mean"]} for line in answer["candidates"]],
        }

    return router


def _prototype_clip(body: PrototypeBody) -> LandmarkClip:
    return from_prototype_rows(body.rows(), body.fps, body.smoothing_alpha, "features")


def _operations(service: Service) -> APIRouter:
    router, settings = APIRouter(tags=["operation"]), service.settings

    @router.get("/v1/config")
    async def config() -> dict[str, Any]:
        """What a client needs to know of this service."""
        recognizer = service.model.bundle.recognizer
        return {
            "version": VERSION,
            "encoder_id": recognizer.index.encoder_id,
            "can_enroll": settings.may_enroll,
            "can_keep_clips": settings.may_keep_clips,
            "can_search": recognizer.text_space is not None,
            "can_pair": True,
            "policy": recognizer.decision.policy,
            "promises": {name: promise.to_dict() for name, promise in recognizer.decision.promises.items()},
            "limits": {
                "max_frames": settings.max_frames,
                "max_body_bytes": settings.max_body_bytes,
                "max_frames_a_message": settings.max_frames_a_message,
                "max_frames_a_second": settings.max_frames_a_second,
            },
        }

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the process lives."""
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> dict[str, str]:
        """Whether it takes questions."""
        if service.stopping:
            raise ClosedError
        await service.aside(lambda: service.model.recognizer)
        return {"status": "ready"}

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Counts and times for Prometheus."""
        return Response(service.metrics.page(), media_type="text/plain; version=0.0.4")

    return router
