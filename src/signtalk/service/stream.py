"""The socket of `/v1/stream`: one person's frames in, states and answers out. docs/protocol.md has the messages.

socket --StreamSocket.run--> LiveSession, and its segments through the service's QuestionQueue
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from signtalk.errors import ClipError
from signtalk.landmarks.wire import decode_frames
from signtalk.service.errors import RefusedError, refusal_of
from signtalk.service.metrics import ServiceMetrics
from signtalk.service.model import Question, Reply
from signtalk.service.queue import QuestionQueue
from signtalk.service.schemas import MOST_ASKED, MOST_TEXT
from signtalk.service.session import LiveSession, Mode, Note, Segment
from signtalk.service.settings import ServiceSettings
from signtalk.service.sockets import GOING_AWAY, Allowance, TalkingSocket
from signtalk.service.stream_signer import SignerTeacher, StreamSigner, named_sentences

_MOST_THINKING = 2
"""Segments of one stream that wait for their answers."""


class _Hello(BaseModel):
    """The first message."""

    model_config = ConfigDict(extra="forbid")
    type: str = Field(pattern="^hello$")
    aspect: float | None = Field(default=None, gt=0.1, lt=10)
    candidates: int = Field(default=5, ge=1, le=50)
    mode: Mode = "auto"
    learn: bool = True


class _Confirmed(BaseModel):
    """Somebody said which sentence a segment is."""

    model_config = ConfigDict(extra="forbid")
    type: str
    segment: int = Field(ge=0)
    text: str = Field(max_length=MOST_TEXT)


class _Next(BaseModel):
    """Somebody wants to be known: what shall they sign?"""

    model_config = ConfigDict(extra="forbid")
    type: str
    limit: int = Field(default=5, ge=1, le=MOST_ASKED)


def _is_ping(message: str | bytes) -> bool:
    """Whether a client asks if the service still answers."""
    return isinstance(message, str) and message.replace(" ", "") == '{"type":"ping"}'


class StreamSocket:
    """One socket that was accepted.

    Args:
        socket: the socket.
        questions: where segments are answered.
        teacher: learns a person from what they confirmed.
        settings: bounds.
        metrics: counts.
        on_answer: called with each answer and where it goes to.
    """

    def __init__(
        self,
        socket: WebSocket,
        questions: QuestionQueue[Question, Reply],
        teacher: SignerTeacher,
        *,
        settings: ServiceSettings,
        metrics: ServiceMetrics,
        on_answer: Callable[[dict[str, Any], str], None],
    ) -> None:
        self._socket = TalkingSocket(socket, settings.answer_timeout_s)
        self._questions, self._settings, self._metrics = questions, settings, metrics
        self._on_answer = on_answer
        self._teacher, self._person = teacher, StreamSigner(0)
        self._learning: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._thinking: set[asyncio.Task[None]] = set()
        self._allowance = Allowance(settings.max_frames_a_second)
        self._task: asyncio.Task[Any] | None = None
        self._stopping = False
        self._num_candidates = 5
        self._name = f"stream {id(self)}"

    async def run(self) -> None:
        """Serve it until it closes."""
        self._task = asyncio.current_task()
        try:
            await self._listen(await self._hello())
        except WebSocketDisconnect:
            pass
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        except RefusedError as error:
            await self._socket.refuse(error)
        except Exception as error:  # noqa: BLE001 - told without its words, as an answer of HTTP would be
            await self._socket.refuse(refusal_of(error))
        finally:
            await self._finish()

    async def _listen(self, session: LiveSession) -> None:
        """Take messages; a ping keeps no socket open that brings nothing else."""
        last = time.monotonic()
        while True:
            left = last + self._settings.idle_timeout_s - time.monotonic()
            message = await self._socket.received(max(0.0, left), self._settings.idle_timeout_s)
            if _is_ping(message):
                await self._socket.send({"type": "pong"})
                continue
            await self._take(session, message)
            last = time.monotonic()

    async def stop(self) -> None:
        """The service stops: answer what was accepted, take no further frame, close."""
        self._stopping = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=self._settings.stop_timeout_s)

    async def _finish(self) -> None:
        if self._stopping:
            if self._thinking:
                await asyncio.wait(self._thinking, timeout=self._settings.stop_timeout_s)
            await self._socket.close(GOING_AWAY)
        for task in (*self._thinking, *filter(None, [self._learning, self._asking])):
            task.cancel()

    async def _hello(self) -> LiveSession:
        message = await self._socket.received(self._settings.hello_timeout_s, self._settings.hello_timeout_s)
        try:
            hello = _Hello.model_validate_json(message if isinstance(message, str) else "")
        except ValidationError as error:
            raise RefusedError(400, 'the first message must be {"type": "hello"}; see docs/protocol.md') from error
        self._num_candidates = hello.candidates
        self._person = StreamSigner(self._settings.max_signer_sentences if hello.learn else 0)
        limits = {
            "max_frames_a_message": self._settings.max_frames_a_message,
            "max_frames_a_second": self._settings.max_frames_a_second,
            "max_frames": self._settings.max_frames,
            "max_signer_sentences": self._settings.max_signer_sentences,
        }
        await self._socket.send({"type": "ready", "state": "idle", "limits": limits})
        return LiveSession(hello.aspect, hello.mode)

    async def _take(self, session: LiveSession, message: str | bytes) -> None:
        if isinstance(message, str):
            await self._say(session, await self._ordered(session, message))
            return
        frames = decode_frames(message)
        if len(frames) > self._settings.max_frames_a_message:
            raise RefusedError(413, f"{len(frames)} frames; at most {self._settings.max_frames_a_message} a message")
        if not self._allowance.take(len(frames)):
            most = self._settings.max_frames_a_second
            raise RefusedError(429, f"more than {most:g} frames a second; send fewer", "too_many_frames", 1)
        self._metrics.frames.inc(len(frames))
        await self._say(session, session.push(frames))

    async def _ordered(self, session: LiveSession, message: str) -> Sequence[Note]:
        try:
            value = json.loads(message)
        except (ValueError, RecursionError) as error:
            raise RefusedError(400, "a text message that is no JSON", "bad_message") from error
        order = value.get("type") if isinstance(value, dict) else None
        if order == "confirmed":
            return self._confirmed(value)
        if order == "next":
            return self._ask_next(value)
        if order == "reset":
            return self._reset(session)
        orders = {"start": session.start, "stop": session.stop}
        if not isinstance(order, str) or order not in orders:
            raise RefusedError(400, "expected one of start, stop, reset, confirmed, next as 'type'", "bad_message")
        return orders[order]()

    def _reset(self, session: LiveSession) -> list[Note]:
        if self._asking is not None:
            self._asking.cancel()  # it was about the person before
        forgotten = self._person.num_sentences
        self._person.forget()
        return session.reset() + ([self._known()] if forgotten else [])

    def _known(self) -> dict[str, Any]:
        return {"type": "signer", "sentences": self._person.num_sentences}

    def _confirmed(self, value: dict[str, Any]) -> list[Note]:
        """Learn from it beside the answers; what was never offered is refused, and the stream goes on."""
        try:
            confirmed = _Confirmed.model_validate(value, strict=True)
        except ValidationError as error:
            raise RefusedError(400, "'confirmed' needs 'segment' and 'text' alone", "bad_message") from error
        before = self._person.num_sentences
        try:
            self._person.confirm(confirmed.segment, confirmed.text)
        except RefusedError as error:
            return [{"type": "error", "segment": confirmed.segment, **error.to_dict()}]
        if self._learning is None or self._learning.done():
            self._learning = asyncio.create_task(self._learn())
        return [self._known()] if before and not self._person.num_sentences else []

    def _ask_next(self, value: dict[str, Any]) -> list[Note]:
        """Find out beside the answers which sentences to ask for; a question at a time."""
        try:
            wanted = _Next.model_validate(value, strict=True)
        except ValidationError as error:
            raise RefusedError(400, f"'next' takes a 'limit' of 1 to {MOST_ASKED} alone", "bad_message") from error
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._next(wanted.limit))
        return []

    async def _next(self, limit: int) -> None:
        """Tell the sentences of which a few tell most about the person; none where nothing is learned."""
        person = self._person
        try:
            sentences = await self._teacher.prompts(person.known_texts, limit, self._name) if person.most else []
        except Exception as error:  # noqa: BLE001 - the answers go on as before
            refusal_of(error)
            sentences = []
        person.asked([each["sentence"] for each in sentences])
        with contextlib.suppress(WebSocketDisconnect):
            await self._socket.send({"type": "next", "sentences": sentences})

    async def _learn(self) -> None:
        """Learn until nothing new was confirmed meanwhile; a service that is too busy learns with the next one."""
        while (lesson := self._person.lesson()) is not None:
            try:
                signer = await self._teacher.learn(lesson, self._name)
            except Exception as error:  # noqa: BLE001 - the answers go on as before
                refusal_of(error)  # which tells the log what is not the client's doing
                return
            if self._person.learned(lesson, signer):
                with contextlib.suppress(WebSocketDisconnect):
                    await self._socket.send(self._known())

    async def _say(self, session: LiveSession, notes: Sequence[Note]) -> None:
        for note in notes:
            if not isinstance(note, Segment):
                await self._socket.send(note)
            elif len(self._thinking) >= _MOST_THINKING:
                error = RefusedError(429, "the sentences before are not answered yet; repeat")
                await self._say(session, session.failed(note, error.to_dict()))
            else:
                task = asyncio.create_task(self._think(session, note))
                self._thinking.add(task)
                task.add_done_callback(self._thinking.discard)

    async def _think(self, session: LiveSession, segment: Segment) -> None:
        try:
            async with asyncio.timeout(self._settings.answer_timeout_s):
                if segment.clip.num_frames > self._settings.max_frames:
                    raise ClipError(f"a sentence of {segment.clip.num_frames} frames; send fewer a second")
                signer = self._person.signer
                question = Question(segment.clip, self._num_candidates, signer=signer)
                reply = await self._questions.ask(question, self._name)
        except Exception as error:  # noqa: BLE001 - one sentence without an answer does not end the stream
            notes = session.failed(segment, refusal_of(error).to_dict())
        else:
            self._on_answer(reply.answer, "stream")
            notes = session.answered(segment, reply.answer, signer.num_clips if signer else 0)
            if notes:
                self._person.heard(segment.number, reply.encoded, named_sentences(reply.answer))
        with contextlib.suppress(WebSocketDisconnect):  # closed meanwhile, which `run` meets as well
            await self._say(session, notes)
