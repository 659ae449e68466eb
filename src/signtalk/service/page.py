"""The live page that the service serves: static files of the package, and the landmarker's models for the browser."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from signtalk.bundle.web import PAGE, VENDOR_NAME
from signtalk.errors import ArtifactError
from signtalk.extraction.models import find_bundle
from signtalk.service.errors import RefusedError


def add_page(app: FastAPI, models: Path | None = None, page: Path = PAGE) -> str:
    """Serve the page at `/`.

    Args:
        app: the application; the page stands below all its other paths.
        models: the landmarker's bundle, or its folder; by default where `signtalk models install` puts it.
        page: folder of its files.

    Returns:
        What the page lacks, for whoever starts the service; "" = nothing.
    """
    lacks = "" if (page / VENDOR_NAME).is_dir() else "the page's libraries are not there; run `make web`"
    try:
        bundle = find_bundle(models)
    except ArtifactError as error:
        bundle, lacks = None, lacks or str(error)

    @app.get("/models/holistic_landmarker.task", include_in_schema=False)
    async def landmarker() -> FileResponse:
        if bundle is None:
            raise RefusedError(404, "the landmarker's models are not installed; run `signtalk models install`")
        return FileResponse(bundle, media_type="application/octet-stream")

    app.mount("/", StaticFiles(directory=page, html=True, check_dir=False), name="page")
    return lacks
