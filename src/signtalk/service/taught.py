"""What was taught here, for whoever holds the key: listed, shown, given another text, forgotten and put back.

    ServiceModel -> TaughtSentences -> taught_routes -> /v1/taught, /v1/taught/clip, /v1/rename, /v1/forget, /v1/restore
    kept clips <-> /v1/collection: one file, out and in

All of it needs the key, lists too: they name who signs.
"""

from __future__ import annotations

import secrets
import threading
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from signtalk.bundle.collection import export_collection, import_collection
from signtalk.data.records import text_key
from signtalk.errors import ArtifactError, ConfigError, DataError
from signtalk.files import absolute, without_fields
from signtalk.index.personal import ListedSentence, forget, layer_exists, list_said
from signtalk.index.takes import Take
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import CLIP_MEDIA_TYPE, encode_clip
from signtalk.recognition.taught import Held, held_of, put_back, rename
from signtalk.service.errors import RefusedError
from signtalk.service.guards import KeyedRoute
from signtalk.service.model import ServiceModel
from signtalk.service.said import Aside
from signtalk.service.schemas import MOST_TEXT, ZIP_BODY, ForgetBody, RenameBody, RestoreBody

UNDO_S = 300.0
"""So long a forgotten sentence can be put back; it is in memory alone, and gone with the service."""
_MOST_HELD = 20
_THE_FILE = "the file"
_NOTHING_KEPT = "no such clip is kept here; clips are kept where `/v1/enroll` tells consent"
COLLECTION_PATH = "/v1/collection"


class TaughtSentences:
    """The personal index of a service.

    Args:
        model: what answers, and whose personal index this is.
        undo_s: how long a forgotten sentence can be put back.
    """

    def __init__(self, model: ServiceModel, undo_s: float = UNDO_S) -> None:
        self._model, self._undo_s = model, undo_s
        self._held: dict[str, Held] = {}

    def listed(self, query: str, limit: int, offset: int) -> dict[str, Any]:
        """The taught sentences whose text holds every word of the query, in order of text.

        Args:
            query: words, in any order; empty = all sentences.
            limit: at most so many.
            offset: so many are skipped.
        """
        words, takes = text_key(query).split(), self._model.takes()
        said = {text_key(each.sentence): each for each in list_said(self._model.said().values())}
        own = {text_key(each.sentence): each for each in self._model.own_sentences()}
        keys = sorted(key for key in own | said if all(word in key for word in words))
        known = takes | self._model.said()
        page = [self._described(own.get(key), said.get(key), known) for key in keys[offset : offset + limit]]
        return {"total": len(keys), "sentences": page}

    def _described(
        self, own: ListedSentence | None, said: ListedSentence | None, takes: dict[str, Take]
    ) -> dict[str, Any]:
        """A sentence that was taught, or said, or both."""
        layers = [layer for layer in (own, said) if layer is not None]
        named = layers[0]
        return {
            "sentence_id": named.sentence_id,
            "sentence": named.sentence,
            "category": named.category,
            "language": named.language,
            "date": named.date,
            "signers": sorted({signer for layer in layers for signer in layer.signers}),
            "num_clips": own.num_clips if own else 0,
            "num_kept": len(own.kept_clip_ids) if own else 0,
            "num_said": said.num_clips if said else 0,
            "has_sign": own is not None and self._model.has_sign(own),
            "takes": [
                {"clip_id": clip_id, **_told(takes.get(clip_id))} for layer in layers for clip_id in layer.clip_ids
            ],
        }

    def clip(self, clip_id: str) -> LandmarkClip | None:
        """The clip that a sentence was taught with; None where it is not kept."""
        return self._model.kept_clip(clip_id)

    def rename(self, text: str, new_text: str) -> dict[str, Any]:
        """Give the clips of a taught sentence another text.

        Raises:
            ConfigError: no such sentence was taught, or the new text cannot be used.
        """
        with self._model.changing(text) as personal:
            renamed = rename(self._model.bundle.recognizer.index, personal, text, new_text)
        return {
            "sentence": renamed[0].sentence,
            "sentence_id": renamed[0].sentence_id,
            "clip_ids": [entry.clip_id for entry in renamed],
        }

    def forget(self, text: str, undo: bool) -> dict[str, Any]:
        """Take a sentence out, and what is kept of it.

        Args:
            text: the sentence.
            undo: hold it in memory for a while, so that `restore` can put it back.

        Raises:
            ConfigError: no such sentence was taught.
        """
        encoder_id = self._model.bundle.recognizer.index.encoder_id
        with self._model.changing(text) as personal:
            held = held_of(personal, text, encoder_id) if undo else None
            try:
                gone = forget(personal, [text], encoder_id=encoder_id)
            except ArtifactError as error:
                if not layer_exists(personal):
                    raise
                raise ConfigError(
                    f"'{text}' may not be gone everywhere: the index or a backup of it is damaged; whoever runs the "
                    "service finds out with `signtalk forget`"
                ) from error
        report = {"sentence": gone[0].sentence if gone else text, "clip_ids": [entry.clip_id for entry in gone]}
        return {**report, "undo": self._hold(held)} if held is not None and held.clip_ids else report

    def _hold(self, held: Held) -> str:
        name = secrets.token_urlsafe(16)
        self._held[name] = held
        for oldest in list(self._held)[:-_MOST_HELD]:
            self._held.pop(oldest, None)
        dropping = threading.Timer(self._undo_s, self._held.pop, (name, None))
        dropping.daemon = True
        dropping.start()
        return name

    def restore(self, undo: str) -> dict[str, Any]:
        """Put a forgotten sentence back.

        Args:
            undo: as `forget` named it.

        Raises:
            RefusedError: it is gone by now, or was put back.
        """
        held = self._held.get(undo)
        if held is None or self._model.personal is None:
            raise RefusedError(
                404, "nothing to put back; what is forgotten is held for a few minutes alone", "too_late"
            )
        with self._model.writing:
            put_back(self._model.personal, held)
        self._held.pop(undo, None)
        return {"sentence": held.sentence, "clip_ids": list(held.clip_ids)}

    def export(self, training_only: bool) -> bytes:
        """The kept clips and what is told of them, as a zip.

        Args:
            training_only: only clips that may train models.

        Raises:
            RefusedError: none is kept.
        """
        personal = self._model.personal
        if personal is None or not (layer_exists(personal) or self._model.said()):
            raise RefusedError(404, _NOTHING_KEPT, "nothing_kept")
        with TemporaryDirectory(prefix="signtalk-collection-") as place:
            path = Path(place) / "collection.zip"
            try:
                with self._model.writing:
                    export_collection(personal, path, training_only)
            except DataError as error:
                raise RefusedError(404, _NOTHING_KEPT, "nothing_kept") from error
            return path.read_bytes()

    def teach_collection(self, content: bytes) -> dict[str, Any]:
        """Teach what a collection holds; clips that are here already stay as they are.

        Args:
            content: the zip.

        Raises:
            ConfigError: it cannot be used, or this service keeps no clips.
        """
        model = self._model
        personal = model.keeping()
        with TemporaryDirectory(prefix="signtalk-collection-") as place:
            path = absolute(Path(place)) / "collection.zip"
            path.write_bytes(content)
            try:
                with model.writing:
                    imported = import_collection(model.bundle.recognizer, path, personal)
            except (ArtifactError, DataError) as error:
                if not str(error).startswith(str(path)):  # of the index, whose place nobody need know
                    raise
                raise ConfigError(str(error).replace(str(path), _THE_FILE)) from error
        left_out = [
            {"clip_id": each.clip_id, "message": each.message.replace(str(path), _THE_FILE)}
            for each in imported.left_out
        ]
        return {**without_fields(imported.to_dict(), "index"), "left_out": left_out}


