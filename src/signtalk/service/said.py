"""What the patient confirmed or corrected, kept with consent to train models; it answers nothing.

    ServiceModel.remember -> said_routes -> /v1/said, /v1/unsaid

`service.taught` lists and forgets it, and writes it into the collection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter

from signtalk.index.files import locked
from signtalk.index.said import drop_said
from signtalk.recognition.enrolment import NewSentence
from signtalk.service.errors import RefusedError
from signtalk.service.guards import KeyedRoute
from signtalk.service.model import ServiceModel
from signtalk.service.schemas import SaidBody, UnsaidBody

Aside = Callable[..., Awaitable[Any]]
"""Does something that takes a while beside the event loop."""


def said_routes(model: ServiceModel, aside: Aside, max_frames: int) -> APIRouter:
    """The routes, behind the key.

    Args:
        model: what keeps it.
        aside: see above.
        max_frames: of a clip.
    """
    router = APIRouter(prefix="/v1", tags=["taught"], route_class=KeyedRoute)

    @router.post("/said")
    async def said(body: SaidBody) -> dict[str, Any]:
        """Keep an answer that the patient confirmed or corrected; nothing answers by it. Needs the key."""
        sentence = NewSentence(body.text, "", body.signer_id, body.language, body.consent)
        clip = await aside(body.read_clip, max_frames)
        take = await aside(model.remember, sentence, body.origin, clip)
        return {"clip_id": take.clip_id, "sentence": take.sentence}

    @router.post("/unsaid")
    async def unsaid(body: UnsaidBody) -> dict[str, Any]:
        """Take such a clip out again, because it said something else. Needs the key."""
        await aside(_take_out, model, body.clip_id)
        return {"clip_id": body.clip_id}

    return router


def _take_out(model: ServiceModel, clip_id: str) -> None:
    if model.personal is None or clip_id not in model.said():
        raise RefusedError(404, "no such clip is kept")
    with model.writing, locked(model.personal):
        drop_said(model.personal, [clip_id])
