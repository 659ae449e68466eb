"""The recorder: a page that leads people through a list of sentences, and the requests by which it keeps their takes.

RecordingFolder, how sentences are signed --add_recorder--> routes below /recorder, beside the page's files
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import CLIP_MEDIA_TYPE, encode_clip
from signtalk.service.errors import RefusedError
from signtalk.service.recording import VIDEO_KINDS, PromptedTake, RecordingFolder
from signtalk.service.schemas import clip_of_message

RECORDER_PAGE = "recorder.html"
_MOST_FRAMES = 3600
_Signer = Annotated[str, Query(max_length=40)]
_Session = Annotated[str, Query(max_length=40)]
KnownSign = Callable[[], LandmarkClip | None]
"""Gives how a sentence is signed, when a person is to see it."""
_Number = Annotated[int, Query(ge=0)]
_ClipId = Annotated[str, Query(max_length=80)]


class SignerBody(BaseModel, extra="forbid"):
    """Who agrees to the form."""

    signer: str = Field(max_length=40)
    form: str = Field(max_length=64, description="`form` of the plan: what the person saw.")
    videos: bool = Field(default=False, description="Whether the pictures may be kept, too.")
    shown: bool = Field(default=False, description="Whether others may see them, as an example of the sign.")


class WithdrawBody(BaseModel, extra="forbid"):
    """Who takes the consent back."""

    signer: str = Field(min_length=1, max_length=40)


class LastTakeBody(BaseModel, extra="forbid"):
    """Whose last take of which sentence is taken out."""

    number: int = Field(ge=0)
    signer: str = Field(max_length=40)


def add_recorder(
    app: FastAPI, recording: RecordingFolder, takes_each: int, signs: Mapping[int, KnownSign] | None = None
) -> None:
    """Add the recorder's requests; the page is among the page's files.

    Args:
        app: the application, before its page is added.
        recording: where takes are kept.
        takes_each: of a sentence and signer.
        signs: gives how a sentence is signed, by its number; for those that are not there the text alone prompts.
    """
    app.include_router(_prompting(recording, takes_each, signs or {}))
    app.include_router(_keeping(recording))


def _prompting(recording: RecordingFolder, takes_each: int, shown: Mapping[int, KnownSign]) -> APIRouter:
    router = APIRouter(prefix="/recorder", include_in_schema=False)

    @router.get("/plan")
    async def plan(signer: _Signer = "") -> dict[str, Any]:
        """What is to be signed, and how far a signer is."""
        counts = recording.takes_of(signer)
        sentences = [
            {"sentence": prompt.sentence, "category": prompt.category, "takes": count, "has_sign": number in shown}
            for number, (prompt, count) in enumerate(zip(recording.prompts, counts, strict=True))
        ]
        return {
            "sentences": sentences, "takes_each": takes_each, "consent_form": recording.form,
            "form": recording.form_id, "has_agreed": recording.has_agreed(signer), "folder": recording.folder.name,
            "keeps_videos": recording.keeps_videos,
        }  # fmt: skip

    @router.get("/sign")
    async def sign(number: _Number) -> Response:
        """How a sentence is signed, as a clip's bytes."""
        clip = await run_in_threadpool(shown[number]) if number in shown else None
        if clip is None:
            raise RefusedError(404, "no sign of this sentence is known here")
        return Response(encode_clip(clip), media_type=CLIP_MEDIA_TYPE)

    return router


def _keeping(recording: RecordingFolder) -> APIRouter:
    router = APIRouter(prefix="/recorder", include_in_schema=False)

    @router.post("/agree")
    async def agree(body: SignerBody) -> dict[str, Any]:
        """Remember that a signer agreed to the form."""
        if body.form != recording.form_id:
            raise RefusedError(
                409, "the form has changed meanwhile; load the page again, and ask once more", "form_changed"
            )
        await run_in_threadpool(recording.agree, body.signer, body.videos, body.shown)
        return {
            "signer": body.signer, "videos": recording.may_film(body.signer), "shown": recording.may_show(body.signer),
        }  # fmt: skip

    @router.post("/take")
    async def take(request: Request, number: _Number, signer: _Signer, session: _Session) -> dict[str, Any]:
        """Keep a take."""
        if _kind_of(request) != CLIP_MEDIA_TYPE:
            raise RefusedError(415, f"expected {CLIP_MEDIA_TYPE}")
        wanted = PromptedTake(number, signer, session)
        clip = clip_of_message(await request.body(), "take", _MOST_FRAMES)
        record = await run_in_threadpool(recording.add, wanted, clip)
        return {"clip_id": record.clip_id, "takes": recording.takes_of(signer)[number]}

    @router.post("/video")
    async def video(request: Request, clip_id: _ClipId) -> dict[str, Any]:
        """Keep what the camera saw of a take."""
        kind = _kind_of(request)
        if kind not in VIDEO_KINDS:
            raise RefusedError(415, f"expected one of {', '.join(VIDEO_KINDS)}")
        await run_in_threadpool(recording.add_video, clip_id, await request.body(), VIDEO_KINDS[kind])
        return {"clip_id": clip_id}

    @router.post("/undo")
    async def undo(body: LastTakeBody) -> dict[str, Any]:
        """Take the last take of a sentence out."""
        gone = await run_in_threadpool(recording.remove_last, body.number, body.signer)
        if gone is None:
            raise RefusedError(404, "there is no take of this sentence by this person")
        return {"clip_id": gone.clip_id, "takes": recording.takes_of(body.signer)[body.number]}

    @router.post("/withdraw")
    async def withdraw(body: WithdrawBody) -> dict[str, Any]:
        """A signer takes the consent back: everything of that person goes."""
        return {"takes": await run_in_threadpool(recording.withdraw, body.signer)}

    return router


def _kind_of(request: Request) -> str:
    """The kind of a body, without what is told besides, such as the codec of a video."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