def _told(take: Take | None) -> dict[str, str]:
    """What a list tells of a take; of one of an older version nothing is known but that it was taught."""
    return {"consent": "", "origin": "taught"} if take is None else {"consent": take.consent, "origin": take.origin}


def taught_routes(taught: TaughtSentences, aside: Aside) -> APIRouter:
    """The routes, behind the key.

    Args:
        taught: what they ask.
        aside: does something that takes a while beside the event loop.
    """
    router = APIRouter(prefix="/v1", tags=["taught"], route_class=KeyedRoute)

    @router.get("/taught")
    async def listed(
        query: Annotated[str, Query(max_length=MOST_TEXT)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    ) -> dict[str, Any]:
        """The sentences that were taught here, and what is told of them. Needs the key."""
        answer: dict[str, Any] = await aside(taught.listed, query, limit, offset)
        return answer

    @router.get("/taught/clip", response_class=Response)
    async def clip(clip_id: Annotated[str, Query(min_length=1, max_length=400)]) -> Response:
        """The clip that a sentence was taught with, where it is kept. Needs the key."""
        kept = await aside(taught.clip, clip_id)
        if kept is None:
            raise RefusedError(404, "no such clip is kept")
        return Response(encode_clip(kept), media_type=CLIP_MEDIA_TYPE)

    @router.post("/rename")
    async def renamed(body: RenameBody) -> dict[str, Any]:
        """Give the clips of an enrolled sentence another text. Needs the key."""
        answer: dict[str, Any] = await aside(taught.rename, body.text, body.new_text)
        return answer

    @router.post("/forget")
    async def forget(body: ForgetBody) -> dict[str, Any]:
        """Take an enrolled sentence out again, and what was kept of it. Needs the key."""
        answer: dict[str, Any] = await aside(taught.forget, body.text, body.undo)
        return answer

    @router.get("/collection", response_class=Response)
    async def exported(training: bool = False) -> Response:
        """All kept clips as one file, as `signtalk collection export` writes it. Needs the key."""
        content = await aside(taught.export, training)
        name = f"signtalk-taught-{date.today().isoformat()}.zip"
        return Response(
            content, media_type="application/zip", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    @router.post("/collection", openapi_extra=ZIP_BODY)
    async def imported(request: Request) -> dict[str, Any]:
        """Teach what such a file holds; clips that are here already stay as they are. Needs the key."""
        answer: dict[str, Any] = await aside(taught.teach_collection, await request.body())
        return answer

    @router.post("/restore")
    async def restore(body: RestoreBody) -> dict[str, Any]:
        """Put back what was forgotten with `undo` a few minutes ago. Needs the key."""
        answer: dict[str, Any] = await aside(taught.restore, body.undo)
        return answer

    return router
