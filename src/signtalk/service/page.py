"""The live page that the service serves: static files of the package, and the landmarker's models for the browser."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from signtalk.bundle.web import PAGE, VENDOR_NAME
from signtalk.errors import ArtifactError
from signtalk.extraction.models import find_bundle
from signtalk.service.errors import RefusedError

_NO_LIBRARIES = (
    "the page's libraries are not there; run `make web` in a source checkout, and build a wheel after that, not before"
)


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

    @app.get("/models/holistic_landmarker.task", include_in_schema=False)
    async def landmarker() -> FileResponse:
        if bundle is None:
            raise RefusedError(404, "the landmarker's models are not installed; run `signtalk models install`")
        return FileResponse(bundle, media_type="application/octet-stream")

    files = StaticFiles(directory=page, html=True, check_dir=False)
    app.router.routes.append(_BelowAllPaths("/", files, name="page"))
    return lacks
