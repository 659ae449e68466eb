"""The live page that the service serves: static files of the package, and the landmarker's models for the browser.

Every file goes out with a tag, packed where that saves much, and is asked for again by its tag alone: nothing is sent
twice. `files.json` lists them for `offline_worker.js`, which keeps them in one version.
"""

from __future__ import annotations

import gzip
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from signtalk.bundle.web import FILES_NAME, PAGE, VENDOR_NAME
from signtalk.errors import ArtifactError
from signtalk.extraction.models import LANDMARKER_NAME, find_bundle
from signtalk.files import sha256_file
from signtalk.service.errors import RefusedError

_NO_LIBRARIES = (
    "the page's libraries are not there; run `make web` in a source checkout, and build a wheel after that, not before"
)
_PACKED = {".css", ".html", ".js", ".json", ".mjs", ".svg", ".task", ".wasm", ".webmanifest"}
_PACKED_FROM = 1024
"""Bytes; less fits one packet either way."""
_MODEL = f"models/{LANDMARKER_NAME}"
_OFFLINE_ONLY = "ort"
"""Begins the names of the libraries that answer in the browser, which is not asked here."""
_WHEN_USED = "vision_"
"""Begins the names of those that find hands: large, and wanted when a camera starts."""


class _Files(StaticFiles):
    """Files that a browser asks for again each time, and is sent again only when they are others."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file, packed where the browser takes that and it saves much."""
        return await _packed(await super().get_response(path, scope), scope)


async def _packed(response: Response, scope: Scope) -> Response:
    response.headers["Cache-Control"] = "no-cache"  # kept, and asked about by its tag
    takes_packed = "gzip" in Headers(scope=scope).get("accept-encoding", "")
    if not isinstance(response, FileResponse) or Path(response.path).suffix not in _PACKED:
        return response
    response.headers["Vary"] = "Accept-Encoding"
    status = await run_in_threadpool(os.stat, response.path)
    if not takes_packed or status.st_size < _PACKED_FROM:
        return response
    body = await run_in_threadpool(_packed_file, str(response.path), status.st_mtime_ns)
    headers = {
        name: value for name, value in response.headers.items() if name not in ("content-length", "accept-ranges")
    }
    packed = Response(body, response.status_code, headers | {"Content-Encoding": "gzip"})
    packed.headers["ETag"] = f"W/{response.headers['etag']}"  # the same file in other bytes
    if scope["method"] == "HEAD":
        packed.body = b""
    return packed


@lru_cache(maxsize=256)
def _packed_file(path: str, _: int) -> bytes:
    """A file packed, once a change; the page and its models are some twenty megabytes together."""
    return gzip.compress(Path(path).read_bytes(), 6)


class _BelowAllPaths(Mount):
    """The page's files, which leave the application's own paths alone even where those refuse a method."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """No match for a path of the application that takes other methods, which answers 405 then.

        What is neither the application's path nor a file of the page is not there, whatever the method.
        """
        others = (route for route in scope["app"].router.routes if route is not self)
        if any(route.matches(scope)[0] is Match.PARTIAL for route in others):
            return Match.NONE, {}
        match, child = super().matches(scope)
        is_read = scope.get("method", "GET") in ("GET", "HEAD")
        return (match, child) if is_read or self._holds(scope["path"]) else (Match.NONE, {})

    def _holds(self, path: str) -> bool:
        files = self.app
        try:
            return isinstance(files, StaticFiles) and files.lookup_path(path.lstrip("/"))[1] is not None
        except (OSError, ValueError):  # too long, or a zero byte: no file has such a name
            return False


def add_page(app: FastAPI, models: Path | None = None, page: Path = PAGE) -> str:
    """Serve the page at `/`.

    Args:
        app: the application; the page stands below all its other paths.
        models: the landmarker's bundle, or its folder; by default where `signtalk models install` puts it.
        page: folder of its files.

    Returns:
        What the page lacks, for whoever starts the service; "" = nothing.
    """
    lacks = "" if (page / VENDOR_NAME).is_dir() else _NO_LIBRARIES
    try:
        bundle = find_bundle(models)
    except ArtifactError as error:
        bundle, lacks = None, lacks or str(error)
    files = _Files(directory=page, html=True, check_dir=False)

    @app.get(f"/{_MODEL}", include_in_schema=False)
    async def landmarker(request: Request) -> Response:
        if bundle is None:
            raise RefusedError(404, "the landmarker's models are not installed; run `signtalk models install`")
        return await _packed(files.file_response(bundle, bundle.stat(), request.scope), request.scope)

    @app.get(f"/{FILES_NAME}", include_in_schema=False)
    async def listed() -> JSONResponse:
        content = await run_in_threadpool(_listed, page, bundle)
        return JSONResponse(content, headers={"Cache-Control": "no-store"})

    app.router.routes.append(_BelowAllPaths("/", files, name="page"))
    return lacks


def _listed(page: Path, landmarker: Path | None) -> dict[str, Any]:
    """What the page of a service needs, by name; what the offline page needs besides is left out."""
    places = {path.relative_to(page).as_posix(): path for path in sorted(page.rglob("*")) if _is_needed(path)}
    if landmarker is not None:
        places[_MODEL] = landmarker
    return {"files": {name: _described(name, path) for name, path in places.items()}}


def _is_needed(path: Path) -> bool:
    return (
        path.is_file()
        and not path.name.startswith(_OFFLINE_ONLY)
        and not path.name.endswith((".d.mts", "package.json"))
    )


def _described(name: str, path: Path) -> dict[str, Any]:
    status = path.stat()
    later = {"when_used": True} if name == _MODEL or path.name.startswith(_WHEN_USED) else {}
    return {"sha256": _sha256(str(path), status.st_mtime_ns), "bytes": status.st_size, **later}


@lru_cache(maxsize=512)
def _sha256(path: str, _: int) -> str:
    return sha256_file(Path(path))
